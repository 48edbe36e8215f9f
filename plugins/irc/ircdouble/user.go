package ircdouble

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"hearth/plugins/irc/wire"
)

// user is somebody on the server: with a connection, or a test's puppet without one.
type user struct {
	s          *Server
	conn       net.Conn
	out        chan string
	nick, name string
	ident      string // what the identd answered
	account    string
	away       string
	caps       map[string]bool
	negotiates bool
	registered bool
	lines      []string
	recent     []time.Time
	batches    map[string]*pending
	label      string
}

type pending struct {
	opening wire.Message
	lines   []wire.Message
}

func (s *Server) serve(c net.Conn) {
	u := &user{s: s, conn: c, out: make(chan string, 1<<16), account: "*", caps: map[string]bool{}, batches: map[string]*pending{}}
	s.mu.Lock()
	if s.away {
		s.mu.Unlock()
		c.Close()
		return
	}
	s.Conns++
	s.online[u] = true
	greet, identd := s.Greet, s.Identd
	s.change()
	s.mu.Unlock()
	if greet != "" {
		fmt.Fprintf(c, "%s\r\n", greet)
		c.Close()
		s.Do(func() { delete(s.online, u) })
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for line := range u.out {
			if _, err := c.Write([]byte(line)); err != nil {
				c.Close()
			}
		}
		c.Close()
	}()
	if identd != "" {
		answer := askIdent(identd, c)
		s.Do(func() { u.ident = answer })
	}
	in := wire.NewLines(c)
	for {
		line, err := in.Next()
		if err != nil {
			break
		}
		m, err := wire.Parse(line)
		if err != nil {
			continue
		}
		s.mu.Lock()
		s.Spoke++
		if m.Command != "PING" && m.Command != "PONG" {
			u.lines = append(u.lines, line)
		}
		u.label = m.Tags.Value("label")
		if u.flooding() {
			u.kill("Closing Link: " + u.nick + " (Excess Flood)")
		} else {
			u.obey(m)
		}
		s.change()
		s.mu.Unlock()
	}
	s.mu.Lock()
	if u.nick != "" && s.users[u.nick] == u {
		u.gone("Connection closed")
	}
	u.conn = nil
	delete(s.online, u)
	close(u.out)
	s.change()
	s.mu.Unlock()
	<-done
}

// askIdent asks whose a connection is, as servers do (RFC 1413).
func askIdent(identd string, c net.Conn) string {
	_, theirs, _ := net.SplitHostPort(c.RemoteAddr().String())
	_, ours, _ := net.SplitHostPort(c.LocalAddr().String())
	q, err := net.Dial("tcp", identd)
	if err != nil {
		return err.Error()
	}
	defer q.Close()
	q.SetDeadline(time.Now().Add(Patience))
	fmt.Fprintf(q, "%s , %s\r\n", theirs, ours)
	answer, _ := io.ReadAll(q)
	return strings.TrimSpace(string(answer))
}

func (u *user) flooding() bool {
	if u.s.Burst == 0 || !u.registered {
		return false
	}
	now := time.Now()
	u.recent = append(u.recent, now)
	for now.Sub(u.recent[0]) > u.s.Window {
		u.recent = u.recent[1:]
	}
	return len(u.recent) > u.s.Burst
}

func (u *user) kill(text string) {
	u.send(wire.New("ERROR", text))
	u.hangUp()
}

// hangUp ends the connection once what was sent is written.
func (u *user) hangUp() {
	if u.conn != nil {
		u.conn.(interface{ SetReadDeadline(time.Time) error }).SetReadDeadline(time.Now())
	}
}

// gone takes the user away from everywhere.
func (u *user) gone(why string) {
	for name, r := range u.s.rooms {
		if _, in := r.members[u.nick]; in {
			delete(r.members, u.nick)
			u.s.show(name, wire.Message{Source: source(u.nick), Command: "QUIT", Params: []string{why}}, nil)
		}
	}
	delete(u.s.users, u.nick)
}

