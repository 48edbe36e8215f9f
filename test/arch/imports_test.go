// Package arch checks that the house stands as docs/architecture.md draws it.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "hearth"

// rule is a row of the import table. It holds for the package and all under it that have
// no rule of their own. `own` are the packages of ours it may import (with what is under
// them when they end in "/..."), `foreign` the modules of others; nil: any.
type rule struct {
	pkg     string
	own     []string
	foreign []string
	why     string
}

// Only downward. The standard library is free to all but the pure.
var rules = []rule{
	{"guard", nil, []string{}, "doors and plugins alike ask strangers' hosts by it: it knows nobody"},
	{"node/room/roompb", nil, []string{"google.golang.org/protobuf"}, "generated: the wire's words"},
	{"node/room", []string{"node/room/roompb"}, []string{"google.golang.org/protobuf"},
		"the rules of a room are pure: every node must come to the same answer, in every simulation too"},
	{"storage/storagepb", []string{"node/room/..."}, []string{"google.golang.org/protobuf"}, "generated: stored values"},
	{"storage", []string{"node/room/...", "storage/..."}, []string{"github.com/cockroachdb", "google.golang.org/protobuf"},
		"storage is the only package that knows Pebble, and knows nobody above it, so that a second engine can stand behind it"},
	{"node/steward", []string{"node/room/..."}, []string{"go.etcd.io/raft", "google.golang.org/protobuf"},
		"the stewards' agreement is pure: seeded worlds try it with every loss and crash"},
	{"node", []string{"node/...", "storage/..."}, nil,
		"doors call node, never the other way: a node works, and is tested, without any door"},
	{"transport/session/clientpb", []string{"node/room/roompb"}, []string{"google.golang.org/protobuf"}, "generated: the client protocol"},
	{"transport/session", []string{"node/room/...", "transport/session/..."}, []string{"google.golang.org/protobuf"},
		"a protocol machine without sockets, clocks and goroutines can be driven by scripts and fuzzers"},
	{"transport", []string{"transport/...", "node/..."}, nil, "doors never import each other"},
	{"federation/link", []string{"node/room/...", "federation/link/..."}, []string{"google.golang.org/protobuf"},
		"a protocol machine without sockets, clocks and goroutines can be driven by a seeded simulator"},
	{"federation", []string{"federation/...", "node/...", "guard"}, nil, "doors never import each other"},
	{"plugins/bridge/bridgepb", nil, []string{"google.golang.org"}, "generated: the bridges' contract"},
	{"plugins/bridge", []string{"node/room/...", "plugins/bridge/..."}, []string{"github.com/hashicorp", "google.golang.org"},
		"plugin authors get this package and nothing of the node behind it"},
	{"plugins/echo", []string{"plugins/bridge/..."}, nil, "a plugin is what anybody else could write"},
	{"plugins/irc/ircdouble", []string{"plugins/irc/wire", "test/port"}, nil, "a server for tests"},
	{"plugins/irc/ircreal", []string{"test/port"}, nil, "servers for tests"},
	{"plugins/irc", []string{"plugins/bridge/...", "guard"}, nil, "a plugin is what anybody else could write"},
	{"plugins/slack", []string{"plugins/bridge/..."}, nil, "a plugin is what anybody else could write"},
	{"plugins", []string{"plugins/...", "node/..."}, nil, "doors never import each other"},
	{"clients/web", nil, []string{}, "the page is files; transport is handed them"},
	{"clients/go", []string{"node/room/roompb", "transport/session/clientpb", "clients/go/..."}, nil,
		"the client library knows the wire alone, as somebody else's would"},
	{"cmd/node", []string{"node/...", "storage/...", "transport/...", "federation/...", "plugins/...", "clients/..."}, nil,
		"main wires everything; nobody imports it"},
	{"test/hostile/foe", []string{"node/room/roompb", "federation/link/linkpb"}, []string{"github.com/quic-go/quic-go", "google.golang.org/protobuf"},
		"a hostile peer is written from the document, so that a mistake of the node's own code cannot hide in its tests"},
	{"test", []string{"node/...", "storage/...", "transport/...", "federation/...", "plugins/...", "clients/...", "cmd/..."}, nil, "tests may look at all"},
}

