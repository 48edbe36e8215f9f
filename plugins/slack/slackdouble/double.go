// Package slackdouble is a Slack for tests: its Web API, Socket Mode and Events API as far as a bridge uses
// them, with the misbehaviour of the real one at will. It redelivers what is not acknowledged, closes sockets with and
// without a word, limits, loses answers after having done what was asked, tells of files before they are there,
// and revokes tokens.
package slackdouble

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Tokens that the double accepts.
const (
	BotToken      = "xoxb-test"
	AppToken      = "xapp-test"
	SigningSecret = "shhh"
	BotUser       = "UBOT000"
	BotID         = "BBOT000"
)

// Slack is one workspace with one app.
type Slack struct {
	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	changed  chan struct{}
	clock    int64 // µs of the last ts
	events   int
	users    map[string]map[string]any
	channels map[string]*Channel
	emoji    map[string]string
	files    map[string]*File
	whispers []string
	calls    map[string]int // by method
	faults   map[string]*fault
	revoked  bool
	tooMany  bool
	disabled bool
	sockets  []*sock
	opened   int // sockets, ever
	unacked  map[string]*envelope
	deadline map[string]time.Time
	stopped  chan struct{}
	work     sync.WaitGroup

	// AckWithin is how long an envelope waits for its acknowledgement before it is sent again: 500 ms.
	AckWithin time.Duration
	// Lost are events that Slack gave up: three attempts, or none with a socket open.
	Lost int
	// Resent are envelopes that were sent again, as nobody acknowledged them.
	Resent int
	// EventsURL is where events go by HTTP instead of sockets.
	EventsURL string
	// HelloLate keeps sockets from greeting.
	HelloLate bool
	// Dumb makes sockets silent: nothing is sent, pings are not answered.
	Dumb bool
	// Unmarked leaves metadata out, as for an app that may not read it.
	Unmarked bool
	// Deaf keeps all events from the app.
	Deaf bool
	// Step, when set, is called before and after each call of the API is done, without the lock. It may block.
	Step func(method string, done bool)
	// Twice is how many of a hundred events are sent twice.
	Twice int
}

// File is a file of the workspace.
type File struct {
	ID, Name, Type, Mode, Link string
	Bytes                      []byte
	Late                       int    // calls of files.info, or downloads, until it is there
	Page                       bool   // downloads answer with a page
	Private                    string // url_private, instead of the double's own
	Redirect                   string // where downloads are sent on to
	Comment                    string
	shares                     map[string]string
	Completed                  int
}

type fault struct {
	limit  int // so many calls are refused with Retry-After
	after  int // seconds of it
	codes  []string
	status int // so many answers of HTTP 503
	lose   int // so many answers are lost after the call was done
	slow   time.Duration
}

// New starts a workspace with some people.
func New(t testing.TB) *Slack {
	s := &Slack{t: t, changed: make(chan struct{}), clock: time.Now().Add(-time.Hour).UnixMicro(), users: map[string]map[string]any{},
		channels: map[string]*Channel{}, emoji: map[string]string{"parrot-x": "https://emoji.example/p.gif"}, files: map[string]*File{}, calls: map[string]int{},
		faults: map[string]*fault{}, unacked: map[string]*envelope{}, stopped: make(chan struct{}), AckWithin: 500 * time.Millisecond}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.api)
	mux.HandleFunc("/ws", s.socket)
	mux.HandleFunc("/upload/{id}", s.upload)
	mux.HandleFunc("/files/{id}", s.download)
	mux.HandleFunc("/avatar/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		picture := image.NewRGBA(image.Rect(0, 0, 8, 8))
		id := r.PathValue("id")
		draw.Draw(picture, picture.Bounds(), image.NewUniform(color.RGBA{id[0], id[len(id)-1], id[len(id)/2], 255}), image.Point{}, draw.Src)
		png.Encode(w, picture)
	})
	s.server = httptest.NewServer(mux)
	s.User("UALICE0", "Alice Ash", false)
	s.User("UBORIS0", "Boris", false)
	s.User("UADMIN0", "Ada", true)
	s.User(BotUser, "hearth", false)
	s.work.Go(s.redeliver)
	t.Cleanup(s.close)
	return s
}

func (s *Slack) close() {
	close(s.stopped)
	s.mu.Lock()
	for _, k := range s.sockets {
		k.ws.CloseNow()
	}
	s.mu.Unlock()
	s.server.CloseClientConnections()
	s.server.Close()
	s.work.Wait()
}

