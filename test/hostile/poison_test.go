package hostile

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	client "hearth/clients/go"
	"hearth/node/room/roompb"
	"hearth/test/hostile/foe"
	pb "hearth/transport/session/clientpb"
)

// Test 8 of the reliability list: one bad event in room A while rooms B to Z are busy.

// poison is an event, or a parcel of them, that is to be as much work or as much trouble as
// there can be, in order or not. Of the malformed ones see words_test.go.
type poison struct {
	name string
	make func(s *stage, text string)
}

func poisons() []poison {
	all := slices.Clone(hard)
	for _, m := range malformed {
		all = append(all, poison{m.name, m.make})
	}
	return all
}

// hard are those that keep to the protocol and cost what they can.
var hard = []poison{
	{"thousands of reactions to one message", many("react", func(s *stage, i int) *roompb.Body {
		return &roompb.Body{Target: s.target, Emoji: string(rune(0x1f300 + i%700))}
	})},
	{"thousands of edits of one message", many("edit", func(s *stage, i int) *roompb.Body {
		return &roompb.Body{Target: s.target, Text: fmt.Sprint("edited ", i)}
	})},
	{"thousands of deletions of nothing", many("delete", func(*stage, int) *roompb.Body { return &roompb.Body{Target: random(32)} })},
	{"thousands of replies in a thread of nothing", many("text", func(s *stage, i int) *roompb.Body {
		return &roompb.Body{Text: fmt.Sprint("reply ", i), Thread: bytes.Repeat([]byte{7}, 32)}
	})},
	{"thousands of texts that name everybody", many("text", func(s *stage, i int) *roompb.Body {
		return &roompb.Body{Text: strings.Repeat("@"+s.alice.person()+" @room ", 20), Mentions: []string{s.alice.person(), s.carol.person()}, MentionRoom: true}
	})},
	{"a text of nothing but marks", func(s *stage, text string) {
		s.try(s.log.Parcel(s.log.Say(s.mallory, text+strings.Repeat("[*_~`>#", 9_000))))
	}},
	{"a body of many levels", func(s *stage, text string) {
		body := cat(foe.Encode(foe.Text(text)), nested(30_000))
		e := s.log.Add(s.mallory, "text", foe.Text(text), func(h *roompb.Header) { h.BodyHash = foe.Sum("hearth body 1", body) })
		e.Packet.Body = body
		s.try(s.log.Parcel(e))
	}},
	{"the last seq of another life", func(s *stage, text string) {
		l := s.Messages(s.id, s.log.Index)
		l.Number, l.Prev = 9, random(32)
		s.try(l.Parcel(l.Add(s.mallory, "text", foe.Text(text), func(h *roompb.Header) { h.Seq = 1<<53 - 1 })))
	}},
	{"a rule that it may not make", func(s *stage, text string) {
		l := s.stateLog()
		s.try(l.Parcel(l.Add(s.alice.person(), "nodeban", foe.Salted(&roompb.Body{Node: s.carol.name, Cuts: slices.Repeat([]*roompb.Cut{{Origin: s.carol.name, Seq: ^uint64(0)}}, 60)}), nil)))
	}},
	{"a leave with a thousand logs", func(s *stage, text string) {
		q := s.proposal(s.id, s.User("nobody"), "leave", &roompb.Body{})
		for i := range uint32(1000) {
			q.GetPropose().Tops = append(q.GetPropose().Tops, &roompb.Top{Origin: s.Foe.Name, Incarnation: i, Seq: ^uint64(0), Hash: random(32)})
		}
		_ = bidi(s.link, cat([]byte{'q'}, lengthBefore(foe.Encode(q)))) // the link may have ended
	}},
}

// many is a parcel of as many events as one may have.
func many(kind string, body func(s *stage, i int) *roompb.Body) func(*stage, string) {
	return func(s *stage, _ string) {
		var events []*foe.Event
		for i := range 4096 {
			events = append(events, s.log.Add(s.mallory, kind, foe.Salted(body(s, i)), nil))
		}
		s.try(s.log.Parcel(events...))
	}
}

