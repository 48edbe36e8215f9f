package client

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
	pb "hearth/transport/session/clientpb"
)

// badNode is a far side that does what a good node never should and a bad network
// always does: it cuts connections at random moments, repeats items, and forgets to
// answer. (Everything else is tested against the real node, in cmd/node.)
type badNode struct {
	t    *testing.T
	url  string
	rnd  func(n int) int
	mu   sync.Mutex
	log  []*roompb.Item
	keys map[string]uint64
	wake chan struct{} // closed and replaced at each new item
}

func newBadNode(t *testing.T, seed uint64) *badNode {
	r := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	n := &badNode{t: t, keys: map[string]uint64{}, wake: make(chan struct{})}
	n.rnd = func(k int) int { mu.Lock(); defer mu.Unlock(); return r.IntN(k) }
	srv := httptest.NewTLSServer(http.HandlerFunc(n.serve))
	t.Cleanup(srv.Close)
	n.url = srv.URL
	return n
}

func (n *badNode) add(key, text string) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if pos, known := n.keys[key]; known {
		return pos
	}
	pos := uint64(len(n.log) + 1)
	n.keys[key] = pos
	n.log = append(n.log, &roompb.Item{Event: &roompb.Event{Id: key, Pos: pos, Text: text, Kind: "text"}})
	close(n.wake)
	n.wake = make(chan struct{})
	return pos
}

func (n *badNode) after(pos uint64, most int) ([]*roompb.Item, chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	from := min(int(pos), len(n.log))
	return n.log[from:min(from+most, len(n.log))], n.wake
}

func (n *badNode) serve(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{Subprotocol}})
	if err != nil {
		return
	}
	defer c.CloseNow()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	open := make(chan uint64, 1)
	go func() { defer cancel(); n.read(ctx, c, open) }()
	n.stream(ctx, c, open)
}

func (n *badNode) read(ctx context.Context, c *websocket.Conn, open chan uint64) {
	for {
		_, raw, err := c.Read(ctx)
		if err != nil || n.rnd(40) == 0 {
			return
		}
		in := new(pb.ClientFrame)
		if proto.Unmarshal(raw, in) != nil {
			n.t.Error("the client sent no frame")
			return
		}
		out := &pb.ServerFrame{Pong: in.Ping}
		var opened []uint64
		for _, r := range in.Requests {
			if r.Command == Open.Name {
				req := new(pb.OpenRequest)
				proto.Unmarshal(r.Body, req)
				opened = append(opened, req.Cursors["r"])
			}
			out.Replies = append(out.Replies, n.do(r))
		}
		if n.rnd(20) == 0 { // done, and never answered
			return
		}
		if !n.write(ctx, c, out) {
			return
		}
		for _, cursor := range opened { // what is delivered comes after the answer
			open <- cursor
		}
	}
}

func (n *badNode) do(r *pb.Request) *pb.Reply {
	var resp proto.Message
	switch r.Command {
	case Open.Name:
		resp = &pb.OpenResponse{HeartbeatSeconds: 1, Rooms: []*roompb.RoomSummary{{Room: "r"}}}
	case Send.Name:
		req := new(pb.SendRequest)
		proto.Unmarshal(r.Body, req)
		resp = &pb.EventResponse{Event: req.Key, Pos: n.add(req.Key, req.Text)}
	default:
		return &pb.Reply{Id: r.Id, Error: &pb.Error{Code: "bad_request", Message: "no such command"}}
	}
	body, _ := proto.Marshal(resp)
	return &pb.Reply{Id: r.Id, Body: body}
}

func (n *badNode) stream(ctx context.Context, c *websocket.Conn, open chan uint64) {
	var pos uint64
	select {
	case pos = <-open:
	case <-ctx.Done():
		return
	}
	for n.rnd(30) != 0 {
		items, more := n.after(pos, 1+n.rnd(20))
		if len(items) == 0 {
			select {
			case <-more:
			case <-ctx.Done():
				return
			}
			continue
		}
		pos = items[len(items)-1].Event.Pos
		if !n.write(ctx, c, &pb.ServerFrame{Deliveries: []*pb.Delivery{{Room: "r", Items: items}}}) {
			return
		}
		pos -= uint64(n.rnd(2)) // sends the last one twice, now and then
	}
}

func (n *badNode) write(ctx context.Context, c *websocket.Conn, f *pb.ServerFrame) bool {
	raw, _ := proto.Marshal(f)
	return c.Write(ctx, websocket.MessageBinary, raw) == nil
}
