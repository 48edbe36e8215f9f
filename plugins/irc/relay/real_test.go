package relay

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/irc/ircreal"
)

func real(t testing.TB, addr string, settings map[string]string, links ...*pb.Link) *bridgetest.Host {
	s := map[string]string{"server": addr, "tls": "false", "nick": "hearth", "flood_ms": "0", "edit_wait_seconds": "0", "rejoin_seconds": "0"}
	for k, v := range settings {
		s[k] = v
	}
	if len(links) == 0 {
		links = []*pb.Link{{Channel: garden, Confirmed: true}}
	}
	return bridgetest.Start(t, quick, &pb.Open{Bridge: "test", Settings: s, Links: links})
}

func eachServer(t *testing.T, test func(*testing.T, *ircreal.Server)) {
	for _, kind := range ircreal.Kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, ircreal.Start(t, kind, "", ""))
		})
	}
}

// Against real servers: both ways, roster, ranks, consent, keys, moderation, nicks, kicks, a crash of the server.
func TestRealServers(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *ircreal.Server) {
		bob := s.Connect("bob", garden)
		h := real(t, s.Addr, nil)
		h.WaitRoster(garden, "bob")
		talk(t, h, bob, "hello")

		// Somebody has our nick when we come back: another one, and the real one again once it is free.
		h.Kill()
		squatter := s.Connect("hearth")
		h.Restart()
		bob.Expect(":hearth_!")
		talk(t, h, bob, "under another nick")
		squatter.Send("QUIT :bye")
		h.WaitRoster(garden, "bob")

		bob.Send("MODE " + garden + " +m")
		bob.Expect("+m")
		if o := h.Outcome(h.Deliver(alice("to a moderated channel"))); o.GetDropped() != "forbidden" {
			t.Errorf("%v", o)
		}
		bob.Send("MODE " + garden + " -m")
		bob.Expect("-m")
		talk(t, h, bob, "again")

		bob.Send("KICK " + garden + " hearth_ :out")
		bob.Send("KICK " + garden + " hearth :out")
		h.Status(garden, "connected")
		bob.Expect("JOIN")
		talk(t, h, bob, "back from a kick")

		// The server dies and comes back: nothing that is said in the room meanwhile is lost.
		s.Stop()
		h.Status("", "down")
		id := h.Deliver(alice("while it was down"))
		s.Run()
		bob = s.Connect("bob", garden)
		h.Outcome(id)
		bob.Expect("while it was down")
		talk(t, h, bob, "and after")
	})
}

// talk says something in each direction.
func talk(t *testing.T, h *bridgetest.Host, bob *ircreal.Client, text string) {
	t.Helper()
	id := h.Deliver(alice(text + " **out**"))
	if line := bob.Expect(text); !strings.HasSuffix(line, "PRIVMSG "+garden+" :<A"+zeroWidth+"lice> "+text+" \x02out") {
		t.Errorf("%q", line)
	}
	if o := h.Outcome(id); o.GetDropped() != "" {
		t.Errorf("%v", o)
	}
	bob.Say(garden, text+" in")
	e := h.Entry()
	for e.GetKind() == "line" { // that bob, who has spoken, came back: said when the bridge was there before him
		e = h.Entry()
	}
	if e.GetText() != text+" in" || e.GetGhost().GetName() != "bob" {
		t.Fatalf("%v", e)
	}
}

func TestRealConsentAndKeys(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *ircreal.Server) {
		olga := s.Connect("olga", "#pond")
		olga.Send("MODE #pond +k sesame")
		olga.Expect("+k")
		carol := s.Connect("carol", "#pond sesame")
		h := real(t, s.Addr, nil, &pb.Link{Channel: "#pond", RoomName: "#pond@node.example"})
		if st := h.Status("#pond", "down"); !strings.Contains(st.GetReason(), "(+k)") {
			t.Error(st)
		}
		h.Code("#pond", "ABCD2345")
		h.Link(&pb.Link{Channel: "#pond", RoomName: "#pond@node.example", Settings: map[string]string{"key": "sesame"}})
		h.WaitRoster("#pond", "carol", "olga")
		carol.Say("#pond", "!link ABCD2345")
		carol.Expect("Only an operator")
		olga.Say("#pond", "!link ABCD2345")
		olga.Expect("is now linked to #pond@node.example")
		carol.Say("#pond", "hello")
		if e := h.Entry(); e.GetText() != "hello" {
			t.Error(e)
		}
		olga.Say("#pond", "!unlink")
		olga.Expect("PART #pond")
	})
}

// In a channel that nobody is in the bridge does not become the operator whom the link waits for.
func TestRealConsentInAnEmptyChannel(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *ircreal.Server) {
		h := real(t, s.Addr, nil, &pb.Link{Channel: "#pond", RoomName: "#pond@node.example"})
		h.Code("#pond", "ABCD2345")
		if st := h.Status("#pond", "down"); !strings.Contains(st.GetReason(), "Nobody is in #pond") {
			t.Error(st)
		}
		olga := s.Connect("olga", "#pond")
		olga.Expect(":hearth!")
		h.WaitRoster("#pond", "olga")
		olga.Say("#pond", "!link ABCD2345")
		olga.Expect("is now linked to #pond@node.example")
	})
}

