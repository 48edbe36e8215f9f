package sim

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// script is a random play: people who do things in rooms while everything around them breaks.
type script struct {
	*world
	rooms  []*roomPlay
	people []*person
	said   int
	ledger map[room.EventID]*promise
	texts  map[string]bool       // every text that was ever tried; each is said at most once
	edited map[room.EventID]bool // or deleted, or somebody tried to
	stats  map[string]int
	liar   *host         // nil: nobody
	ahead  time.Duration // by which the fastest clock was

	underway int // things that people of honest hosts do and have not been answered
}

// roomPlay is a room of the play.
type roomPlay struct {
	id      room.ID
	creator *person
}

// promise is an event that a node acknowledged.
type promise struct {
	event  room.EventID
	room   *roomPlay
	by     *person
	kind   room.Kind
	text   string
	at     time.Time
	shaken bool // the disk that had it was replaced by an older copy: only what others had of it is sure
}

// saidAgain tells whether a message of a host that was set back is there by another id: in
// another log, for the one that it was in has forked.
func (a *promise) saidAgain(texts map[string]bool) bool {
	return a.kind.Message() && texts[a.text] && !a.by.h.setBackAt.IsZero()
}

// newScript lets people make rooms, join them, and be given roles. Each room has a crowd besides,
// of so many who join before all others, from where it was made.
func newScript(w *world, usersMost, rooms, crowd int) *script {
	s := &script{world: w, ledger: map[room.EventID]*promise{}, texts: map[string]bool{}, edited: map[room.EventID]bool{}, stats: map[string]int{}}
	for _, h := range w.hosts {
		for i := range 1 + w.rng.IntN(usersMost) {
			s.people = append(s.people, h.user(fmt.Sprintf("u%d", i+1)))
		}
	}
	w.run(3*time.Second, nil) // links come up
	for i := range rooms {
		p := s.people[w.rng.IntN(len(s.people))]
		s.rooms = append(s.rooms, &roomPlay{p.create(fmt.Sprintf("room%d", i+1)), p})
	}
	for _, r := range s.rooms {
		s.crowd(r, crowd)
		for _, p := range s.people {
			if p != r.creator && w.chance(0.7) {
				s.try(p, r, room.KindJoin, nil)
				w.run(w.between(0, time.Second), nil)
			}
		}
		w.run(3*time.Second, nil)
		for _, p := range s.people {
			if p != r.creator && w.chance(0.4) {
				role := []string{"moderator", "administrator"}[w.rng.IntN(2)]
				s.try(r.creator, r, room.KindRole, &roompb.Body{Subject: string(p.User), Role: role})
			}
		}
		w.run(3*time.Second, nil)
	}
	return s
}

func (s *script) crowd(r *roomPlay, size int) {
	n, ctx := r.creator.h.Node, r.creator.h.ctx
	for first := 0; first < size; first += 500 {
		var failed error
		s.wait(func() {
			var joining []func(context.Context) (node.Receipt, error)
			for i := first; i < min(first+500, size); i++ {
				joining = append(joining, n.SubmitAsync(room.Draft{Room: r.id, Author: room.MakeUser(fmt.Sprintf("crowd%d", i), r.creator.h.name), Kind: room.KindJoin}))
			}
			for _, join := range joining {
				_, err := join(ctx)
				failed = cmp.Or(failed, err)
			}
		})
		if failed != nil {
			s.fail("one of the crowd: %v", failed)
		}
	}
}

// try has somebody do something; what is acknowledged is a promise.
func (s *script) try(p *person, r *roomPlay, k room.Kind, b *roompb.Body) {
	h := p.h
	if !h.up() {
		return
	}
	if k == room.KindEdit || k == room.KindDelete {
		s.edited[room.EventID(b.GetTarget())] = true
	}
	n, ctx, life, via := h.Node, h.ctx, h.life, r.creator.h.name
	done := s.begin(p)
	go func() {
		var receipt node.Receipt
		var err error
		if k == room.KindJoin {
			receipt, err = n.Join(ctx, p.Caller, r.id, via)
		} else {
			receipt, err = n.Submit(ctx, room.Draft{Room: r.id, Author: p.User, Kind: k, Body: b})
		}
		s.post(func() {
			done()
			s.outcome(p, r, k, b, receipt, err, h.life == life && h.up())
		})
	}()
}

// begin counts something that somebody does until it is done.
func (s *script) begin(p *person) (done func()) {
	if p.h == s.liar {
		return func() {}
	}
	s.underway++
	return func() { s.underway-- }
}

