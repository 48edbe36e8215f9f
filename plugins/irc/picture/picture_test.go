package picture

import (
	"bytes"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hearth/guard"
)

var png = append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 100)...)

func TestFetch(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a.png":
			w.Header().Set("Content-Type", "text/html") // the bytes count
			w.Write(png)
		case "/script.png":
			w.Header().Set("Content-Type", "image/png")
			w.Write([]byte("<html><script>"))
		case "/svg":
			w.Header().Set("Content-Type", "image/svg+xml")
			w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`))
		case "/large":
			w.Write(append(png, make([]byte, Limit)...))
		case "/moved":
			http.Redirect(w, r, "/a.png", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	near := guard.Guard{Within: time.Minute, Limit: Limit, Roots: roots, Near: true}.Client()
	for path, says := range map[string]string{
		"/a.png": "", "/moved": "", "/script.png": "no picture", "/svg": "no picture", "/large": "larger", "/none": "404",
	} {
		b, kind, err := Fetch(t.Context(), near, s.URL+path)
		switch {
		case says == "" && (err != nil || kind != "image/png" || !bytes.Equal(b, png)):
			t.Errorf("%s: %s, %v", path, kind, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says) || b != nil):
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, address := range []string{"http://example.org/a.png", "file:///etc/passwd", "https://", "https://me:pw@example.org/", "https://x/" + strings.Repeat("a", maxAddress), ":"} {
		if _, _, err := Fetch(t.Context(), near, address); err == nil {
			t.Errorf("%s was fetched", address)
		}
	}
	// The same server, by the client that is used: it is not reached at all.
	if _, _, err := Fetch(t.Context(), Public, s.URL+"/a.png"); !errors.Is(err, guard.ErrHidden) {
		t.Errorf("loopback: %v", err)
	}
}
