package session

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/test/script"
	"hearth/transport/session/clientpb"
)

// TestScripts plays testdata/*.txt: what comes of a step is what the machine answers.
func TestScripts(t *testing.T) {
	script.Play(t, func() func(string) string { return (&player{now: time.UnixMilli(0)}).play })
}

// player holds the session a script plays with.
type player struct {
	s   *Session
	now time.Time
}

var steps = map[string]func(*player, []string, []string) string{
	"new":     (*player).new,
	"receive": (*player).receive,
	"raw":     (*player).raw,
	"take":    (*player).take,
	"opened":  func(p *player, _, _ []string) string { p.s.Opened(); return p.state() },
	"refused": (*player).refused,
	"answer":  (*player).answer,
	"tick":    (*player).tick,
	"end":     (*player).end,
	"write":   (*player).write,
}

func (p *player) play(step string) string {
	lines := strings.Split(step, "\n")
	words := strings.Fields(lines[0])
	do, ok := steps[words[0]]
	if !ok {
		return "no such step\n"
	}
	return do(p, words[1:], lines[1:])
}

func (p *player) state() string { return p.s.String() + "\n" }

func (p *player) new(args, _ []string) string {
	l := Limits{}
	for _, a := range args {
		k, v, _ := strings.Cut(a, "=")
		n, _ := strconv.Atoi(v)
		switch k {
		case "inflight":
			l.InFlight = n
		case "frame":
			l.FrameBytes = n
		}
	}
	p.s = New(l, p.now)
	return p.state()
}

// receive takes lines such as "request 1 Open body" and "ping".
func (p *player) receive(_, lines []string) string {
	in := &clientpb.ClientFrame{}
	for _, line := range lines {
		w := strings.Fields(line)
		switch w[0] {
		case "ping":
			in.Ping = true
		case "pong":
			in.Pong = true
		case "request":
			id, _ := strconv.ParseUint(w[1], 10, 64)
			in.Requests = append(in.Requests, &clientpb.Request{Id: id, Command: w[2], Body: []byte(strings.Join(w[3:], " "))})
		}
	}
	b, err := proto.Marshal(in)
	if err != nil {
		return err.Error() + "\n"
	}
	p.s.Receive(p.now, b)
	return p.state()
}

func (p *player) raw(args, _ []string) string {
	b, err := hex.DecodeString(strings.Join(args, ""))
	if err != nil {
		return err.Error() + "\n"
	}
	p.s.Receive(p.now, b)
	return p.state()
}

func (p *player) take(_, _ []string) string {
	out := ""
	for {
		r, ok := p.s.Take()
		if !ok {
			return out + p.state()
		}
		out += fmt.Sprintf("run %d %s %q\n", r.ID, r.Command, r.Body)
	}
}

func (p *player) refused(args, _ []string) string {
	id, _ := strconv.ParseUint(args[0], 10, 64)
	p.s.Refused(id, &room.Error{Code: room.Code(args[1]), Message: strings.Join(args[2:], " ")})
	return p.state()
}

// answer takes "answer 1 body" or "answer 1 !code sentence".
func (p *player) answer(args, _ []string) string {
	id, _ := strconv.ParseUint(args[0], 10, 64)
	text := strings.Join(args[1:], " ")
	if code, ok := strings.CutPrefix(text, "!"); ok {
		code, message, _ := strings.Cut(code, " ")
		p.s.Answer(id, nil, &room.Error{Code: room.Code(code), Message: message, RetryAfter: 1500 * time.Millisecond})
	} else {
		p.s.Answer(id, []byte(text), nil)
	}
	return p.state()
}

func (p *player) tick(args, _ []string) string {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err.Error() + "\n"
	}
	p.now = p.now.Add(d)
	p.s.Tick(p.now)
	return p.state()
}

func (p *player) end(args, _ []string) string {
	d, _ := time.ParseDuration(args[0])
	p.s.End(&room.Error{Code: room.Code(args[1]), Message: strings.Join(args[2:], " ")}, d)
	return p.state()
}

// write prints one frame; "write 100" bounds it.
func (p *player) write(args, _ []string) string {
	max := MaxFrame
	if len(args) > 0 {
		max, _ = strconv.Atoi(args[0])
	}
	if !p.s.Due() {
		return "nothing due\n"
	}
	var f Frame
	p.s.Write(&f, max)
	var out clientpb.ServerFrame
	if err := proto.Unmarshal(f.Bytes(), &out); err != nil {
		return err.Error() + "\n"
	}
	return describe(&out)
}

func describe(f *clientpb.ServerFrame) string {
	var b strings.Builder
	for _, r := range f.Replies {
		fmt.Fprintf(&b, "reply %d %s\n", r.Id, outcome(r.Error, r.Body))
	}
	if f.Ping {
		b.WriteString("ping\n")
	}
	if f.Pong {
		b.WriteString("pong\n")
	}
	if f.Bye != nil {
		fmt.Fprintf(&b, "bye %s reconnect %dms\n", outcome(f.Bye.Error, nil), f.Bye.ReconnectAfterMs)
	}
	return b.String()
}

func outcome(e *clientpb.Error, body []byte) string {
	if e == nil {
		if len(body) > 40 {
			return fmt.Sprintf("%d bytes", len(body))
		}
		return fmt.Sprintf("%q", body)
	}
	return fmt.Sprintf("%s %q retry=%v after=%dms", e.Code, e.Message, e.Retry, e.RetryAfterMs)
}
