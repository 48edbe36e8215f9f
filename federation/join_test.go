package federation

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/federation/link/linkpb"
	"hearth/node/peer"
	"hearth/node/room"
)

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (l *lodge) policy(p peer.Policy) {
	l.t.Helper()
	if err := l.node.Peers.SetPolicy(p); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lodge) invite(uses int) string {
	l.t.Helper()
	secret, err := l.node.Peers.MakeInvite(uses, 0, "", "")
	if err != nil {
		l.t.Fatal(err)
	}
	link, err := l.node.Peers.InviteLink(secret)
	if err != nil {
		l.t.Fatal(err)
	}
	return link
}

// By invitation: the link lets one node in, once; who has none is told what to do.
func TestJoinByInvite(t *testing.T) {
	a, b, c := newLodge(t, "a.test"), newLodge(t, "b.test"), newLodge(t, "c.test")
	a.policy(peer.PolicyInvite)
	if _, err := c.door.Join(within(t), a.addr); room.CodeOf(err) != room.Forbidden || !strings.Contains(err.Error(), "invite link") {
		t.Fatalf("joined without an invite: %v", err)
	}
	link := a.invite(1)
	if name, err := b.node.JoinNode(within(t), link); err != nil || name != "a.test" {
		t.Fatalf("join by link: %q %v", name, err)
	}
	a.linked(b)
	if _, err := c.door.Join(within(t), link); room.CodeOf(err) != room.Gone {
		t.Errorf("the same invite again: %v", err)
	}
	if p, ok := a.node.Peers.Lookup("b.test"); !ok || !p.Listed {
		t.Errorf("the node that was let in is not on the list: %+v", p)
	}
	if name, err := b.door.Join(within(t), a.invite(1)); err != nil || name != "a.test" {
		t.Errorf("joining again: %q %v", name, err)
	}
}

// A link names the key that must answer.
func TestLinkOfAnotherKey(t *testing.T) {
	a, b := newLodge(t, "a.test"), newLodge(t, "b.test")
	l, err := peer.ParseLink(a.invite(1))
	if err != nil {
		t.Fatal(err)
	}
	l.Fingerprint = peer.Fingerprint(newStranger(t, "x.test").key.Public().(ed25519.PublicKey))
	if _, err := b.door.Join(within(t), l.String()); room.CodeOf(err) != room.Forbidden || !strings.Contains(err.Error(), "another node answers") {
		t.Errorf("joined: %v", err)
	}
	for _, bad := range []string{"https://x/#/node/a/b", "https://a.test:1/#/node/a.test/x/y", "#", "not a name!", "a.test:port"} {
		if _, err := b.door.Join(within(t), bad); room.CodeOf(err) != room.BadRequest {
			t.Errorf("join %q: %v", bad, err)
		}
	}
}

// By list: neither an acquaintance nor openness helps; an administrator's join does.
func TestPolicyList(t *testing.T) {
	a, b := newLodge(t, "a.test"), newLodge(t, "b.test")
	a.policy(peer.PolicyList)
	if _, err := b.door.Join(within(t), a.addr); room.CodeOf(err) != room.Forbidden {
		t.Fatalf("joined: %v", err)
	}
	a.join(b)
	a.linked(b)
}

// With the invite policy a user cannot make the node call strangers.
func TestStrangersAreNotCalled(t *testing.T) {
	a, b := newLodge(t, "a.test"), newLodge(t, "b.test")
	b.policy(peer.PolicyInvite)
	bob := b.user("bob")
	if _, _, err := b.node.ResolveRef(within(t), bob, "#garden@"+a.addr); room.CodeOf(err) != room.Forbidden {
		t.Errorf("resolved: %v", err)
	}
}

// A blocked node loses its link at once, and does not come back until it is allowed again.
func TestBlock(t *testing.T) {
	a, b := newLodge(t, "a.test"), newLodge(t, "b.test")
	b.join(a)
	a.linked(b)
	if err := a.node.Peers.Block("b.test", true); err != nil {
		t.Fatal(err)
	}
	until(t, "the link ends", func() bool { return len(a.door.Links()) == 0 }, func() string { return fmt.Sprint(a.door.Links()) })
	if _, err := b.door.Join(within(t), a.addr); room.CodeOf(err) != room.Forbidden {
		t.Errorf("joined: %v", err)
	}
	if err := a.node.Peers.Block("b.test", false); err != nil {
		t.Fatal(err)
	}
	a.linked(b)
}