// URL is the API's address, for the setting api_url.
func (s *Slack) URL() string { return s.server.URL + "/api/" }

// Workspace is what auth.test calls the workspace's address.
const Workspace = "https://acme.slack.com/"

func (s *Slack) lock() func() {
	s.mu.Lock()
	return func() {
		close(s.changed)
		s.changed = make(chan struct{})
		s.mu.Unlock()
	}
}

// Wait waits until done says so; done is called with the double locked.
func (s *Slack) Wait(what string, done func() bool) {
	s.t.Helper()
	deadline := time.After(time.Minute)
	for {
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

// ts is the next moment: Slack's ts rise, and no two are equal in a channel.
func (s *Slack) ts() string {
	s.clock = max(s.clock+1000, time.Now().UnixMicro())
	return fmt.Sprintf("%d.%06d", s.clock/1e6, s.clock%1e6)
}

// ───────────────────────────── People and channels ─────────────────────────────

// User adds somebody, or changes them without telling the app.
func (s *Slack) User(id, name string, admin bool) {
	defer s.lock()()
	s.users[id] = map[string]any{"id": id, "name": strings.ToLower(name), "is_admin": admin, "team_id": "T1",
		"profile": map[string]any{"display_name": name, "real_name": name, "image_192": s.server.URL + "/avatar/" + id}}
}

// Forget takes somebody away, as if the app could not see them.
func (s *Slack) Forget(id string) {
	defer s.lock()()
	delete(s.users, id)
}

// Rename changes somebody's name and tells the app.
func (s *Slack) Rename(id, name string) {
	s.User(id, name, false)
	s.Event(map[string]any{"type": "user_change", "user": s.users[id]})
}

// Deactivate switches an account off and tells the app.
func (s *Slack) Deactivate(id string) {
	unlock := s.lock()
	s.users[id]["deleted"] = true
	unlock()
	s.Event(map[string]any{"type": "user_change", "user": s.users[id]})
}

// Channel adds a channel; the app is in none.
func (s *Slack) Channel(id, name string, private bool) *Channel {
	return s.channel(&Channel{ID: id, Name: name, Private: private, Members: []string{"UALICE0", "UBORIS0", "UADMIN0"}})
}

// Direct opens somebody's conversation with the app.
func (s *Slack) Direct(id, user string) *Channel {
	return s.channel(&Channel{ID: id, Direct: true, Member: true, Members: []string{user}})
}

func (s *Slack) channel(c *Channel) *Channel {
	defer s.lock()()
	c.byTS, c.threads = map[string]*Message{}, map[string][]*Message{}
	s.channels[c.ID] = c
	return c
}

// Invite makes the app a member and tells it.
func (s *Slack) Invite(id string) {
	unlock := s.lock()
	s.channels[id].Member = true
	unlock()
	s.Event(map[string]any{"type": "member_joined_channel", "user": BotUser, "channel": id})
}

// Kick takes the app out and tells it.
func (s *Slack) Kick(id string) {
	unlock := s.lock()
	s.channels[id].Member = false
	unlock()
	s.Event(map[string]any{"type": "channel_left", "channel": id})
}

// Archive archives a channel, or brings it back.
func (s *Slack) Archive(id string, on bool) {
	unlock := s.lock()
	s.channels[id].Archived = on
	unlock()
	kind := map[bool]string{true: "channel_archive", false: "channel_unarchive"}[on]
	s.Event(map[string]any{"type": kind, "channel": id, "user": "UADMIN0"})
}

// Move gives a channel another id.
func (s *Slack) Move(id, to string) {
	unlock := s.lock()
	c := s.channels[id]
	delete(s.channels, id)
	c.ID = to
	s.channels[to] = c
	unlock()
	s.Event(map[string]any{"type": "channel_id_changed", "old_channel_id": id, "new_channel_id": to})
}

// ───────────────────────────── What people do ─────────────────────────────

// Say has somebody say something; fields of the message are overridden by more.
func (s *Slack) Say(channel, user, text string, more ...func(*Message)) string {
	unlock := s.lock()
	m := &Message{TS: s.ts(), User: user, Text: text}
	for _, f := range more {
		f(m)
	}
	s.channels[channel].add(m)
	event := s.json(m)
	event["channel_type"] = map[bool]string{true: "im", false: "channel"}[s.channels[channel].Direct]
	unlock()
	event["channel"] = channel
	s.Event(event)
	return m.TS
}

// In puts a message into a thread.
func In(thread string) func(*Message) { return func(m *Message) { m.Thread = thread } }

// Edit changes a message and tells the app.
func (s *Slack) Edit(channel, ts, text string) {
	s.change(channel, ts, func(m *Message) { m.Text, m.Blocks, m.Edited = text, nil, s.ts() })
}

// Unfurl attaches what is behind a link, as Slack does by itself.
func (s *Slack) Unfurl(channel, ts string) {
	s.change(channel, ts, func(m *Message) {
		m.Attachments = json.RawMessage(`[{"from_url":"https://a.example","title":"A page","text":"its text","fallback":"x"}]`)
	})
}

// Touch says that a message has changed, though it has not.
func (s *Slack) Touch(channel, ts string) { s.change(channel, ts, func(*Message) {}) }

// Attach adds a file to a message.
func (s *Slack) Attach(channel, ts, file string) {
	s.change(channel, ts, func(m *Message) { m.Files = append(m.Files, file) })
}

func (s *Slack) change(channel, ts string, f func(*Message)) {
	unlock := s.lock()
	m := s.find(channel, ts)
	before := s.json(m)
	f(m)
	after := s.json(m)
	at := s.ts()
	unlock()
	s.Event(map[string]any{"type": "message", "subtype": "message_changed", "hidden": true, "channel": channel, "ts": at, "event_ts": at, "message": after, "previous_message": before})
}

// Remove deletes a message. The first of a thread with replies leaves a tombstone.
func (s *Slack) Remove(channel, ts string) {
	unlock := s.lock()
	m := s.find(channel, ts)
	before := s.json(m)
	s.channels[channel].remove(m)
	at := s.ts()
	replies, _ := s.channels[channel].replies(ts)
	unlock()
	if replies > 0 {
		s.Event(map[string]any{"type": "message", "subtype": "message_changed", "hidden": true, "channel": channel, "ts": at, "event_ts": at, "previous_message": before,
			"message": map[string]any{"type": "message", "subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT", "ts": ts, "thread_ts": ts}})
		return
	}
	s.Event(map[string]any{"type": "message", "subtype": "message_deleted", "hidden": true, "channel": channel, "ts": at, "event_ts": at, "deleted_ts": ts, "previous_message": before})
}

// React adds or takes away somebody's reaction.
func (s *Slack) React(channel, ts, user, emoji string, on bool) {
	unlock := s.lock()
	m := s.find(channel, ts)
	s.react(m, user, emoji, on)
	at := s.ts()
	unlock()
	kind := map[bool]string{true: "reaction_added", false: "reaction_removed"}[on]
	s.Event(map[string]any{"type": kind, "user": user, "reaction": emoji, "item_user": m.User, "event_ts": at, "item": map[string]any{"type": "message", "channel": channel, "ts": ts}})
}

// Pin pins a message, or takes the pin away.
func (s *Slack) Pin(channel, ts, user string, on bool) {
	unlock := s.lock()
	event := s.pin(channel, s.find(channel, ts), user, on)
	unlock()
	s.Event(event)
}

func (s *Slack) react(m *Message, user, emoji string, on bool) {
	if m.Reactions == nil {
		m.Reactions = map[string][]string{}
	}
	m.Reactions[emoji] = slices.DeleteFunc(m.Reactions[emoji], func(u string) bool { return u == user })
	if on {
		m.Reactions[emoji] = append(m.Reactions[emoji], user)
	}
	if len(m.Reactions[emoji]) == 0 {
		delete(m.Reactions, emoji)
	}
}

// AddFile adds a file that messages may have.
func (s *Slack) AddFile(f *File) string {
	defer s.lock()()
	f.ID = fmt.Sprintf("F%06d", len(s.files)+1)
	f.shares = map[string]string{}
	if f.Mode == "" {
		f.Mode = "hosted"
	}
	s.files[f.ID] = f
	return f.ID
}

// ───────────────────────────── What a test looks at ─────────────────────────────

// Posts are the app's messages in a channel that are not deleted, in order.
func (s *Slack) Posts(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posts(channel)
}

// Locked is Posts for a function that Wait calls.
func (s *Slack) Locked(channel string) []Message { return s.posts(channel) }

func (s *Slack) posts(channel string) []Message {
	var posts []Message
	for _, m := range s.channels[channel].messages {
		if m.BotID == BotID && !m.Deleted {
			posts = append(posts, *m)
		}
	}
	return posts
}

// PostedLocked is how many Locked would return.
func (s *Slack) PostedLocked(channel string) int { return s.channels[channel].posted }

// WaitPost waits until the app has posted so many messages, and returns the last.
func (s *Slack) WaitPost(channel string, n int) Message {
	s.t.Helper()
	var posts []Message
	s.Wait(fmt.Sprintf("%d posts", n), func() bool { posts = s.posts(channel); return len(posts) >= n })
	if len(posts) > n {
		s.t.Fatalf("%d posts, not %d: %q", len(posts), n, posts[len(posts)-1].Text)
	}
	return posts[n-1]
}

// Message is a message by its ts.
func (s *Slack) Message(channel, ts string) Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.find(channel, ts)
}

// Get is Message for a function that Wait calls.
func (s *Slack) Get(channel, ts string) Message { return *s.find(channel, ts) }

// Calls is how often a method was called.
func (s *Slack) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// CallsLocked is Calls for a function that Wait calls.
func (s *Slack) CallsLocked(method string) int { return s.calls[method] }

// Whispers are the ephemeral messages, "USER: TEXT".
func (s *Slack) Whispers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.whispers)
}

