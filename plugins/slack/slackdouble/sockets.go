package slackdouble

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

// sock is one open socket.
type sock struct {
	ws  *websocket.Conn
	out chan []byte
	end chan struct{}
}

func (k *sock) write(v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	select {
	case k.out <- raw:
	case <-k.end:
	default: // it does not read: what is lost comes again
	}
}

// envelope is what waits for an acknowledgement.
type envelope struct {
	id      string
	payload map[string]any
	tries   int
	sent    time.Time
	kind    string
	answer  chan json.RawMessage
}

func (s *Slack) socket(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // slack-go says that it comes from api.slack.com
	if err != nil {
		return
	}
	k := &sock{ws: ws, out: make(chan []byte, 4096), end: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for {
			select {
			case raw := <-k.out:
				if ws.Write(ctx, websocket.MessageText, raw) != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	unlock := s.lock()
	late, dumb := s.HelloLate, s.Dumb
	refused := map[bool]string{s.tooMany: "too_many_websockets"}[true]
	if s.disabled {
		refused = "link_disabled"
	}
	switch {
	case refused != "":
		k.write(map[string]any{"type": "disconnect", "reason": refused})
	case !late:
		k.write(map[string]any{"type": "hello", "num_connections": len(s.sockets) + 1})
		s.sockets = append(s.sockets, k)
		s.opened++
	}
	unlock()
	if dumb {
		<-s.stopped
	}
	for {
		_, raw, err := ws.Read(ctx)
		if err != nil {
			break
		}
		s.acknowledged(raw)
	}
	close(k.end)
	unlock = s.lock()
	s.sockets = slices.DeleteFunc(s.sockets, func(other *sock) bool { return other == k })
	unlock()
}

func (s *Slack) acknowledged(raw []byte) {
	var ack struct {
		ID      string          `json:"envelope_id"`
		Payload json.RawMessage `json:"payload"`
	}
	if json.Unmarshal(raw, &ack) != nil {
		return
	}
	defer s.lock()()
	if e := s.unacked[ack.ID]; e != nil {
		delete(s.unacked, ack.ID)
		if e.answer != nil {
			e.answer <- ack.Payload
		}
	}
}

// Event sends an event, to any socket; it comes again until it is acknowledged, three times.
func (s *Slack) Event(event map[string]any) {
	defer s.lock()()
	s.events++
	if event["event_ts"] == nil && event["ts"] != nil {
		event["event_ts"] = event["ts"]
	}
	if s.Deaf {
		return
	}
	if id, ok := event["channel"].(string); ok && event["type"] == "message" && s.channels[id] != nil && !s.channels[id].Member {
		return // the app hears only what is said where it is
	}
	payload := map[string]any{"type": "event_callback", "team_id": "T1", "event_id": fmt.Sprintf("Ev%08d", s.events), "event_time": time.Now().Unix(), "event": event}
	e := &envelope{id: fmt.Sprintf("env-%d", s.events), payload: payload, kind: "events_api"}
	s.unacked[e.id] = e
	s.dispatch(e)
	if rand.IntN(100) < s.Twice {
		s.dispatch(e)
	}
}

// RateLimited tells the app that events are left out.
func (s *Slack) RateLimited() {
	defer s.lock()()
	s.events++
	e := &envelope{id: fmt.Sprintf("env-%d", s.events), kind: "events_api", payload: map[string]any{"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": time.Now().Unix()}}
	s.unacked[e.id] = e
	s.dispatch(e)
}

// Command has somebody type /bridge, and returns what the app answers.
func (s *Slack) Command(channel, user, text string) string {
	s.t.Helper()
	unlock := s.lock()
	s.events++
	e := &envelope{id: fmt.Sprintf("env-%d", s.events), kind: "slash_commands", answer: make(chan json.RawMessage, 1),
		payload: map[string]any{"command": "/bridge", "text": text, "channel_id": channel, "user_id": user, "team_id": "T1"}}
	s.unacked[e.id] = e
	s.dispatch(e)
	unlock()
	select {
	case raw := <-e.answer:
		var answer struct{ Text string }
		json.Unmarshal(raw, &answer)
		return answer.Text
	case <-time.After(time.Minute):
		s.t.Fatal("the command was not answered")
		return ""
	}
}

// dispatch sends an envelope, if there is somewhere to. The caller holds mu.
func (s *Slack) dispatch(e *envelope) {
	e.sent = time.Now()
	e.tries++
	if s.EventsURL != "" {
		s.work.Go(func() { s.call(e) })
		return
	}
	if len(s.sockets) == 0 {
		return
	}
	k := s.sockets[rand.IntN(len(s.sockets))]
	k.write(map[string]any{"type": e.kind, "envelope_id": e.id, "payload": e.payload, "accepts_response_payload": e.kind == "slash_commands",
		"retry_attempt": e.tries - 1, "retry_reason": map[bool]string{true: "timeout"}[e.tries > 1]})
}

// call sends an event by HTTP.
func (s *Slack) call(e *envelope) {
	raw, _ := json.Marshal(e.payload)
	r := Signed(s.EventsURL, "application/json", raw, time.Now())
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return
	}
	response.Body.Close()
	if response.StatusCode == http.StatusOK {
		defer s.lock()()
		delete(s.unacked, e.id)
	}
}

// Signed is a call as Slack makes it.
func Signed(url, kind string, body []byte, at time.Time) *http.Request {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(SigningSecret))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

// redeliver sends again what was not acknowledged, and gives up after four attempts.
func (s *Slack) redeliver() {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.stopped:
			return
		case <-tick.C:
		}
		unlock := s.lock()
		for _, id := range slices.Sorted(maps.Keys(s.unacked)) {
			e := s.unacked[id]
			if time.Since(e.sent) < s.AckWithin {
				continue
			}
			if e.tries >= 4 {
				delete(s.unacked, id)
				s.Lost++
				continue
			}
			s.Resent++
			s.dispatch(e)
		}
		unlock()
	}
}

