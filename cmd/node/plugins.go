package main

import (
	"cmp"
	"os"
	"path/filepath"
)

// runDir is where a data folder has what lives as long as the process that uses it.
func runDir(data string) string { return filepath.Join(data, "run") }

// pluginFolders are where plugins of bridges are looked for: the operator's own first, then those
// that came with the program.
func (c *config) pluginFolders() []string {
	beside := filepath.Join(c.Data, "..", "plugins")
	if data, err := filepath.Abs(c.Data); err == nil {
		beside = filepath.Join(filepath.Dir(data), "plugins")
	}
	folders := []string{cmp.Or(c.Plugins, beside)}
	if program, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(program); err == nil {
			program = real
		}
		folders = append(folders, filepath.Join(filepath.Dir(program), "plugins"))
	}
	return folders
}
