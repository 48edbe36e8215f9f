package relay

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/plugins/irc/format"
	"hearth/plugins/irc/wire"
)

// shot is a piece that was sent and is not shown yet.
type shot struct {
	job    *job
	index  int
	client *client
	id     uint64 // of its last line in the session
	label  string
	synced bool
	at     time.Time
}

// doubt is what may have been said: it stands in the journal before it is sent.
type doubt struct {
	ID      string   `json:"id"`
	With    []string `json:"with,omitempty"` // of a digest: the other deliveries that it tells
	Channel string   `json:"channel"`
	At      int64    `json:"at"`     // ms
	Hashes  []string `json:"hashes"` // of the pieces
	Remote  []string `json:"remote"` // of those that are known to be said
}

// journal is written before anything is sent, a record for all that is then on its way.
type journal struct {
	wanted  []*job // to be written
	writing []*job // being written; sent once it is
	busy    bool
	done    []*doubt // the last answers: the node may not have them when it comes again
	stale   bool     // an answer is not in it yet
}

const maxAnswers = 64 // as many deliveries as a node has under way

// noteAnswer keeps an answer for the next record.
func (r *relay) noteAnswer(j *job, remote []string) {
	d := j.asDoubt()
	d.Remote = remote
	r.journal.done, r.journal.stale = append(r.journal.done, d), true
	if n := len(r.journal.done); n > maxAnswers {
		r.journal.done = r.journal.done[n-maxAnswers:]
	}
}

// answered is the answer that a delivery has had; nil: none that is remembered.
func (r *relay) answered(id string) *doubt {
	for _, d := range r.journal.done {
		if d.of(id) {
			return d
		}
	}
	return nil
}

// doubtOf is what is in doubt of a delivery that is not in a lane; nil: nothing.
func (r *relay) doubtOf(id string) *doubt {
	for _, d := range r.doubts {
		if d.of(id) {
			return d
		}
	}
	return nil
}

// of tells whether it is of this delivery.
func (d *doubt) of(id string) bool {
	return d != nil && (d.ID == id || slices.Contains(d.With, id))
}

// open tells whether some of it is not known to be said.
func (d *doubt) open() bool { return len(d.Remote) < len(d.Hashes) || slices.Contains(d.Remote, "") }

// write begins to write the journal, when there is something new for it.
func (r *relay) write() {
	if !r.journal.busy && len(r.journal.wanted) > 0 {
		r.rewrite()
	}
}

func (r *relay) rewrite() {
	r.journal.busy, r.journal.stale = true, false
	r.journal.writing, r.journal.wanted = r.journal.wanted, nil
	b := r.record()
	r.ask(func(ctx context.Context) func() {
		err := r.host.Put(ctx, keyJournal, b)
		return func() { r.wrote(err) }
	})
}

func (r *relay) wrote(err error) {
	jobs := r.journal.writing
	r.journal.writing = nil
	if err == nil {
		r.journal.busy = false
	} else {
		r.after(time.Second, func() { r.journal.busy = false })
	}
	for _, j := range jobs {
		switch {
		case j.finished || j.written != 1:
		case err != nil: // not sent: it is tried again
			j.written = 0
		default:
			j.written = 2
		}
	}
	if err != nil {
		r.host.Log().Warn("write the journal", "error", err)
	}
}

// record is all that may be said and not known to be, when the jobs being written are sent.
func (r *relay) record() []byte {
	var all []*doubt
	add := func(j *job) {
		if !j.finished && !slices.ContainsFunc(all, func(d *doubt) bool { return d.ID == j.d.GetId() }) {
			all = append(all, j.asDoubt())
		}
	}
	for _, s := range r.flight {
		add(s.job)
	}
	for _, ch := range r.links {
		for _, j := range ch.lane.jobs {
			if j.doubt != nil || j.written == 2 {
				add(j)
			}
		}
	}
	for _, j := range r.journal.writing {
		add(j)
	}
	all = append(all, r.held()...)
	for _, d := range r.journal.done {
		if !slices.ContainsFunc(all, func(o *doubt) bool { return o.ID == d.ID }) {
			all = append(all, d)
		}
	}
	if len(all) > 200 { // far more than can be on its way
		all = all[:200]
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(err) // of our own types
	}
	return b
}

func (j *job) asDoubt() *doubt {
	if j.pieces == nil && j.doubt != nil {
		return j.doubt
	}
	d := &doubt{ID: j.d.GetId(), Channel: j.ch.id, At: j.began.UnixMilli(), Remote: j.remote}
	for _, p := range j.pieces {
		d.Hashes = append(d.Hashes, p.hash)
	}
	for _, o := range j.more {
		d.With = append(d.With, o.GetId())
	}
	if j.doubt != nil {
		d.At = min(d.At, j.doubt.At)
	}
	return d
}