// send writes to the user's connection, with only the tags that it knows.
func (u *user) send(m wire.Message) {
	if u.conn == nil || u.s.Mumble {
		return
	}
	var tags wire.Tags
	for _, t := range m.Tags {
		switch {
		case t.Key == "time" && u.caps["server-time"], t.Key == "account" && u.caps["account-tag"], t.Key == "batch" && u.caps["batch"],
			t.Key == "label" && u.caps["labeled-response"], u.caps["message-tags"]:
			tags = append(tags, t)
		}
	}
	m.Tags = tags
	select {
	case u.out <- m.String() + "\r\n":
	default:
		u.conn.Close() // SendQ exceeded
	}
}

func (u *user) reply(numeric string, params ...string) {
	m := wire.New(numeric, append([]string{u.me()}, params...)...)
	m.Source = wire.Source{Nick: "irc.example"}
	if u.label != "" {
		m = m.Tagged("label", u.label)
		u.label = ""
	}
	u.send(m)
}

func (u *user) me() string {
	if u.nick == "" {
		return "*"
	}
	return u.nick
}

// show sends a message to all of a channel but one.
func (s *Server) show(channel string, m wire.Message, but *user) {
	members := s.room(channel).members
	for u := range s.online {
		if _, in := members[u.nick]; in && u != but {
			u.send(m)
		}
	}
}

func (u *user) obey(m wire.Message) {
	if take := commands[m.Command]; take != nil {
		take(u, m)
	} else {
		u.reply("421", m.Command, "Unknown command")
	}
}

var commands map[string]func(*user, wire.Message)

func init() {
	commands = map[string]func(*user, wire.Message){
		"CAP": (*user).cap, "AUTHENTICATE": (*user).authenticate, "PASS": func(*user, wire.Message) {}, "NICK": (*user).setNick, "USER": (*user).setUser,
		"PING": (*user).ping, "PONG": func(*user, wire.Message) {}, "JOIN": (*user).join, "PART": (*user).part, "QUIT": (*user).quit,
		"PRIVMSG": (*user).say, "NOTICE": (*user).say, "TAGMSG": (*user).say, "REDACT": (*user).redact, "RELAYMSG": (*user).relay,
		"BATCH": (*user).batch, "CHATHISTORY": (*user).history, "WHO": (*user).who, "NAMES": (*user).names, "MODE": (*user).mode,
		"AWAY": (*user).setAway, "KICK": (*user).kick, "TOPIC": (*user).topic, "MONITOR": func(*user, wire.Message) {}, "METADATA": func(*user, wire.Message) {},
	}
}

func (u *user) cap(m wire.Message) {
	switch m.Param(0) {
	case "LS":
		u.negotiates = !u.registered
		caps := u.s.Caps
		if u.s.Account != "" {
			caps = append(slices.Clone(caps), "sasl=PLAIN")
		}
		u.reply("CAP", "LS", strings.Join(caps, " "))
	case "REQ":
		for _, name := range strings.Fields(m.Param(1)) {
			u.caps[name] = true
		}
		u.reply("CAP", "ACK", m.Param(1))
	case "END":
		u.negotiates = false
		u.welcome()
	}
}

func (u *user) authenticate(m wire.Message) {
	switch arg := m.Param(0); arg {
	case "PLAIN":
		u.send(wire.New("AUTHENTICATE", "+"))
	default:
		b, _ := base64.StdEncoding.DecodeString(arg)
		if string(b) != "\x00"+u.s.Account+"\x00"+u.s.Password {
			u.reply("904", "SASL authentication failed")
			return
		}
		u.account = u.s.Account
		u.reply("900", u.nick+"!u@host.example", u.account, "You are now logged in")
		u.reply("903", "SASL authentication successful")
	}
}

func (u *user) setNick(m wire.Message) {
	nick := m.Param(0)
	if other := u.s.users[nick]; other != nil && other != u {
		u.reply("433", nick, "Nickname is already in use")
		return
	}
	old := u.nick
	delete(u.s.users, old)
	u.nick = nick
	u.s.users[nick] = u
	for name, r := range u.s.rooms {
		if signs, in := r.members[old]; in && old != "" {
			delete(r.members, old)
			r.members[nick] = signs
			u.s.show(name, wire.Message{Source: source(old), Command: "NICK", Params: []string{nick}}, nil)
		}
	}
	u.welcome()
}

func (u *user) setUser(m wire.Message) {
	u.name = m.Last()
	u.welcome()
}

