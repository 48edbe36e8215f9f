package conn

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/plugins/irc/wire"
)

// play is a session in virtual time.
type play struct {
	t   *testing.T
	s   *Session
	now time.Time
	out []string
	all []Event
}

func start(t *testing.T, change func(*Config)) *play {
	c := Config{Nick: "hearth", User: "hearth", Realname: "A bridge", Flood: DefaultFlood, Secure: true}
	if change != nil {
		change(&c)
	}
	p := &play{t: t, now: time.Unix(1e9, 0)}
	p.s = New(c, p.now)
	p.take()
	return p
}

func (p *play) take() {
	lines, events := p.s.Take()
	p.out = append(p.out, lines...)
	p.all = append(p.all, events...)
}

func (p *play) in(lines ...string) *play {
	for _, line := range lines {
		p.s.Receive(line, p.now)
		p.take()
	}
	return p
}

// pass lets time pass, a tick when each is due.
func (p *play) pass(d time.Duration) {
	for end := p.now.Add(d); ; {
		due := p.s.Due()
		if due.IsZero() || due.After(end) {
			p.now = end
			return
		}
		if due.After(p.now) {
			p.now = due
		} else {
			p.now = p.now.Add(time.Nanosecond)
		}
		p.s.Tick(p.now)
		p.take()
	}
}

// said is what went out since the last time.
func (p *play) said() []string {
	out := p.out
	p.out = nil
	return out
}

func (p *play) expect(want ...string) *play {
	p.t.Helper()
	if got := p.said(); !slices.Equal(got, want) {
		p.t.Fatalf("said %q, want %q", got, want)
	}
	return p
}

func (p *play) ended() *Ended {
	for _, e := range p.all {
		if e, ok := e.(Ended); ok {
			return &e
		}
	}
	return nil
}

func (p *play) ends(why Why, text string) {
	p.t.Helper()
	e := p.ended()
	if e == nil || e.Why != why || !strings.Contains(e.Text+" "+e.Detail, text) {
		p.t.Fatalf("ended %+v, want %d with %q", e, why, text)
	}
}

var welcome = []string{":s.example 001 hearth :Welcome", ":s.example 005 hearth NICKLEN=30 BOT=B CHANTYPES=# MONITOR=100 :are supported", ":s.example 376 hearth :End"}

func (p *play) welcome() *play {
	p.in(":s.example CAP * LS :").in(welcome...)
	if !p.s.Ready() {
		p.t.Fatalf("not ready: %+v", p.all)
	}
	p.said()
	return p
}

func TestLoginWithCapabilities(t *testing.T) {
	p := start(t, func(c *Config) { c.Password, c.Bot = "open sesame", true })
	p.expect("CAP LS 302", "PASS :open sesame", "NICK hearth", "USER hearth 0 * :A bridge")
	p.in(":s CAP * LS * :message-tags unheard-of sts=duration=0", ":s CAP * LS :server-time draft/multiline=max-bytes=4096,max-lines=24 batch")
	p.expect("CAP REQ :batch draft/multiline message-tags server-time")
	p.in(":s CAP hearth NAK :batch draft/multiline message-tags server-time").expect("CAP REQ batch", "CAP REQ draft/multiline", "CAP REQ message-tags", "CAP REQ server-time")
	p.in(":s CAP hearth ACK :batch", ":s CAP hearth ACK :draft/multiline", ":s CAP hearth NAK :message-tags").expect()
	p.in(":s CAP hearth ACK :server-time ").expect("CAP END")
	p.in(welcome...).expect("MODE hearth +B")
	if !p.s.Ready() || !p.s.Has("batch") || p.s.Has("message-tags") || p.s.Value("draft/multiline") != "max-bytes=4096,max-lines=24" {
		t.Fatalf("%+v", p.s.caps)
	}
	p.in(":s CAP hearth NEW :message-tags echo-message").expect("CAP REQ :message-tags echo-message")
	p.in(":s CAP hearth ACK :message-tags echo-message", ":s CAP hearth DEL :batch")
	if !p.s.Has("echo-message") || p.s.Has("batch") {
		t.Fatalf("%+v", p.s.caps)
	}
}