// bustle is rooms that both honest nodes share, in which somebody talks all the time.
type bustle struct {
	*stage
	rooms []string
	every time.Duration
	next  int            // poison
	said  []atomic.Int64 // by room: how many were acknowledged

	mu   sync.Mutex
	took []time.Duration
	err  error
}

// bustling opens so many rooms.
func (s *stage) bustling(rooms int, every time.Duration) *bustle {
	s.Helper()
	b := &bustle{stage: s, said: make([]atomic.Int64, rooms), every: every}
	for i := range rooms {
		r := do(s, s.alice, client.RoomCreate, &pb.RoomCreateRequest{Name: fmt.Sprintf("%c", 'B'+i), Alias: fmt.Sprintf("%s-%c", strings.TrimSuffix(s.Foe.Name, ".test"), 'b'+i), Public: true}).Room
		do(s, s.carol, client.RoomJoin, &pb.RoomRequest{Room: r + "@" + s.alice.name})
		b.rooms = append(b.rooms, r)
	}
	return b
}

// talk goes on in all rooms until stop is called.
func (b *bustle) talk() (stop func()) {
	ctx, cancel := context.WithCancel(b.ctx)
	var talking sync.WaitGroup
	for i := range b.rooms {
		talking.Go(func() {
			tick := time.NewTicker(b.every)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					b.say(i)
				}
			}
		})
	}
	return func() {
		cancel()
		talking.Wait()
	}
}

func (b *bustle) say(i int) {
	began := time.Now()
	text := fmt.Sprintf("%d in %s", b.said[i].Load()+1, b.rooms[i])
	b.alice.given.Add(1)
	_, err := client.Call(b.ctx, b.alice.client, client.Send, &pb.SendRequest{Room: b.rooms[i], Text: text})
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil && b.ctx.Err() == nil {
		b.err = fmt.Errorf("%q: %w", text, err)
		return
	}
	b.said[i].Add(1)
	b.took = append(b.took, time.Since(began))
}

// goesOn waits until something more was said in every room.
func (b *bustle) goesOn(after string) {
	b.Helper()
	before := make([]int64, len(b.said))
	for i := range b.said {
		before[i] = b.said[i].Load()
	}
	within(b, patience, func() error {
		for i := range b.said {
			if b.said[i].Load() < before[i]+2 {
				return fmt.Errorf("after %s nothing more is said in room %c", after, 'B'+i)
			}
		}
		return nil
	})
}

// mustArrive: all that was acknowledged is shown by both nodes, once, in order.
func (b *bustle) mustArrive() {
	b.Helper()
	if b.err != nil {
		b.Error(b.err)
	}
	for i, r := range b.rooms {
		room := *b.stage
		room.room = r
		var want []string
		for n := range b.said[i].Load() {
			want = append(want, fmt.Sprintf("%d in %s", n+1, r))
		}
		for _, n := range []*node{b.alice, b.carol} {
			within(b, patience, func() error {
				var is []string
				for _, line := range room.history(n) {
					if _, text, ok := strings.Cut(line, ` text "`); ok {
						is = append(is, strings.TrimSuffix(text, `"`))
					}
				}
				if !slices.Equal(is, want) {
					return fmt.Errorf("%s sees %d messages in room %c, %d were acknowledged", n.user, len(is), 'B'+i, len(want))
				}
				return nil
			})
		}
	}
}

// TestPoison: whatever comes in room A, rooms B to I go on, room A itself goes on, with the
// foe's good events too, and a foe that sends nothing but bad ones is cut off.
func TestPoison(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes take their time")
	}
	newArena(t).withstand(t, 1, attack{name: "poison", room: true, run: func(s *stage) {
		s.poisoned()
		b := s.bustling(8, 20*time.Millisecond)
		stop := b.talk()
		for i, p := range poisons() {
			if i%6 == 5 { // ten bad parcels in a minute end a link
				s.link.Close()
				s.link = s.replaced()
			}
			good := *s.log
			p.make(s, "poison")
			*s.log = good
			b.goesOn(p.name)
			s.say(s.alice, "after "+p.name)
			s.say(s.carol, "and then")
		}
		s.link.Close()
		s.link = s.replaced()
		fine := s.Messages(s.id, s.log.Index)
		fine.Number = 20 // what was hard and in order has gone on with the log
		s.push(s.link, fine.Parcel(fine.Say(s.mallory, "a good one")))
		s.awaitShown("a good one")
		for range 12 {
			p := fine.Parcel(fine.Fork().Say(s.mallory, "bad"))
			p.Head.Signature = random(64)
			if s.link.Push(s.id, p) != nil {
				break
			}
		}
		s.mustEnd(s.link)
		s.alarmed(s.alice, s.Foe.Name, "Too much of what came was bad")
		b.goesOn("the foe was cut off")
		stop()
		b.mustArrive()
	}})
}

