package relay

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/ircdouble"
	"hearth/test/port"
)

func TestReconnects(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.says(alice("before"))
	w.irc.Cut()
	w.host.Status(garden, "down")
	id := w.host.Deliver(alice("while it was away"))
	w.host.Outcome(id)
	w.expect("<Alice> before", "<Alice> while it was away")
	w.waitRoster("bob")
	w.host.Status("", "connected")
	if n := w.host.Counted("reconnect", ""); n != 1 {
		t.Errorf("%d reconnects", n)
	}
}

// What was said while we were away comes from the channel's history, once, with the time at which it was said.
func TestCatchesUp(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.irc.Say(garden, "bob", "before")
	first := w.hears("text", "before")
	w.kept("heard/"+garden, fmt.Sprint(first.GetTime()))
	w.host.Kill()
	var ids []string
	for i := range 250 { // three pages
		ids = append(ids, w.irc.Say(garden, "bob", fmt.Sprint("missed ", i)))
	}
	w.host.Restart()
	for i, id := range ids {
		if e := w.hears("text", fmt.Sprint("missed ", i)); e.GetRemote() != id || e.GetTime() < first.GetTime() {
			t.Fatal(e)
		}
	}
	w.irc.Say(garden, "bob", "after")
	w.hears("text", "after")
}

// The heart of it: whatever is cut, at whatever moment, nothing is lost, and where the network keeps
// history nothing comes twice.
func TestCutsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	cuts := 40
	if os.Getenv("HEARTH_FULL") == "1" {
		cuts = 1000
	}
	// So much is said within the overlap of ten seconds that the usual limit would be reached.
	w := begin(t, map[string]string{"history": "10000"}, nil)
	w.irc.Say(garden, "bob", "start")
	start := w.hears("text", "start")
	w.kept("heard/"+garden, fmt.Sprint(start.GetTime()))
	rng := mrand.New(mrand.NewPCG(1, uint64(cuts)))
	var out []string
	in := 0
	for cut := range cuts {
		for i := range 3 {
			out = append(out, w.host.Deliver(alice(fmt.Sprintf("out %d.%d", cut, i))))
			w.irc.Say(garden, "bob", fmt.Sprint("in ", in))
			in++
		}
		for range rng.IntN(2000) { // somewhere between the first step and the last
			_ = rng.Uint64()
		}
		if rng.IntN(4) == 0 {
			w.irc.Cut()
		} else {
			w.host.Restart()
		}
		if len(out) > 40 {
			w.host.Outcome(out[len(out)-30])
		}
	}
	for _, id := range out {
		if o := w.host.Outcome(id); o.GetDropped() != "" {
			t.Errorf("%v", o)
		}
	}
	w.irc.WaitIn(garden, "hearth")
	w.irc.Say(garden, "bob", "end")
	heard := map[string]int{}
	for e := w.host.Entry(); e.GetText() != "end"; e = w.host.Entry() {
		heard[e.GetText()]++
	}
	for i := range in {
		if n := heard[fmt.Sprint("in ", i)]; n != 1 {
			t.Errorf("in %d came %d times", i, n)
		}
	}
	said := map[string]int{}
	for _, text := range w.said() {
		said[text]++
	}
	for cut := range cuts {
		for i := range 3 {
			if n := said[fmt.Sprintf("<Alice> out %d.%d", cut, i)]; n != 1 {
				t.Errorf("out %d.%d was said %d times", cut, i, n)
			}
		}
	}
	t.Logf("%d cuts: %d out, %d in, %d duplicates suppressed", cuts, len(out), in, w.host.Counted("duplicate", ""))
}

// Without history a cut may double what was on its way and not fenced off yet, and no more; it loses nothing. Whether a
// PONG, a label or an echo is the fence is the same.
func TestCutsWithoutHistoryAreBounded(t *testing.T) {
	t.Parallel()
	for name, caps := range map[string][]string{"pong": nil, "label": {"labeled-response", "batch", "message-tags"}, "echo": {"echo-message", "message-tags"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, nil, func(s *ircdouble.Server) { s.Caps = caps })
			const lines, cuts = 200, 8
			var ids []string
			for i := range lines {
				ids = append(ids, w.host.Deliver(alice(fmt.Sprint("out ", i, "."))))
				switch {
				case i%(lines/cuts) != lines/cuts-1:
				case i < lines/2:
					w.host.Restart()
				default:
					w.irc.Cut()
				}
			}
			for _, id := range ids {
				w.host.Outcome(id)
			}
			said, double := map[string]int{}, 0
			for _, text := range w.said() {
				said[text]++
			}
			for i := range lines {
				n := said[fmt.Sprintf("<Alice> out %d.", i)]
				if n == 0 {
					t.Errorf("out %d is lost", i)
				}
				double += max(0, n-1)
			}
			if double > cuts*unfenced {
				t.Errorf("%d came twice in %d cuts", double, cuts)
			}
			t.Logf("%d of %d came twice in %d cuts", double, lines, cuts)
		})
	}
}

