package federation

import (
	"context"
	"crypto/ed25519"

	"google.golang.org/protobuf/proto"

	"hearth/federation/gossip"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// startGossip begins to gossip, where that is wanted.
func (f *Federation) startGossip() error {
	if !f.config.Gossip {
		return nil
	}
	g, err := gossip.Open(gossip.Config{
		Key: f.key(), Record: f.ownRecord, Verify: f.verifyRecord, Peers: f.gossipPeers, Carrier: f, Log: f.log,
	})
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.gossip = g
	f.mu.Unlock()
	f.running.Go(func() { f.followGossip(g) })
	return nil
}

func (f *Federation) closeGossip(ctx context.Context) error {
	if g := f.gossiping(); g != nil {
		return g.Close(ctx)
	}
	return nil
}

func (f *Federation) gossiping() *gossip.Gossip {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.gossip
}

func (f *Federation) key() ed25519.PublicKey {
	return f.node.PrivateKey().Public().(ed25519.PublicKey)
}

func (f *Federation) ownRecord() []byte {
	b, err := proto.Marshal(f.book.Own())
	if err != nil {
		f.log.Error("encode own record", "error", err)
	}
	return b
}

// verifyRecord decides about a record that gossip brought.
func (f *Federation) verifyRecord(b []byte) (gossip.Peer, error) {
	s := new(roompb.SignedRecord)
	if err := (proto.UnmarshalOptions{RecursionLimit: 64}).Unmarshal(b, s); err != nil {
		return gossip.Peer{}, room.Errorf(room.BadRequest, "A record cannot be read.")
	}
	r, err := peer.ReadRecord(s, f.config.Now())
	if err != nil {
		return gossip.Peer{}, err
	}
	p := gossip.Peer{Name: r.GetName(), Key: r.GetKey(), Issued: r.GetIssued(), Expires: r.GetExpires()}
	if r.GetName() == f.name && string(r.GetKey()) == string(f.key()) {
		return p, nil
	}
	if known, there := f.book.Lookup(r.GetName()); !f.book.Knows(r.GetName(), r.GetKey()) && (!there || string(known.Key) == string(r.GetKey())) {
		return gossip.Peer{}, room.Errorf(room.Forbidden, "The node %s is not let in here.", r.GetName())
	}
	_, err = f.book.Pin(s) // raises the alarm when the key is another
	return p, err
}

func (f *Federation) gossipPeers() []gossip.Peer {
	var out []gossip.Peer
	for _, p := range f.book.List() {
		if f.book.Knows(p.Name, p.Key) {
			out = append(out, gossip.Peer{Name: p.Name, Key: p.Key, Issued: p.Issued})
		}
	}
	return out
}

// followGossip notes in the book who is alive.
func (f *Federation) followGossip(g *gossip.Gossip) {
	alive := map[string]bool{}
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-g.Wake():
		}
		now := map[string]bool{}
		for _, p := range g.Alive() {
			now[p.Name] = true
			f.book.SetGossip(p.Name, true)
		}
		for name := range alive {
			if !now[name] {
				f.book.SetGossip(name, false)
			}
		}
		alive = now
	}
}
