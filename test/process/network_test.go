package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// network is a bridge with a network namespace for each node on it, by veth pairs; by a second pair
// clients, in the test's own namespace, reach the node, whatever is cut.
//
//	10.213.0.N    node N among nodes
//	10.213.K.4N+2 node N for clients, in the K-th network of this machine
type network struct {
	t      *testing.T
	k      int
	id     string // interface names have 15 characters
	places []place
}

// networkOfMachine is a number that no other network of the machine has while the test runs: two runs at
// the same time would be in each other's way.
func networkOfMachine(t *testing.T) int {
	t.Helper()
	for k := 1; k < 255; k++ {
		lock, err := os.OpenFile(filepath.Join(os.TempDir(), fmt.Sprintf("hearth-network-%d", k)), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			t.Cleanup(func() { lock.Close() })
			return k
		}
		lock.Close()
	}
	t.Fatal("254 networks of tests are there already")
	return 0
}

var networks atomic.Int32

func newNetwork(t *testing.T, nodes int) *network {
	t.Helper()
	if testing.Short() {
		t.Skip("real processes take their time")
	}
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	w := &network{t: t, k: networkOfMachine(t)}
	n := networks.Add(1)
	if n == 1 {
		w.sweep()
	}
	w.id = fmt.Sprintf("h%s.%d", strconv.FormatInt(int64(os.Getpid()), 36), n)
	if out, err := exec.Command("ip", "link", "add", w.id, "type", "bridge").CombinedOutput(); err != nil {
		t.Skipf("no bridges here: %v %s", err, out)
	}
	t.Cleanup(func() { w.try("link", "del", w.id) })
	w.ip("link", "set", w.id, "up")
	for i := 1; i <= nodes; i++ {
		w.add(i)
	}
	return w
}

var ours = regexp.MustCompile(`^(h([0-9a-z]+)\.[0-9]+)-[0-9]+$`)

// sweep removes what tests have left that were killed. Their nodes died with them.
func (w *network) sweep() {
	entries, err := os.ReadDir("/run/netns")
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		name := ours.FindStringSubmatch(e.Name())
		if name == nil {
			continue
		}
		pid, err := strconv.ParseInt(name[2], 36, 64)
		if _, gone := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil && errors.Is(gone, fs.ErrNotExist) {
			w.try("netns", "del", name[0])
			w.try("link", "del", name[1])
		}
	}
}

func (w *network) add(i int) {
	w.t.Helper()
	ns, peer, door := fmt.Sprintf("%s-%d", w.id, i), w.port(i), fmt.Sprintf("%sc%d", w.id, i)
	w.ip("netns", "add", ns)
	w.t.Cleanup(func() { w.try("link", "del", peer); w.try("link", "del", door); w.try("netns", "del", ns) })
	w.ip("-n", ns, "link", "set", "lo", "up")
	w.ip("link", "add", peer, "type", "veth", "peer", "name", "peers", "netns", ns)
	w.ip("link", "set", peer, "master", w.id, "up")
	w.ip("-n", ns, "addr", "add", fmt.Sprintf("10.213.0.%d/24", i), "dev", "peers")
	w.ip("-n", ns, "link", "set", "peers", "up")
	w.ip("link", "add", door, "type", "veth", "peer", "name", "clients", "netns", ns)
	w.ip("addr", "add", fmt.Sprintf("10.213.%d.%d/30", w.k, 4*i+1), "dev", door)
	w.ip("link", "set", door, "up")
	forClients := fmt.Sprintf("10.213.%d.%d", w.k, 4*i+2)
	w.ip("-n", ns, "addr", "add", forClients+"/30", "dev", "clients")
	w.ip("-n", ns, "link", "set", "clients", "up")
	w.places = append(w.places, place{name: fmt.Sprintf("10.213.0.%d:8443", i), listen: ":8443",
		url: "https://" + forClients + ":8443", netns: ns, hosts: []string{forClients}})
}

func (w *network) port(i int) string { return fmt.Sprintf("%sp%d", w.id, i) }

// cut takes node i off the bridge: what it sends is lost without a word, as on a broken line.
func (w *network) cut(i int) { w.t.Helper(); w.ip("link", "set", w.port(i), "nomaster") }

func (w *network) heal(i int) { w.t.Helper(); w.ip("link", "set", w.port(i), "master", w.id) }

func (w *network) ip(args ...string) {
	w.t.Helper()
	if err := w.try(args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *network) try(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// A link is cut for a minute, and healed: people go on talking on both sides, and meanwhile nobody is kept
// waiting by the silence.
func TestACutLink(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	f := federate(t, w.places)
	far := f.nodes[2]
	l := f.talk(f.nodes...)
	pass(t, 2*time.Second)
	w.cut(3)
	pass(t, time.Second)
	before := l.count()
	pass(t, either(10*time.Second, time.Minute))
	within(t, time.Minute, func() error { // who waited for the silence would not get so far
		if said := l.count() - before; said < int(either(10*time.Second, time.Minute)/talkEvery) {
			return fmt.Errorf("while the link is cut only %d messages are acknowledged", said)
		}
		return nil
	})
	w.heal(3)
	pass(t, time.Second)
	f.agree(time.Minute, l.stop(), f.nodes...)
	within(t, time.Minute, func() error {
		if up := len(far.peers()); up != 2 {
			return fmt.Errorf("%s sees %d other nodes", far.name, up)
		}
		return nil
	})
	f.verify(f.nodes...)
}

// The same, and the node that is cut off is killed and started meanwhile; so is one of the others.
func TestACutLinkAndRestarts(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	f := federate(t, w.places)
	l := f.talk(f.nodes...)
	pass(t, 2*time.Second)
	w.cut(3)
	pass(t, 2*time.Second)
	for _, n := range f.nodes[1:] {
		n.kill()
		n.start()
	}
	pass(t, either(5*time.Second, time.Minute))
	w.heal(3)
	pass(t, time.Second)
	f.agree(time.Minute, l.stop(), f.nodes...)
	f.verify(f.nodes...)
}