// poisoned readies room A: a message that is spoken about.
func (s *stage) poisoned() {
	s.Helper()
	first := s.log.Say(s.mallory, "one")
	s.target = first.ID
	s.push(s.link, s.log.Parcel(first))
	s.taken(s.link, 1)
}

// TestPoisonLatency is the other half of test 8: with a bad event in room A every 300 ms, what
// is said in ten other rooms is answered as fast as without, to a fifth at the 99th percentile.
// The machine is shared, so slices with and without take turns, each pair is compared, and the
// median of the pairs counts; as long as it is above, more pairs are made, up to a bound.
func TestPoisonLatency(t *testing.T) {
	if !full() {
		t.Skip("takes minutes: HEARTH_FULL=1")
	}
	newArena(t).perform(t, 1, attack{name: "poison", room: true, run: func(s *stage) {
		s.poisoned()
		b := s.bustling(10, 50*time.Millisecond)
		stop := b.talk()
		defer stop()
		b.slice(slice, nil) // to warm up
		one := b.pairs(single)
		s.Logf("one bad event at a time: %s", one)
		if one.ratio() > 1.2 {
			s.Errorf("with a bad event every 300 ms in another room the 99th percentile is %.2f times as long, want at most 1.2", one.ratio())
		}
		s.Logf("4,096 at a time, in order: %s", b.pairs(hard[:floods]))
	}})
}

const (
	slice      = 3 * time.Second
	perSlice   = 9 // poisons, fewer than would end the link
	leastPairs = 10
	mostPairs  = 30
	floods     = 5 // of hard, these at its beginning are thousands of events each
)

var single = poisons()[floods:]

// pairs are the 99th percentiles of slices without poison and with.
type pairs struct{ without, with []time.Duration }

func (p pairs) ratio() float64 {
	ratios := make([]float64, len(p.with))
	for i := range p.with {
		ratios[i] = float64(p.with[i]) / float64(p.without[i])
	}
	return median(ratios)
}

func (p pairs) String() string {
	return fmt.Sprintf("p99 %v without, %v with: median of %d pairs %.2f", median(p.without), median(p.with), len(p.with), p.ratio())
}

func median[T float64 | time.Duration](list []T) T {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

func (b *bustle) pairs(of []poison) (p pairs) {
	b.Helper()
	for len(p.with) < leastPairs || len(p.with) < mostPairs && p.ratio() > 1.2 {
		if len(p.with)%2 == 0 { // what came before does not always favour the same
			p.without = append(p.without, b.slice(slice, nil))
			p.with = append(p.with, b.slice(slice, of))
		} else {
			p.with = append(p.with, b.slice(slice, of))
			p.without = append(p.without, b.slice(slice, nil))
		}
	}
	return p
}

// slice is the 99th percentile of how long answers take for a while, in which poison is sent.
func (b *bustle) slice(d time.Duration, of []poison) time.Duration {
	b.Helper()
	if of != nil {
		b.link.Close()
		b.link = b.replaced()
	}
	b.mu.Lock()
	b.took = nil
	b.mu.Unlock()
	end := time.After(d)
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for sent := 0; ; sent++ {
		select {
		case <-end:
			b.mu.Lock()
			defer b.mu.Unlock()
			took := slices.Sorted(slices.Values(b.took))
			if len(took) < 100 {
				b.Fatalf("in %v %d messages were answered", d, len(took))
			}
			return took[len(took)*99/100]
		case <-tick.C:
			if len(of) > 0 && sent < perSlice {
				good := *b.log
				of[b.next%len(of)].make(b.stage, "poison")
				*b.log = good
				b.next++
			}
		}
	}
}
