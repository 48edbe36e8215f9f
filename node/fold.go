package node

import (
	"maps"
	"slices"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// fold is what entries of the state log will do to a room, worked out on the side: the
// room's own state follows once the entries are synced.
type fold struct {
	entries []*room.Event
	heads   []*roompb.Head
	state   *room.State // as the entries leave it; shares its members with the room's own unless whole
	whole   bool        // state is a copy of its own, and replaces the room's
	changed map[room.User]room.Member
	pasts   map[room.User][]*roompb.PastStanding
	nodes   []string // whose part in the room changed
	log     *chain   // the state log
}

// takesAway are the entries that end somebody's right to speak.
var takesAway = map[room.Kind]bool{
	room.KindLeave: true, room.KindKick: true, room.KindBan: true, room.KindRole: true, room.KindNodeBan: true,
}

// cut notes, in an entry that takes a right away, how far the log of the user's node had
// come here: what that node writes beyond it under an older state is void. Who leaves
// says how far it had come there.
func (t *turn) cut(s *submission) { t.c.cut(&s.draft, s.tops) }

// cut is for a draft of which the author's node said how far its logs had come.
func (c *chamber) cut(d *room.Draft, theirs []*roompb.Top) {
	if !takesAway[d.Kind] {
		d.Body.Cuts = nil
		return
	}
	of := room.User(d.Body.GetSubject()).Node()
	switch d.Kind {
	case room.KindLeave:
		of = d.Author.Node()
	case room.KindNodeBan:
		of = d.Body.GetNode()
	}
	d.Body.Cuts = room.CutsOf(of, furthest(c.tops(), theirs))
}

// furthest is, of each log, the one that has come further: who leaves knows best what they
// said, and what is here already is never taken back.
func furthest(ours, theirs []*roompb.Top) []*roompb.Top {
	for _, t := range theirs {
		i := slices.IndexFunc(ours, func(o *roompb.Top) bool {
			return o.GetOrigin() == t.GetOrigin() && o.GetIncarnation() == t.GetIncarnation()
		})
		switch {
		case i < 0:
			ours = append(ours, t)
		case ours[i].GetSeq() < t.GetSeq():
			ours[i] = t
		}
	}
	return ours
}

// tops is how far each log of messages has come here.
func (c *chamber) tops() []*roompb.Top {
	keys := slices.SortedFunc(maps.Keys(c.logs), compareKeys)
	out := make([]*roompb.Top, 0, len(keys))
	for _, k := range keys {
		if top := c.logs[k].topOf(); top.GetSeq() > 0 || c.logs[k].branch != nil {
			out = append(out, top)
		}
	}
	return out
}

// foldOne folds in the entry that this node, the room's home, has sealed.
func (t *turn) foldOne(e *room.Event) error {
	head := t.c.n.sealHead(e)
	if err := t.c.state.CheckHead(head); e.Header.GetSeq() > 1 && err != nil {
		return err // this node does not order this room's state
	}
	if err := t.foldAll([]*room.Event{e}, head); err != nil {
		return err
	}
	if e.Kind() != room.KindInvite {
		return nil
	}
	create, err := t.c.find(t.c.id)
	if err != nil {
		return err
	}
	t.app.Outbox = t.c.n.invitations(t.fold.state, e, head, create)
	return nil
}

// sealHead signs an entry: as its log's origin, or as a steward beside it.
func (n *Node) sealHead(e *room.Event) *roompb.Head {
	head := room.HeadOf(e)
	if head.GetOrigin() == n.name {
		room.SignHead(head, n.key)
	} else {
		head.Cosignatures = []*roompb.Cosignature{room.Cosign(head, n.name, n.key)}
	}
	return head
}

// foldAll works out what entries do, which follow the state one after the other.
func (t *turn) foldAll(entries []*room.Event, head *roompb.Head) error {
	f := &fold{entries: entries, heads: []*roompb.Head{head}, changed: map[room.User]room.Member{}, pasts: map[room.User][]*roompb.PastStanding{}}
	f.whole = len(entries) > 1 || takesAway[entries[0].Kind()] && len(t.c.peers) > 0
	f.state = t.c.state
	if f.whole {
		f.state = t.c.state.Clone()
	}
	for i, e := range entries {
		if i == len(entries)-1 && e.Header.GetSeq() > 1 {
			if err := f.state.CheckHead(head); err != nil {
				return err
			}
		}
		after := f.state.Preview(e)
		maps.Copy(f.changed, after.Changed)
		maps.Copy(f.pasts, after.Pasts)
		f.nodes = append(f.nodes, after.ChangedNodes...)
		if f.whole {
			f.state.Apply(e)
		} else {
			f.state = after.State
		}
	}
	f.log = &chain{key: logKey{t.c.state.Origin(), 1}, log: roompb.Log_LOG_STATE}
	if t.c.entries != nil {
		f.log = t.c.entries.clone()
	}
	f.log.add(entries[0], entries[len(entries)-1], nil)
	f.log.end(entries[len(entries)-1], head)
	t.fold = f
	return nil
}

// foldIn puts into the batch what the entries change.
func (t *turn) foldIn() {
	f := t.fold
	clock, head, counted := t.meta.Clock, t.meta.HeadPos, t.meta.Counted
	last := lastOf(t.meta)
	t.meta = t.c.meta(f.state)
	t.meta.Clock, t.meta.HeadPos, t.meta.Counted = clock, head, counted
	last.put(t.meta)
	if t.c.replayed { // older than federation: what the store lacks is written with the first entry since
		t.rewrite(f)
	}
	for u, m := range f.changed {
		t.app.Members = append(t.app.Members, storedMember(t.c.id, u, m))
	}
	for u, past := range f.pasts {
		t.app.Pasts = append(t.app.Pasts, storage.Past{User: u, Standings: past})
	}
	for _, name := range f.nodes {
		if name != t.c.n.name {
			t.app.Nodes = append(t.app.Nodes, storage.NodeRoom{Node: name, Here: f.state.Takes(name)})
		}
	}
	t.app.Heads = append(t.app.Heads, f.heads...)
	t.keepGaps(f.log)
}

// rewrite stores every member and every past, but for those that the fold changes.
func (t *turn) rewrite(f *fold) {
	for u, m := range t.c.state.Members {
		if _, changed := f.changed[u]; !changed {
			t.app.Members = append(t.app.Members, storedMember(t.c.id, u, m))
		}
	}
	for u, past := range t.c.state.Pasts() {
		if f.pasts[u] == nil {
			t.app.Pasts = append(t.app.Pasts, storage.Past{User: u, Standings: past})
		}
	}
}

// publish makes the folded state the room's. The lock is held.
func (f *fold) publish(c *chamber) {
	if f.whole {
		c.state = f.state
	} else {
		for _, e := range f.entries {
			c.state.Apply(e)
		}
	}
	for u := range f.changed {
		delete(c.leaving, u)
	}
	c.entries, c.replayed = f.log, false
	before := c.peers
	c.peers = c.takingPart()
	for _, name := range before {
		if !slices.Contains(c.peers, name) {
			c.parted = append(c.parted, name)
		}
	}
	c.parted = slices.DeleteFunc(c.parted, func(name string) bool { return slices.Contains(c.peers, name) })
	for done, index := range c.waiters {
		if index <= c.state.Index {
			close(done)
			delete(c.waiters, done)
		}
	}
}
