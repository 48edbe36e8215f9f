package plugins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"hearth/node"
	"hearth/node/channel"
	"hearth/node/room"
	pb "hearth/plugins/bridge/bridgepb"
)

const (
	askWithin    = 30 * time.Second
	fileWithin   = 5 * time.Minute
	chunkBytes   = 64 << 10
	chunksInHand = 16
)

// takeRequest answers a request in a goroutine of its own.
func (l *life) takeRequest(r *pb.Request) error {
	if l.asked.Add(1) > mostAsked {
		return errContract(fmt.Sprintf("more than %d requests without an answer", mostAsked))
	}
	var up *upload
	if s := r.GetStore(); s != nil {
		up = &upload{chunks: make(chan *pb.Chunk, chunksInHand), over: make(chan struct{})}
		l.mu.Lock()
		l.uploads[r.GetRequest()] = up
		l.mu.Unlock()
	}
	l.tasks.Go(func() {
		defer l.asked.Add(-1)
		within := askWithin
		if r.GetStore() != nil || r.GetFetch() != "" {
			within = fileWithin
		}
		ctx, cancel := context.WithTimeout(l.ctx, within)
		defer cancel()
		if handle := r.GetFetch(); handle != "" {
			l.fetch(ctx, r.GetRequest(), handle)
			return
		}
		a, err := l.reply(ctx, r, up)
		if err != nil {
			a = failure(err)
		}
		a.Request = r.GetRequest()
		l.send(&pb.HostFrame{Frame: &pb.HostFrame_Answer{Answer: a}})
	})
	return nil
}

func failure(err error) *pb.Answer {
	return &pb.Answer{Code: string(room.CodeOf(err)), Text: sentence(err)}
}

func (l *life) reply(ctx context.Context, r *pb.Request, up *upload) (*pb.Answer, error) {
	switch ask := r.GetAsk().(type) {
	case *pb.Request_Get:
		value, ok, err := l.book.Get(l.name, ask.Get)
		if err == nil && !ok {
			err = room.Errorf(room.NotFound, "There is no such value.")
		}
		return &pb.Answer{Value: value}, err
	case *pb.Request_Put:
		return &pb.Answer{}, l.book.Put(l.name, ask.Put.GetKey(), ask.Put.GetValue())
	case *pb.Request_Delete:
		return &pb.Answer{}, l.book.Delete(l.name, ask.Delete)
	case *pb.Request_List:
		keys, err := l.book.List(l.name, ask.List)
		return &pb.Answer{Keys: keys}, err
	case *pb.Request_Store:
		return l.store(ctx, r.GetRequest(), ask.Store, up)
	case *pb.Request_Publish:
		return l.publish(ask.Publish)
	case *pb.Request_Claim:
		return l.claim(ctx, ask.Claim)
	case *pb.Request_Find:
		return l.find(ask.Find)
	case *pb.Request_Block:
		return l.block(ctx, ask.Block)
	}
	return nil, room.Errorf(room.BadRequest, "This node does not know such a request.")
}

// find is what a message is called on the other side.
func (l *life) find(f *pb.Find) (*pb.Answer, error) {
	a := l.lane(f.GetChannel())
	if a == nil {
		return nil, room.Errorf(room.NotFound, "No room is joined to this channel.")
	}
	if f.GetRemote() != "" {
		event, known, err := l.event(a, f.GetRemote())
		if err != nil || !known {
			return &pb.Answer{}, err
		}
		return &pb.Answer{Event: event.String(), Remote: []string{f.GetRemote()}}, nil
	}
	event, err := room.ParseHash(f.GetEvent())
	if err != nil {
		return nil, room.Errorf(room.BadRequest, "That is not the id of an event.")
	}
	remote, err := l.book.Remote(l.name, a.room, event)
	if err == nil && len(remote) == 0 {
		l.settled()
		remote, err = l.book.Remote(l.name, a.room, event)
	}
	return &pb.Answer{Event: f.GetEvent(), Remote: slices.DeleteFunc(remote, isTrace)}, err
}

// fetch answers with the file's name and then its bytes.
func (l *life) fetch(ctx context.Context, request uint64, handle string) {
	say := func(a *pb.Answer) {
		a.Request = request
		l.send(&pb.HostFrame{Frame: &pb.HostFrame_Answer{Answer: a}})
	}
	id, err := room.ParseHash(handle)
	if err != nil {
		say(failure(room.Errorf(room.NotFound, "There is no such file.")))
		return
	}
	f, m, err := l.n.OpenFile(ctx, id)
	if err != nil {
		say(failure(err))
		return
	}
	defer f.Close()
	say(&pb.Answer{File: &pb.File{Handle: handle, Name: m.GetName(), Size: uint64(m.GetSize()), Type: m.GetType()}})
	for buf := make([]byte, chunkBytes); ; {
		n, err := io.ReadFull(f, buf)
		c := &pb.Chunk{Request: request, Bytes: buf[:n], Last: err != nil}
		switch {
		case ctx.Err() != nil:
			c.Last, c.Error = true, "It took too long."
		case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
			c.Error = "The file cannot be read."
		}
		if l.send(&pb.HostFrame{Frame: &pb.HostFrame_Chunk{Chunk: c}}) != nil || c.Last {
			return
		}
	}
}