// forbidden to the pure packages, though it is the standard library: what makes an answer
// depend on when, where or by whom it is asked.
var impure = map[string][]string{
	"node/room":         {"context", "log", "log/slog", "net", "net/http", "os", "io/fs", "math/rand", "math/rand/v2"},
	"node/steward":      {"context", "log", "log/slog", "net", "net/http", "os", "time", "math/rand", "math/rand/v2"},
	"transport/session": {"log", "log/slog", "net", "net/http", "os", "math/rand", "math/rand/v2"},
	"federation/link":   {"log", "log/slog", "net", "net/http", "os", "math/rand", "math/rand/v2"},
}

type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

func TestImportsGoOnlyDownward(t *testing.T) {
	packages := list(t)
	standard := map[string]bool{}
	for _, p := range packages {
		standard[p.ImportPath] = p.Standard
	}
	for _, p := range packages {
		name, ours := strings.CutPrefix(p.ImportPath, module+"/")
		if !ours {
			continue
		}
		r := ruleFor(name)
		if r == nil {
			t.Errorf("%s has no row in the import table: a new folder needs a decision (docs/decisions) and a row here", name)
			continue
		}
		for _, i := range p.Imports {
			if why := r.refuses(name, i, standard[i]); why != "" {
				t.Errorf("%s imports %s: %s", name, i, why)
			}
		}
	}
}

// refuses says why pkg may not import path; "" when it may.
func (r *rule) refuses(pkg, path string, standard bool) string {
	if own, ours := strings.CutPrefix(path, module+"/"); ours {
		if own == "cmd/node" || !matches(r.own, own) && !under(own, r.pkg) {
			return r.why
		}
		return ""
	}
	if standard {
		for _, bad := range impure[r.pkg] {
			if path == bad {
				return r.why
			}
		}
		return ""
	}
	if strings.HasPrefix(path, "github.com/cockroachdb/pebble") && r.pkg != "storage" {
		return "storage is the only package that knows Pebble"
	}
	if r.foreign == nil {
		return ""
	}
	for _, module := range r.foreign {
		if under(path, module) {
			return ""
		}
	}
	return r.why
}

// ruleFor is the row of the nearest folder above.
func ruleFor(name string) *rule {
	var best *rule
	for i := range rules {
		if under(name, rules[i].pkg) && (best == nil || len(rules[i].pkg) > len(best.pkg)) {
			best = &rules[i]
		}
	}
	return best
}

func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if all, deep := strings.CutSuffix(p, "/..."); name == p || deep && under(name, all) {
			return true
		}
	}
	return false
}

func under(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, folder+"/")
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Standard,Imports", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %s", e.Stderr)
		}
		t.Fatal(err)
	}
	var packages []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		switch err := d.Decode(&p); {
		case err == io.EOF:
			return packages
		case err != nil:
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// The table itself: a rule that refuses nothing would be found here.
func TestTheRulesRefuse(t *testing.T) {
	for _, c := range []struct{ pkg, path string }{
		{"node/room", "hearth/storage"},
		{"node/room", "github.com/cockroachdb/pebble/v2"},
		{"storage", "hearth/node"},
		{"node", "hearth/transport"},
		{"node/account", "hearth/transport/session"},
		{"node", "github.com/cockroachdb/pebble/v2"},
		{"transport", "hearth/clients/go"},
		{"transport", "hearth/cmd/node"},
		{"transport/session", "hearth/node"},
		{"transport/session", "github.com/quic-go/quic-go"},
		{"guard", "hearth/node/room"},
		{"node", "hearth/guard"},
		{"clients/go", "hearth/node"},
		{"clients/web", "hearth/node/room"},
		{"cmd/node", "github.com/cockroachdb/pebble/v2"},
	} {
		if ruleFor(c.pkg).refuses(c.pkg, c.path, false) == "" {
			t.Errorf("%s may import %s", c.pkg, c.path)
		}
	}
	if ruleFor("node/room").refuses("node/room", "net/http", true) == "" {
		t.Error("node/room may import net/http")
	}
}