func (s *script) outcome(p *person, r *roomPlay, k room.Kind, b *roompb.Body, receipt node.Receipt, err error, heard bool) {
	switch {
	case err != nil:
		s.stats["refused"]++
		s.note("%s %s in %.4s %s: %v", p.User, k, r.id, about(b), err)
		if room.CodeOf(err) == room.Internal && heard && ctxErr(err) == nil {
			s.fail("%s %s: %v", p.User, k, err)
		}
	case !heard: // the power went before anybody read the answer
	case receipt.Waiting:
		s.stats["waiting"]++
		s.note("%s %s in %.4s %s waits for the home", p.User, k, r.id, about(b))
	default:
		s.stats[string(k)]++
		s.note("%s %s in %.4s %s: %.6s", p.User, k, r.id, about(b), receipt.Event)
		if !receipt.Event.IsZero() {
			s.ledger[receipt.Event] = &promise{event: receipt.Event, room: r, by: p, kind: k, text: b.GetText(), at: time.Now(), shaken: p.h.setBack && s.net.alone(p.h) ||
				k.State() && time.Since(r.creator.h.setBackAt) < 20*time.Second} // its answer was on the way
		}
	}
}

func ctxErr(err error) error {
	if err == context.Canceled || err == context.DeadlineExceeded {
		return err
	}
	return nil
}

func about(b *roompb.Body) string {
	out := b.GetSubject() + b.GetRole() + b.GetNode() + b.GetText()
	if t := b.GetTarget(); len(t) > 0 {
		id, _ := room.HashFromBytes(t)
		out += fmt.Sprintf(" to %.6s", id)
	}
	return out
}

// act is something that people do.
type act struct {
	weight int
	do     func(s *script, p *person, r *roomPlay)
}

var acts = []act{
	{40, func(s *script, p *person, r *roomPlay) {
		s.try(p, r, room.KindText, &roompb.Body{Text: s.text(p)})
	}},
	{6, func(s *script, p *person, r *roomPlay) {
		s.onMessage(p, r, func(id []byte, _ *roompb.Event) {
			s.try(p, r, room.KindText, &roompb.Body{Text: s.text(p), ReplyTo: id})
		})
	}},
	{8, func(s *script, p *person, r *roomPlay) {
		s.onMessage(p, r, func(id []byte, e *roompb.Event) {
			if e.Thread == "" {
				s.try(p, r, room.KindText, &roompb.Body{Text: s.text(p), Thread: id})
			}
		})
	}},
	{15, func(s *script, p *person, r *roomPlay) {
		s.onMessage(p, r, func(id []byte, e *roompb.Event) {
			if e.Author != string(p.User) && s.chance(0.95) {
				return
			}
			s.try(p, r, room.KindEdit, &roompb.Body{Text: s.text(p), Target: id})
		})
	}},
	{7, func(s *script, p *person, r *roomPlay) { s.aboutMessage(p, r, room.KindDelete) }},
	{12, func(s *script, p *person, r *roomPlay) { s.aboutMessage(p, r, room.KindReact) }},
	{6, func(s *script, p *person, r *roomPlay) { s.aboutMessage(p, r, room.KindUnreact) }},
	{4, func(s *script, p *person, r *roomPlay) { s.aboutMessage(p, r, room.KindPin) }},
	{2, func(s *script, p *person, r *roomPlay) { s.aboutMessage(p, r, room.KindUnpin) }},
	{8, func(s *script, p *person, r *roomPlay) { s.try(p, r, room.KindJoin, nil) }},
	{2, func(s *script, p *person, r *roomPlay) { s.try(p, r, room.KindLeave, nil) }},
	{3, func(s *script, p *person, r *roomPlay) { s.against(p, r, room.KindInvite) }},
	{3, func(s *script, p *person, r *roomPlay) { s.against(p, r, room.KindKick) }},
	{3, func(s *script, p *person, r *roomPlay) { s.against(p, r, room.KindBan) }},
	{3, func(s *script, p *person, r *roomPlay) { s.against(p, r, room.KindUnban) }},
	{4, func(s *script, p *person, r *roomPlay) {
		role := []string{"administrator", "moderator", "member", "readonly"}[s.rng.IntN(4)]
		s.try(p, r, room.KindRole, &roompb.Body{Subject: string(s.anybody().User), Role: role})
	}},
	{2, func(s *script, p *person, r *roomPlay) {
		topic := s.text(p)
		s.try(p, r, room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Topic: &topic}})
	}},
	{1, func(s *script, p *person, r *roomPlay) {
		s.try(p, r, room.KindNodeBan, &roompb.Body{Node: s.anybody().h.name})
	}},
	{1, func(s *script, p *person, r *roomPlay) {
		s.try(p, r, room.KindNodeUnban, &roompb.Body{Node: s.anybody().h.name})
	}},
}

