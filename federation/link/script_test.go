package link

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/federation/link/linkpb"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/test/script"
)

// TestScripts plays testdata/*.txt: what comes of a step is what the machine asks of its driver, writes, and is
// afterwards. Rooms are single letters.
func TestScripts(t *testing.T) {
	script.Play(t, func() func(string) string { return (&player{now: time.UnixMilli(0)}).play })
}

type player struct {
	l   *Link
	now time.Time
}

var plays = map[string]func(*player, []string) string{
	"new":     (*player).new,
	"receive": (*player).receive,
	"raw":     (*player).raw,
	"welcome": func(p *player, _ []string) string { p.l.Welcome(p.now); return "" },
	"refuse":  func(p *player, w []string) string { p.l.Refuse(w[0], strings.Join(w[1:], " ")); return "" },
	"sums":    (*player).sums,
	"tell":    func(p *player, w []string) string { p.l.Tell(p.now, frontier(w)); return "" },
	"lacks":   func(p *player, w []string) string { p.l.Lacks(p.now, frontier(w)); return "" },
	"dirty":   func(p *player, w []string) string { return fmt.Sprintf("push %v\n", p.l.Dirty(id(w[0]))) },
	"begin":   (*player).begin,
	"pushed":  (*player).pushed,
	"drop":    func(p *player, w []string) string { p.l.Drop(id(w[0])); return "" },
	"stored":  (*player).stored,
	"sent":    (*player).sent,
	"charge":  (*player).charge,
	"flood":   (*player).flood,
	"heard":   func(p *player, _ []string) string { p.l.Heard(p.now); return "" },
	"tick":    (*player).tick,
	"end":     (*player).end,
	"broke":   func(p *player, _ []string) string { p.l.Broke(End{Code: CodeClosed}); return "" },
}

// play does one step and says what came of it.
func (p *player) play(line string) string {
	w := strings.Fields(line)
	do, ok := plays[w[0]]
	if !ok {
		return "no such step\n"
	}
	out := do(p, w[1:])
	for {
		s, ok := p.l.Next()
		if !ok {
			break
		}
		out += "do " + describeStep(&s) + "\n"
	}
	b, err := p.l.Write(nil)
	if err != nil {
		return err.Error() + "\n"
	}
	for r := bytes.NewReader(b); r.Len() > 0; {
		raw, err := ReadBytes(r, MaxFrame)
		if err != nil {
			return err.Error() + "\n"
		}
		f, err := DecodeFrame(raw)
		if err != nil {
			return err.Error() + "\n"
		}
		out += "write " + describe(f) + "\n"
	}
	return out + p.state()
}

func (p *player) state() string {
	due := "never"
	if d := p.l.Due(); !d.IsZero() {
		due = "in " + d.Sub(p.now).String()
	}
	return fmt.Sprintf("%v due %s\n", p.l, due)
}

// new takes "dialled" and "brief".
func (p *player) new(w []string) string {
	c := Config{Seed: 1, Hello: &linkpb.Hello{Features: []string{"gossip"}, Instance: []byte("me")}}
	for _, word := range w {
		c.Dialled = c.Dialled || word == "dialled"
		if word == FeatureBrief {
			c.Hello.Features = append(c.Hello.Features, word)
		}
	}
	p.l = New(c, p.now)
	return ""
}

func (p *player) raw(w []string) string {
	b, err := hex.DecodeString(strings.Join(w, ""))
	if err != nil {
		return err.Error() + "\n"
	}
	p.l.Receive(p.now, b)
	return ""
}

func (p *player) receive(w []string) string {
	b, err := Append(nil, frame(p.now, w))
	if err != nil {
		return err.Error() + "\n"
	}
	raw, err := ReadBytes(bytes.NewReader(b), MaxFrame)
	if err != nil {
		return err.Error() + "\n"
	}
	p.l.Receive(p.now, raw)
	return ""
}

func (p *player) sums(w []string) string {
	var sums []RoomSum
	for _, word := range w {
		sums = append(sums, RoomSum{id(word[:1]), [16]byte(sum(word[2:]))})
	}
	p.l.Sums(sums)
	return ""
}

func (p *player) begin(w []string) string {
	theirs, own, ok := p.l.Begin(id(w[0]))
	if !ok {
		return "nothing due\n"
	}
	return fmt.Sprintf("they have %s own %v\n", describeFrontier(theirs), own)
}

