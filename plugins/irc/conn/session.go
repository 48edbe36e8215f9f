package conn

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hearth/plugins/irc/wire"
)

const (
	loginTime    = 60 * time.Second // until Ready
	identifyTime = 30 * time.Second // for NickServ's answer
	quietTime    = 90 * time.Second // without a word: ask
	answerTime   = 60 * time.Second // then wait so long
	reclaimSoon  = 3 * time.Second  // the first try to get one's nick back: an old connection of ours may have had it
	reclaimTime  = 60 * time.Second // between further tries
	maxQueue     = 2048             // lines that wait for the bucket
)

// Session is one connection's protocol. It belongs to one goroutine.
type Session struct {
	config  Config
	Support *wire.Support
	Source  wire.Source // as others see this connection
	Account string      // logged in as; "" not, as far as is known

	caps    map[string]string // acknowledged
	offered map[string]string
	asked   int // CAP REQ without an answer
	sasl    sasl
	stage   stage
	tries   int // of nicks
	regain  time.Time

	bucket bucket
	queue  []queued
	lastID uint64
	began  time.Time
	heard  time.Time
	asking time.Time // when the watchdog's PING went out; zero: none is out

	lines  []string
	events []Event
	now    time.Time
}

type stage int

const (
	registering stage = iota
	identifying       // registered; NickServ has been asked
	ready
	ended
)

type queued struct {
	line string
	id   uint64
}

// New begins to log in.
func New(c Config, now time.Time) *Session {
	if c.Wanted == nil {
		c.Wanted = Capabilities
	}
	s := &Session{
		config: c, Support: wire.NewSupport(), Source: wire.Source{Nick: c.Nick, User: "~" + c.User},
		caps: map[string]string{}, offered: map[string]string{}, bucket: newBucket(c.Flood, now),
		began: now, heard: now, now: now,
	}
	s.say(wire.New("CAP", "LS", "302"))
	if c.Password != "" {
		s.say(wire.New("PASS", c.Password))
	}
	s.say(wire.New("NICK", c.Nick))
	s.say(wire.New("USER", c.User, "0", "*", c.Realname))
	return s
}

// Has tells whether a capability is in force; value is what the server said with it.
func (s *Session) Has(name string) bool {
	_, ok := s.caps[name]
	return ok
}

// Value is what the server said with a capability.
func (s *Session) Value(name string) string { return s.caps[name] }

// Fold is a name as this server compares it.
func (s *Session) Fold(name string) string { return s.Support.Case.Fold(name) }

// Is tells whether nick is this connection's.
func (s *Session) Is(nick string) bool { return s.Fold(nick) == s.Fold(s.Source.Nick) }

// Ready tells whether it is logged in.
func (s *Session) Ready() bool { return s.stage == ready }

// Heard is when the server last said anything.
func (s *Session) Heard() time.Time { return s.heard }

// Asking tells that the server has not answered the watchdog yet.
func (s *Session) Asking() bool { return !s.asking.IsZero() }

// Room is how many more lines the queue takes.
func (s *Session) Room() int { return maxQueue - len(s.queue) }

// Waiting is how many lines wait for the bucket.
func (s *Session) Waiting() int { return len(s.queue) }

// Fits is how many bytes of text a message to target may have (the formula of IRCv3 multiline: 14 for
// what stands between, 10 to be safe).
func (s *Session) Fits(target string) int {
	host := len(s.Source.Host)
	if host == 0 {
		host = 63
	}
	return s.Support.LineLen - 14 - 10 - len(s.Source.Nick) - len(s.Source.User) - host - len(target)
}

// Send queues a message behind the bucket; Sent follows when it has gone out. What does
// not fit the queue is not sent: see Room.
func (s *Session) Send(m wire.Message) (id uint64) {
	s.lastID++
	if len(s.queue) < maxQueue {
		s.queue = append(s.queue, queued{m.String(), s.lastID})
	}
	return s.lastID
}

