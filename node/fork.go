package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// A node whose log has two branches, both under heads that it signed, has lied to
// somebody, or lost its data without noticing. Which branch came first is nobody's to
// say: all honest nodes keep what both have, void what comes after, and take nothing more
// of that log. The other branch, from the fork to its signed head, is the proof; it is
// kept, and passed on to whoever does not have it, so all come to freeze the log at the
// same place: the lowest that any two branches have in common. The node itself, when it
// learns of it, begins a new log and says again there what was in either branch.

// walk is a branch that was looked at with the help of a peer: who lies about what is below
// must not keep others from showing it.
type walk struct {
	head room.EventID
	peer string
}

// forked: the parcel excludes what is here.
type forked struct{ seq uint64 }

func (f *forked) Error() string { return fmt.Sprintf("the log forks at or before %d", f.seq) }

// proof is a branch that excludes the one which is here.
type proof struct {
	key    logKey
	common uint64 // the last that both have
	hash   room.EventID
	branch []*room.Event // after it
	head   *roompb.Head
}

// What a proof may take.
const (
	mostBranch  = 20_000
	branchBytes = 2 << 20
	mostWalked  = 256
	walkAgain   = 20 * time.Second // who had no page of it may have one by then
)

// suspect begins to look for the place where a branch leaves the one that is here.
func (c *chamber) suspect(r *received, ch *chain) {
	head := r.head
	if head == nil { // a page that does not join what is below: what is above it is the branch's too
		head = ch.head
	}
	way := walk{room.EventID(head.GetHash()), r.peer}
	now := time.Now()
	maps.DeleteFunc(c.walked, func(_ walk, at time.Time) bool { return now.Sub(at) >= walkAgain })
	if _, walked := c.walked[way]; walked || len(c.walked) >= mostWalked {
		return
	}
	c.walked[way] = now
	c.n.rooms.start(func() {
		p, err := c.prove(c.n.life, r, ch, head)
		if err != nil {
			c.n.log.Warn("two branches of a log, and no proof", "room", c.text, "node", r.key.origin, "peer", r.peer, "err", err)
			return
		}
		_ = c.n.submit(c.id, &submission{fork: p, done: make(chan result, 1)}) // full: the branch comes again
	})
}

// prove walks a branch down, page by page from who brought it, to the event before which
// it is the same as what is here.
func (c *chamber) prove(ctx context.Context, r *received, ch *chain, head *roompb.Head) (*proof, error) {
	branch := slices.Clone(r.events)
	if r.head == nil {
		above, err := c.newestOf(ch, r.last().Header.GetSeq()+1, ch.seq(), branchBytes)
		if err != nil || len(above) == 0 || string(above[0].Header.GetPrev()) != string(r.last().ID[:]) {
			return nil, fmt.Errorf("the branch is not whole: %w", err)
		}
		branch = append(branch, above...)
	}
	for size := 0; len(branch) <= mostBranch && size <= branchBytes; {
		common, hash, found, err := c.common(ch, branch)
		if err != nil {
			return nil, err
		}
		if found {
			from := slices.IndexFunc(branch, func(e *room.Event) bool { return e.Header.GetSeq() > common })
			if from < 0 {
				return nil, fmt.Errorf("the branch is the one that is here")
			}
			return &proof{r.key, common, hash, branch[from:], head}, nil
		}
		page, err := c.branchPage(ctx, r, branch[0])
		if err == errNoPage {
			common, hash, found, err := c.tornAt(ch, branch[0].Header)
			if err != nil || !found {
				return nil, fmt.Errorf("the branch is not whole: %w", cmp.Or(err, error(errNoPage)))
			}
			return &proof{r.key, common, hash, branch, head}, nil
		}
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			size += len(e.RawHeader) + len(e.RawBody)
		}
		branch = append(page, branch...)
	}
	return nil, fmt.Errorf("the branch is longer than is kept")
}

// common is the last event of a branch that is here too. Where the log that is here has a
// hole, all that is known of what lies in it is the id of its uppermost event: when that is
// not the branch's, what is below counts as common. Who has no hole there, and is shown this
// log, comes to the same (tornAt).
func (c *chamber) common(ch *chain, branch []*room.Event) (seq uint64, hash room.EventID, found bool, err error) {
	first := branch[0].Header
	if seq = first.GetSeq() - 1; seq == 0 {
		found = true
	} else if id, here, err := c.idOf(ch, seq); err != nil {
		return 0, hash, false, err
	} else if here && string(first.GetPrev()) == string(id[:]) {
		hash, found = id, true
	}
	var below *room.Event
	for _, e := range branch {
		id, here, err := c.idOf(ch, e.Header.GetSeq())
		switch {
		case err != nil:
			return 0, hash, false, err
		case here && id == e.ID:
			seq, hash, found = e.Header.GetSeq(), e.ID, true
		case here:
			if below != nil && below.Header.GetSeq() > seq { // nothing that is here says otherwise
				seq, hash, found = below.Header.GetSeq(), below.ID, true
			}
			return seq, hash, found, nil
		}
		below = e
	}
	return seq, hash, found, nil
}

// idOf is the id of the event of a seq: the event may be here, or the one after it.
func (c *chamber) idOf(ch *chain, seq uint64) (id room.EventID, here bool, err error) {
	if ch.holds(seq) {
		e, err := c.logEvent(ch, seq)
		if err != nil {
			return id, false, err
		}
		return e.ID, true, nil
	}
	for _, part := range ch.stretch {
		if part.low == seq+1 {
			return part.before, true, nil
		}
	}
	return id, false, nil
}

