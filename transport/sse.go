package transport

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"hearth/node"
	"hearth/node/account"
	"hearth/node/room"
	"hearth/transport/session"
	"hearth/transport/session/clientpb"
)

// eventStream is the door at /events: what a session would be sent, as Server-Sent
// Events (WHATWG HTML 9.2) in JSON. Requests go by the HTTP API beside it.
type eventStream struct {
	s        *Server
	w        http.ResponseWriter
	control  *http.ResponseController
	follower *node.Follower
	door     doorCounters
}

// serveEvents answers GET /events?cursors=...&max_backlog=... with Authorization: Bearer.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	caller, err := s.signedIn(r)
	if err == nil && caller.User == "" {
		err = room.Errorf(room.Unauthenticated, "Sign in first.")
	}
	if err == nil {
		err = s.rates.takeAddress(r.RemoteAddr)
	}
	if err != nil {
		writeError(w, r, err)
		return
	}
	in, err := s.eventsRequest(r, caller)
	if err != nil {
		writeError(w, r, err)
		return
	}
	follower, opened, err := s.follow(caller, in, nil)
	if err != nil {
		writeError(w, r, err)
		return
	}
	defer s.accounts.leave(caller.User)
	defer follower.Close()
	s.streams.Add(1)
	defer s.streams.Done()
	opened.Transport = "sse"
	e := &eventStream{s: s, w: w, control: http.NewResponseController(w), follower: follower, door: s.counters.doors["sse"]}
	e.begin()
	if e.write("open", "", opened) == nil {
		e.run(r)
	}
}

func (e *eventStream) begin() {
	h := e.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // a proxy that buffers would deliver nothing
	_ = e.control.SetReadDeadline(time.Time{})
}

// run writes what is due until the client goes, the device is signed out, or the node
// stops.
func (e *eventStream) run(r *http.Request) {
	beat := time.NewTicker(e.s.heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-e.s.stopping:
			e.bye(errStopping)
			return
		case <-beat.C:
			err = e.raw(": still here\n\n")
		case <-e.follower.Wake():
			err = e.drain()
		}
		if err != nil {
			return
		}
	}
}

func (e *eventStream) drain() error {
	for {
		batch, err := e.follower.Next(session.MaxFrame)
		if err != nil {
			e.bye(err)
			return err
		}
		if !batch.Empty() {
			if err := e.batch(&batch); err != nil {
				return err
			}
		}
		if !batch.More {
			return nil
		}
	}
}

func (e *eventStream) batch(b *node.Batch) error {
	var f session.Frame
	appendBatch(&f, b)
	var out clientpb.ServerFrame
	if err := proto.Unmarshal(f.Bytes(), &out); err != nil {
		return err
	}
	e.s.counters.delivered(b)
	return e.write("frame", encodeCursors(e.follower.Cursors()), &out)
}

func (e *eventStream) bye(err error) {
	refused := refusal(err)
	b := &clientpb.Bye{Error: session.Error(refused)}
	if refused.Retry() {
		b.ReconnectAfterMs = uint32(e.s.jitter().Milliseconds())
	}
	_ = e.write("bye", "", b) // the last word, heard or not
}

// json keeps proto's field names: the ones of client.proto and of docs/protocol/client.md.
var toJSON = protojson.MarshalOptions{UseProtoNames: true}

// write sends one event. An id is only sent where cursors moved: a browser repeats the
// last one it saw as Last-Event-ID.
func (e *eventStream) write(name, id string, m proto.Message) error {
	data, err := toJSON.Marshal(m)
	if err != nil {
		return err
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return e.raw("event: " + name + "\n" + id + "data: " + string(data) + "\n\n")
}

func (e *eventStream) raw(text string) error {
	if err := e.control.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	e.door.frameOut(len(text))
	return e.control.Flush()
}

// eventsRequest reads where to begin: Last-Event-ID counts more than ?cursors=, since a
// browser repeats the address it first asked for.
func (s *Server) eventsRequest(r *http.Request, caller account.Caller) (*clientpb.OpenRequest, error) {
	in := &clientpb.OpenRequest{}
	if text := r.FormValue("max_backlog"); text != "" {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, room.Errorf(room.BadRequest, "max_backlog is a number.")
		}
		in.MaxBacklog = uint32(n)
	}
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.FormValue("cursors")
	}
	if text == "" {
		return in, nil
	}
	short, err := decodeCursors(text)
	if err != nil {
		return nil, err
	}
	in.Cursors, err = s.longCursors(caller, short)
	return in, err
}

// longCursors finds the rooms that shortened ids stand for among the caller's own.
func (s *Server) longCursors(caller account.Caller, short map[uint64]uint64) (map[string]uint64, error) {
	rooms, err := s.node.Summaries(caller)
	if err != nil {
		return nil, err
	}
	cursors := make(map[string]uint64, len(short))
	for _, summary := range rooms {
		id, err := room.ParseHash(summary.Room)
		if err != nil {
			return nil, fmt.Errorf("read own summary: %w", err)
		}
		if pos, ok := short[shorten(id)]; ok {
			cursors[summary.Room] = pos
		}
	}
	return cursors, nil
}

// Cursors travel in a header, which has room for 16 KB: so a room's id is cut to its
// first 8 bytes, unique enough among one user's rooms, and a hundred rooms take 1.5 KB.
// The form is base64url of {8 bytes, pos as a varint} for each room.

func shorten(id room.ID) uint64 { return binary.BigEndian.Uint64(id[:]) }

func encodeCursors(cursors map[string]uint64) string {
	var b []byte
	for text, pos := range cursors {
		id, err := room.ParseHash(text)
		if err != nil {
			continue // the follower's own ids are well formed
		}
		b = append(b, id[:8]...)
		b = binary.AppendUvarint(b, pos)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeCursors(text string) (map[uint64]uint64, error) {
	wrong := room.Errorf(room.BadRequest, "The cursors are not ones that this node gave out.")
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, wrong
	}
	out := map[uint64]uint64{}
	for len(b) > 0 {
		if len(b) < 9 {
			return nil, wrong
		}
		pos, n := binary.Uvarint(b[8:])
		if n <= 0 {
			return nil, wrong
		}
		out[binary.BigEndian.Uint64(b)] = pos
		b = b[8+n:]
	}
	return out, nil
}