// What is joined while the node does not run is joined at its start.
func TestPendingJoin(t *testing.T) {
	a, b := newLodge(t, "a.test"), newLodge(t, "b.test")
	a.policy(peer.PolicyInvite)
	link := a.invite(1)
	if err := peer.PutPendingJoin(b.store, link); err != nil {
		t.Fatal(err)
	}
	if err := peer.PutPendingJoin(b.store, "nonsense name"); err != nil {
		t.Fatal(err)
	}
	b.stop()
	b.start()
	a.linked(b)
	until(t, "both joins are done with", func() bool {
		left, err := b.node.Peers.PendingJoins()
		return err == nil && len(left) == 0
	}, func() string { return "" })
	if alarms := b.node.Peers.Alarms(); len(alarms) != 1 {
		t.Errorf("alarms: %v", alarms)
	}
}

// A name is found by its web page; the web's authorities vouch for it.
func TestWellKnown(t *testing.T) {
	a := newLodge(t, "a.test")
	page := httptest.NewUnstartedServer(nil)
	leaf, own := webCertificate(t, "localhost")
	page.TLS = &tls.Config{Certificates: []tls.Certificate{own}}
	page.StartTLS()
	t.Cleanup(page.Close)
	name := strings.Replace(page.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	x := newLodge(t, name)
	page.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"name":%q,"key":%q,"addresses":[%q]}`, name, base64.RawURLEncoding.EncodeToString(x.node.PublicKey()), x.addr)
	})
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	b := newLodge(t, "b.test", func(l *lodge) { l.roots = roots })
	if got, err := b.door.Join(within(t), name); err != nil || got != name {
		t.Fatalf("joined %q: %v", got, err)
	}
	b.linked(x)
	// Without the authority's word there is nothing but the name itself to go by.
	if _, err := a.door.Join(within(t), name); room.CodeOf(err) != room.Unavailable {
		t.Errorf("joined: %v", err)
	}
}

// The page is bounded.
func TestWellKnownIsBounded(t *testing.T) {
	page := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat(" ", 100<<10) + "{}"))
	}))
	t.Cleanup(page.Close)
	roots := x509.NewCertPool()
	roots.AddCert(page.Certificate())
	if _, err := newFinder(roots).find(within(t), page.Listener.Addr().String()); room.CodeOf(err) != room.NotFound {
		t.Errorf("found: %v", err)
	}
}

// Of two links that both nodes have dialled at once one stays, the same on both sides.
func TestDoubleLinks(t *testing.T) {
	t.Parallel()
	for range 5 {
		a, b := newLodge(t, "a.test"), newLodge(t, "b.test")
		var joined sync.WaitGroup
		for range 2 {
			joined.Go(func() { _, _ = a.door.Join(within(t), b.addr) })
			joined.Go(func() { _, _ = b.door.Join(within(t), a.addr) })
		}
		joined.Wait()
		a.linked(b)
		until(t, "one connection is left on each side", func() bool {
			return a.door.connections() == 1 && b.door.connections() == 1
		}, func() string { return fmt.Sprint(a.door.connections(), b.door.connections()) })
		a.linked(b)
		a.stop()
		b.stop()
	}
}

// A clock that is far off is no reason to refuse, but the administrator hears of it.
func TestClockSkew(t *testing.T) {
	l := newLodge(t, "a.test")
	newStranger(t, "b.test").enter(l, func(h *linkpb.Hello) { h.Time += (3 * time.Minute).Milliseconds() })
	if alarms := l.node.Peers.Alarms(); len(alarms) != 1 || !strings.Contains(alarms[0].Text, "clock") {
		t.Errorf("alarms: %v", alarms)
	}
}

// A node that comes back after its process has died gets its link at once, though the
// other side has not noticed.
func TestRestart(t *testing.T) {
	l := newLodge(t, "a.test")
	s := newStranger(t, "b.test")
	first, _ := s.enter(l)
	second, _ := s.enter(l, func(h *linkpb.Hello) { h.Instance = []byte("second") })
	ended(t, first)
	if second.Context().Err() != nil {
		t.Error("the newer link has ended")
	}
}