func TestServerWithoutCapabilities(t *testing.T) {
	p := start(t, nil)
	p.in(":s 421 * CAP :Unknown command").in(welcome...)
	if !p.s.Ready() {
		t.Fatal("not ready")
	}
}

func TestNickTaken(t *testing.T) {
	p := start(t, nil)
	p.said()
	p.in(":s CAP * LS :", ":s 433 * hearth :in use", ":s 433 * hearth_ :in use", ":s 437 * hearth__ :unavailable")
	p.expect("CAP END", "NICK hearth_", "NICK hearth__", "NICK hearth_3")
	p.in(":s 001 hearth_3 :Welcome", welcome[1], welcome[2]).expect("MONITOR + hearth")
	if p.s.Source.Nick != "hearth_3" {
		t.Fatal(p.s.Source)
	}
	// It gets its own back as soon as that is free, and asks now and then in case nobody says so.
	p.in(":hearth!x@y QUIT :gone").expect("NICK hearth")
	p.in(":s 433 hearth_3 hearth :in use").expect()
	p.pass(reclaimTime)
	p.expect("NICK hearth")
	p.in(":s 731 hearth_3 :hearth").expect("NICK hearth")
	p.in(":hearth_3!~hearth@host.example NICK :hearth")
	p.in("PING :x") // keeps the watchdog quiet
	p.said()
	p.pass(reclaimTime)
	p.expect()
	if p.s.Source.String() != "hearth!~hearth@host.example" {
		t.Fatal(p.s.Source)
	}
}

func TestNickThatIsNone(t *testing.T) {
	p := start(t, nil)
	p.in(":s 432 * hearth :Erroneous nickname").ends(Refused, "Set another one")
}

func plain(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
}

func withSASL(mechanisms ...string) func(*Config) {
	return func(c *Config) { c.Mechanisms, c.Account, c.Secret = mechanisms, "hearth", "pencil" }
}

func TestSASLComesBeforeAll(t *testing.T) {
	p := start(t, withSASL("EXTERNAL", "SCRAM-SHA-256", "PLAIN"))
	p.said()
	p.in(":s CAP * LS :sasl=PLAIN,EXTERNAL batch").expect("CAP REQ sasl", "CAP REQ batch")
	p.in(":s CAP * ACK :sasl", ":s CAP * ACK :batch").expect("AUTHENTICATE EXTERNAL")
	p.in("AUTHENTICATE +").expect("AUTHENTICATE " + base64.StdEncoding.EncodeToString([]byte("hearth")))
	p.in(":s 904 * :no certificate").expect("AUTHENTICATE PLAIN")
	p.in("AUTHENTICATE +").expect("AUTHENTICATE " + plain("hearth", "pencil"))
	p.in(":s 900 hearth hearth!u@cloak.example hearth :You are now logged in", ":s 903 * :ok").expect("CAP END")
	p.in(welcome...)
	if p.s.Account != "hearth" || p.s.Source.Host != "cloak.example" || !p.s.Ready() {
		t.Fatalf("%+v", p.s)
	}
}

// When SASL fails the session ends: never is a channel joined without it.
func TestSASLFailureEndsTheSession(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		why   Why
		text  string
	}{
		"wrong password":  {[]string{":s CAP * LS :sasl=PLAIN", ":s CAP * ACK sasl", "AUTHENTICATE +", ":s 904 * :SASL authentication failed"}, Refused, "SASL authentication failed"},
		"locked":          {[]string{":s CAP * LS :sasl", ":s CAP * ACK sasl", ":s 902 * :account is frozen"}, Refused, "frozen"},
		"no mechanism":    {[]string{":s CAP * LS :sasl=EXTERNAL", ":s CAP * ACK sasl"}, Refused, "PLAIN"},
		"not offered":     {[]string{":s CAP * LS :batch"}, Lost, "does not offer SASL"},
		"refused":         {[]string{":s CAP * LS :sasl", ":s CAP * NAK sasl"}, Lost, "SASL"},
		"let in anyway":   {[]string{":s CAP * LS :sasl", ":s 001 hearth :hi"}, Lost, "without SASL"},
		"no capabilities": {[]string{":s 421 * CAP :Unknown command"}, Refused, "no SASL"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, withSASL("PLAIN"))
			p.in(c.lines...).in(welcome...)
			p.ends(c.why, c.text)
			for _, line := range p.out {
				if line == "CAP END" {
					t.Error("it went on")
				}
			}
		})
	}
}