// Uploaded are the files that the app has uploaded and shared.
func (s *Slack) Uploaded() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	var files []File
	for _, f := range s.files {
		if f.Completed > 0 {
			files = append(files, *f)
		}
	}
	return files
}

func (s *Slack) find(channel, ts string) *Message {
	if m := s.channels[channel].byTS[ts]; m != nil {
		return m
	}
	return &Message{}
}

// ───────────────────────────── Misbehaviour ─────────────────────────────

func (s *Slack) fault(method string, f func(*fault)) {
	defer s.lock()()
	if s.faults[method] == nil {
		s.faults[method] = &fault{}
	}
	f(s.faults[method])
}

// Limit refuses n calls of a method with Retry-After.
func (s *Slack) Limit(method string, n, seconds int) {
	s.fault(method, func(f *fault) { f.limit, f.after = n, seconds })
}

// Fail has calls of a method answer these errors, one each.
func (s *Slack) Fail(method string, codes ...string) {
	s.fault(method, func(f *fault) { f.codes = codes })
}

// Break answers n calls of a method with HTTP 503, undone.
func (s *Slack) Break(method string, n int) { s.fault(method, func(f *fault) { f.status = n }) }

// Lose does n calls of a method, and closes the connection instead of answering.
func (s *Slack) Lose(method string, n int) { s.fault(method, func(f *fault) { f.lose = n }) }

