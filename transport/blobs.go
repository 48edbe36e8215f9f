package transport

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"hearth/node"
	"hearth/node/room"
)

// Files have deadlines of their own: people have slow lines.
const (
	uploadWithin   = 2 * time.Minute
	downloadWithin = 2 * time.Minute
)

// inlineKinds are the media types that may be named as such; all others are bytes.
// Never a type that runs script: text/html, SVG.
var inlineKinds = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true}

// putBlob answers POST /blob: the body is a picture, the answer {"id": "..."}.
func (s *Server) putBlob(w http.ResponseWriter, r *http.Request) {
	id, err := s.upload(w, r)
	s.counters.command("blob", err)
	if err != nil {
		if room.CodeOf(err) == room.Internal {
			s.log.Error("store blob", "error", err)
		}
		writeError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(map[string]string{"id": id.String()}) // the client has gone if it fails
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request) (room.Hash, error) {
	c, err := s.callFrom(r.Context(), r.Header, r.RemoteAddr)
	if err == nil {
		err = c.allow(&blobRow)
	}
	if err != nil {
		return room.Hash{}, err
	}
	if s.node.Blobs == nil {
		return room.Hash{}, room.Errorf(room.Unavailable, "This node keeps no files.")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadWithin))
	body := http.MaxBytesReader(w, r.Body, s.node.Blobs.Limits().AvatarBytes+1)
	return s.node.Blobs.PutAvatar(r.Context(), c.caller.User, body)
}

// blobRow lets /blob count as a command.
var blobRow = command{name: "blob", right: user, sends: true}

// getBlob answers GET /blob/ID to any signed-in user: who knows the hash of a file was
// shown it. The name is a hash, parsed as one, so it leads nowhere else.
func (s *Server) getBlob(w http.ResponseWriter, r *http.Request) {
	if err := s.download(w, r); err != nil {
		if room.CodeOf(err) == room.Internal {
			s.log.Error("read blob", "error", err)
		}
		writeError(w, r, err)
	}
}

func (s *Server) download(w http.ResponseWriter, r *http.Request) error {
	c, err := s.callFrom(r.Context(), r.Header, r.RemoteAddr)
	if err == nil {
		err = c.allow(&downloadRow)
	}
	if err != nil {
		return err
	}
	id, err := room.ParseHash(r.PathValue("id"))
	if err != nil {
		return room.Errorf(room.NotFound, "There is no such file.")
	}
	file, meta, err := s.node.OpenFile(r.Context(), id)
	if err != nil {
		return err
	}
	defer file.Close()
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	w.Header().Set("ETag", `"`+id.String()+`"`)
	s.serveFile(w, r, file, meta.GetType(), "attachment", cmp.Or(node.SafeName(meta.GetName()), id.String()))
	return nil
}

// serveFile hands out bytes that anybody may have made: they never run, nor are taken for
// anything but a picture.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, file io.ReadSeeker, kind, disposition, name string) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(downloadWithin))
	h := w.Header()
	secure(h, "default-src 'none'; sandbox")
	if !inlineKinds[kind] {
		kind, disposition = "application/octet-stream", "attachment"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition+`; filename="`+name+`"`)
	http.ServeContent(w, r, "", time.Time{}, file)
}

var downloadRow = command{name: "blob", right: user}
