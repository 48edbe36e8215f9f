package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
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
type forked struct {
	seq   uint64
	falls bool // by its time, or its state index: no log can have both
}

func (f *forked) Error() string { return fmt.Sprintf("the log forks at or before %d", f.seq) }

// proof is a branch that excludes the one which is here, or another branch.
type proof struct {
	key    logKey
	fork   fork
	branch []*room.Event // after it
	head   *roompb.Head
	other  *roompb.Parcel // nil: what is here
}

// fork is the last event before the lowest that two branches are known to exclude each other
// at: who learns more of them can only find a lower one, and all who know both find the same.
type fork struct {
	seq  uint64
	hash room.EventID // zero: not known
}

// beats tells whether a fork says more than the one at which a log is frozen.
func (f fork) beats(ch *chain) bool {
	return ch.frozen == "" || f.seq < ch.fork || f.seq == ch.fork && ch.forkHash.IsZero() && !f.hash.IsZero()
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
	way := walk{r.last().ID, r.peer}
	now := time.Now()
	maps.DeleteFunc(c.walked, func(_ walk, at time.Time) bool { return now.Sub(at) >= walkAgain })
	if _, walked := c.walked[way]; walked || len(c.walked) >= mostWalked {
		return
	}
	c.walked[way] = now
	c.n.rooms.start(func() {
		p, err := c.prove(c.n.life, r, ch)
		if err != nil {
			c.n.log.Warn("two branches of a log, and no proof", "room", c.text, "node", r.key.origin, "incarnation", r.key.incarnation, "peer", r.peer, "err", err)
		}
		if p != nil {
			_ = c.n.submit(c.id, &submission{fork: p, done: make(chan result, 1)}) // full: the branch comes again
		}
	})
}

// prove walks a branch down, page by page from who brought it, to the event before which
// it is the same as what is here. nil: it excludes nothing that was not excluded before.
func (c *chamber) prove(ctx context.Context, r *received, ch *chain) (*proof, error) {
	branch, head := slices.Clone(r.events), r.head
	if head == nil { // a page that does not join what is below: what is above it is the branch's too
		above, signed, err := c.above(ch, r.last())
		if err != nil {
			return nil, err
		}
		branch, head = append(branch, above...), signed
	}
	branch, err := c.walkDown(ctx, r, ch, branch)
	if err != nil {
		return nil, err
	}
	best, found, err := c.excludes(ch, branch)
	if err != nil {
		return nil, err
	}
	p := &proof{key: r.key, fork: best, head: head}
	for _, known := range ch.branches(c.id) {
		if f, ok := parts(branch, known.events); ok && (!found || f.seq < p.fork.seq) {
			p.fork, p.other, found = f, known.parcel, true
		}
	}
	from := slices.IndexFunc(branch, func(e *room.Event) bool { return e.Header.GetSeq() > p.fork.seq })
	if !found || from < 0 || !p.fork.beats(ch) {
		return nil, nil
	}
	p.branch = branch[from:]
	return p, nil
}

