package transport

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// trustedTypes are the policies the page may make: none. clients/web builds its elements
// without turning any string into HTML.
const trustedTypes = "'none'"

// page is the built web page, compressed once when the node starts. It is served from
// memory by exact name, so no path can lead out of it.
type page struct {
	files map[string]*asset // by URL path
	index *asset
}

type asset struct {
	kind    string // media type
	etag    string
	plain   []byte
	gzip    []byte // nil when it saves nothing
	forever bool   // its name changes with its content
}

func newPage(files fs.FS) (*page, error) {
	p := &page{files: map[string]*asset{}}
	if files == nil {
		return p, nil
	}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		p.files["/"+name] = newAsset(name, data)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the web page: %w", err)
	}
	p.index = p.files["/index.html"]
	delete(p.files, "/index.html")
	return p, nil
}

// kinds the system's table may not have, or may have otherwise.
var kinds = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8",
	".svg": "image/svg+xml", ".json": "application/json", ".webmanifest": "application/manifest+json",
	".woff2": "font/woff2", ".png": "image/png", ".ico": "image/x-icon", ".wasm": "application/wasm",
}

func newAsset(name string, data []byte) *asset {
	sum := sha256.Sum256(data)
	a := &asset{
		kind:    kinds[path.Ext(name)],
		etag:    `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
		plain:   data,
		forever: strings.HasPrefix(name, "assets/"),
	}
	if a.kind == "" {
		a.kind = mime.TypeByExtension(path.Ext(name))
	}
	if a.kind == "" {
		a.kind = "application/octet-stream"
	}
	var buf bytes.Buffer
	w, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression) // the level is valid
	_, _ = w.Write(data)                                    // into memory
	_ = w.Close()
	if buf.Len() < len(data)*9/10 {
		a.gzip = buf.Bytes()
	}
	return a
}

// servePage answers what no other route has. The page's own routes are behind the
// hash of its address, so nothing but "/" is the page.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET and HEAD.", http.StatusMethodNotAllowed)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerWithin))
	secure(w.Header(), s.policy(r))
	a := s.page.files[r.URL.Path]
	if r.URL.Path == "/" || r.URL.Path == "/index.html" {
		if a = s.page.index; a == nil {
			http.Error(w, "This binary was built without the web page: run `make web build`.", http.StatusNotFound)
			return
		}
	}
	if a == nil {
		http.Error(w, "There is nothing here.", http.StatusNotFound)
		return
	}
	a.serve(w, r)
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if a.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, etag := a.plain, a.etag
	if a.gzip != nil && acceptsGzip(r) {
		body, etag = a.gzip, strings.TrimSuffix(a.etag, `"`)+`-gz"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(name) == "gzip" && strings.TrimSpace(q) != "q=0" {
			return true
		}
	}
	return false
}

// policy is the Content-Security-Policy of the page: nothing from elsewhere, no inline
// script or style, no string into HTML.
// WebTransport and WebSocket need their origins by name.
func (s *Server) policy(r *http.Request) string {
	host := hostOnly(r.Host)
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " +
		"connect-src 'self' https://" + host + " wss://" + host + "; font-src 'self'; manifest-src 'self'; worker-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types " + trustedTypes
}

// secure sets what every answer to a browser carries.
func secure(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "+
		"magnetometer=(), microphone=(), payment=(), usb=()")
}
