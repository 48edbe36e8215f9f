package federation

import (
	"context"
	"errors"
	"strings"
	"time"

	"hearth/federation/link"
	"hearth/node"
	"hearth/node/peer"
	"hearth/node/room"
)

// Join makes another node known for an administrator: by its invite link, its name, or
// host:port. It returns its name when the link is up.
func (f *Federation) Join(ctx context.Context, what string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*dialWithin)
	defer cancel()
	what = strings.TrimSpace(what)
	if peer.IsLink(what) {
		return f.joinLink(ctx, what)
	}
	return f.joinName(ctx, strings.ToLower(what))
}

func (f *Federation) joinLink(ctx context.Context, what string) (string, error) {
	l, err := peer.ParseLink(what)
	if err != nil {
		return "", err
	}
	if l.Name == f.name && l.Proves(f.key()) {
		return "", room.Errorf(room.BadRequest, "That link was made by this node: run the join on the other one.")
	}
	if l.Name == f.name {
		return "", f.namesake()
	}
	if known, ok := f.book.Lookup(l.Name); ok && !l.Proves(known.Key) {
		return "", room.Errorf(room.Conflict, "The node %s is known here with another key than the link's. If it was set up anew, forget it first.", l.Name)
	}
	addresses := []string{l.Address}
	if known, ok := f.book.Lookup(l.Name); ok {
		addresses = append(addresses, known.Addresses...)
	}
	return f.join(ctx, call{addresses: addresses, expect: l.Name, fingerprint: l.Fingerprint, secret: l.Secret, joining: true})
}

// namesake: two nodes that nobody has named have the same name.
func (f *Federation) namesake() *room.Error {
	return room.Errorf(room.Conflict, "Both nodes are called %s, and names are for good: give one of them another (hearth serve --name HOST:PORT, in a new data folder).", f.name)
}

func (f *Federation) joinName(ctx context.Context, name string) (string, error) {
	if err := room.CheckNodeName(name); err != nil {
		return "", err
	}
	if name == f.name {
		return "", room.Errorf(room.BadRequest, "That is this node's own name.")
	}
	if known, ok := f.book.Lookup(name); ok && len(known.Addresses) > 0 {
		if joined, err := f.join(ctx, call{addresses: known.Addresses, expect: name, joining: true}); err == nil {
			return joined, nil
		}
	}
	found, err := f.find(ctx, name)
	found.joining = true
	if err != nil {
		found.expect = "" // an address: whoever is there
	}
	return f.join(ctx, found)
}

// join calls, and keeps the link. Where the two nodes have one already it is the other's
// word that counts: known is known.
func (f *Federation) join(ctx context.Context, a call) (string, error) {
	if c := f.linkOf(a.expect); c != nil {
		known, _ := f.book.Lookup(c.name)
		_, err := f.book.Join(known.Record)
		return c.name, err
	}
	c, err := f.call(ctx, a)
	if err != nil {
		return "", plain(err)
	}
	if c.name != "" {
		return c.name, nil
	}
	return f.joinKnown(c.key)
}

// joinKnown: the node that was called has a link with this one already, so its name is known.
func (f *Federation) joinKnown(key []byte) (string, error) {
	for _, p := range f.book.List() {
		if string(p.Key) == string(key) {
			_, err := f.book.Join(p.Record)
			return p.Name, err
		}
	}
	return "", node.ErrUnreachable
}

// plain turns what went wrong into a refusal for an administrator's eyes.
func plain(err error) error {
	if e, ok := errors.AsType[*room.Error](err); ok {
		return e
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		code := room.Code(r.code)
		if code != room.NotFound && code != room.Gone && code != room.Limited {
			code = room.Forbidden
		}
		return room.Errorf(code, "%s", r.message)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, node.ErrUnreachable) {
		return node.ErrUnreachable
	}
	return room.Errorf(room.Unavailable, "%s", sentence(err))
}

// joinPending carries out what was asked for while the node did not run: until it is done,
// or can never be.
func (f *Federation) joinPending() {
	wait := link.Dialling()
	for {
		pending, err := f.book.PendingJoins()
		if err != nil {
			f.log.Error("read pending joins", "error", err)
			return
		}
		if len(pending) == 0 {
			return
		}
		for _, what := range pending {
			f.joinOne(what)
		}
		t := time.NewTimer(wait.Next(0.5))
		select {
		case <-f.ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

func (f *Federation) joinOne(what string) {
	name, err := f.Join(f.ctx, what)
	if f.ctx.Err() != nil {
		return
	}
	if e, refused := errors.AsType[*room.Error](err); err != nil && (!refused || e.Retry()) {
		f.log.Info("join a node: will try again", "error", err)
		return
	}
	if err != nil {
		f.book.Raise("", "A node could not be joined: "+err.Error())
	} else {
		f.log.Info("joined", "peer", name)
	}
	if err := f.book.DonePendingJoin(what); err != nil {
		f.log.Warn("forget pending join", "error", err)
	}
}