// send puts the pieces on their way that are not known to be said.
func (j *job) send() {
	r := j.ch.r
	j.sent = true
	for i, p := range j.pieces {
		if j.remote[i] != "" {
			continue
		}
		s := &shot{job: j, index: i, client: j.client, at: time.Now()}
		lines := p.lines
		if j.client.session.Has("labeled-response") {
			r.labels++
			s.label = strconv.FormatUint(r.labels, 36)
			lines = slices.Clone(lines)
			lines[0] = lines[0].Tagged("label", s.label)
		}
		for _, line := range lines {
			s.id = j.client.send(line)
		}
		r.flight = append(r.flight, s)
	}
}

// landed: the network has the piece, as this id.
func (r *relay) landed(s *shot, id string) {
	if id == "" {
		id = noID + hash(s.job.d.GetId()+"/"+itoa(s.index))
	}
	r.flight = slices.DeleteFunc(r.flight, func(o *shot) bool { return o == s })
	s.job.remote[s.index] = id
	s.job.check()
}

func (r *relay) unshoot(j *job) {
	r.flight = slices.DeleteFunc(r.flight, func(s *shot) bool { return s.job == j })
}

// dropShots forgets those of finished jobs.
func (r *relay) dropShots() {
	r.flight = slices.DeleteFunc(r.flight, func(s *shot) bool { return s.job.finished })
}

// echoed: something that a connection of ours said has come back.
func (r *relay) echoed(m wire.Message) {
	if s := r.shotOf(m); s != nil {
		r.landed(s, m.Tags.Value("msgid"))
	}
}

// shotOf is the shot that m answers: by its label, or else the first that says the same in the
// channel, or else the first there, as a server may change a text.
func (r *relay) shotOf(m wire.Message) *shot {
	if label := m.Tags.Value("label"); label != "" {
		return r.labelled(label)
	}
	name := r.fold(r.bot.session.Support.Channel(m.Param(0)))
	var first *shot
	for _, s := range r.flight {
		p := &s.job.pieces[s.index]
		if r.fold(s.job.ch.name) != name || p.command() != m.Command && p.command() != "RELAYMSG" || !s.client.said(m) {
			continue
		}
		if p.hash == hashText(m.Last()) || p.command() == "TAGMSG" || p.command() == "REDACT" {
			return s
		}
		if first == nil {
			first = s
		}
	}
	if first != nil && first.client.session.Has("labeled-response") {
		return nil // its label will come
	}
	return first
}

func (r *relay) labelled(label string) *shot {
	for _, s := range r.flight {
		if s.label == label {
			return s
		}
	}
	return nil
}

// said tells whether m is from this connection: by its nick, or relayed by it.
func (c *client) said(m wire.Message) bool {
	if by := m.Tags.Any("draft/relaymsg", "relaymsg"); by != "" {
		return c.session.Is(by)
	}
	return c.session.Is(m.Source.Nick)
}

// found: history has a message of ours. It may be one that is in doubt.
func (r *relay) found(ch *channel, m wire.Message) {
	if r.isOurs(m.Source.Nick) && r.shotOf(m) != nil {
		return // of now
	}
	text := hashText(m.Last())
	for _, d := range r.inDoubt(ch) {
		for i, h := range d.Hashes {
			if h != text || i >= len(d.Remote) || d.Remote[i] != "" || m.Tags.Time().UnixMilli() < d.At-overlap.Milliseconds() {
				continue
			}
			if d.Remote[i] = m.Tags.Value("msgid"); d.Remote[i] == "" {
				d.Remote[i] = noID + hash(d.ID+"/"+itoa(i))
			}
			return
		}
	}
}

// held is what is in doubt of deliveries that are in no lane: they did not come again yet, or wait.
func (r *relay) held() []*doubt {
	all := slices.Collect(maps.Values(r.doubts))
	for _, ch := range r.links {
		for _, c := range ch.corrections {
			all = append(all, c.doubt)
		}
		for _, g := range ch.digests {
			all = append(all, g.doubt)
		}
	}
	return slices.DeleteFunc(all, func(d *doubt) bool { return d == nil })
}

