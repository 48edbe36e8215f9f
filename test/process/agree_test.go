package process

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	client "hearth/clients/go"
	"hearth/node/room/roompb"
	pb "hearth/transport/session/clientpb"
)

// view is what a node shows of the room: its state's hash, and every message as it now stands.
type view struct {
	node    *node
	state   string
	history []*roompb.Event
}

// agree waits until the nodes show the same, and checks what they show: all that was acknowledged, once,
// every talker's messages in their order.
func (f *federation) agree(limit time.Duration, acked map[string]said, nodes ...*node) {
	f.t.Helper()
	var views []view
	took := within(f.t, limit, func() (err error) {
		views, err = f.views(nodes)
		if err != nil {
			return err
		}
		for _, v := range views[1:] {
			if err := same(views[0], v); err != nil {
				return err
			}
		}
		return missing(views[0], acked)
	})
	f.t.Logf("%d nodes agree on %d events (%d messages acknowledged), state %.12s, after %v",
		len(nodes), len(views[0].history), len(acked), views[0].state, took.Round(time.Millisecond))
	f.sound(views[0])
	f.printed(nodes)
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
	if shown.code != 0 {
		return view{}, refusal(shown)
	}
	v := view{node: n, state: fmt.Sprint(shown.rows(f.t)[0]["state_hash"])}
	to, done := n.caller()
	defer done()
	for before := ""; ; before = v.history[len(v.history)-1].Id {
		page, err := client.Call(f.t.Context(), to, client.History, &pb.HistoryRequest{Room: f.room, Before: before, Limit: 200})
		if err != nil {
			return view{}, fmt.Errorf("history of %s: %w", n.name, err)
		}
		slices.Reverse(page.Events)
		v.history = append(v.history, page.Events...)
		if !page.MoreBefore || len(page.Events) == 0 {
			break
		}
	}
	slices.Reverse(v.history)
	v.history = slices.DeleteFunc(v.history, func(e *roompb.Event) bool { return e.Voided }) // its author's node alone shows it
	for _, e := range v.history {
		e.Pos, e.Reached, e.Nodes = 0, 0, 0 // each node's own
	}
	return v, nil
}

// caller gives commands one by one.
func (n *node) caller() (client.Caller, func()) {
	n.t.Helper()
	p, err := client.LoadProfile(n.profile)
	if err != nil {
		n.t.Fatal(err)
	}
	d, err := client.NewDialer(p.URL, client.NewTrust(p.URL, p.Pin, false))
	if err != nil {
		n.t.Fatal(err)
	}
	return client.NewHTTP(d, p.Token), d.Close
}

func same(a, b view) error {
	if a.state == "" || a.state == "<nil>" || a.state != b.state {
		return fmt.Errorf("state of %s is %q, of %s %q", a.node.name, a.state, b.node.name, b.state)
	}
	for i := range min(len(a.history), len(b.history)) {
		if !proto.Equal(a.history[i], b.history[i]) {
			return fmt.Errorf("event %d (of %d and %d) of %s and %s:\n%s\n%s", i, len(a.history), len(b.history),
				a.node.name, b.node.name, protojson.Format(a.history[i]), protojson.Format(b.history[i]))
		}
	}
	if len(a.history) != len(b.history) {
		return fmt.Errorf("%s has %d events, %s %d", a.node.name, len(a.history), b.node.name, len(b.history))
	}
	return nil
}

func missing(v view, acked map[string]said) error {
	there := map[string]*roompb.Event{}
	for _, e := range v.history {
		there[e.Id] = e
	}
	lost := 0
	var example error
	for event, s := range acked {
		if err := s.stands(there[event]); err != nil {
			lost++
			example = err
		}
	}
	if lost > 0 {
		return fmt.Errorf("%d of %d acknowledged messages are not as they should be, as %w", lost, len(acked), example)
	}
	return nil
}

// stands says what is wrong with a message as it is shown, for what was acknowledged of it.
func (s said) stands(e *roompb.Event) error {
	switch {
	case e == nil:
		return fmt.Errorf("%q, which is not there", s.text)
	case s.deleted != e.Deleted:
		return fmt.Errorf("%q, deleted %v, not %v", s.text, e.Deleted, s.deleted)
	case !s.deleted && s.text != e.Text:
		return fmt.Errorf("%q, which is %q", s.text, e.Text)
	case !s.deleted && s.liked != (len(e.Reactions) == 1):
		return fmt.Errorf("%q, with %d reactions", s.text, len(e.Reactions))
	}
	return nil
}

// sound: nothing twice, and each talker's numbers rise.
func (f *federation) sound(v view) {
	f.t.Helper()
	events, texts, last := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, e := range v.history {
		if events[e.Id] {
			f.t.Errorf("event %s is there twice", e.Id)
		}
		events[e.Id] = true
		who, number, ok := strings.Cut(e.Text, " ")
		if e.Kind != "text" || !ok {
			continue
		}
		if texts[e.Text] {
			f.t.Errorf("%q is there twice", e.Text)
		}
		texts[e.Text] = true
		var n int
		fmt.Sscan(number, &n)
		if before, any := last[who]; any && n <= before {
			f.t.Errorf("%s: message %d stands after %d", who, n, before)
		}
		last[who] = n
	}
}

// printed: `hearth history` prints the same events on each, for scripts that compare nodes.
func (f *federation) printed(nodes []*node) {
	f.t.Helper()
	var first []string
	for _, n := range nodes {
		var events []string
		for _, row := range n.rows("history", f.room, "--limit", "0", "--profile", n.profile) {
			if row["voided"] != true {
				events = append(events, fmt.Sprint(row["event"], row["author"], row["kind"], row["text"]))
			}
		}
		if first == nil {
			first = events
		}
		if !slices.Equal(first, events) {
			f.t.Errorf("hearth history prints %d events on %s, %d on %s, or others", len(first), nodes[0].name, len(events), n.name)
		}
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

// refusal is a command line that was not done.
type refusal result

func (r refusal) Error() string { return result(r).String() }

// fails is the refusal of a command line, nil when it was done.
func (n *node) fails(args ...string) error {
	if r := n.cli(args...); r.code != 0 {
		return refusal(r)
	}
	return nil
}