func (s *script) anybody() *person { return s.people[s.rng.IntN(len(s.people))] }

func (s *script) text(p *person) string {
	s.said++
	text := fmt.Sprintf("%d by %s", s.said, p.User.Local())
	s.texts[text] = true
	return text
}

func (s *script) against(p *person, r *roomPlay, k room.Kind) {
	s.try(p, r, k, &roompb.Body{Subject: string(s.anybody().User), Reason: "because"})
}

var emojis = []string{"👍", "🎉", "❤️"}

func (s *script) aboutMessage(p *person, r *roomPlay, k room.Kind) {
	s.onMessage(p, r, func(id []byte, _ *roompb.Event) {
		b := &roompb.Body{Target: id}
		if k == room.KindReact || k == room.KindUnreact {
			b.Emoji = emojis[s.rng.IntN(len(emojis))]
		}
		s.try(p, r, k, b)
	})
}

// onMessage picks one of the newest messages that somebody sees, perhaps one in a thread.
func (s *script) onMessage(p *person, r *roomPlay, f func(id []byte, e *roompb.Event)) {
	n, ctx, life, pick, done := p.h.Node, p.h.ctx, p.h.life, s.rng.Uint64(), s.begin(p)
	go func() {
		e := pickMessage(ctx, n, p, node.HistoryQuery{Room: r.id, Limit: 15}, pick/2)
		if e.GetThreadReplies() > 0 && pick%2 == 0 {
			root, _ := room.ParseHash(e.Id)
			e = pickMessage(ctx, n, p, node.HistoryQuery{Room: r.id, Thread: root, Limit: 15}, pick/2)
		}
		s.post(func() {
			done()
			if e != nil && p.h.up() && p.h.life == life {
				id, _ := room.ParseHash(e.Id)
				f(id.Bytes(), e)
			}
		})
	}()
}

// pickMessage is one of a page's messages, nil when there is none.
func pickMessage(ctx context.Context, n *node.Node, p *person, q node.HistoryQuery, pick uint64) *roompb.Event {
	h, err := n.History(ctx, p.Caller, q)
	if err != nil {
		return nil
	}
	messages := slices.DeleteFunc(h.Events, func(e *roompb.Event) bool { return e.Kind != string(room.KindText) })
	if len(messages) == 0 {
		return nil
	}
	return messages[pick%uint64(len(messages))]
}

// play lets people act, so many times, and things break in between.
func (s *script) play(actions int, trouble []mishap) {
	for range actions {
		s.run(s.between(0, 600*time.Millisecond), nil)
		if p := s.anybody(); p.h.up() {
			pickAct(s.rng).do(s, p, s.rooms[s.rng.IntN(len(s.rooms))])
		}
		for _, m := range trouble {
			if s.chance(m.share) {
				m.do(s)
			}
		}
	}
}

func pickAct(rng *rand.Rand) *act {
	sum := 0
	for _, a := range acts {
		sum += a.weight
	}
	at := rng.IntN(sum)
	for i := range acts {
		if at -= acts[i].weight; at < 0 {
			return &acts[i]
		}
	}
	return nil
}

// mishap is something that breaks, now and then.
type mishap struct {
	share float64 // of actions after which it happens
	do    func(s *script)
}

func (s *script) twoHosts() (a, b *host) {
	i := s.rng.IntN(len(s.hosts))
	j := s.rng.IntN(len(s.hosts) - 1)
	if j >= i {
		j++
	}
	return s.hosts[i], s.hosts[j]
}