// pushed takes the frontier afterwards, and "more".
func (p *player) pushed(w []string) string {
	more := w[len(w)-1] == "more"
	if more {
		w = w[:len(w)-1]
	}
	p.l.Pushed(p.now, id(w[0]), frontier(w), more)
	return ""
}

// sent takes "A origin/incarnation:seq stream#number".
func (p *player) sent(w []string) string {
	t := tops(w[1:2])[0]
	h := &roompb.Header{Log: roompb.Log_LOG_MESSAGES, Origin: t.Origin, Incarnation: t.Incarnation, Seq: t.Seq}
	p.l.Sent(id(w[0]), parcel(w[2:]), h, room.EventID(t.Hash))
	return ""
}

// parcel reads "stream#number"; nothing: it has no number.
func parcel(w []string) Parcel {
	if len(w) == 0 {
		return Parcel{}
	}
	stream, n, _ := strings.Cut(w[0], "#")
	return Parcel{Stream: number(stream), Number: number(n)}
}

// stored takes "A origin/incarnation:seq events near|far [stream#number]"; origin "state" is the state log.
func (p *player) stored(w []string) string {
	r := id(w[0])
	t := tops(w[1:2])[0]
	h := &roompb.Head{Room: r[:], Log: roompb.Log_LOG_MESSAGES, Origin: t.Origin, Incarnation: t.Incarnation, Seq: t.Seq, Hash: t.Hash}
	if t.Origin == "state" {
		h.Log = roompb.Log_LOG_STATE
	}
	n, _ := strconv.Atoi(w[2])
	return fmt.Sprintf("sooner %v\n", p.l.Stored(p.now, h, n, w[3] == "near", parcel(w[4:])))
}

func (p *player) charge(w []string) string {
	n, _ := strconv.Atoi(w[0])
	for range n {
		p.l.Charge(p.now, "a test")
	}
	return ""
}

// flood receives a frame many times.
func (p *player) flood(w []string) string {
	for range number(w[0]) {
		p.receive(w[1:])
		p.l.Next()
	}
	return ""
}

func (p *player) tick(w []string) string {
	d, err := time.ParseDuration(w[0])
	if err != nil {
		return err.Error() + "\n"
	}
	p.now = p.now.Add(d)
	p.l.Tick(p.now)
	return ""
}

func (p *player) end(w []string) string {
	d, _ := time.ParseDuration(w[1])
	p.l.End(w[0], strings.Join(w[2:], " "), d)
	return ""
}

func id(s string) room.ID      { return room.ID(bytes.Repeat([]byte(s[:1]), 32)) }
func roomName(b []byte) string { return string(b[:1]) }
func sum(s string) []byte      { return bytes.Repeat([]byte(s[:1]), 16) }
func hash(seq uint64) []byte   { return bytes.Repeat([]byte{byte(seq)}, 32) }
func number(s string) uint64   { n, _ := strconv.ParseUint(s, 10, 64); return n }

// frontier reads "A 3 n/1:5 ...": room, state index, logs.
func frontier(w []string) *roompb.Frontier {
	r := id(w[0])
	return &roompb.Frontier{Room: r[:], StateIndex: number(w[1]), Tops: tops(w[2:])}
}

func tops(w []string) []*roompb.Top {
	var out []*roompb.Top
	for _, word := range w {
		origin, rest, _ := strings.Cut(word, "/")
		incarnation, seq, _ := strings.Cut(rest, ":")
		out = append(out, &roompb.Top{Origin: origin, Incarnation: uint32(number(incarnation)), Seq: number(seq), Hash: hash(number(seq))})
	}
	return out
}