// An edit waits a little for further ones. When the bridge dies meanwhile, and had said it in the life before, history
// tells that to the wait, too.
func TestEditsInDoubtAreNotSaidAgain(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"edit_wait_seconds": "1"}, nil)
	edit := alice("see you at 4 o'clock")
	edit.Kind, edit.OldText, edit.Time = "edit", "see you at 3 o'clock", now()
	edit.Target = &pb.Ref{Event: "e1", Remote: []string{"id1"}, Time: now()}
	w.relayed(alice("settled"), "<Alice> settled")
	w.irc.Do(func() { w.irc.Mumble = true }) // it is said, and nobody tells the bridge
	id := w.host.Deliver(edit)
	w.irc.WaitSaid(garden, "4 o'clock")
	w.irc.Do(func() { w.irc.Mumble = false })
	w.host.Restart()
	if o := w.host.Outcome(id); o.GetDropped() != "" {
		t.Error(o)
	}
	w.expect("<Alice> settled", "<Alice> (corrected) see you at 4 o'clock")
}

// A network that is away for long: what waits for it is handed back to the node, in whatever order it waited, and
// is said once it is back.
func TestWhatWaitedComesAgain(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"reactions": "digest", "digest_seconds": "0"}, nil)
	w.irc.Stop()
	w.host.Status(garden, "down")
	edit := alice("see you at 4 o'clock")
	edit.Kind, edit.OldText, edit.Time = "edit", "see you at 3 o'clock", now()
	edit.Target = &pb.Ref{Event: "e1", Remote: []string{"id1"}, Time: now()}
	ids := []string{w.host.Deliver(edit), w.host.Deliver(reaction("react", "Alice", "👍")), w.host.Deliver(alice("hello"))}
	w.until("all to be handed back", func() bool { return len(w.host.Outcomes(ids[0])) > 0 })
	w.irc.Restart()
	for _, id := range ids {
		if o := w.host.Outcome(id); o.GetDropped() != "" {
			t.Error(o)
		}
	}
	said := w.said()
	for _, want := range []string{"<Alice> (corrected) see you at 4 o'clock", "Alice reacts 👍 to “hello”", "<Alice> hello"} {
		if n := count(said, want); n != 1 {
			t.Errorf("%q was said %d times", want, n)
		}
	}
}

// The network shows the first of two lines and breaks in the same moment: it is the second that waits, and comes again.
func TestTheFirstIsAnsweredAsTheConnectionBreaks(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, func(s *ircdouble.Server) { s.Caps = []string{"echo-message", "message-tags"} })
	w.relayed(alice("settled"), "<Alice> settled")
	w.irc.Do(func() { w.irc.Mumble = true })
	first, second := w.host.Deliver(alice("first")), w.host.Deliver(alice("second"))
	w.irc.WaitSaid(garden, "second")
	w.irc.Farewell("hearth", ":hearth!u@host.example PRIVMSG #garden :<A"+zeroWidth+"lice> first", "Closing Link")
	w.host.Outcome(first)
	w.irc.Stop()
	w.irc.Do(func() { w.irc.Mumble = false })
	w.until("the second to be handed back", func() bool { return len(w.host.Outcomes(second)) > 0 })
	w.irc.Restart()
	if o := w.host.Outcome(second); o.GetDropped() != "" {
		t.Error(o)
	}
}

