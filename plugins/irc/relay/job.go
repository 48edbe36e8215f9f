package relay

import (
	"slices"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
)

// job is a delivery on its way. It is finished by exactly one outcome.
type job struct {
	d        *pb.Delivery
	more     []*pb.Delivery // of a digest: those that it tells too
	ch       *channel
	how      string  // bot relaymsg puppet; "": not decided
	client   *client // that says it
	pieces   []piece // nil: not rendered
	link     string  // to the whole text, once it is published
	asking   bool    // for that
	plain    bool    // one line a message: the server refused a multiline one
	written  int     // 0: not in the journal, 1: being written, 2: there
	sent     bool
	remote   []string // a piece; "": not shown yet
	doubt    *doubt   // what an earlier try may have said
	began    time.Time
	finished bool
	patience time.Time // until when a puppet is waited for
}

// lane is a channel's jobs, in order.
type lane struct {
	ch    *channel
	jobs  []*job
	since time.Time // when the first began to wait
}

const (
	maxFlight  = 16               // pieces that are sent and not shown
	unfenced   = 4                // likewise, where the network keeps no history: what a cut may double at most
	holdTime   = 20 * time.Second // that deliveries wait for a connection before the node is asked to come again
	comeAgain  = 15 * time.Second
	echoTime   = 5 * time.Second // after which an echo that did not come is asked about
	puppetTime = 30 * time.Second
	aloneTime  = 30 * time.Second // that an empty channel is waited for, after its server was lost
)

// deliver takes something said in the room.
func (r *relay) deliver(d *pb.Delivery) {
	ch := r.links[d.GetChannel()]
	if ch == nil || !ch.link.GetConfirmed() {
		r.host.Dropped(d, "not_linked", "The channel is not linked.")
		return
	}
	if ch.lane.has(d.GetId()) || time.Now().Before(ch.closed) {
		return // it is on its way, or comes again
	}
	if r.stopped != "" || ch.stopped != "" {
		r.host.Dropped(d, "forbidden", r.stopped+ch.stopped)
		return
	}
	if ch.peer != nil && ch.confides(d) {
		return
	}
	if d.GetAuthor() != nil {
		ch.people.spoke(r.shownNick(d.GetAuthor()), d.GetAuthor(), r.fold)
	}
	ch.answeredBefore(d)
	ch.arrives(d.GetId())
	switch kind := d.GetKind(); {
	case kind == "edit":
		ch.correct(d)
		return
	case (kind == "react" || kind == "unreact") && r.settings.reactions == "digest":
		ch.react(d)
		return
	}
	ch.lane.add(d)
}

// answeredBefore forgets what is no longer in doubt: deliveries come in order, so one that was not in doubt shows that those
// which were and did not come again have been answered.
func (ch *channel) answeredBefore(d *pb.Delivery) {
	if ch.r.doubtOf(d.GetId()) != nil {
		return
	}
	for id, old := range ch.r.doubts {
		if old.Channel == ch.id {
			delete(ch.r.doubts, id)
		}
	}
}

func (l *lane) add(d *pb.Delivery) *job {
	if len(l.jobs) == 0 {
		l.since = time.Now()
	}
	j := &job{d: d, ch: l.ch, began: time.Now()}
	if j.doubt = l.ch.r.doubtOf(d.GetId()); j.doubt == nil {
		j.doubt = l.ch.r.answered(d.GetId())
	}
	if j.doubt != nil {
		delete(l.ch.r.doubts, j.doubt.ID)
	}
	l.jobs = append(l.jobs, j)
	return j
}

// deliveries are all that the job answers.
func (j *job) deliveries() []*pb.Delivery { return append([]*pb.Delivery{j.d}, j.more...) }

func (l *lane) has(id string) bool {
	is := func(d *pb.Delivery) bool { return d.GetId() == id }
	for _, j := range l.jobs {
		if is(j.d) || slices.ContainsFunc(j.more, is) {
			return true
		}
	}
	for _, g := range l.ch.digests {
		if slices.ContainsFunc(g.all, is) {
			return true
		}
	}
	return l.ch.corrections[id] != nil
}

func (l *lane) wake() { l.since = time.Now() }

// clear forgets all jobs: nobody waits for them any more.
func (l *lane) clear() {
	for _, j := range l.jobs {
		j.finished = true
	}
	l.jobs = nil
	l.ch.r.dropShots()
}

// beat hands back what has waited too long for a connection.
func (l *lane) beat(now time.Time) {
	waits := slices.ContainsFunc(l.jobs, func(j *job) bool { return !j.finished })
	if waits && !l.ch.heeded(now) && now.Sub(l.since) >= l.ch.r.holdTime {
		l.ch.handBack(now)
	}
}

// handBack gives the node all back that waits in the channel, in whatever way: the first of it comes again later, and all after
// it. What was on its way here meanwhile comes again, too, and is not taken now: it would be said before those, and
// seem to show that they have been answered.
func (ch *channel) handBack(now time.Time) {
	r, waiting := ch.r, map[string]bool{}
	note := func(d *doubt, all ...*pb.Delivery) {
		if d != nil {
			r.doubts[d.ID] = d
		}
		for _, each := range all {
			waiting[each.GetId()] = true
		}
	}
	for _, j := range ch.lane.jobs {
		if !j.finished { // an answer that came as the connection broke: that one does not come again
			note(j.doubt, j.deliveries()...)
		}
	}
	for _, c := range ch.corrections {
		c.timer.Stop()
		note(c.doubt, c.d)
	}
	for _, g := range ch.digests {
		g.timer.Stop()
		note(g.doubt, g.all...)
	}
	ch.lane.clear()
	ch.corrections, ch.digests = nil, nil
	for _, id := range ch.arrived {
		if waiting[id] {
			ch.closed = now.Add(r.comeAgain)
			r.host.Again(&pb.Delivery{Id: id, Channel: ch.id}, r.comeAgain)
			break
		}
	}
	ch.arrived = nil
}