// tornAt is the last event before a branch that nobody has from its beginning, as far as it
// can be told: the branch's first event names another one before it than the one which is here.
func (c *chamber) tornAt(ch *chain, first *roompb.Header) (seq uint64, hash room.EventID, found bool, err error) {
	id, here, err := c.idOf(ch, first.GetSeq()-1)
	if err != nil || !here || string(id[:]) == string(first.GetPrev()) {
		return 0, hash, false, err
	}
	if first.GetSeq() == 2 {
		return 0, hash, true, nil
	}
	seq = first.GetSeq() - 2
	hash, found, err = c.idOf(ch, seq)
	return seq, hash, found, err
}

// errNoPage: who brought a branch has nothing of it from before.
var errNoPage = errors.New("its beginning is not there")

func (c *chamber) branchPage(ctx context.Context, r *received, first *room.Event) ([]*room.Event, error) {
	within, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	a, err := c.n.ask(within, r.peer, &roompb.Ask{What: &roompb.Ask_Page{Page: &roompb.PageAsk{
		Room: c.id.Bytes(), Origin: r.key.origin, Incarnation: r.key.incarnation, Below: first.Header.GetSeq(), Limit: maxPage,
	}}})
	if err != nil {
		return nil, err
	}
	if a.GetPage() != nil && len(a.GetPage().GetPackets()) == 0 {
		return nil, errNoPage
	}
	page, err := openParcel(c.id, a.GetPage())
	if err != nil {
		return nil, err
	}
	if page.key != r.key || page.log != r.log || string(first.Header.GetPrev()) != string(page.last().ID[:]) {
		return nil, fmt.Errorf("the page does not belong to the branch")
	}
	return page.events, nil
}

// split freezes a log at a proven fork.
func (t *turn) split(s *submission) error {
	p := s.fork
	ch := t.chain(p.key)
	if ch.frozen != "" && ch.fork <= p.common {
		s.done <- result{}
		return nil
	}
	if p.key == t.own {
		if err := t.c.n.beginAnew(p.key.incarnation); err != nil {
			return err
		}
		t.own = t.c.n.ownLog()
	}
	var lost []storage.Record
	if lost, t.err = t.voidAfter(ch, p.common); t.err != nil {
		return t.err
	}
	if p.key.origin == t.c.n.name {
		if t.err = t.sayBoth(lost, p.branch); t.err != nil {
			return t.err
		}
	}
	ch.frozen = fmt.Sprintf("%s signed two different logs: what is not in both, after its message %d, is void, and nothing more is taken of it.", p.key.origin, p.common)
	ch.fork, ch.forkHash, ch.branch = p.common, p.hash, parcelOf(t.c.id, p.branch, p.head)
	t.logs[p.key], t.reset = ch, true
	t.c.n.log.Warn("a node forked its log", "room", t.c.text, "node", p.key.origin, "after", p.common)
	t.c.n.Peers.Raise(p.key.origin, ch.frozen)
	t.replies = append(t.replies, reply{sub: s})
	return nil
}

// voidAfter takes back all of a log after a seq.
func (t *turn) voidAfter(ch *chain, seq uint64) (lost []storage.Record, err error) {
	err = t.c.eachFrom(ch, seq+1, func(rec *storage.Record) error {
		if rec.Void {
			return nil
		}
		lost = append(lost, *rec)
		return t.void(rec)
	})
	return lost, err
}

// mostSaidAgain bounds what forks have one room say again while it is awake: two nodes with
// one key would do so in turns.
const mostSaidAgain = 5_000

// sayBoth says again, in this node's new log, what was in the two branches of its old one,
// the newest of it: this folder was set back to an older copy and nobody had told the node,
// but what it acknowledged before and after is its people's word all the same.
func (t *turn) sayBoth(here []storage.Record, there []*room.Event) error {
	all := slices.Clone(here)
	for _, e := range there {
		all = append(all, storage.Record{Event: e})
	}
	slices.SortStableFunc(all, func(a, b storage.Record) int { return cmp.Compare(a.Event.Time(), b.Event.Time()) })
	all = all[max(0, len(all)+t.c.saidAgain-mostSaidAgain):]
	t.c.saidAgain += len(all)
	again, moved := map[room.EventID]room.EventID{}, moves{}
	for i := range all {
		to := &moved
		if all[i].Pos == 0 { // never was here: nothing points at it
			to = new(moves)
		}
		if err := t.sayAgain(&all[i], again, to); err != nil {
			return err
		}
	}
	return t.follow(moved)
}

// eachFrom reads what is here of a log from a seq on.
func (c *chamber) eachFrom(ch *chain, from uint64, fn func(*storage.Record) error) error {
	const page = 500
	for _, part := range ch.stretch {
		for at := max(from, part.low); at <= part.high; {
			recs, err := c.n.store.Log(c.id, ch.log, ch.key.origin, ch.key.incarnation, at, part.high, page, maxParcelBytes)
			if err != nil {
				return err
			}
			if len(recs) == 0 {
				return fmt.Errorf("log of %s in room %s ends at %d: %w", ch.key.origin, c.id, at, storage.ErrCorrupt)
			}
			for i := range recs {
				if err := fn(&recs[i]); err != nil {
					return err
				}
			}
			at += uint64(len(recs))
		}
	}
	return nil
}

// freshBranch is what a frozen log takes: older parts of what all have. A branch that
// leaves it even earlier moves the fork.
func (t *turn) freshBranch(ch *chain, r *received) ([]*room.Event, error) {
	if r.head == nil {
		if r.last().Header.GetSeq() > ch.fork {
			return nil, nil
		}
		return t.freshPage(ch, r)
	}
	if ch.withheld() || r.last().ID == ch.hash || string(r.head.GetSignature()) == string(ch.branch.GetHead().GetSignature()) {
		return nil, nil
	}
	return nil, &forked{ch.fork}
}