func TestPasswordsDoNotGoInTheClear(t *testing.T) {
	p := start(t, func(c *Config) { withSASL("PLAIN")(c); c.Secure = false })
	p.in(":s CAP * LS :sasl=PLAIN", ":s CAP * ACK sasl").ends(Refused, "in the clear")
	q := start(t, func(c *Config) { c.NickServ, c.Secure = "pencil", false })
	q.in(welcome...).ends(Refused, "in the clear")
	if out := strings.Join(append(p.said(), q.said()...), " "); strings.Contains(out, "pencil") || strings.Contains(out, plain("hearth", "pencil")) {
		t.Fatal(out)
	}
}

// The vector of RFC 7677.
func TestScramVector(t *testing.T) {
	c := newScram("user", "pencil")
	c.nonce = "rOprNGfwEbeRWgbNEkqO"
	c.step(nil)
	last, err := c.step([]byte("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"))
	if want := "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="; string(last) != want || err != nil {
		t.Fatalf("%s, %v", last, err)
	}
	if _, err := c.step([]byte("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")); err != nil || !c.proven {
		t.Fatal(err)
	}
	for _, evil := range []string{"r=other,s=QSXCR+Q6sek8bf92,i=4096", "r=rOprNGfwEbeRWgbNEkqOx,s=QSXCR+Q6sek8bf92,i=2000000000", "r=rOprNGfwEbeRWgbNEkqOx,s=,i=1", ""} {
		c := newScram("user", "pencil")
		c.nonce = "rOprNGfwEbeRWgbNEkqO"
		c.step(nil)
		if _, err := c.step([]byte(evil)); err == nil {
			t.Errorf("%q was believed", evil)
		}
	}
}

// A server that takes the password without proving that it knows it is not the network.
func TestScramServerMustProveItself(t *testing.T) {
	p := start(t, withSASL("SCRAM-SHA-256"))
	p.in(":s CAP * LS :sasl=SCRAM-SHA-256", ":s CAP * ACK sasl", "AUTHENTICATE +", ":s 903 * :ok")
	p.ends(Refused, "proven")
}

func TestNickServIsWaitedFor(t *testing.T) {
	for name, answer := range map[string]string{
		"notice": ":NickServ!s@services NOTICE hearth :You are now identified for \x02hearth\x02.",
		"mode":   ":hearth MODE hearth :+r", "900": ":s 900 hearth hearth!u@h hearth :You are now logged in", "account": ":hearth!u@h ACCOUNT hearth",
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, func(c *Config) { c.NickServ, c.Account = "pencil", "hearth" })
			p.said()
			p.in(":s CAP * LS :").in(welcome...).expect("CAP END", "PRIVMSG NickServ :IDENTIFY hearth pencil")
			p.in(":NickServ!s@services NOTICE hearth :This nickname is registered.", ":mallory!s@x NOTICE hearth :You are now identified")
			if p.s.Ready() {
				t.Fatal("it did not wait")
			}
			if p.in(answer); !p.s.Ready() {
				t.Fatal("still waiting")
			}
		})
	}
	p := start(t, func(c *Config) { c.NickServ = "pencil" })
	p.in(":s CAP * LS :").in(welcome...).in(":NickServ!s@s NOTICE hearth :Invalid password for hearth.").ends(Refused, "Invalid password")
	p = start(t, func(c *Config) { c.NickServ = "pencil" })
	p.in(":s CAP * LS :").in(welcome...)
	p.pass(identifyTime + time.Second)
	if !p.s.Ready() || fmt.Sprintf("%T", p.all[0]) != "conn.Note" {
		t.Fatalf("%+v", p.all)
	}
}