// A line was said and the network is away before the bridge knows. It is handed back, something newer comes meanwhile, and
// what history tells of the line is still heeded when it comes again: it is not said twice, and the newer one not before it.
func TestHandedBackInDoubt(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.relayed(alice("settled"), "<Alice> settled")
	w.irc.Do(func() { w.irc.Mumble = true })
	first := w.host.Deliver(alice("first"))
	w.irc.WaitSaid(garden, "first")
	unsaid := w.host.Deliver(alice("unsaid"))
	w.irc.Stop()
	w.irc.Do(func() { w.irc.Mumble = false })
	w.until("it to be handed back", func() bool { return len(w.host.Outcomes(first)) > 0 })
	newer := w.host.Deliver(alice("newer"))
	w.irc.Restart()
	for _, id := range []string{first, unsaid, newer} {
		if o := w.host.Outcome(id); o.GetDropped() != "" {
			t.Error(o)
		}
	}
	w.expect("<Alice> settled", "<Alice> first", "<Alice> unsaid", "<Alice> newer")
}

// What the node had sent before it knew that all is handed back is not taken, nor for a sign that what is in doubt was answered.
func TestOnTheWayWhileAllIsHandedBack(t *testing.T) {
	t.Parallel()
	r := &relay{links: map[string]*channel{}, doubts: map[string]*doubt{"1": {ID: "1", Channel: garden, Hashes: []string{"x"}, Remote: []string{""}}}}
	ch := &channel{r: r, id: garden, name: garden, link: &pb.Link{Channel: garden, Confirmed: true}, people: people{}, closed: time.Now().Add(time.Hour)}
	ch.lane.ch = ch
	r.links[garden] = ch
	newer := alice("newer")
	newer.Id = "2"
	r.deliver(newer)
	if len(ch.lane.jobs) > 0 || r.doubts["1"] == nil {
		t.Errorf("%d jobs, in doubt: %v", len(ch.lane.jobs), r.doubts)
	}
	ch.closed = time.Time{}
	again := alice("said, perhaps")
	again.Id = "1"
	r.deliver(again)
	r.deliver(newer)
	if len(ch.lane.jobs) != 2 || ch.lane.jobs[0].doubt == nil || ch.lane.jobs[1].doubt != nil {
		t.Errorf("%v", ch.lane.jobs)
	}
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

// Flood control is off, and the server has one: it ends the connection. The bridge comes back, goes on slower, keeps that
// for later lives, and has lost and doubled nothing.
func TestExcessFloodIsLearnt(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, func(s *ircdouble.Server) { s.Burst, s.Window = 7, time.Hour })
	var ids, want []string
	for i := range 6 {
		ids = append(ids, w.host.Deliver(alice(fmt.Sprint("line ", i, "."))))
		want = append(want, fmt.Sprint("<Alice> line ", i, "."))
	}
	w.until("it to be told", func() bool { // it is back soon
		return slices.ContainsFunc(w.host.Statuses(), func(s *pb.Status) bool {
			return s.GetState() == "down" && strings.Contains(s.GetReason(), "too fast") && strings.Contains(s.GetDetail(), "Excess Flood")
		})
	})
	w.irc.Do(func() { w.irc.Burst = 0 })
	for _, id := range ids {
		if o := w.host.Outcome(id); o.GetDropped() != "" {
			t.Error(o)
		}
	}
	w.expect(want...)
	w.kept(keyFlood, `{"Burst":4,"Every":2000000000}`)
}

func TestThrottledAndBanned(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, func(s *ircdouble.Server) { s.Greet = "ERROR :Trying to reconnect too fast. Throttled" })
	if s := w.host.Status("", "down"); !strings.Contains(s.GetReason(), "fewer connections") {
		t.Error(s)
	}
	b := begin(t, nil, func(s *ircdouble.Server) { s.Greet = "ERROR :Closing Link: 127.0.0.1 (K-Lined)" })
	if s := b.host.Status("", "down"); !strings.Contains(s.GetReason(), "banned") || !strings.Contains(s.GetDetail(), "K-Lined") || strings.Contains(s.GetReason(), "K-Lined") {
		t.Error(s)
	}
	// It does not try again: what is delivered is refused at once.
	b.dropped(alice("hello?"), "forbidden")
	b.irc.Do(func() {
		if b.irc.Conns != 1 {
			t.Errorf("%d connections", b.irc.Conns)
		}
	})
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	irc := ircdouble.New(t)
	irc.Account, irc.Password = "acc", "right"
	irc.Refuse[garden] = "474"
	w := begin(t, map[string]string{"sasl_user": "acc", "sasl_password": "wrong"}, func(s *ircdouble.Server) {
		s.Account, s.Password, s.Refuse = irc.Account, irc.Password, irc.Refuse
	})
	if s := w.host.Status("", "login"); !strings.Contains(s.GetDetail(), "SASL authentication failed") {
		t.Error(s)
	}
	for _, l := range w.irc.Lines("hearth") {
		if strings.HasPrefix(l, "JOIN") || l == "CAP END" {
			t.Errorf("it went on: %s", l)
		}
	}
}