// network mishaps.
var cutsAndSnaps = []mishap{
	{0.04, func(s *script) {
		a, b := s.twoHosts()
		s.note("%s and %s are cut off from each other", a.name, b.name)
		s.net.part(a, b)
		s.after(s.between(time.Second, 40*time.Second), func() { s.net.mend(a, b) })
	}},
	{0.02, func(s *script) {
		a, b := s.twoHosts()
		s.note("nothing gets from %s to %s", a.name, b.name)
		s.net.cuts[[2]string{a.name, b.name}] = true
		s.after(s.between(time.Second, 40*time.Second), func() { s.net.mend(a, b) })
	}},
	{0.01, func(s *script) {
		a := s.hosts[s.rng.IntN(len(s.hosts))]
		s.note("%s is cut off from all", a.name)
		for _, b := range s.hosts {
			s.net.part(a, b)
		}
		s.after(s.between(time.Second, 40*time.Second), func() {
			for _, b := range s.hosts {
				s.net.mend(a, b)
			}
		})
	}},
	{0.03, func(s *script) {
		a, b := s.twoHosts()
		if w := s.net.wires[pair(a, b)]; w != nil {
			w.snap()
		}
	}},
}

var crashes = []mishap{
	{0.02, func(s *script) {
		if h := s.hosts[s.rng.IntN(len(s.hosts))]; h.up() {
			s.note("%s loses power", h.name)
			h.crash()
			if s.chance(0.3) { // twice
				h.start()
				h.crash()
			}
			s.startLater(h)
		}
	}},
	{0.01, func(s *script) {
		if h := s.hosts[s.rng.IntN(len(s.hosts))]; h.up() {
			s.note("%s stops", h.name)
			h.stop()
			s.startLater(h)
		}
	}},
}

func (s *script) startLater(h *host) {
	s.after(s.between(0, 20*time.Second), func() {
		if !h.up() {
			s.note("%s starts", h.name)
			h.start()
		}
	})
}

// mend gets messages through again between two hosts.
func (n *network) mend(a, b *host) {
	delete(n.cuts, [2]string{a.name, b.name})
	delete(n.cuts, [2]string{b.name, a.name})
}

// settle heals everything and waits until all rooms are the same everywhere.
func (s *script) settle() {
	s.t.Helper()
	s.note("all heals")
	s.net.heal()
	for _, h := range s.hosts {
		h.skew = 0
		if !h.up() {
			h.start()
		}
	}
	if s.liar != nil {
		s.liar.liar, s.net.gone = nil, s.liar
	}
	s.run(s.ahead, nil) // what was said by clocks that were ahead waits until it is time
	if !s.run(healWithin, s.lettersOut) {
		s.fail("after %v some letters still wait\n%sunder way: %d, links: %v", healWithin, s.letters(), s.underway, s.net.links())
	}
	for _, r := range s.rooms {
		s.agreeAmong(r.id, s.honest())
	}
	for _, r := range s.rooms {
		if !s.standsStill(r.id) {
			s.keepPromises(r)
		}
	}
}

// lettersOut tells whether nothing waits for another node any more, and nobody for an answer.
func (s *script) lettersOut() bool {
	if s.underway > 0 {
		return false
	}
	for _, h := range s.hosts {
		nodes, err := h.store.OutboxNodes()
		if s.liar != nil {
			nodes = slices.DeleteFunc(nodes, func(n string) bool { return n == s.liar.name })
		}
		if err != nil || h != s.liar && len(nodes) > 0 {
			return false
		}
	}
	return true
}

// letters are what still waits for other nodes, for reports.
func (s *script) letters() (out string) {
	for _, h := range s.hosts {
		nodes, _ := h.store.OutboxNodes()
		for _, to := range nodes {
			letters, _ := h.store.Outbox(to)
			for _, l := range letters {
				a := new(roompb.Ask)
				_ = proto.Unmarshal(l.Bytes, a)
				out += fmt.Sprintf("%s for %s: %v\n", h.name, to, a)
			}
		}
	}
	for _, r := range s.rooms {
		for _, h := range s.hosts {
			state := h.snapshot(r.id).GetState()
			out += fmt.Sprintf("%s has room %.4s at %d, home %s of %v, epoch %d\n", h.name, r.id, state.GetIndex(), state.GetHome(), state.GetStewards(), state.GetEpoch())
		}
	}
	return out
}