// walkDown puts before a branch what its bearer has of it from before, as long as that is
// other than what is here.
func (c *chamber) walkDown(ctx context.Context, r *received, ch *chain, branch []*room.Event) ([]*room.Event, error) {
	for size := 0; len(branch) <= mostBranch && size <= branchBytes; {
		first := branch[0].Header
		id, here, err := c.idOf(ch, first.GetSeq()-1)
		if err != nil || !here || string(id[:]) == string(first.GetPrev()) {
			return branch, err
		}
		page, err := c.branchPage(ctx, r, branch[0])
		if err == errNoPage {
			return branch, nil
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

// above is what is known above an event that does not belong to what is below, as it was signed:
// what is here, or a branch that was kept.
func (c *chamber) above(ch *chain, e *room.Event) ([]*room.Event, *roompb.Head, error) {
	for _, b := range ch.branches(c.id) {
		if string(b.events[0].Header.GetPrev()) == string(e.ID[:]) {
			return b.events, b.parcel.GetHead(), nil
		}
	}
	head := ch.headAbove(e)
	if head == nil {
		return nil, nil, errors.New("the branch is not signed")
	}
	from := e.Header.GetSeq() + 1
	above, err := c.newestOf(ch, from, ch.stretch[ch.next(from)].high, branchBytes)
	if err == nil && (len(above) == 0 || string(above[0].Header.GetPrev()) != string(e.ID[:])) {
		err = errors.New("the branch is not whole")
	}
	return above, head, err
}

// headAbove is the signature of the stretch above an event; nil when it is not known.
func (c *chain) headAbove(e *room.Event) *roompb.Head {
	if i := c.next(e.Header.GetSeq() + 1); i < len(c.stretch) && c.signature(i) != nil {
		return &roompb.Head{Signature: c.signature(i)}
	}
	return nil
}

// excludes finds where a branch and what is here of the log begin to exclude each other: by an id, or
// because time, or the state index, would fall. The lower of the two counts, as whoever has less of the
// log may see that one alone.
func (c *chamber) excludes(ch *chain, branch []*room.Event) (f fork, found bool, err error) {
	f, found, err = c.differsAt(ch, branch)
	if err != nil {
		return f, false, err
	}
	g, falls, err := c.fallsAt(ch, branch)
	if falls && (!found || g.seq < f.seq) {
		f = g
	}
	return f, found || falls, err
}

// differsAt is where ids differ. Where the log has a hole, all that is known of what lies in it is the id
// of its uppermost event.
func (c *chamber) differsAt(ch *chain, branch []*room.Event) (f fork, found bool, err error) {
	first, last := branch[0].Header.GetSeq(), branch[len(branch)-1].Header.GetSeq()
	for seq := max(first-1, 1); seq <= last; seq++ {
		id, here, err := c.idOf(ch, seq)
		if err != nil {
			return f, false, err
		}
		if is, _ := idAt(branch, seq); !here || id == is {
			continue
		}
		f.seq = seq - 1
		if hash, known := idAt(branch, f.seq); known {
			f.hash = hash
		} else if f.seq > 0 {
			f.hash, _, err = c.idOf(ch, f.seq)
		}
		return f, true, err
	}
	return f, false, nil
}

// fallsAt is where time, or the state index, would fall from one of the two to the other.
func (c *chamber) fallsAt(ch *chain, branch []*room.Event) (f fork, found bool, err error) {
	first, last := branch[0].Header.GetSeq(), branch[len(branch)-1].Header.GetSeq()
	for _, part := range ch.stretch { // the lowest first: what lies in a hole below it must come before it
		if part.high <= first || part.low <= first && part.high <= last {
			continue
		}
		seq := part.low
		if seq <= first { // it has all that the branch has: by ids that is compared already
			seq = last + 1
		}
		up, err := c.logEvent(ch, seq)
		if err != nil {
			return f, false, err
		}
		if f, found = notBefore(branch[:min(seq-first, uint64(len(branch)))], up); found {
			break
		}
	}
	for _, part := range slices.Backward(ch.stretch) {
		high := min(part.high, first-1)
		if part.low > high {
			continue
		}
		var lowest *room.Event
		sort.Search(int(high-part.low+1), func(i int) bool {
			e, missing := c.logEvent(ch, part.low+uint64(i))
			if err = cmp.Or(err, missing); err != nil || !precedes(e, branch[0]) {
				lowest = e
				return true
			}
			return false
		})
		if err != nil || lowest == nil {
			return f, found, err
		}
		f, found = before(lowest), true
	}
	return f, found, nil
}

// precedes tells whether a may come before b in a log.
func precedes(a, b *room.Event) bool {
	return a.Header.GetTime() < b.Header.GetTime() && a.Header.GetStateIndex() <= b.Header.GetStateIndex()
}

// before is the fork after which an event is the first.
func before(e *room.Event) (f fork) {
	f.seq = e.Header.GetSeq() - 1
	f.hash, _ = room.HashFromBytes(e.Header.GetPrev()) // none at seq 1
	return f
}

// notBefore is the fork before the first of events that cannot come before one that is above all.
func notBefore(events []*room.Event, up *room.Event) (f fork, found bool) {
	i := slices.IndexFunc(events, func(e *room.Event) bool { return !precedes(e, up) })
	if i < 0 {
		return f, false
	}
	return before(events[i]), true
}

// parts is where two branches begin to exclude each other.
func parts(a, b []*room.Event) (f fork, found bool) {
	if a[0].Header.GetSeq() > b[0].Header.GetSeq() {
		a, b = b, a
	}
	begin, end := b[0].Header.GetSeq(), min(a[len(a)-1].Header.GetSeq(), b[len(b)-1].Header.GetSeq())
	if f, found = notBefore(a[:min(begin-a[0].Header.GetSeq(), uint64(len(a)))], b[0]); found {
		return f, true // below all that may differ by ids
	}
	for seq := max(begin-1, 1); seq <= end; seq++ {
		in, _ := idAt(a, seq)
		if is, _ := idAt(b, seq); in != is {
			f.seq = seq - 1
			f.hash, _ = idAt(a, f.seq)
			return f, true
		}
	}
	return f, false
}

// idAt is the id of the event of a seq of a branch, or of the one before it.
func idAt(branch []*room.Event, seq uint64) (id room.EventID, known bool) {
	first := branch[0].Header.GetSeq()
	switch {
	case seq > 0 && seq+1 == first:
		id, err := room.HashFromBytes(branch[0].Header.GetPrev())
		return id, err == nil
	case seq >= first && seq-first < uint64(len(branch)):
		return branch[seq-first].ID, true
	}
	return id, false
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
		if part.low == seq+1 && seq > 0 {
			return part.before, true, nil
		}
	}
	return id, false, nil
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
		return nil, errNoPage // it has another branch itself
	}
	return page.events, nil
}

// split freezes a log at a proven fork.
func (t *turn) split(s *submission) error {
	p := s.fork
	ch := t.chain(p.key)
	if !p.fork.beats(ch) {
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
	if lost, t.err = t.voidAfter(ch, p.fork.seq); t.err != nil {
		return t.err
	}
	if p.key.origin == t.c.n.name {
		if t.err = t.sayBoth(lost, t.unsaid(ch, p.branch)); t.err != nil {
			return t.err
		}
	}
	ch.frozen = fmt.Sprintf("%s signed two different logs: what is not in both, after its message %d, is void, and nothing more is taken of it.", p.key.origin, p.fork.seq)
	ch.fork, ch.forkHash, ch.branch, ch.other = p.fork.seq, p.fork.hash, parcelOf(t.c.id, p.branch, p.head), p.other
	t.logs[p.key], t.reset = ch, true
	t.c.n.log.Warn("a node forked its log", "room", t.c.text, "node", p.key.origin, "incarnation", p.key.incarnation, "after", p.fork.seq)
	t.c.n.Peers.Raise(p.key.origin, ch.frozen)
	t.replies = append(t.replies, reply{sub: s})
	return nil
}

// unsaid are those of a branch that are neither here nor in the branch that was known.
func (t *turn) unsaid(ch *chain, branch []*room.Event) []*room.Event {
	known := map[room.EventID]bool{}
	for _, b := range ch.branches(t.c.id) {
		for _, e := range b.events {
			known[e.ID] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(branch), func(e *room.Event) bool {
		_, _, here, err := t.c.n.store.Find(e.ID)
		return here || err != nil || known[e.ID]
	})
}

// known is a branch that was kept.
type known struct {
	parcel *roompb.Parcel
	events []*room.Event
}

// branches are those of a log that forks which do not stand in it here.
func (c *chain) branches(id room.ID) (out []known) {
	for _, p := range []*roompb.Parcel{c.branch, c.other} {
		if p == nil {
			continue
		}
		if r, err := openParcel(id, p); err == nil { // else it is longer than is sent
			out = append(out, known{p, r.events})
		}
	}
	return out
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

// freshBranch is what a frozen log takes: parts of what is below its end, of which what is
// beyond the fork is void. Branches that leave it even earlier move the fork.
func (t *turn) freshBranch(ch *chain, r *received) ([]*room.Event, error) {
	switch {
	case r.head == nil:
		return t.freshPage(ch, r)
	case ch.withheld():
		return nil, nil
	case r.last().Header.GetSeq() <= ch.fork && ch.fork <= ch.seq():
		return t.freshBelow(ch, r)
	}
	return nil, &forked{seq: ch.fork}
}
