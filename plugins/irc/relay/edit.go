package relay

import (
	"strings"
	"time"
	"unicode"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/format"
)

const lateEdit = 15 * time.Minute

// correct holds an edit back a little: the last of several is said, once.
func (ch *channel) correct(d *pb.Delivery) {
	r := ch.r
	sent := time.UnixMilli(d.GetTarget().GetTime())
	if d.GetTarget().GetTime() > 0 && time.UnixMilli(d.GetTime()).Sub(sent) > lateEdit {
		r.host.Dropped(d, "late_edit", "What was said more than 15 minutes before is not corrected on IRC.")
		return
	}
	if ch.corrections == nil {
		ch.corrections = map[string]*correction{}
	}
	c := &correction{d: d, old: d.GetOldText(), doubt: r.doubts[d.GetId()]}
	delete(r.doubts, d.GetId())
	for id, other := range ch.corrections {
		if other.d.GetTarget().GetEvent() == d.GetTarget().GetEvent() {
			other.timer.Stop()
			delete(ch.corrections, id)
			c.old = other.old
			r.host.Done(other.d) // the newer one tells it too
		}
	}
	ch.corrections[d.GetId()] = c
	c.timer = r.after(r.settings.editWait, func() {
		if ch.corrections[d.GetId()] != c {
			return
		}
		delete(ch.corrections, d.GetId())
		if isTiny(c.old, d.GetText()) {
			r.host.Dropped(d, "tiny_edit", "A letter or two is not worth a line on IRC.")
			return
		}
		if c.doubt != nil {
			r.doubts[d.GetId()] = c.doubt
		}
		ch.lane.add(d)
	})
}

// correction is an edit that waits for further ones.
type correction struct {
	d     *pb.Delivery
	old   string // before the first of them
	timer *time.Timer
	doubt *doubt
}

// correction renders an edit as a line of its own.
func (j *job) correction() {
	lines := format.FromMarkdown(j.mentions(j.d.GetText()))
	if len(lines) == 0 {
		j.drop("empty", "There is nothing to show on IRC.")
		return
	}
	l := lines[0]
	if len(lines) > 1 || len(l.Text()) > 300 {
		old, changed := middles(plainTopic(j.d.GetOldText()), plainTopic(j.d.GetText()))
		l = format.Plain("“" + short(old, 120) + "” → “" + short(changed, 200) + "”")
	}
	j.pieces = j.messages([]format.Line{format.Join(format.Plain("(corrected) "), l)})
}

// middles are what is different of two texts, in whole words.
func middles(a, b string) (string, string) {
	x, y := strings.Fields(a), strings.Fields(b)
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	return strings.Join(x, " "), strings.Join(y, " ")
}

// isTiny tells whether two texts differ by no more than two letters in one place, and by no digit: a time or an
// amount is never tiny.
func isTiny(a, b string) bool {
	x, y := []rune(a), []rune(b)
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	for _, r := range append(x[:len(x):len(x)], y...) {
		if unicode.IsDigit(r) || unicode.IsSpace(r) {
			return false
		}
	}
	return len(x) <= 2 && len(y) <= 2
}