// keepPromises checks that what was acknowledged is there, once.
func (s *script) keepPromises(r *roomPlay) {
	s.t.Helper()
	_, state, _ := s.home(r.id)
	var p *person
	for _, h := range s.honest() {
		if q := h.memberOf(state); q != nil && h.frontierFor(r.id) != nil { // which one that was set back to before it joined has not
			p = q
			break
		}
	}
	if p == nil {
		return
	}
	there, texts, losers := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, e := range p.events(r.id) {
		if there[e.Id] {
			s.fail("%s is there twice", lineOf(e))
		}
		there[e.Id] = true
		if e.Kind == string(room.KindText) && e.Edits == 0 && !e.Deleted && (s.liar == nil || e.Origin != s.liar.name) {
			if texts[e.Text] {
				s.fail("%q was said twice", e.Text)
			}
			texts[e.Text] = true
		}
		switch room.Kind(e.Kind) {
		case room.KindKick, room.KindBan, room.KindRole:
			losers[e.Subject] = true
		case room.KindLeave:
			losers[e.Author] = true
		case room.KindNodeBan:
			losers[e.Subject] = true
		}
	}
	for _, a := range s.ledger {
		shown := a.kind.Message() || a.kind.State()
		if a.room != r || !shown || there[a.event.String()] || a.shaken || a.by.h == s.liar {
			continue
		}
		if losers[string(a.by.User)] || losers[a.by.h.name] {
			s.stats["voided"]++
			continue // beyond a cut
		}
		if s.orphan(p.h, a.event) || a.saidAgain(texts) || s.edited[a.event] && !a.by.h.setBackAt.IsZero() {
			continue
		}
		s.fail("%s %s %q (%s) was acknowledged %v ago and is lost\n%s", a.by.User, a.kind, a.text, a.event, time.Since(a.at), s.whereabouts(a.event))
	}
}

// clocks are wrong by minutes.
var clocks = []mishap{
	{0.03, func(s *script) {
		h := s.hosts[s.rng.IntN(len(s.hosts))]
		h.skew = s.between(-5*time.Minute, 5*time.Minute)
		s.note("%s's clock is off by %v", h.name, h.skew)
	}},
}

// jumps are set right after a while, with a restart or without.
var jumps = []mishap{
	{0.02, func(s *script) {
		h := s.hosts[s.rng.IntN(len(s.hosts))]
		h.skew = []time.Duration{time.Hour, -time.Hour, -10 * 365 * 24 * time.Hour}[s.rng.IntN(3)]
		s.note("%s's clock jumps by %v", h.name, h.skew)
		s.after(s.between(time.Second, 20*time.Second), func() {
			if h.up() && s.chance(0.5) {
				h.stop()
				h.skew = 0
				h.start()
			}
			h.skew = 0
		})
	}},
}

// copies: disks are replaced by older copies of themselves, as a backup is restored, or a
// virtual machine set back.
var copies = []mishap{
	{0.03, func(s *script) {
		if h := s.hosts[s.rng.IntN(len(s.hosts))]; h.up() && h.backup == nil {
			s.note("%s is copied", h.name)
			h.backup, h.backedUp = h.copy(100), time.Now()
		}
	}},
	{0.02, func(s *script) {
		h := s.hosts[s.rng.IntN(len(s.hosts))]
		if h.backup == nil || !h.up() {
			return
		}
		silently := s.chance(0.5)
		s.note("%s is set back to its copy of %v ago, silently %v", h.name, time.Since(h.backedUp), silently)
		for _, a := range s.ledger {
			if a.by.h == h && !a.at.Before(h.backedUp) || a.kind.State() && a.room.creator.h == h {
				a.shaken = true
			}
		}
		h.stop()
		h.setBack, h.setBackAt = silently, time.Now()
		h.fs, h.backup = h.backup, nil
		if !silently {
			h.reincarnate()
		}
		s.startLater(h)
	}},
}

// whereabouts says what each host has of an event.
func (s *script) whereabouts(id room.EventID) (out string) {
	for _, h := range s.hosts {
		in, pos, ok, _ := h.store.Find(id)
		row, _, _ := h.store.Row(in, pos)
		out += fmt.Sprintf("  %s: here %v void %v thread %.6s", h.name, ok, row.Void, row.Thread)
		if !row.Thread.IsZero() {
			in, pos, ok, _ := h.store.Find(row.Thread)
			root, _, _ := h.store.Row(in, pos)
			out += fmt.Sprintf(" whose root is here %v void %v %v", ok, root.Void, root.Standing)
		}
		out += "\n"
	}
	return out
}

// orphan tells whether an event answers in a thread whose first message was taken back: it
// is there, and nobody comes by.
func (s *script) orphan(h *host, id room.EventID) bool {
	in, pos, ok, _ := h.store.Find(id)
	row, _, _ := h.store.Row(in, pos)
	if !ok || row.Void || row.Thread.IsZero() {
		return false
	}
	in, pos, ok, _ = h.store.Find(row.Thread)
	root, _, _ := h.store.Row(in, pos)
	return !ok || root.Void // or lost with its log, on the host that was set back: it is a promise of its own
}