// Settled waits until every event was acknowledged or given up.
func (s *Slack) Settled() {
	s.t.Helper()
	s.Wait("acknowledgements", func() bool { return len(s.unacked) == 0 })
}

// WaitSockets waits until so many sockets are open.
func (s *Slack) WaitSockets(n int) {
	s.t.Helper()
	s.Wait(fmt.Sprintf("%d sockets", n), func() bool { return len(s.sockets) == n })
}

// Opened is how many sockets were opened, ever.
func (s *Slack) Opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// Sockets is how many are open.
func (s *Slack) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// Refresh tells every socket that it will be closed, and closes it once another is open, or after the time.
func (s *Slack) Refresh(within time.Duration) {
	s.mu.Lock()
	sockets, want := slices.Clone(s.sockets), s.opened+len(s.sockets)
	s.mu.Unlock()
	for _, k := range sockets {
		k.write(map[string]any{"type": "disconnect", "reason": "warning"})
		k.write(map[string]any{"type": "disconnect", "reason": "refresh_requested"})
	}
	s.work.Go(func() {
		for deadline := time.Now().Add(within); time.Now().Before(deadline) && s.Opened() < want; {
			select {
			case <-time.After(5 * time.Millisecond):
			case <-s.stopped:
				return
			}
		}
		s.mu.Lock()
		now := slices.Clone(s.sockets)
		s.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		for _, k := range now { // the new ones are in use when they answer
			if !slices.Contains(sockets, k) {
				k.ws.Ping(ctx)
			}
		}
		for _, k := range sockets {
			k.ws.CloseNow()
		}
	})
}

// Drop closes all sockets without a word.
func (s *Slack) Drop() {
	s.mu.Lock()
	sockets := slices.Clone(s.sockets)
	s.mu.Unlock()
	for _, k := range sockets {
		k.ws.CloseNow()
	}
}