// Sync asks the server for a sign that it has done all that was sent so far. The queue keeps the order.
func (s *Session) Sync() (id uint64) {
	id = s.lastID + 1
	return s.Send(wire.New("PING", syncToken+strconv.FormatUint(id, 10)))
}

const syncToken = "hearth-"

// say sends at once: what logging in and staying connected needs.
func (s *Session) say(m wire.Message) {
	s.bucket.spend(s.now)
	s.lines = append(s.lines, m.String())
}

func (s *Session) tell(e Event) { s.events = append(s.events, e) }

// end is for people; what the server says besides is for the administrator.
func (s *Session) end(why Why, text string, says ...string) {
	if s.stage != ended {
		s.stage = ended
		e := Ended{Why: why, Text: text}
		if len(says) > 0 {
			e.Detail = "The server says: " + wire.OneLine(strings.Join(says, " "))
		}
		s.tell(e)
	}
}

// Quit says goodbye.
func (s *Session) Quit(text string) {
	if s.stage != ended {
		s.say(wire.New("QUIT", text))
		s.stage = ended
	}
}

// Take is what came out since the last Take: lines to write, without CR LF, and events.
func (s *Session) Take() ([]string, []Event) {
	if s.stage == ready {
		s.release()
	}
	lines, events := s.lines, s.events
	s.lines, s.events = nil, nil
	return lines, events
}

func (s *Session) release() {
	n := 0
	for n < len(s.queue) && s.bucket.take(s.now) {
		s.lines = append(s.lines, s.queue[n].line)
		s.tell(Sent(s.queue[n].id))
		n++
	}
	if s.queue = s.queue[n:]; len(s.queue) == 0 {
		s.queue = nil
	}
}

