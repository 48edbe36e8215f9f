package transport

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
)

// serveHealth answers load balancers: the doors are open.
func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-s.stopping:
		http.Error(w, "stopping", http.StatusServiceUnavailable)
	default:
		_, _ = w.Write([]byte("ok\n")) // the client has gone if it fails
	}
}

// serveWellKnown answers GET /.well-known/hearth: who this node is.
func (s *Server) serveWellKnown(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(struct { // the client has gone if it fails
		Name      string   `json:"name"`
		Key       string   `json:"key"`
		Addresses []string `json:"addresses"`
	}{s.node.Name(), base64.RawURLEncoding.EncodeToString(s.node.PublicKey()), s.reachedAt()})
}

// reachedAt is where other nodes are told to reach this one.
func (s *Server) reachedAt() []string {
	if told := s.node.Peers.Addresses(); len(told) > 0 {
		return told
	}
	return []string{s.name}
}

// clip shortens foreign text for use in a sentence.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}

// hostOf is an address without its port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
