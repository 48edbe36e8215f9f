// Package web holds Hearth's web page as `npm run build` left it in dist.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Page is the built page: index.html at its root, and hashed, never changing files
// under assets/. Without a build it holds no index.html; Built tells.
func Page() fs.FS {
	page, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path: cannot happen
	}
	return page
}

// Built tells whether the page was built before the binary was.
func Built() bool {
	_, err := fs.Stat(Page(), "index.html")
	return err == nil
}
