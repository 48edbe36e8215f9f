package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hearth/node/room/roompb"
)

type fileVerb struct {
	Blob string `arg:"" help:"Blob id, as history and tail show it with --json."`
	Out  string `help:"Where to write it; without this, to standard output." placeholder:"FILE" type:"path"`
}

func (v *fileVerb) Run(ctx context.Context, r *run) (err error) {
	l, err := r.login()
	if err != nil {
		return err
	}
	in, err := l.http.Download(ctx, v.Blob)
	if err != nil {
		return err
	}
	defer in.Close()
	if v.Out == "" {
		_, err = io.Copy(r.out, in)
		return err
	}
	// A file that is there already is somebody's.
	out, err := os.OpenFile(v.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return misuse("--out %s: %v", v.Out, err)
	}
	_, err = io.Copy(out, in)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}

// upload stores the files that a message is to have.
func (l *login) upload(ctx context.Context, paths []string) (files []*roompb.File, err error) {
	for _, path := range paths {
		f, err := l.uploadOne(ctx, path)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func (l *login) uploadOne(ctx context.Context, path string) (*roompb.File, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, misuse("--file %s: %v", path, err)
	}
	defer in.Close()
	return l.http.Upload(ctx, filepath.Base(path), in)
}

// fileLine is a file of a message as scripts see it.
type fileLine struct {
	Blob string `json:"blob"`
	Name string `json:"name"`
	Size uint64 `json:"size"`
	Type string `json:"type"`
}

func fileLines(files []*roompb.File) (lines []fileLine) {
	for _, f := range files {
		lines = append(lines, fileLine{f.Blob, f.Name, f.Size, f.Type})
	}
	return lines
}

func (f fileLine) String() string { return fmt.Sprintf("[%s, %s]", f.Name, bytesText(f.Size)) }

// bytesText is a size for people.
func bytesText(n uint64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.0f KB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