// arrives notes in what order deliveries came.
func (ch *channel) arrives(id string) {
	if len(ch.arrived) >= maxArrived {
		ch.arrived = slices.DeleteFunc(ch.arrived, func(id string) bool { return !ch.lane.has(id) })
	}
	ch.arrived = append(ch.arrived, id)
}

const maxArrived = 256 // more than a node lets be unanswered

// pump moves every lane on as far as it goes.
func (r *relay) pump() {
	if r.bot == nil || r.bot.stream == nil || !r.bot.session.Ready() {
		return
	}
	now := time.Now()
	for _, ch := range r.links {
		if ch.heeded(now) {
			ch.lane.pump()
		}
	}
	r.write()
	r.askSync()
}

func (l *lane) pump() {
	r := l.ch.r
	var before *job  // sent and not finished
	blocked := false // a job before was not sent
	for i := 0; i < len(l.jobs); i++ {
		j := l.jobs[i]
		if j.finished {
			l.jobs = append(l.jobs[:i], l.jobs[i+1:]...)
			i--
			continue
		}
		if j.sent {
			before = j
			continue
		}
		if !j.prepare() {
			if j.finished {
				continue
			}
			return
		}
		if before != nil && before.client != j.client {
			return // two connections keep no order between them
		}
		if j.written == 0 && r.room() < len(j.pieces) && r.room() < r.most() {
			return
		}
		if j.written == 0 && l.ch.peer != nil && before != nil {
			return // no history tells later what was said: one at a time
		}
		switch {
		case j.written == 0:
			j.written = 1
			r.journal.wanted = append(r.journal.wanted, j)
			blocked = true
		case j.written == 1 || blocked:
			blocked = true
		default:
			j.send()
			before = j
		}
	}
}

// most is how many pieces may be on their way. Without a history nobody can tell whether those were said that a cut
// took by surprise, so they are few, and each few are fenced off by what shows that the server has done
// them: an echo, a label's answer, or the PONG for a PING behind them.
func (r *relay) most() int {
	if r.bot != nil && r.remembers() {
		return maxFlight
	}
	return unfenced
}

// room is how many more pieces may be on their way.
func (r *relay) room() int {
	n := r.most() - len(r.flight)
	for _, j := range r.journal.wanted {
		n -= len(j.pieces)
	}
	for _, j := range r.journal.writing {
		if !j.sent {
			n -= len(j.pieces)
		}
	}
	return n
}

// prepare decides who says it and how; false: not yet, or finished without a word.
func (j *job) prepare() bool {
	if j.pieces != nil && j.client != nil && !j.client.gone {
		return true
	}
	if !j.voice() {
		return false
	}
	if j.render(); j.finished || j.pieces == nil {
		return false
	}
	j.noteWords()
	j.remote = make([]string, len(j.pieces))
	j.resolve()
	return !j.finished
}

// noteWords keeps what is going to be said, for when another bridge brings it back.
func (j *job) noteWords() {
	for _, p := range j.pieces {
		for _, m := range p.lines {
			switch m.Command {
			case "PRIVMSG":
				j.ch.speaks(j.client.session.Source.Nick, m.Last())
			case "RELAYMSG":
				j.ch.speaks(m.Param(1), m.Last())
			}
		}
	}
}

// resolve takes over what an earlier try is known to have said.
func (j *job) resolve() {
	d := j.doubt
	if d == nil {
		return
	}
	same := len(d.Remote) == len(j.pieces)
	for i, remote := range d.Remote {
		if remote == "" {
			continue
		}
		if !same { // cut otherwise than it was: what was begun is taken for said
			j.done(d.Remote...)
			return
		}
		j.remote[i] = remote
	}
	j.check()
}

func (j *job) drop(why, text string) {
	if !j.finished {
		j.finished = true
		for _, d := range j.deliveries() {
			j.ch.r.host.Dropped(d, why, text)
		}
		j.ch.r.dropShots()
	}
}

func (j *job) done(remote ...string) {
	if j.finished {
		return
	}
	j.finished = true
	var all []string
	for _, id := range remote {
		if id != "" {
			all = append(all, id)
		}
	}
	j.ch.r.host.Done(j.d, all...)
	for _, d := range j.more {
		j.ch.r.host.Done(d)
	}
	j.ch.r.noteAnswer(j, all)
	j.ch.r.dropShots()
}

// check finishes a job all of whose pieces are shown.
func (j *job) check() {
	for _, id := range j.remote {
		if id == "" {
			return
		}
	}
	j.done(j.remote...)
}

// reset begins again, as when a server refused the way it was said.
func (j *job) reset() {
	j.pieces, j.client, j.how, j.sent, j.written, j.remote = nil, nil, "", false, 0, nil
	j.ch.r.unshoot(j)
}
