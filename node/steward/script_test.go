package steward

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

var update = flag.Bool("update", false, "write testdata/*.txt anew")

// TestScripts runs the stories in testdata. A line that begins with > is a command; what
// follows until the next one is what happens.
//
//	> stewards a b c       the room's nodes
//	> propose a NAME       somebody on a changes the room's name; it waits until a leads
//	> campaign a
//	> tick a 5
//	> deliver              all letters, and those they lead to, in order
//	> deliver 3            the first three
//	> drop                 all letters on their way are lost
//	> drop a b             those from a to b
//	> crash a, > start a
//	> sync b a             b gets a's entries as any node gets them
//	> show
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	var h *house
	for line := range strings.Lines(string(want)) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "#") || line == "" {
			fmt.Fprintln(&got, line)
			continue
		}
		if !strings.HasPrefix(line, "> ") {
			continue
		}
		fmt.Fprintln(&got, line)
		words := strings.Fields(line[2:])
		if words[0] == "stewards" {
			h = newHouse(t, words[1:]...)
			h.log = func(format string, args ...any) { fmt.Fprintf(&got, "  "+format+"\n", args...) }
			continue
		}
		commands[words[0]](h, append(words[1:], "", ""))
		h.check()
	}
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got.String() != string(want) {
		t.Errorf("%s: got\n%s", file, got.String())
	}
}

var commands = map[string]func(h *house, args []string){
	"propose": func(h *house, args []string) {
		p := h.hosts[args[0]]
		p.waiting = append(p.waiting, args[1])
		p.settle()
	},
	"campaign": func(h *house, args []string) {
		h.hosts[args[0]].group.Campaign()
		h.hosts[args[0]].settle()
	},
	"tick": func(h *house, args []string) {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			h.t.Fatal(err)
		}
		h.hosts[args[0]].tick(n)
	},
	"deliver": func(h *house, args []string) {
		most, err := strconv.Atoi(args[0])
		for ; len(h.net) > 0 && (err != nil || most > 0); most-- {
			l := h.net[0]
			h.net = h.net[1:]
			h.deliver(l)
		}
	},
	"drop": func(h *house, args []string) {
		left := h.net[:0]
		for _, l := range h.net {
			if args[0] != "" && (l.from != args[0] || l.to != args[1]) {
				left = append(left, l)
			}
		}
		h.net = left
	},
	"crash": func(h *house, args []string) { h.hosts[args[0]].crash() },
	"start": func(h *house, args []string) { h.hosts[args[0]].start() },
	"sync":  func(h *house, args []string) { h.hosts[args[0]].sync(h.hosts[args[1]]) },
	"show": func(h *house, _ []string) {
		for _, name := range h.names {
			p := h.hosts[name]
			if p.group == nil {
				h.log("%s: not running, entry %d %q", name, p.state.Index, p.state.Name)
				continue
			}
			h.log("%s: entry %d %q, leader %q, busy %v, can seal %v", name, p.state.Index, p.state.Name, p.group.Leader(), p.group.Busy(), p.group.CanSeal())
		}
	},
}

// describe is a letter in a few words.
func describe(q *roompb.StewardAsk) string {
	var out []string
	for _, raw := range q.GetMessages() {
		m := new(raftpb.Message)
		if err := proto.Unmarshal(raw, m); err != nil {
			return err.Error()
		}
		s := fmt.Sprintf("%s term %d", strings.TrimPrefix(m.GetType().String(), "Msg"), m.GetTerm())
		if n := len(m.GetEntries()); n > 0 {
			s += fmt.Sprintf(" entries %d-%d", m.GetEntries()[0].GetIndex(), m.GetEntries()[n-1].GetIndex())
		}
		if c := m.GetCommit(); c > 0 {
			s += fmt.Sprintf(" commit %d", c)
		}
		if m.GetReject() {
			s += " no"
		}
		out = append(out, s)
	}
	if c := q.GetCosigned(); c != nil {
		out = append(out, fmt.Sprintf("signed %d", c.GetSeq()))
	}
	return strings.Join(out, ", ")
}