func (u *user) welcome() {
	if u.registered || u.negotiates || u.nick == "" || u.name == "" {
		return
	}
	u.registered = true
	u.reply("001", "Welcome")
	u.reply("005", append(strings.Fields(u.s.Support), "are supported by this server")...)
	u.reply("376", "End of MOTD")
}

func (u *user) ping(m wire.Message) {
	if !u.s.Deaf {
		u.send(wire.Message{Source: wire.Source{Nick: "irc.example"}, Command: "PONG", Params: []string{"irc.example", m.Param(0)}})
	}
}

func (u *user) join(m wire.Message) {
	name := m.Param(0)
	if numeric := u.s.Refuse[name]; numeric != "" {
		u.reply(numeric, name, "Cannot join channel")
		return
	}
	r := u.s.room(name)
	r.members[u.nick] = ""
	j := wire.Message{Source: source(u.nick), Command: "JOIN", Params: []string{name}}
	for nick := range r.members {
		to := u.s.users[nick]
		if to != nil && to.caps["extended-join"] {
			j.Params = []string{name, u.account, u.name}
		}
		if to != nil {
			to.send(j)
		}
		j.Params = []string{name}
	}
	if r.topic != "" {
		u.reply("332", name, r.topic)
	}
	u.names(m)
}

func (u *user) names(m wire.Message) {
	r := u.s.room(m.Param(0))
	var list []string
	for nick, signs := range r.members {
		if list = append(list, signs+nick); len(list) == 20 {
			u.reply("353", "=", m.Param(0), strings.Join(list, " "))
			list = nil
		}
	}
	u.reply("353", "=", m.Param(0), strings.Join(list, " "))
	u.reply("366", m.Param(0), "End of /NAMES list.")
}

func (u *user) who(m wire.Message) {
	for nick, signs := range u.s.room(m.Param(0)).members {
		account, flag, name := "0", "H", nick
		if o := u.s.users[nick]; o != nil {
			if o.account != "*" {
				account = o.account
			}
			if o.away != "" {
				flag = "G"
			}
			name = cmp.Or(o.name, nick)
		}
		from := source(nick)
		if m.Param(1) == "" {
			u.reply("352", m.Param(0), from.User, from.Host, "irc.example", nick, flag+signs, "0 "+name)
		} else { // %tcuhnfar,42
			u.reply("354", "42", m.Param(0), from.User, from.Host, nick, flag+signs, account, name)
		}
	}
	u.reply("315", m.Param(0), "End of /WHO list.")
}

func (u *user) part(m wire.Message) {
	u.s.show(m.Param(0), wire.Message{Source: source(u.nick), Command: "PART", Params: m.Params}, nil)
	delete(u.s.room(m.Param(0)).members, u.nick)
}

func (u *user) quit(m wire.Message) {
	if u.nick != "" && u.s.users[u.nick] == u {
		u.gone("Quit: " + m.Last())
	}
	if u.conn != nil {
		u.conn.Close()
	}
}

func (u *user) mode(m wire.Message) {
	if r := u.s.rooms[m.Param(0)]; r != nil && len(m.Params) > 1 {
		if m.Param(1) == "+o" {
			r.members[m.Param(2)] = "@"
		}
		u.s.show(m.Param(0), wire.Message{Source: source(u.nick), Command: "MODE", Params: m.Params}, nil)
	}
}

// setAway is told to all who share a channel (away-notify).
func (u *user) setAway(m wire.Message) {
	u.away = m.Param(0)
	for name, r := range u.s.rooms {
		if _, in := r.members[u.nick]; in {
			u.s.show(name, wire.Message{Source: source(u.nick), Command: "AWAY", Params: m.Params}, u)
		}
	}
}

func (u *user) kick(m wire.Message) {
	u.s.show(m.Param(0), wire.Message{Source: source(u.nick), Command: "KICK", Params: m.Params}, nil)
	delete(u.s.room(m.Param(0)).members, m.Param(1))
}

func (u *user) topic(m wire.Message) {
	u.s.room(m.Param(0)).topic = m.Param(1)
	u.s.show(m.Param(0), wire.Message{Source: source(u.nick), Command: "TOPIC", Params: m.Params}, nil)
}