// Slow has each answer of a method wait.
func (s *Slack) Slow(method string, d time.Duration) { s.fault(method, func(f *fault) { f.slow = d }) }

// Revoke ends the tokens; told says whether the app gets the event.
func (s *Slack) Revoke(told bool) {
	if told {
		s.Event(map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"bot": []string{BotUser}}})
		s.Wait("the event to be taken", func() bool { return len(s.unacked) == 0 })
	}
	defer s.lock()()
	s.revoked = true
}

// Restore gives the tokens back.
func (s *Slack) Restore() {
	defer s.lock()()
	s.revoked, s.tooMany, s.disabled = false, false, false
}

// TooMany has new sockets refused; Disable switches Socket Mode off.
func (s *Slack) TooMany() { defer s.lock()(); s.tooMany = true }
func (s *Slack) Disable() {
	unlock := s.lock()
	s.disabled = true
	sockets := slices.Clone(s.sockets)
	unlock()
	for _, k := range sockets {
		k.write(map[string]any{"type": "disconnect", "reason": "link_disabled"})
		k.ws.CloseNow()
	}
}

// Set changes what the double does: its fields.
func (s *Slack) Set(f func(*Slack)) { defer s.lock()(); f(s) }

// OpenedLocked, WhispersLocked and UnackedLocked are for functions that Wait calls.
func (s *Slack) OpenedLocked() int        { return s.opened }
func (s *Slack) WhispersLocked() []string { return s.whispers }
func (s *Slack) UnackedLocked() int       { return len(s.unacked) }

// Unacked is how many events wait for their acknowledgement, GaveUp how many Slack gave up.
func (s *Slack) Unacked() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.unacked) }
func (s *Slack) GaveUp() int  { s.mu.Lock(); defer s.mu.Unlock(); return s.Lost }
