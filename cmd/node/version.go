package main

import (
	"runtime"
	"runtime/debug"
)

// release is the version of this source; the build adds the commit by itself.
const release = "0.1.0"

// version is the release and, when the build knows it, the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	commit, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			commit = "+" + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = ".dirty"
		}
	}
	return release + commit + dirty
}

type versionVerb struct{}

func (v *versionVerb) Run(r *run) error {
	return r.print(map[string]any{
		"version": version(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
	}, "hearth %s (%s, %s/%s)", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