func TestEndings(t *testing.T) {
	for says, why := range map[string]Why{
		"Closing Link: x (Excess Flood)":                           Flooded,
		"Closing Link: 1.2.3.4 (Max SendQ exceeded)":               Flooded,
		"Your host is trying to (re)connect too fast -- throttled": Throttle,
		"Closing Link: (Throttled: Reconnecting too fast)":         Throttle,
		"Closing Link: x (Too many connections from your IP)":      Throttle,
		"Closing Link: x (K-Lined)":                                Banned,
		"Closing Link: x (G-Lined: spam)":                          Banned,
		"Closing Link: x (You are banned from this server: bye)":   Banned,
		"Closing Link: x (Z:lined)":                                Banned,
		"Closing Link: x[y] (User has been permanently banned)":    Banned,
		"Closing Link: x (Bad Password)":                           Refused,
		"Closing Link: x (Ping timeout: 240 seconds)":              Lost,
		"Server shutting down":                                     Lost,
	} {
		p := start(t, nil).welcome()
		p.in("ERROR :" + says)
		p.ends(why, says)
		if e := p.ended(); strings.Contains(e.Text, says) {
			t.Errorf("members are told %q", e.Text)
		}
	}
	start(t, nil).in(":s 465 * :You are banned").ends(Banned, "Write to its operators")
	start(t, nil).in(":s 464 * :Password incorrect").ends(Refused, "setting password")
	start(t, nil).welcome().in(":oper!o@staff KILL hearth :no bots").ends(Throttle, "no bots")
}

// A connection lives by data: a server that says nothing, not even to a PING, is gone.
func TestWatchdog(t *testing.T) {
	p := start(t, nil).welcome()
	p.pass(quietTime + time.Second)
	p.expect("PING hearth")
	p.in(":s PONG s :hearth")
	p.pass(quietTime + time.Second)
	p.expect("PING hearth")
	if p.ended() != nil {
		t.Fatal("ended")
	}
	p.pass(answerTime)
	p.ends(Lost, "not answered")
	p = start(t, nil)
	p.pass(loginTime)
	p.ends(Lost, "did not let us in")
}

func TestFloodControl(t *testing.T) {
	p := start(t, nil).welcome()
	for i := range 10 {
		p.s.Send(wire.New("PRIVMSG", "#a", fmt.Sprint(i)))
	}
	p.take()
	if n := len(p.said()); n != 4 {
		t.Fatalf("%d lines at once", n)
	}
	p.pass(6 * time.Second)
	if n := len(p.said()); n != 3 {
		t.Fatalf("%d lines in six seconds", n)
	}
	// PONG goes out at once, and counts.
	p.in("PING :x").expect("PONG x")
	p.pass(5 * time.Second)
	p.expect("PRIVMSG #a 7")
	p.in(":s 263 hearth PRIVMSG :slow down")
	p.pass(8 * time.Second)
	p.expect()
	p.pass(10 * time.Second)
	p.expect("PRIVMSG #a 8", "PRIVMSG #a 9")
	sent := 0
	for _, e := range p.all {
		if e, ok := e.(Sent); ok {
			if sent++; uint64(e) != uint64(sent) {
				t.Fatal("out of order")
			}
		}
	}
	if sent != 10 {
		t.Fatal(sent)
	}
	if f := DefaultFlood.Slower(); f.Burst != 2 || f.Every != 3*time.Second {
		t.Fatal(f)
	}
	if f := (Flood{}).Slower(); f != DefaultFlood {
		t.Fatal(f)
	}
}

