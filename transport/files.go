package transport

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// putFile answers POST /file?name=NAME: the body is a file for a message, the answer says what
// the node knows of it: {"blob", "name", "size", "type", "width", "height"}.
func (s *Server) putFile(w http.ResponseWriter, r *http.Request) {
	f, err := s.uploadFile(w, r)
	s.counters.command("file", err)
	if err != nil {
		s.refuseFile(w, r, "store file", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client has gone if it fails
		"blob": f.Blob, "name": f.Name, "size": f.Size, "type": f.Type, "width": f.Width, "height": f.Height,
	})
}

func (s *Server) uploadFile(w http.ResponseWriter, r *http.Request) (*roompb.File, error) {
	c, err := s.callFrom(r.Context(), r.Header, r.RemoteAddr)
	if err == nil {
		err = c.allow(&fileRow)
	}
	if err != nil {
		return nil, err
	}
	if s.node.Blobs == nil {
		return nil, room.Errorf(room.Unavailable, "This node keeps no files.")
	}
	if err := s.node.MayStore(); err != nil {
		return nil, err
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadWithin))
	body := http.MaxBytesReader(w, r.Body, s.node.Blobs.Limits().FileBytes+1)
	return s.node.Blobs.PutFile(r.Context(), c.caller.User, r.URL.Query().Get("name"), body)
}

// fileRow lets /file count as a command.
var fileRow = command{name: "file", right: user, sends: true}

func (s *Server) refuseFile(w http.ResponseWriter, r *http.Request, what string, err error) {
	if room.CodeOf(err) == room.Internal {
		s.log.Error(what, "error", err)
	}
	writeError(w, r, err)
}

// getPublished answers GET /m/SECRET/NAME to anybody: who has the link was given it, on a network that has
// no files of its own. Search engines are told to stay away.
func (s *Server) getPublished(w http.ResponseWriter, r *http.Request) {
	if err := s.published(w, r); err != nil {
		s.refuseFile(w, r, "show published file", err)
	}
}

func (s *Server) published(w http.ResponseWriter, r *http.Request) error {
	if err := s.rates.takeAddress(hostOf(r.RemoteAddr)); err != nil {
		return err
	}
	m, err := s.node.Published(r.PathValue("secret"))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Cache-Control", "private, no-cache") // it may be taken back
	if len(m.GetBlob()) == 0 {
		secure(h, "default-src 'none'; sandbox")
		h.Set("Content-Type", "text/plain; charset=utf-8")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(m.GetText()))
		return nil
	}
	id := room.Hash(m.GetBlob())
	file, meta, err := s.node.OpenFile(r.Context(), id)
	if err != nil {
		return err
	}
	defer file.Close()
	s.serveFile(w, r, file, meta.GetType(), "inline", cmp.Or(node.SafeName(m.GetName()), id.String()))
	return nil
}
