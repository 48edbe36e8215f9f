// Package ircdouble is an IRC server for tests, which does on demand what real ones do not: it throttles,
// ends connections for flooding, splits, labels, keeps history, relays (RELAYMSG), redacts, refuses.
// It keeps all that was said, so that a test can account for every line.
package ircdouble

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/plugins/irc/wire"
	"hearth/test/port"
)

// All are the capabilities that the server knows; each may be left out.
var All = []string{"message-tags", "server-time", "echo-message", "labeled-response", "batch", "account-tag", "extended-join", "away-notify", "setname", "chghost", "invite-notify", "multi-prefix",
	"cap-notify", "standard-replies", "draft/chathistory", "draft/multiline=max-bytes=4096,max-lines=24", "draft/message-redaction", "draft/relaymsg=/", "draft/metadata-2"}

// Server is one. Its fields are set before Start, or under Do.
type Server struct {
	t                 testing.TB
	Caps              []string
	Support           string            // tokens of 005
	Account, Password string            // for SASL PLAIN; "": no SASL
	Greet             string            // said to each new connection, which then ends: "ERROR :Throttled"
	Refuse            map[string]string // channel -> numeric of a JOIN
	Mute              map[string]string // channel -> numeric of a PRIVMSG
	Swallow           bool              // take messages and show them to nobody
	Burst             int               // more lines than that within Window end the connection: Excess Flood
	Window            time.Duration
	Deaf              bool   // do not answer PING
	Identd            string // where it asks who connects, before it hears anything; "": nowhere
	Mumble            bool   // say nothing to those with a connection; they say what they like

	Addr    string
	tls     *tls.Config
	ln      net.Listener
	away    bool
	mu      sync.Mutex
	changed chan struct{}
	users   map[string]*user // by nick
	online  map[*user]bool   // with a connection
	rooms   map[string]*room
	said    []Said
	lastID  int
	Conns   int // there have been
	Spoke   int // lines that came
	wg      sync.WaitGroup
}

// Said is a message that the server has shown to a channel.
type Said struct {
	ID, Nick, Channel, Command, Text string
	Tags                             wire.Tags
	At                               time.Time
}

type room struct {
	members map[string]string // nick -> signs
	topic   string
	log     []wire.Message
}

// New is a server with all capabilities.
func New(t testing.TB) *Server {
	return &Server{t: t, Caps: All, Support: "CHANTYPES=# PREFIX=(ov)@+ STATUSMSG=@+ CHANMODES=b,k,l,imnst NICKLEN=30 CASEMAPPING=ascii WHOX CHATHISTORY=100 BOT=B",
		Refuse: map[string]string{}, Mute: map[string]string{}, users: map[string]*user{}, online: map[*user]bool{}, rooms: map[string]*room{}, changed: make(chan struct{})}
}

// Start listens on a loopback port, until the test's end; by TLS when config is not nil.
func (s *Server) Start(config *tls.Config) *Server {
	s.t.Helper()
	s.Addr, s.tls = port.Loopback(s.t), config // one that is its own while it is away, too
	s.Restart()
	s.t.Cleanup(s.Stop)
	return s
}

// Stop ends the server and its connections.
func (s *Server) Stop() {
	s.Do(func() { s.away = true }) // who is just being let in is not
	s.ln.Close()
	s.Cut()
	s.wg.Wait()
}

// Restart listens again on the same port, after Stop.
func (s *Server) Restart() {
	s.t.Helper()
	ln, err := net.Listen("tcp", s.Addr)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.tls != nil {
		ln = tls.NewListener(ln, s.tls)
	}
	s.ln = ln
	s.Do(func() { s.away = false })
	s.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.serve(c) })
		}
	})
}

// Do changes the server's fields while it runs.
func (s *Server) Do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.change()
}

func (s *Server) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Patience is how long whatever is waited for may take.
const Patience = 60 * time.Second