func TestSettingsThatAreNone(t *testing.T) {
	t.Parallel()
	for setting, m := range map[string]map[string]string{
		"server": {"nick": "a"}, "nick": {"server": "x", "nick": "1 2"}, "tls": {"server": "x", "nick": "a", "tls": "maybe"},
		"mode": {"server": "x", "nick": "a", "mode": "loud"}, "flood_ms": {"server": "x", "nick": "a", "flood_ms": "-1"},
		"charset": {"server": "x", "nick": "a", "charset": "klingon"}, "sasl": {"server": "x", "nick": "a", "sasl": "plain"},
		"tls_ca": {"server": "x", "nick": "a", "tls_ca": "/nowhere"}, "sasl_cert": {"server": "x", "nick": "a", "sasl_cert": "-----BEGIN"},
	} {
		if _, err := readSettings(m); err == nil || !strings.Contains(err.Error(), "The setting "+setting+" ") {
			t.Errorf("%s: %v", setting, err)
		}
	}
	s, err := readSettings(map[string]string{"server": "irc.a.example\n[::1]:7000 b.example:6697", "nick": "hearth", "contact": "me@x"})
	if err != nil || len(s.targets) != 3 || s.targets[1].Host != "::1" || s.targets[1].Port != "7000" || !s.targets[0].TLS || !s.security.Verify ||
		s.targets[0].Port != "6697" || s.login.Realname != "Hearth bridge (me@x)" {
		t.Errorf("%+v, %v", s, err)
	}
}

