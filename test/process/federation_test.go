package process

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/test/port"
	"hearth/test/program"
)

const password = "correct horse battery staple"

// federation is some nodes, each with an account, and a room that all of them are in.
type federation struct {
	t       *testing.T
	dir     string
	nodes   []*node
	room    string // its id
	address string // #alias@node
}

// node is one of them, whether it runs or not. Its account is user1 on the first, and so on.
type node struct {
	t       *testing.T
	name    string
	url     string // where clients reach it
	data    string
	user    string
	profile string
	visitor string // profile of another account, that is in the room at times
	netns   string
	flags   []string
	log     *program.Log
	run     *program.Process // nil: it does not
}

// place is where a node is: what it listens at, what it is called, how clients reach it.
type place struct {
	name, listen, url, netns string
	hosts                    []string
}

// newFederation starts n nodes on loopback that know each other: the others join the first by its link.
func newFederation(t *testing.T, n int) *federation {
	t.Helper()
	var places []place
	for range n {
		at := "localhost:" + port.Free(t)
		places = append(places, place{name: at, listen: at, url: "https://" + at})
	}
	return federate(t, places)
}

func federate(t *testing.T, places []place) *federation {
	t.Helper()
	if testing.Short() {
		t.Skip("real processes take their time")
	}
	f := &federation{t: t, dir: t.TempDir()}
	f.write("pw", password+"\n")
	for i, p := range places {
		n := &node{t: t, name: p.name, url: p.url, netns: p.netns, user: fmt.Sprintf("user%d", i+1), log: &program.Log{}}
		n.data = filepath.Join(f.dir, fmt.Sprintf("d%d", i+1))
		n.flags = []string{"--data", n.data, "--listen", p.listen, "--name", p.name, "--send-rate", "0"}
		for _, host := range p.hosts {
			n.flags = append(n.flags, "--hosts", host)
		}
		f.nodes = append(f.nodes, n)
		n.start()
		n.profile = f.account(n, n.user)
		n.visitor = f.account(n, fmt.Sprintf("visitor%d", i+1))
	}
	t.Cleanup(f.show)
	f.join()
	f.meet("garden")
	return f
}

// account makes one and logs it in.
func (f *federation) account(n *node, user string) (profile string) {
	f.t.Helper()
	profile = f.path(user + ".json")
	n.must("user", "add", user, "--data", n.data, "--password-file", f.path("pw"))
	n.must("login", n.url, "--user", user, "--password-file", f.path("pw"), "--profile", profile)
	return profile
}

func (f *federation) path(name string) string { return filepath.Join(f.dir, name) }

func (f *federation) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(f.path(name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// join makes the first node's link and gives it to the others; those find each other by gossip.
func (f *federation) join() {
	f.t.Helper()
	first, others := f.nodes[0], f.nodes[1:]
	if len(others) == 0 {
		return
	}
	link := strings.TrimSpace(first.must("invite", "--node", "--uses", fmt.Sprint(len(others)), "--data", first.data).out)
	for _, n := range others {
		n.must("join", link, "--data", n.data)
	}
	took := within(f.t, time.Minute, func() error {
		for _, n := range f.nodes {
			if rows := n.peers(); len(rows) < len(others) {
				return fmt.Errorf("%s knows %d other nodes, not %d", n.name, len(rows), len(others))
			}
		}
		return nil
	})
	f.t.Logf("%d nodes know each other after %v", len(f.nodes), took.Round(100*time.Millisecond))
}

// meet makes a room on the first node that everybody joins by its address.
func (f *federation) meet(alias string) {
	f.t.Helper()
	home := f.nodes[0]
	f.room = home.rows("room", "create", alias, "--public", "--profile", home.profile)[0]["room"].(string)
	f.address = "#" + alias + "@" + home.name
	for _, n := range f.nodes[1:] {
		n.must("room", "join", f.address, "--profile", n.profile)
	}
}

func (n *node) start() {
	n.t.Helper()
	n.run = serve(n.t, n.netns, n.log, n.flags...)
}

// kill as SIGKILL does.
func (n *node) kill() {
	n.run.Kill()
	n.run = nil
}

func (n *node) stop() {
	n.t.Helper()
	n.run.Stop(n.t)
	n.run = nil
}

// cli gives a command line, and takes whatever comes of it.
func (n *node) cli(args ...string) result {
	n.t.Helper()
	return hearth(n.t.Context(), args...)
}

// must gives one that has to be done.
func (n *node) must(args ...string) result {
	n.t.Helper()
	r := n.cli(args...)
	if r.code != 0 {
		n.t.Fatalf("%s", r)
	}
	return r
}

// rows gives one and reads its lines of JSON.
func (n *node) rows(args ...string) []map[string]any {
	n.t.Helper()
	return n.must(append(args, "--json")...).rows(n.t)
}

func (r result) rows(t *testing.T) []map[string]any {
	t.Helper()
	var rows []map[string]any
	for line := range strings.Lines(r.out) {
		row := map[string]any{}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%s\nnot a line of JSON: %q", r, line)
		}
		rows = append(rows, row)
	}
	return rows
}

// peers are the other nodes that it has a link with, or hears of by gossip.
func (n *node) peers() []map[string]any {
	n.t.Helper()
	var up []map[string]any
	for _, row := range n.rows("peers", "--data", n.data) {
		if row["state"] == "up" || row["gossip"] == true {
			up = append(up, row)
		}
	}
	return up
}

// show says, when a test has failed, what the nodes had to say.
func (f *federation) show() {
	if !f.t.Failed() {
		return
	}
	for _, n := range f.nodes {
		f.t.Logf("%s (%s) said at last:\n%s", n.name, n.user, n.log.Tail(40))
	}
}

// within repeats what may fail at first, until it does not; the last error fails the test.
func within(t *testing.T, limit time.Duration, try func() error) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		err := try()
		if err == nil {
			return time.Since(began)
		}
		if time.Since(began) > limit {
			t.Fatalf("after %v: %v", limit, err)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(err)
		}
	}
}