func frame(now time.Time, w []string) *linkpb.Frame {
	switch w[0] {
	case "hello":
		h := &linkpb.Hello{Protocol: 1, Features: []string{"gossip", "later"}, Time: now.UnixMilli()}
		for _, word := range w[1:] {
			k, v, _ := strings.Cut(word, "=")
			switch k {
			case FeatureBrief:
				h.Features = append(h.Features, k)
			case "protocol":
				h.Protocol = uint32(number(v))
			case "refused":
				h.Refused, h.Message = v, "No."
			case "ahead":
				h.Time += int64(number(v))
			}
		}
		return &linkpb.Frame{What: &linkpb.Frame_Hello{Hello: h}}
	case "digest": // digest ALL|same:A=1,B=2 [A=1 ...]
		d := &linkpb.Digest{All: sum(w[1])}
		for _, word := range w[2:] {
			r := id(word)
			d.Rooms = append(d.Rooms, &linkpb.RoomDigest{Room: r[:], Sum: sum(word[2:])})
		}
		return &linkpb.Frame{What: &linkpb.Frame_Digest{Digest: d}}
	case "have":
		return &linkpb.Frame{What: &linkpb.Frame_Have{Have: &linkpb.Have{Frontier: frontier(w[1:])}}}
	case "ack":
		f := frontier(w[1:])
		return &linkpb.Frame{What: &linkpb.Frame_Ack{Ack: &linkpb.Ack{Room: f.Room, StateIndex: f.StateIndex, Tops: f.Tops}}}
	case "parcels": // parcels STREAM NUMBER...
		a := &linkpb.Ack{Stream: number(w[1])}
		for _, word := range w[2:] {
			a.Parcels = append(a.Parcels, number(word))
		}
		return &linkpb.Frame{What: &linkpb.Frame_Ack{Ack: a}}
	case "ping":
		return &linkpb.Frame{What: &linkpb.Frame_Ping{Ping: &linkpb.Ping{Id: number(w[1])}}}
	case "pong":
		return &linkpb.Frame{What: &linkpb.Frame_Pong{Pong: &linkpb.Pong{Id: number(w[1]), Time: now.UnixMilli()}}}
	case "bye":
		return &linkpb.Frame{What: &linkpb.Frame_Bye{Bye: &linkpb.Bye{Code: w[1], Message: "Bye.", ReconnectAfterMs: uint32(number(w[2]))}}}
	}
	return &linkpb.Frame{}
}

func describe(f *linkpb.Frame) string {
	switch w := f.GetWhat().(type) {
	case *linkpb.Frame_Hello:
		return fmt.Sprintf("hello protocol %d features %v refused %q %q", w.Hello.Protocol, w.Hello.Features, w.Hello.Refused, w.Hello.Message)
	case *linkpb.Frame_Digest:
		out := fmt.Sprintf("digest %x", w.Digest.All[:4])
		for _, r := range w.Digest.Rooms {
			out += fmt.Sprintf(" %s=%s", roomName(r.Room), r.Sum[:1])
		}
		return out
	case *linkpb.Frame_Have:
		return "have " + describeFrontier(w.Have.Frontier)
	case *linkpb.Frame_Ack:
		if w.Ack.Stream > 0 {
			return fmt.Sprintf("parcels %d %d", w.Ack.Stream, w.Ack.Parcels)
		}
		return fmt.Sprintf("ack %s %d%s", roomName(w.Ack.Room), w.Ack.StateIndex, describeTops(w.Ack.Tops))
	case *linkpb.Frame_Ping:
		return fmt.Sprintf("ping %d", w.Ping.Id)
	case *linkpb.Frame_Pong:
		return fmt.Sprintf("pong %d", w.Pong.Id)
	case *linkpb.Frame_Bye:
		return fmt.Sprintf("bye %s %q reconnect %dms", w.Bye.Code, w.Bye.Message, w.Bye.ReconnectAfterMs)
	}
	return "nothing"
}

func describeFrontier(f *roompb.Frontier) string {
	return fmt.Sprintf("%s %d%s", roomName(f.Room), f.StateIndex, describeTops(f.Tops))
}

func describeTops(tops []*roompb.Top) string {
	out := ""
	for _, t := range tops {
		out += fmt.Sprintf(" %s/%d:%d", t.Origin, t.Incarnation, t.Seq)
	}
	return out
}

func describeStep(s *Step) string {
	name := [...]string{"judge", "opened", "sum", "tell", "compare", "reached", "level", "push", "ended"}[s.Do]
	switch s.Do {
	case Judge:
		return fmt.Sprintf("%s features %v", name, s.Features)
	case Tell, Push:
		return name + " " + string(s.Room[:1])
	case Compare:
		return name + " " + describeFrontier(s.Frontier)
	case Reached:
		return fmt.Sprintf("%s %s %d%s", name, s.Room[:1], s.StateIndex, describeTops(s.Tops))
	case Ended:
		return fmt.Sprintf("%s %s %q mine %v wait %v", name, s.End.Code, s.End.Message, s.End.Mine, s.End.Wait)
	}
	return name
}
