package picture

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
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
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/clear":
			http.Redirect(w, r, "http://"+r.Host+"/a.png", http.StatusFound)
		case "/moved":
			http.Redirect(w, r, "/a.png", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	for path, says := range map[string]string{
		"/a.png": "", "/moved": "", "/script.png": "no picture", "/svg": "no picture", "/large": "larger", "/round": "nowhere", "/clear": "nowhere", "/none": "404",
	} {
		b, kind, err := Fetch(t.Context(), s.Client(), s.URL+path)
		switch {
		case says == "" && (err != nil || kind != "image/png" || !bytes.Equal(b, png)):
			t.Errorf("%s: %s, %v", path, kind, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says) || b != nil):
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, address := range []string{"http://example.org/a.png", "file:///etc/passwd", "https://", "https://me:pw@example.org/", "https://x/" + strings.Repeat("a", maxAddress), ":"} {
		if _, _, err := Fetch(t.Context(), s.Client(), address); err == nil {
			t.Errorf("%s was fetched", address)
		}
	}
	// The same server, by the client that is used: it is not reached at all.
	if _, _, err := Fetch(t.Context(), Public, s.URL+"/a.png"); !errors.Is(err, errHidden) {
		t.Errorf("loopback: %v", err)
	}
}

func TestPublicAddresses(t *testing.T) {
	for ip, is := range map[string]bool{
		"1.1.1.1": true, "2606:4700::1111": true, "127.0.0.1": false, "10.0.0.1": false, "192.168.1.1": false, "172.16.0.1": false, "169.254.169.254": false,
		"100.64.0.1": false, "0.0.0.0": false, "224.0.0.1": false, "::1": false, "fe80::1": false, "fd00::1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "::ffff:127.0.0.1": false,
	} {
		if isPublic(netip.MustParseAddr(ip).Unmap()) != is {
			t.Errorf("%s is public: %v", ip, !is)
		}
	}
	if public("tcp", "1.1.1.1:22", nil) == nil {
		t.Error("another port")
	}
}