// Long lines arrive whole: the server cuts nothing off, and no message is longer than it lets it be.
func TestRealSplitting(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *ircreal.Server) {
		bob := s.Connect("bob", garden)
		h := real(t, s.Addr, nil)
		h.WaitRoster(garden, "bob")
		words := strings.TrimSpace(strings.Repeat("wörd👍🏽 ", 60))
		h.Outcome(h.Deliver(alice("**" + words + "**")))
		var got []string
		for n := 0; n < 60; {
			_, text, _ := strings.Cut(bob.Expect("PRIVMSG"), "> ")
			text = strings.Trim(text, "\x02")
			n += len(strings.Fields(text))
			got = append(got, text)
		}
		if strings.Join(got, " ") != words {
			t.Errorf("%q", got)
		}
	})
}

func TestRealTLS(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "hearth-cert-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cert, ca := certificate(t, "127.0.0.1")
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	os.WriteFile(certFile, []byte(ca), 0o644)
	os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o644)
	os.Chmod(dir, 0o755)
	s := ircreal.Start(t, "inspircd", certFile, keyFile)
	bob := s.Connect("bob", garden)
	if st := real(t, s.Secure, map[string]string{"tls": "true"}).Status("", "down"); !strings.Contains(st.GetReason(), "certificate") {
		t.Error(st)
	}
	h := real(t, s.Secure, map[string]string{"tls": "true", "tls_ca": certFile})
	h.WaitRoster(garden, "bob")
	talk(t, h, bob, "in secret")
}

func TestRealPuppets(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *ircreal.Server) {
		bob := s.Connect("bob", garden)
		h := real(t, s.Addr, map[string]string{"mode": "puppets"})
		h.WaitRoster(garden, "bob")
		for i := range 3 {
			id := h.Deliver(alice(fmt.Sprint("as myself ", i)))
			if line := bob.Expect("as myself"); !strings.HasPrefix(line, ":Alice!") || !strings.HasSuffix(line, fmt.Sprint(" :as myself ", i)) {
				t.Errorf("%q", line)
			}
			h.Outcome(id)
		}
		bob.Send("WHOIS Alice")
		bob.Expect("@alice@node.example")
		bob.Say(garden, "only this")
		if e := h.Entry(); e.GetText() != "only this" {
			t.Error(e)
		}
		h.WaitRoster(garden, "bob")
	})
}

// A server of the network dies with those who are on it: one line, and nothing when they are back on the other one.
func TestRealNetsplit(t *testing.T) {
	t.Parallel()
	hub, leaf := ircreal.Two(t)
	bob := hub.Connect("bob", garden)
	all, there := []string{"bob"}, []*ircreal.Client(nil)
	for i := range 8 {
		nick := fmt.Sprint("leaf", i)
		there = append(there, leaf.Connect(nick, garden))
		all = append(all, nick)
	}
	h := real(t, hub.Addr, nil)
	h.WaitRoster(garden, all...)
	there[3].Say(garden, "I have spoken lately") // so that it would be told if I came and went
	if e := h.Entry(); e.GetText() != "I have spoken lately" {
		t.Error(e)
	}
	leaf.Stop()
	if e := h.Entry(); e.GetKind() != "line" || e.GetText() != "Netsplit: 8 people are gone from #garden. They come back by themselves." {
		t.Fatal(e)
	}
	h.WaitRoster(garden, "bob")
	for _, nick := range all[1:] {
		hub.Connect(nick, garden)
	}
	h.WaitRoster(garden, all...)
	bob.Say(garden, "all there")
	if e := h.Entry(); e.GetText() != "all there" {
		t.Error(e)
	}
}

// A private conversation over real servers: both ways, another nick, and a nick that is gone.
func TestRealPrivate(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *ircreal.Server) {
		bob := s.Connect("bob", garden)
		h := real(t, s.Addr, map[string]string{"mode": "puppets", "private": "on"}, &pb.Link{Channel: garden, Confirmed: true}, withBob("bob"))
		h.WaitRoster(whisper, "bob")
		w := &world{T: t, host: h}
		ask := func(text, nick string) {
			t.Helper()
			id := h.Deliver(secretly(text))
			if line := bob.Expect(text); !strings.HasPrefix(line, ":Alice!") || !strings.HasSuffix(line, "PRIVMSG "+nick+" :"+text) {
				t.Errorf("%q", line)
			}
			if o := h.Outcome(id); o.GetDropped() != "" || len(o.GetRemote()) != 1 {
				t.Error(o)
			}
		}
		ask("psst", "bob")
		bob.Say("Alice", "yes?")
		w.answer("yes?")
		bob.Send("NICK bobby")
		w.line("bob is now bobby")
		ask("and now", "bobby")
		bob.Say("Alice", "still me")
		if e := h.Entry(); e.GetText() != "still me" || e.GetGhost().GetName() != "bobby" {
			t.Error(e)
		}
		bob.Say("Alice", "!block")
		bob.Expect("You will not hear from alice@node.example any more")
		if b := h.Blocks(); len(b) != 1 || b[0].GetGhost().GetId() != "bobby" {
			t.Error(b)
		}
	})
}