func TestSync(t *testing.T) {
	p := start(t, nil).welcome()
	p.s.Send(wire.New("PRIVMSG", "#a", "x"))
	id := p.s.Sync()
	p.take()
	p.expect("PRIVMSG #a x", fmt.Sprintf("PING hearth-%d", id))
	p.in(fmt.Sprintf(":s PONG s :hearth-%d", id), ":s PONG s :other", ":s PONG s :hearth-x")
	if !slices.Contains(p.all, Event(Synced(id))) {
		t.Fatalf("%+v", p.all)
	}
}

func TestSTS(t *testing.T) {
	p := start(t, func(c *Config) { withSASL("PLAIN")(c); c.Secure = false })
	p.said()
	p.in(":s CAP * LS :sts=port=6697 sasl").ends(Upgrade, "TLS")
	if p.ended().Port != "6697" {
		t.Fatal(p.ended())
	}
	p.expect() // nothing more goes in the clear
	p = start(t, nil)
	p.in(":s CAP * LS :sts=duration=300,port=6697")
	if p.ended() != nil || !slices.Contains(p.all, Event(Policy{300})) {
		t.Fatalf("%+v", p.all)
	}
	p.in(":s CAP * NEW :sts=duration=600")
	if !slices.Contains(p.all, Event(Policy{600})) {
		t.Fatalf("%+v", p.all)
	}
	for _, broken := range []string{"sts", "sts=port=x", "sts=port=0", "sts=port=99999", "sts=duration=5"} {
		p := start(t, func(c *Config) { c.Secure = false })
		if p.in(":s CAP * LS :" + broken); p.ended() != nil {
			t.Errorf("%s: %+v", broken, p.ended())
		}
	}
}

// The formula of IRCv3 multiline, and its worst case.
func TestFits(t *testing.T) {
	p := start(t, nil).welcome()
	p.s.Source = wire.Source{Nick: strings.Repeat("n", 20), User: strings.Repeat("u", 20), Host: strings.Repeat("h", 63)}
	if n := p.s.Fits(strings.Repeat("c", 32)); n != 353 {
		t.Fatal(n)
	}
}

func TestBackoff(t *testing.T) {
	var b Backoff
	for i, most := 0, firstWait; i < 20; i++ {
		if w := b.Wait(Lost); w < most/2 || w > most*3/2 {
			t.Fatalf("try %d: %v, want about %v", i, w, most)
		}
		most = min(2*most, lastWait)
	}
	if b.Reset(); b.Wait(Throttle) < 30*time.Second || b.Wait(Upgrade) != 0 || b.Wait(Refused) < 30*time.Minute {
		t.Fatal("reasons")
	}
}

// A session bears any lines in any order, and never says what is two lines.
func FuzzSession(f *testing.F) {
	f.Add(strings.Join(welcome, "\n"), true)
	f.Add(":s CAP * LS :sasl sts=port=1\n:s CAP * ACK :sasl\nAUTHENTICATE +\nAUTHENTICATE AAAA\n:s 903\n:s 433\nERROR", false)
	f.Add(":s CAP * LS :sasl=SCRAM-SHA-256\n:s CAP * ACK :sasl\nAUTHENTICATE +\nAUTHENTICATE cj14LHM9eA==\n:s 908 * :PLAIN\n:s 904\n:s 902", true)
	f.Fuzz(func(t *testing.T, text string, secure bool) {
		now := time.Unix(1e9, 0)
		s := New(Config{Nick: "a", User: "b", NickServ: "x", Mechanisms: []string{"EXTERNAL", "SCRAM-SHA-256", "PLAIN"}, Secure: secure, Flood: DefaultFlood}, now)
		for _, line := range strings.Split(text, "\n") {
			now = now.Add(time.Second)
			s.Receive(line, now)
			s.Send(wire.New("PRIVMSG", line, line))
			s.Tick(s.Due())
			lines, _ := s.Take()
			for _, l := range lines {
				if strings.ContainsAny(l, "\r\n\x00") {
					t.Fatalf("%q", l)
				}
			}
		}
	})
}