// upload is a file on its way from the plugin.
type upload struct {
	chunks chan *pb.Chunk
	over   chan struct{} // closed when nobody reads any more
}

func (l *life) takeChunk(c *pb.Chunk) error {
	if len(c.GetBytes()) > chunkBytes {
		return errContract(fmt.Sprintf("a chunk of %d bytes", len(c.GetBytes())))
	}
	l.mu.Lock()
	up := l.uploads[c.GetRequest()]
	l.mu.Unlock()
	if up == nil {
		return nil // it was refused already
	}
	select {
	case up.chunks <- c:
	case <-up.over:
	case <-l.ctx.Done():
	}
	return nil
}

// body reads an upload, as long as ctx lasts.
type body struct {
	*upload
	ctx  context.Context
	part []byte
	last bool
}

func (b *body) Read(p []byte) (int, error) {
	for len(b.part) == 0 {
		if b.last {
			return 0, io.EOF
		}
		select {
		case c := <-b.chunks:
			if c.GetError() != "" {
				return 0, errors.New(c.GetError())
			}
			b.part, b.last = c.GetBytes(), c.GetLast()
		case <-b.ctx.Done():
			return 0, context.Cause(b.ctx)
		}
	}
	n := copy(p, b.part)
	b.part = b.part[n:]
	return n, nil
}

func (l *life) store(ctx context.Context, request uint64, s *pb.Store, up *upload) (*pb.Answer, error) {
	defer func() {
		l.mu.Lock()
		delete(l.uploads, request)
		l.mu.Unlock()
		close(up.over)
	}()
	if l.n.Blobs == nil {
		return nil, room.Errorf(room.Unavailable, "This node keeps no files.")
	}
	file, err := l.n.Blobs.PutFile(ctx, l.caller.User, s.GetName(), &body{upload: up, ctx: ctx})
	if err != nil {
		return nil, err
	}
	return &pb.Answer{Handle: file.GetBlob()}, nil
}

func (l *life) publish(p *pb.Publish) (*pb.Answer, error) {
	if l.h.URL == "" {
		return nil, room.Errorf(room.Unavailable, "This node has no address that other networks reach.")
	}
	out := node.Publication{Owner: l.caller.User, Text: p.GetText(), Name: p.GetName(), Key: p.GetChannel()}
	if p.GetHandle() != "" {
		id, err := room.ParseHash(p.GetHandle())
		if err != nil {
			return nil, err
		}
		out.Blob, out.Text = id, ""
	}
	path, err := l.n.Publish(out)
	if err != nil {
		return nil, err
	}
	return &pb.Answer{Url: l.h.URL + path}, nil
}

// claim confirms a link, or ends it, because somebody over there who may do so said so.
func (l *life) claim(ctx context.Context, c *pb.Claim) (*pb.Answer, error) {
	if !c.GetEntitled() {
		return nil, room.Errorf(room.Forbidden, "Only who runs the channel may do that.")
	}
	if c.GetCode() != "" {
		ok, err := l.book.Claim(l.name, c.GetChannel(), c.GetCode(), c.GetBy())
		if err == nil && !ok {
			err = room.Errorf(room.NotFound, "That is not the code, or it is too old.")
		}
		return &pb.Answer{Confirmed: ok}, err
	}
	err := l.n.UnlinkBridge(ctx, l.name, c.GetChannel(), fmt.Sprintf("unlinked by %s on %s", c.GetBy(), l.network))
	return &pb.Answer{Confirmed: err == nil}, err
}

// block ends a private conversation because the one over there wants that, and lets it not begin again until that one takes it back.
func (l *life) block(ctx context.Context, b *pb.Block) (*pb.Answer, error) {
	if !b.GetOn() {
		some, err := l.book.Unblock(l.name, b.GetGhost().GetId())
		return &pb.Answer{Confirmed: some}, err
	}
	g, err := l.ghost(b.GetGhost(), nil)
	if err != nil {
		return nil, err
	}
	if err := l.book.Block(l.name, b.GetChannel(), channel.Private{Ghost: g.GetId(), Name: g.GetName()}); err != nil {
		return nil, err
	}
	err = l.n.UnlinkBridge(ctx, l.name, b.GetChannel(), fmt.Sprintf("%s does not want to be written to from here any more", g.GetName()))
	return &pb.Answer{Confirmed: err == nil}, err
}
