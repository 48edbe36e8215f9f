package process

import (
	"os"
	"testing"
	"time"
)

// A node's folder is lost, and an older backup takes its place: what it had said since comes back from the
// others, its next messages do not fork its log.
func TestARestoredBackup(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 3)
	n := f.nodes[1]
	early := f.talk(f.nodes...)
	pass(t, either(2*time.Second, 20*time.Second))
	n.must("backup", "--data", n.data, "--to", f.path("yesterday"))
	pass(t, either(2*time.Second, 20*time.Second))
	acked := early.stop()
	f.agree(time.Minute, acked, f.nodes...) // what nobody else has yet dies with the folder

	n.kill()
	if err := os.RemoveAll(n.data); err != nil {
		t.Fatal(err)
	}
	others := f.talk(f.nodes[0], f.nodes[2])
	n.must("restore", "--from", f.path("yesterday"), "--data", n.data)
	n.start()
	late := f.talk(n)
	pass(t, either(3*time.Second, 20*time.Second))
	f.agree(time.Minute, merged(acked, late.stop(), others.stop()), f.nodes...)
	f.verify(f.nodes...)
}

// The same with nobody there to ask: it starts a new log, and the old one goes on where it was known.
func TestABackupRestoredAlone(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 2)
	a, n := f.nodes[0], f.nodes[1]
	early := f.talk(f.nodes...)
	pass(t, 2*time.Second)
	n.must("backup", "--data", n.data, "--to", f.path("yesterday"))
	pass(t, 2*time.Second)
	acked := early.stop()
	f.agree(time.Minute, acked, f.nodes...)

	n.kill()
	a.kill()
	if err := os.RemoveAll(n.data); err != nil {
		t.Fatal(err)
	}
	n.must("restore", "--from", f.path("yesterday"), "--data", n.data)
	n.start()
	late := f.talk(n)
	pass(t, 2*time.Second)
	a.start()
	pass(t, 2*time.Second)
	f.agree(time.Minute, merged(acked, late.stop()), f.nodes...)
	f.verify(f.nodes...)
}
