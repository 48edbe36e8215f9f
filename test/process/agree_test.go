package process

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// view is what a node shows of the room.
type view struct {
	state   string
	history []line
}

type line struct{ event, author, kind, text string }

// agree waits until the nodes show the same, and checks what they show: all that was acknowledged, once,
// every talker's messages in their order.
func (f *federation) agree(limit time.Duration, acked map[string]string, nodes ...*node) {
	f.t.Helper()
	var views []view
	took := within(f.t, limit, func() (err error) {
		views, err = f.views(nodes)
		if err != nil {
			return err
		}
		for i, v := range views[1:] {
			if err := same(nodes[0], views[0], nodes[i+1], v); err != nil {
				return err
			}
		}
		return missing(views[0], acked)
	})
	f.t.Logf("%d nodes agree on %d events (%d messages acknowledged), state %.12s, after %v",
		len(nodes), len(views[0].history), len(acked), views[0].state, took.Round(time.Millisecond))
	f.sound(views[0])
}

func (f *federation) views(nodes []*node) ([]view, error) {
	var views []view
	for _, n := range nodes {
		v, err := f.view(n)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	return views, nil
}

func (f *federation) view(n *node) (view, error) {
	shown := n.cli("room", "show", f.room, "--profile", n.profile, "--json")
	history := n.cli("history", f.room, "--limit", "0", "--profile", n.profile, "--json")
	if shown.code != 0 || history.code != 0 {
		return view{}, errors.New(shown.String() + history.err)
	}
	v := view{state: fmt.Sprint(shown.rows(f.t)[0]["state_hash"])}
	for _, row := range history.rows(f.t) {
		v.history = append(v.history, line{row["event"].(string), row["author"].(string), row["kind"].(string), row["text"].(string)})
	}
	return v, nil
}

func same(a *node, av view, b *node, bv view) error {
	if av.state == "" || av.state == "<nil>" || av.state != bv.state {
		return fmt.Errorf("state of %s is %q, of %s %q", a.name, av.state, b.name, bv.state)
	}
	for i := range min(len(av.history), len(bv.history)) {
		if av.history[i] != bv.history[i] {
			return fmt.Errorf("event %d (of %d and %d) of %s is %v, of %s %v", i, len(av.history), len(bv.history),
				a.name, av.history[i], b.name, bv.history[i])
		}
	}
	if len(av.history) != len(bv.history) {
		return fmt.Errorf("%s has %d events, %s %d", a.name, len(av.history), b.name, len(bv.history))
	}
	return nil
}

func missing(v view, acked map[string]string) error {
	there := map[string]string{}
	for _, l := range v.history {
		there[l.event] = l.text
	}
	lost := 0
	for event, text := range acked {
		if there[event] != text {
			lost++
		}
	}
	if lost > 0 {
		return fmt.Errorf("%d of %d acknowledged messages are not there", lost, len(acked))
	}
	return nil
}

// sound: nothing twice, and each talker's numbers rise.
func (f *federation) sound(v view) {
	f.t.Helper()
	events, texts, last := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, l := range v.history {
		if events[l.event] {
			f.t.Errorf("event %s is there twice", l.event)
		}
		events[l.event] = true
		who, number, said := strings.Cut(l.text, " ")
		if l.kind != "text" || !said {
			continue
		}
		if texts[l.text] {
			f.t.Errorf("%q is there twice", l.text)
		}
		texts[l.text] = true
		var n int
		fmt.Sscan(number, &n)
		if before, any := last[who]; any && n <= before {
			f.t.Errorf("%s: message %d stands after %d", who, n, before)
		}
		last[who] = n
	}
}

// verify ends the nodes and checks their folders.
func (f *federation) verify(nodes ...*node) {
	f.t.Helper()
	for _, n := range nodes {
		if n.run != nil {
			n.stop()
		}
		n.must("verify", "--data", n.data)
	}
}