// Wait waits until done says so; it is called under the lock.
func (s *Server) Wait(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.After(Patience); ; {
		s.mu.Lock()
		ok, changed := done(), s.changed
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			s.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Cut ends all connections without a word.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for u := range s.online {
		u.conn.Close()
	}
}

// Error says ERROR to a nick and ends its connection.
func (s *Server) Error(nick, text string) {
	s.Do(func() {
		if u := s.users[nick]; u != nil {
			u.kill(text)
		}
	})
}

// Farewell sends a line and ERROR to a nick, in one piece, and ends its connection.
func (s *Server) Farewell(nick, line, text string) {
	s.Do(func() {
		if u := s.users[nick]; u != nil {
			u.out <- line + "\r\nERROR :" + text + "\r\n"
			u.hangUp()
		}
	})
}

// WaitIn waits until nick is in the channel.
func (s *Server) WaitIn(channel, nick string) {
	s.t.Helper()
	s.Wait(nick+" in "+channel, func() bool {
		r := s.rooms[channel]
		if r == nil {
			return false
		}
		_, in := r.members[nick]
		return in
	})
}

// WaitNick waits until a nick is logged in.
func (s *Server) WaitNick(nick string) {
	s.t.Helper()
	s.Wait(nick, func() bool { return s.users[nick] != nil && s.users[nick].registered })
}

// Said is all that was said in a channel so far.
func (s *Server) Said(channel string) []Said {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saidIn(channel)
}

func (s *Server) saidIn(channel string) []Said {
	var all []Said
	for _, each := range s.said {
		if each.Channel == channel {
			all = append(all, each)
		}
	}
	return all
}

// WaitSaid waits until somebody has said a text that contains part, and returns the first such.
func (s *Server) WaitSaid(channel, part string) Said {
	s.t.Helper()
	var found Said
	s.Wait(fmt.Sprintf("%q in %s", part, channel), func() bool {
		i := slices.IndexFunc(s.said, func(m Said) bool { return m.Channel == channel && strings.Contains(m.Text, part) })
		if i >= 0 {
			found = s.said[i]
		}
		return i >= 0
	})
	return found
}

// Ident is what the identd said of a nick's connection.
func (s *Server) Ident(nick string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[nick]; u != nil {
		return u.ident
	}
	return ""
}

// Lines is what a nick's connection has sent, without PING and PONG.
func (s *Server) Lines(nick string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[nick]; u != nil {
		return slices.Clone(u.lines)
	}
	return nil
}

// WaitLine waits until a nick's connection has sent a line that contains part.
func (s *Server) WaitLine(nick, part string) string {
	s.t.Helper()
	var found string
	s.Wait(fmt.Sprintf("%q from %s", part, nick), func() bool {
		if u := s.users[nick]; u != nil {
			for _, l := range u.lines {
				if strings.Contains(l, part) {
					found = l
					return true
				}
			}
		}
		return false
	})
	return found
}

// ───────────────────────────── People without a connection ─────────────────────────────

// Join lets somebody come into a channel, with signs of rank.
func (s *Server) Join(channel, nick, signs string) {
	s.Do(func() { s.enter(channel, nick, signs) })
}

func (s *Server) enter(channel, nick, signs string) {
	if s.users[nick] == nil {
		s.users[nick] = &user{s: s, nick: nick, registered: true, account: "*"}
	}
	r := s.room(channel)
	r.members[nick] = signs
	s.show(channel, wire.Message{Source: source(nick), Command: "JOIN", Params: []string{channel, s.users[nick].account, nick}}, nil)
}

// Account logs somebody in.
func (s *Server) LogIn(nick, account string) { s.Do(func() { s.users[nick].account = account }) }

// Leave lets somebody go by PART, QUIT or NICK as the line says: "QUIT :bye".
func (s *Server) Line(nick, line string) { s.line(nick, line) }

// line returns the newest id that there is then.
func (s *Server) line(nick, line string) (id int) {
	m, err := wire.Parse(line)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Do(func() {
		if u := s.users[nick]; u != nil {
			u.obey(m)
		} else {
			s.t.Errorf("there is no %s", nick)
		}
		id = s.lastID
	})
	return id
}

// Say says something; it returns the message's id.
func (s *Server) Say(channel, nick, text string) string {
	return fmt.Sprint("id", s.line(nick, wire.New("PRIVMSG", channel, text).String()))
}

// Raw sends a line to all of a channel.
func (s *Server) Raw(channel, line string) {
	m, _ := wire.Parse(line)
	s.Do(func() { s.show(channel, m, nil) })
}

// Send sends a line to a nick alone, from a source.
func (s *Server) Send(nick, source, line string) {
	m, err := wire.Parse(line)
	if err != nil {
		s.t.Fatal(err)
	}
	m.Source = wire.ParseSource(strings.TrimPrefix(source, ":"))
	s.Do(func() { s.users[nick].send(m) })
}

// Split lets n people go at once, by a netsplit; in a batch when the client knows those.
func (s *Server) Split(channel string, nicks []string, batch bool) {
	s.Do(func() {
		tag := ""
		if batch {
			s.lastID++
			tag = fmt.Sprint("split", s.lastID)
			s.show(channel, wire.New("BATCH", "+"+tag, "netsplit", "hub.example", "leaf.example"), nil)
		}
		for _, nick := range nicks {
			delete(s.room(channel).members, nick)
			m := wire.Message{Source: source(nick), Command: "QUIT", Params: []string{"hub.example leaf.example"}}
			if batch {
				m = m.Tagged("batch", tag)
			}
			s.show(channel, m, nil)
			delete(s.users, nick)
		}
		if batch {
			s.show(channel, wire.New("BATCH", "-"+tag), nil)
		}
	})
}

func source(nick string) wire.Source { return wire.Source{Nick: nick, User: "u", Host: "host.example"} }

func (s *Server) room(channel string) *room {
	r := s.rooms[channel]
	if r == nil {
		r = &room{members: map[string]string{}}
		s.rooms[channel] = r
	}
	return r
}