// certificate is a self-signed one for a host.
func certificate(t *testing.T, host string) (tls.Certificate, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, IPAddresses: []net.IP{net.ParseIP(host)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TLS is verified unless somebody says otherwise: a stranger's certificate ends it before a word is said.
func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	cert, ca := certificate(t, "127.0.0.1")
	other, _ := certificate(t, "127.0.0.1")
	sum := sha256.Sum256(cert.Certificate[0])
	for name, c := range map[string]struct {
		settings map[string]string
		cert     tls.Certificate
		works    bool
	}{
		"unknown authority": {nil, cert, false},
		"authority":         {map[string]string{"tls_ca": ca}, cert, true},
		"fingerprint":       {map[string]string{"tls_fingerprint": fmt.Sprintf("%x", sum)}, cert, true},
		"other fingerprint": {map[string]string{"tls_fingerprint": fmt.Sprintf("%x", sum)}, other, false},
		"not verified":      {map[string]string{"tls_verify": "false"}, other, true},
	} {
		t.Run(name, func(t *testing.T) {
			irc := ircdouble.New(t).Start(&tls.Config{Certificates: []tls.Certificate{c.cert}})
			w := &world{T: t, irc: irc}
			settings := w.settings(c.settings)
			settings["tls"] = "true"
			w.host = startHost(t, settings)
			if c.works {
				irc.WaitIn(garden, "hearth")
				return
			}
			if s := w.host.Status("", "down"); !strings.Contains(s.GetReason(), "certificate") || !strings.Contains(s.GetDetail(), "tls_fingerprint") || strings.Contains(s.GetReason(), "127.0.0.1") {
				t.Error(s)
			}
			irc.Do(func() {
				if irc.Spoke > 0 {
					t.Error("it spoke")
				}
			})
		})
	}
}

// STS: told in the clear that TLS is wanted, the bridge comes back by TLS, and from then on never without.
// The server sees the certificate of sasl_cert, by which SASL EXTERNAL knows the bridge; and by WHOIS everybody its contact.
func TestClientCertificateAndContact(t *testing.T) {
	t.Parallel()
	cert, ca := certificate(t, "127.0.0.1")
	mine, text := certificate(t, "127.0.0.1")
	key, err := x509.MarshalPKCS8PrivateKey(mine.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text += string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	shown := make(chan []byte, 16)
	irc := ircdouble.New(t).Start(&tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error { shown <- raw[0]; return nil }})
	w := &world{T: t, irc: irc}
	settings := w.settings(map[string]string{"tls": "true", "tls_ca": ca, "sasl": "off", "sasl_cert": text, "contact": "root@node.example"})
	w.host = startHost(t, settings)
	irc.WaitIn(garden, "hearth")
	if !slices.Equal(<-shown, mine.Certificate[0]) {
		t.Error("another certificate was shown")
	}
	if l := irc.WaitLine("hearth", "USER"); !strings.Contains(l, "(root@node.example)") {
		t.Error(l)
	}
}

func TestSTS(t *testing.T) {
	t.Parallel()
	cert, ca := certificate(t, "127.0.0.1")
	secure := ircdouble.New(t)
	secure.Caps = append([]string{"sts=duration=3600"}, secure.Caps...)
	secure.Start(&tls.Config{Certificates: []tls.Certificate{cert}})
	_, port, _ := net.SplitHostPort(secure.Addr)
	clear := ircdouble.New(t)
	clear.Caps = append([]string{"sts=port=" + port}, clear.Caps...)
	clear.Start(nil)
	w := &world{T: t, irc: clear}
	w.host = startHost(t, w.settings(map[string]string{"tls_ca": ca}))
	secure.WaitIn(garden, "hearth")
	w.host.Status("", "connected")
	w.kept(keyPolicies, `"seconds":3600`)
	w.host.Restart()
	secure.Wait("a second secure connection", func() bool { return secure.Conns == 2 })
	clear.Do(func() {
		if clear.Conns != 1 {
			t.Errorf("%d connections in the clear", clear.Conns)
		}
	})
}

func TestSeveralServers(t *testing.T) {
	t.Parallel()
	irc := ircdouble.New(t).Start(nil)
	w := &world{T: t, irc: irc}
	w.host = startHost(t, w.settings(map[string]string{"server": port.Loopback(t) + "\n" + irc.Addr}))
	irc.WaitIn(garden, "hearth")
}

// Members read why nothing is relayed in plain words; the administrator has the address and the server's own words.
func TestReasonsHaveNoAddresses(t *testing.T) {
	t.Parallel()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	w := &world{T: t, irc: ircdouble.New(t)}
	w.host = startHost(t, w.settings(map[string]string{"server": dead.Addr().String()}))
	if s := w.host.Status("", "down"); s.GetReason() != "The server refuses connections." || !strings.Contains(s.GetDetail(), dead.Addr().String()) {
		t.Error(s)
	}
	b := begin(t, nil, nil)
	b.irc.Error("hearth", "Closing Link: hearth[192.0.2.7] (bye)")
	for _, channel := range []string{"", garden} {
		b.until("the end to be told", func() bool {
			return slices.ContainsFunc(b.host.Statuses(), func(s *pb.Status) bool {
				return s.GetChannel() == channel && s.GetReason() == "The server ended the connection." && strings.Contains(s.GetDetail(), "192.0.2.7")
			})
		})
	}
}

func TestUnlinkParts(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.host.Unlink(garden)
	w.irc.WaitLine("hearth", "PART #garden")
	w.host.Link(&pb.Link{Channel: garden, Confirmed: true})
	w.irc.WaitIn(garden, "hearth")
}

// A server that starts again has the bridge back before its people. What was said meanwhile waits for the first of them, and not
// for ever. Those of a network with a history read it there.
func TestAnEmptyChannelIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		caps  []string
		comes bool
	}{{"somebody comes", []string{"message-tags"}, true}, {"nobody comes", []string{"message-tags"}, false}, {"with a history", nil, false}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, nil, func(s *ircdouble.Server) {
				if row.caps != nil {
					s.Caps = row.caps
				}
			}, func(o *pb.Open) { o.Links = append(o.Links, &pb.Link{Channel: "#quiet", Confirmed: true}) })
			w.relayed(alice("settled"), "<Alice> settled")
			w.irc.Stop()
			w.host.Status(garden, "down")
			w.irc.Line("bob", "QUIT :gone with the server")
			id := w.host.Deliver(alice("said meanwhile"))
			w.irc.Restart()
			if row.comes {
				w.host.Outcome(w.host.Deliver(&pb.Delivery{Channel: "#quiet", Kind: "text", Text: "nobody was ever here"}))
				if all := w.said(); count(all, "<Alice> said meanwhile") != 0 {
					t.Errorf("said to nobody: %q", all)
				}
				w.irc.Join(garden, "bob", "")
			}
			if o := w.host.Outcome(id); o.GetDropped() != "" {
				t.Error(o)
			}
			w.expect("<Alice> settled", "<Alice> said meanwhile")
		})
	}
}
