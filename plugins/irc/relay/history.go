package relay

import (
	"fmt"
	"time"

	"hearth/plugins/irc/wire"
)

// history is how a channel catches up after it was entered.
type history struct {
	known    bool // heardAt has been read
	fetching bool
	fetched  int
	since    string         // what was asked for last
	sync     uint64         // where there is none to ask for: the PING after the JOIN
	held     []wire.Message // what was said meanwhile
	timer    *time.Timer
}

const (
	overlap     = 10 * time.Second // clocks of servers differ
	historyTime = 30 * time.Second // for an answer
	maxHeld     = 5000
	stamp       = "2006-01-02T15:04:05.000Z"
)

func (h *history) cut() {
	known := h.known
	if h.timer != nil {
		h.timer.Stop()
	}
	*h = history{known: known}
}

// catchUp asks for what was said while we were away. Where nobody keeps that, a PING tells when
// all that the server sends by itself on entering has come.
func (ch *channel) catchUp() {
	s := ch.r.bot.session
	h := &ch.history
	h.fetched = 0
	from := ch.since()
	h.timer = ch.r.after(historyTime, func() { ch.settle() })
	if ch.r.remembers() && from > 0 {
		h.fetching = true
		ch.fetch("timestamp=" + time.UnixMilli(from).UTC().Add(-overlap).Format(stamp))
		return
	}
	h.sync = s.Sync()
	ch.r.bot.stirred = true
}

// remembers tells whether the network keeps history, and the administrator lets it be asked.
func (r *relay) remembers() bool {
	s := r.bot.session
	return s.Has("draft/chathistory") && s.Has("batch") && r.settings.history > 0
}

// since is the time (ms) from which history matters: what was not heard, and what may not have been said.
func (ch *channel) since() int64 {
	from := ch.heardAt
	for _, d := range ch.r.inDoubt(ch) {
		if from == 0 || d.At < from {
			from = d.At
		}
	}
	return from
}

func (ch *channel) fetch(since string) {
	ch.history.since = since
	ch.r.bot.send(wire.New("CHATHISTORY", "AFTER", ch.name, since, itoa(ch.page())))
}

func (ch *channel) page() int {
	page := 100
	if most := ch.r.bot.session.Support.History; most > 0 {
		page = min(page, most)
	}
	return page
}

// replayed is a batch of history: an answer, or what a server or bouncer plays on entering.
func (r *relay) replayed(b *batch) {
	ch := r.channel(b.opening.Param(2))
	if ch == nil || !ch.joined {
		return
	}
	for _, m := range b.messages {
		ch.replay(m)
	}
	h := &ch.history
	if !h.fetching {
		return
	}
	h.fetched += len(b.messages)
	if next := ch.nextPage(b.messages); next != "" && next != h.since {
		ch.fetch(next)
		return
	}
	ch.settle()
}

// nextPage is where to go on after a full page; "": that was all. By time and not by id, as a server that forgot
// the message must not end the search; a millisecond earlier, as there may be more of that one. Where that would
// stand still, by id.
func (ch *channel) nextPage(page []wire.Message) string {
	n := len(page)
	if n < ch.page() {
		return ""
	}
	if ch.history.fetched >= ch.r.settings.history {
		ch.line("gap:"+page[n-1].Tags.Value("time"), fmt.Sprintf("More than %d messages were said in %s meanwhile. Those after these are not shown here.", ch.r.settings.history, ch.id))
		return ""
	}
	last := page[n-1]
	if last.Tags.Time().IsZero() {
		return ""
	}
	if at := last.Tags.Time().Add(-time.Millisecond); page[0].Tags.Time().Before(at) {
		return "timestamp=" + at.UTC().Format(stamp)
	}
	if id := last.Tags.Value("msgid"); id != "" {
		return "msgid=" + id
	}
	return "timestamp=" + last.Tags.Time().UTC().Format(stamp)
}

// replay takes one message of history: perhaps one of ours, perhaps one that was heard, perhaps news.
func (ch *channel) replay(m wire.Message) {
	if m.Command != "PRIVMSG" && m.Command != "NOTICE" && m.Command != "REDACT" && m.Command != "TAGMSG" {
		return
	}
	if ch.r.wasOurs(m) {
		ch.speaks(m.Source.Nick, m.Last())
		ch.r.found(ch, m)
		return
	}
	if !ch.link.GetConfirmed() || ch.heardAt == 0 {
		return
	}
	sent := m.Tags.Time().UnixMilli()
	id := m.Tags.Value("msgid")
	if id == "" && sent <= ch.heardAt || sent < ch.heardAt-int64(overlap/time.Millisecond) {
		return
	}
	if m.Command == "TAGMSG" || m.Command == "REDACT" {
		ch.r.obey(m)
		return
	}
	ch.take(m, true)
}

// wasOurs tells whether a message of the past is one of ours: by nick, by account, or by the
// tag of a relayed one.
func (r *relay) wasOurs(m wire.Message) bool {
	if by := m.Tags.Any("draft/relaymsg", "relaymsg"); by != "" {
		return r.nicks[r.fold(by)] != 0 || r.isOurs(by)
	}
	if account := r.bot.session.Account; account != "" && r.fold(m.Tags.Value("account")) == r.fold(account) {
		return true
	}
	return r.nicks[r.fold(m.Source.Nick)] != 0 || r.isOurs(m.Source.Nick)
}

// settle: the past is done with.
func (ch *channel) settle() {
	h := &ch.history
	if ch.settled || !ch.joined {
		return
	}
	if h.timer != nil {
		h.timer.Stop()
	}
	h.fetching, h.sync = false, 0
	ch.settled = true
	held := h.held
	h.held = nil
	for _, m := range held {
		ch.take(m, false)
	}
	ch.lane.wake()
	ch.silence()
}