// Due is when Tick must be called; zero: never again.
func (s *Session) Due() time.Time {
	var due time.Time
	soonest := func(at time.Time) {
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	switch s.stage {
	case ended:
		return due
	case registering:
		return s.began.Add(loginTime)
	case identifying:
		soonest(s.began.Add(identifyTime))
	case ready:
		if len(s.queue) > 0 {
			soonest(s.bucket.next())
		}
		if !s.regain.IsZero() {
			soonest(s.regain)
		}
	}
	if s.asking.IsZero() {
		soonest(s.heard.Add(quietTime))
	} else {
		soonest(s.asking.Add(answerTime))
	}
	return due
}

// Tick does what is due.
func (s *Session) Tick(now time.Time) {
	s.now = now
	switch {
	case s.stage == ended:
		return
	case s.stage == registering && now.Sub(s.began) >= loginTime:
		s.end(Lost, fmt.Sprintf("The server did not let us in within %d seconds.", int(loginTime.Seconds())))
	case s.stage == identifying && now.Sub(s.began) >= identifyTime:
		s.tell(Note("NickServ did not say within 30 seconds that we are identified; channels that want that will not let us in. Check the setting nickserv."))
		s.begin()
	case s.stage == ready && !s.regain.IsZero() && !now.Before(s.regain):
		s.reclaim()
	}
	s.watch()
}

// watch looks at data alone: a connection lives while anything comes.
func (s *Session) watch() {
	switch {
	case !s.asking.IsZero() && s.now.Sub(s.asking) >= answerTime:
		s.end(Lost, "The server has not answered for a minute.")
	case s.asking.IsZero() && s.now.Sub(s.heard) >= quietTime && s.stage != registering:
		s.asking = s.now
		s.say(wire.New("PING", "hearth"))
	}
}

// reclaim tries to get the configured nick back.
func (s *Session) reclaim() {
	s.regain = time.Time{}
	if s.Is(s.config.Nick) {
		return
	}
	s.say(wire.New("NICK", s.config.Nick))
	s.regain = s.now.Add(reclaimTime)
}

// Receive takes a line from the server.
func (s *Session) Receive(line string, now time.Time) {
	s.now = now
	if s.stage == ended {
		return
	}
	s.heard, s.asking = now, time.Time{}
	m, err := wire.Parse(line)
	if err != nil {
		return
	}
	s.note(m)
	if take := commands[m.Command]; take != nil {
		take(s, m)
	}
	if s.stage == ready && m.Command != "PING" {
		s.tell(m)
	}
}

// note learns from who it is that speaks.
func (s *Session) note(m wire.Message) {
	if m.Source.Nick != "" && s.Is(m.Source.Nick) {
		if m.Source.User != "" {
			s.Source.User = m.Source.User
		}
		if m.Source.Host != "" {
			s.Source.Host = m.Source.Host
		}
	}
	free := m.Command == "QUIT" || m.Command == "NICK"
	if free && s.stage == ready && s.Fold(m.Source.Nick) == s.Fold(s.config.Nick) && !s.Is(m.Source.Nick) {
		s.reclaim()
	}
}

// commands are what a session itself heeds. It is filled by init, as the functions name it in turn.
var commands map[string]func(*Session, wire.Message)

func init() {
	commands = map[string]func(*Session, wire.Message){
		"PING": func(s *Session, m wire.Message) { s.say(wire.New("PONG", m.Params...)) },
		"PONG": (*Session).pong, "CAP": (*Session).cap, "AUTHENTICATE": (*Session).authenticate,
		"NICK": (*Session).nick, "ERROR": (*Session).failed, "NOTICE": (*Session).notice, "MODE": (*Session).mode,
		"ACCOUNT": (*Session).account, "CHGHOST": (*Session).chghost, "KILL": (*Session).killed, "FAIL": (*Session).fail,
		"001": (*Session).welcome, "005": (*Session).support, "376": (*Session).motd, "422": (*Session).motd,
		"396": (*Session).hidden, "900": (*Session).loggedIn, "901": (*Session).loggedOut,
		"903": (*Session).authenticated, "902": (*Session).unauthenticated, "904": (*Session).unauthenticated,
		"905": (*Session).unauthenticated, "906": (*Session).unauthenticated, "907": (*Session).authenticated,
		"908": (*Session).mechanisms, "410": (*Session).capless, "421": (*Session).unknown,
		"431": (*Session).badNick, "432": (*Session).badNick, "433": (*Session).taken, "436": (*Session).taken, "437": (*Session).taken,
		"463": (*Session).banned, "464": (*Session).badPassword, "465": (*Session).banned, "466": (*Session).banned,
		"439": (*Session).slow, "263": (*Session).slow, "731": (*Session).offline,
	}
}

func (s *Session) pong(m wire.Message) {
	id, err := strconv.ParseUint(strings.TrimPrefix(m.Last(), syncToken), 10, 64)
	if err == nil && strings.HasPrefix(m.Last(), syncToken) {
		s.tell(Synced(id))
	}
}

func (s *Session) welcome(m wire.Message) {
	if s.stage != registering {
		return
	}
	if len(s.config.Mechanisms) > 0 && !s.sasl.done {
		s.end(Lost, "The server let us in without SASL, though it is configured; it may not offer it at the moment.")
		return
	}
	if nick := m.Param(0); nick != "" && nick != "*" {
		s.Source.Nick = nick
	}
}

func (s *Session) support(m wire.Message) {
	if len(m.Params) > 2 {
		s.Support.Add(m.Params[1 : len(m.Params)-1])
	}
}

// motd ends what a server says of itself: ISUPPORT is known.
func (s *Session) motd(wire.Message) {
	if s.stage != registering {
		return
	}
	if s.config.NickServ != "" && s.Account == "" && !s.sasl.done {
		s.identify()
		return
	}
	s.begin()
}

func (s *Session) begin() {
	s.stage = ready
	if s.config.Bot && s.Support.Bot != "" {
		s.say(wire.New("MODE", s.Source.Nick, "+"+s.Support.Bot))
	}
	if !s.Is(s.config.Nick) {
		s.regain = s.now.Add(reclaimSoon)
		if s.Support.Monitor {
			s.say(wire.New("MONITOR", "+", s.config.Nick))
		}
	}
	// Logging in has cost more than the bucket knows; begin with it full all the same: servers count
	// from the end of registration.
	s.bucket = newBucket(s.config.Flood, s.now)
	s.tell(Ready{})
}