// inDoubt is what may have been said in a channel before the connection was cut.
func (r *relay) inDoubt(ch *channel) []*doubt {
	var all []*doubt
	for _, j := range ch.lane.jobs {
		if j.doubt != nil && !j.sent && j.doubt.open() {
			all = append(all, j.doubt)
		}
	}
	for _, d := range r.held() {
		if d.Channel == ch.id && d.open() {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b *doubt) int { return int(a.At - b.At) })
	return all
}

// doubt takes back what a connection had on its way when it ended.
func (r *relay) doubt(c *client) {
	for _, s := range slices.Clone(r.flight) {
		if s.client == c && !s.job.finished {
			j := s.job
			j.doubt = j.asDoubt()
			j.reset()
		}
	}
	for _, ch := range r.links {
		for _, j := range ch.lane.jobs {
			if j.client == c && !j.sent {
				j.reset()
			}
		}
	}
}

// askSync asks for a sign from the connections whose echo does not come, once they have sent all.
func (r *relay) askSync() {
	for _, s := range r.flight {
		c := s.client
		if s.synced || c.syncing || c.gone || c.session.Waiting() > 0 {
			continue
		}
		if s.echoes() && time.Since(s.at) < r.echoTime {
			continue
		}
		c.syncing, c.stirred = true, true
		c.session.Sync()
	}
}

// echoes tells whether what was said comes back by itself to where somebody listens.
func (s *shot) echoes() bool {
	return (s.client.isBot() || s.job.ch.peer != nil) && s.client.session.Has("echo-message")
}

// synced: the server has done all that was sent before.
func (r *relay) synced(c *client, id uint64) {
	c.syncing = false
	for _, ch := range r.links {
		if c.isBot() && ch.history.sync == id {
			ch.settle()
		}
	}
	for _, s := range slices.Clone(r.flight) {
		if s.client != c || s.id > id || s.synced || s.job.finished {
			continue
		}
		switch {
		case s.echoes() && s.job.ch.peer != nil:
			s.job.unsaid("swallowed", "The network took the message and did not show it: a filter, or a mode of "+escapeLine(s.job.ch.name)+".")
		case s.echoes():
			s.job.drop("swallowed", "The network took the message and did not show it: a filter, or a mode of the channel.")
		case !c.isBot() && s.job.ch.peer == nil && r.bot != nil && r.bot.session.Has("message-tags"):
			s.synced = true // the bot sees it soon, with its id
			r.after(3*time.Second, func() {
				if slices.Contains(r.flight, s) {
					r.landed(s, "")
				}
			})
		default:
			r.landed(s, "")
		}
	}
}

// sendRefused is a numeric that says why something was not sent.
func (r *relay) sendRefused(m wire.Message) {
	s := r.refusedShot(m)
	if s == nil {
		return
	}
	if m.Command == "482" && s.job.how == "relaymsg" {
		r.withoutRelay(s.job)
		return
	}
	text := "The network did not take the message: " + m.Last()
	s.job.drop("forbidden", text)
	s.job.ch.tell("degraded", text, "")
}

func (r *relay) refusedShot(m wire.Message) *shot {
	if label := m.Tags.Value("label"); label != "" {
		return r.labelled(label)
	}
	name := r.fold(m.Param(1))
	for _, s := range r.flight {
		if s.client.isBot() && r.fold(s.job.ch.name) == name {
			return s
		}
	}
	return nil
}

// fail is a standard reply.
func (r *relay) fail(m wire.Message) {
	what := strings.ToUpper(m.Param(0))
	if what == "CHATHISTORY" {
		for _, ch := range r.links {
			if ch.history.fetching {
				ch.settle()
			}
		}
		return
	}
	var s *shot
	if label := m.Tags.Value("label"); label != "" {
		s = r.labelled(label)
	} else if i := slices.IndexFunc(r.flight, func(s *shot) bool { return s.job.pieces[s.index].lines[0].Command == what }); i >= 0 {
		s = r.flight[i]
	}
	switch {
	case s == nil:
	case what == "RELAYMSG":
		r.withoutRelay(s.job)
	case what == "BATCH":
		s.job.reset()
		s.job.plain = true
	default:
		s.job.drop("forbidden", m.Last())
	}
}

// withoutRelay says a job by the bot's own name, and whatever follows in the channel.
func (r *relay) withoutRelay(j *job) {
	j.ch.noRelay = time.Now()
	j.ch.tell("degraded", "RELAYMSG is not allowed to the bridge in "+j.ch.id+" (it may have to be an operator there), so it speaks under its own nick.", "")
	j.reset()
}

// hashText is of the first line of a message, without formatting, which servers may strip.
func hashText(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return hash(strings.TrimSpace(format.FromIRC(text).Text()))
}
