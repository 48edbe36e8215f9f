package hostile

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	client "hearth/clients/go"
	"hearth/node/room/roompb"
	"hearth/test/hostile/foe"
	pb "hearth/transport/session/clientpb"
)

// Attacks by what is said in a room in which the foe takes part.
var inRooms = []attack{
	{name: "backdated before a ban", room: true, both: true, run: func(s *stage) {
		s.first()
		old := s.log.Index
		s.banned(s.mallory)
		s.log.Index = old
		late := s.log.Parcel(s.log.Say(s.mallory, "as if before the ban"))
		s.push(s.link, late)
		s.push(s.other, late)
		s.settled(s.link)
		s.log.Index = s.index(s.alice)
		s.push(s.link, s.log.Parcel(s.log.Say(s.mallory, "after the ban")))
		s.settled(s.link)
		s.mustShow("one", true)
		s.mustShow("as if before the ban", false)
		s.mustShow("after the ban", false)
		s.staysBanned(s.mallory)
	}},
	{name: "backdated, by another user of the node and in other incarnations", room: true, run: func(s *stage) {
		s.first()
		eve := s.User("eve")
		s.join(eve)
		old := s.index(s.alice)
		s.banned(s.mallory)
		for number := uint32(0); number < 5; number++ {
			l := s.Messages(s.id, old)
			l.Number = number
			if number == 1 {
				continue // the log that there is
			}
			s.push(s.link, l.Parcel(l.Say(s.mallory, "as if before the ban"), l.Say(eve, fmt.Sprint("eve may ", number))))
		}
		s.settled(s.link)
		s.awaitShown("eve may 4")
		s.mustShow("as if before the ban", false)
		s.staysBanned(s.mallory)
	}},
	{name: "after its node was banned", room: true, both: true, run: func(s *stage) {
		s.first()
		old := s.index(s.alice)
		do(s, s.alice, client.RoomNodeBan, &pb.RoomNodeBanRequest{Room: s.room, Node: s.Foe.Name, On: true})
		s.awaitIndex(old + 1)
		s.log.Index = old
		s.push(s.link, s.log.Parcel(s.log.Say(s.mallory, "as if before the ban")))
		s.push(s.other, s.log.Parcel(s.log.Say(s.mallory, "as if before the ban, again")))
		s.settled(s.link)
		if a := s.propose(s.link, s.User("eve"), "join", &roompb.Body{NodeKey: s.Public()}); a.Code == "" {
			s.Error("a user of a banned node was let in")
		}
		s.say(s.alice, "a secret")
		s.settled(s.link)
		s.mustShow("as if before the ban", false)
		s.mustShow("as if before the ban, again", false)
		s.mustNotGet("a secret")
	}},
	{name: "in the name of an honest node's user", room: true, both: true, run: func(s *stage) {
		s.first()
		for _, who := range []string{s.alice.person(), s.carol.person(), "alice@" + s.Foe.Name, ""} {
			s.push(s.link, s.log.Parcel(s.log.Say(who, "I am "+who)))
		}
		s.taken(s.link, 5)
		for _, who := range []string{s.alice.person(), s.carol.person(), "alice@" + s.Foe.Name, ""} {
			s.mustShow("I am "+who, false)
		}
	}},
	{name: "in the name of an honest node", room: true, both: true, run: func(s *stage) {
		l := s.Messages(s.id, s.log.Index)
		for _, origin := range []string{s.carol.name, s.alice.name, "nobody.test"} {
			l.Origin, l.Seq, l.Prev = origin, 0, nil
			s.push(s.link, l.Parcel(l.Say("carol@"+origin, "not by carol")))
			l.Number++
			s.push(s.other, l.Parcel(l.Say("carol@"+origin, "nor by carol")))
		}
		s.settled(s.link)
		s.mustShow("not by carol", false)
		s.mustShow("nor by carol", false)
	}},
	{name: "malformed logs", room: true, run: func(s *stage) {
		s.first()
		for i, m := range malformed {
			if i%8 == 7 || s.link.Conn.Context().Err() != nil { // ten bad parcels in a minute end a link
				s.link.Close()
				s.link = s.replaced()
			}
			good, text := *s.log, fmt.Sprintf("malformed %d", i)
			if m.make(s, text); s.link.Conn.Context().Err() == nil {
				s.settled(s.link)
			}
			if s.shows(s.alice, text) {
				s.Errorf("%s is shown", m.name)
			}
			*s.log = good
		}
	}},
	{name: "absurd numbers, then a ban", room: true, run: func(s *stage) {
		for i, seq := range []uint64{^uint64(0), ^uint64(0) - 100, 1 << 63, 1<<53 - 1} {
			l := s.Messages(s.id, s.log.Index)
			l.Number, l.Prev = uint32(i+2), random(32)
			s.push(s.link, l.Parcel(l.Add(s.mallory, "text", foe.Text("absurd"), func(h *roompb.Header) { h.Seq = seq })))
		}
		s.settled(s.link)
		s.banned(s.mallory) // what is void is looked for along these logs
		s.staysBanned(s.mallory)
	}},
	{name: "state indexes beyond all", room: true, run: func(s *stage) {
		for _, index := range []uint64{^uint64(0), 1 << 63, s.log.Index + 1000} {
			l := s.log.Fork()
			l.Index = index
			s.push(s.link, l.Parcel(l.Say(s.mallory, "from a state to come")))
		}
		s.settled(s.link)
		s.mustShow("from a state to come", false)
	}},
	{name: "clocks far ahead", room: true, run: func(s *stage) {
		for _, at := range []uint64{foe.At(time.Now().Add(10 * time.Minute)), foe.At(time.Now().AddDate(10, 0, 0)), ^uint64(0)} {
			l := s.log.Fork()
			s.push(s.link, l.Parcel(l.Add(s.mallory, "text", foe.Text("from the future"), func(h *roompb.Header) { h.Time = at })))
		}
		s.settled(s.link)
		s.mustShow("from the future", false)
		for _, n := range []*node{s.alice, s.carol} {
			sent := do(s, n, client.Send, &pb.SendRequest{Room: s.room, Text: "what time is it"})
			if ahead := time.UnixMilli(sent.Time).Sub(time.Now()); ahead > time.Minute {
				s.Errorf("%s's node has adopted a clock that is %v ahead", n.user, ahead)
			}
		}
	}},
	{name: "a page from the future", room: true, both: true, run: func(s *stage) {
		// The newest message is in order, what came before it is not: the node asks for it.
		first := s.log.Add(s.mallory, "text", foe.Text("from the year 2100"), func(h *roompb.Header) {
			h.Time = foe.At(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
		})
		s.log.Time = 0
		second := s.log.Say(s.mallory, "two")
		third := s.log.Say(s.mallory, "three")
		s.serve(func(q *roompb.PageAsk) *roompb.Parcel {
			if q.Below == 3 {
				return s.log.Page(second)
			}
			return s.log.Page(first)
		})
		s.push(s.link, s.log.Parcel(third))
		s.push(s.other, s.log.Parcel(third))
		s.awaitShown("three")
		s.history(s.alice)
		s.settled(s.link)
		s.mustShow("from the year 2100", false)
	}},
	{name: "two ends of one log", room: true, both: true, run: func(s *stage) {
		s.first()
		other := s.log.Fork()
		two := s.log.Parcel(s.log.Say(s.mallory, "two"))
		s.push(s.link, two)
		s.push(s.other, two)
		s.awaitShown("two")
		s.push(s.link, other.Parcel(other.Say(s.mallory, "two, differently"), other.Say(s.mallory, "three")))
		s.alarmed(s.alice, s.Foe.Name, "two different")
		s.frozen(s.alice)
		s.push(s.link, s.log.Parcel(s.log.Say(s.mallory, "three of the first")))
		s.settled(s.link)
		s.mustShow("three of the first", false)
		s.mustShow("three", false)
	}},
	{name: "another end of its log for each node", most: 5, room: true, both: true, long: true, run: func(s *stage) {
		s.first()
		s.awaitShown("one")
		s.apart() // nobody compares meanwhile
		other := s.log.Fork()
		s.push(s.link, s.log.Parcel(s.log.Say(s.mallory, "two for alice")))
		s.push(s.other, other.Parcel(other.Say(s.mallory, "two for carol")))
		s.taken(s.link, 2)
		s.taken(s.other, 2)
		s.reunite()
		within(s, patience, func() error { return s.eitherAlarmed(s.Foe.Name, "two different") })
		s.split = true
	}},
	{name: "a state log of its own making", room: true, both: true, run: func(s *stage) {
		before := s.index(s.carol)
		for _, forge := range []func(l *foe.Log) *foe.Event{
			func(l *foe.Log) *foe.Event {
				return l.Add(s.alice.person(), "role", foe.Salted(&roompb.Body{Subject: s.mallory, Role: "owner"}), nil)
			},
			func(l *foe.Log) *foe.Event {
				return l.Add(s.alice.person(), "ban", foe.Salted(&roompb.Body{Subject: s.carol.person(), Cuts: []*roompb.Cut{{Origin: s.carol.name}}}), nil)
			},
			func(l *foe.Log) *foe.Event {
				l.Prev = random(32)
				return l.Add(s.alice.person(), "settings", foe.Salted(&roompb.Body{Settings: &roompb.Settings{Topic: text("mine")}}), nil)
			},
			func(l *foe.Log) *foe.Event {
				return l.Add(s.alice.person(), "stewards", foe.Salted(&roompb.Body{Stewards: []string{s.Foe.Name}}), nil)
			},
			func(l *foe.Log) *foe.Event {
				l.Origin = s.Foe.Name
				return l.Add(s.mallory, "settings", foe.Salted(&roompb.Body{Settings: &roompb.Settings{Topic: text("mine")}}), nil)
			},
		} {
			l := s.stateLog()
			p := l.Parcel(forge(l))
			p.Head.Cosignatures = []*roompb.Cosignature{{Node: s.alice.name, Signature: p.Head.Signature}, {Node: s.Foe.Name, Signature: p.Head.Signature}}
			s.push(s.other, p)
			s.push(s.link, p)
		}
		s.settled(s.other)
		s.settled(s.link)
		if after := s.index(s.carol); after != before {
			s.Errorf("carol's node took entries %d to %d of nobody who may write them", before, after)
		}
		s.notAlarmed(s.carol, s.alice.name, "different states")
		s.notAlarmed(s.alice, s.alice.name, "different states")
	}},
	{name: "everything twice", room: true, both: true, run: func(s *stage) {
		s.first()
		own := s.log.Parcel(s.log.Say(s.mallory, "once"))
		s.push(s.link, own)
		s.push(s.other, own)
		s.awaitShown("once")
		s.say(s.carol, "of carol")
		s.awaitShown("of carol")
		for range 100 {
			s.push(s.link, own)
			s.push(s.other, own)
			for _, p := range append(s.link.Parcels(), s.other.Parcels()...) {
				s.push(s.link, p)
				s.push(s.other, p)
			}
		}
		s.settled(s.link)
		s.settled(s.other)
		for _, text := range []string{"once", "of carol", "before"} {
			for _, n := range []*node{s.alice, s.carol} {
				if got := strings.Count(strings.Join(s.history(n), "\n"), fmt.Sprintf("%q", text)); got != 1 {
					s.Errorf("%s sees %q %d times", n.user, text, got)
				}
			}
		}
	}},
	{name: "passing on an honest node's words without them", room: true, both: true, run: func(s *stage) {
		s.first()
		s.awaitShown("one")
		s.apart()
		s.say(s.carol, "carol's words")
		var hollow *roompb.Parcel
		within(s, patience, func() error {
			for _, p := range s.other.Parcels() {
				for _, packet := range p.Packets {
					if strings.Contains(string(packet.Body), "carol's words") {
						hollow = p
						return nil
					}
				}
			}
			return fmt.Errorf("the foe has not got carol's message")
		})
		whole := foe.Whole(hollow)
		for _, p := range whole.Packets {
			p.Body, p.Erased = nil, true
		}
		s.push(s.link, whole)
		s.settled(s.link)
		s.reunite()
		s.awaitShown("carol's words")
	}},
	{name: "acknowledging for others", room: true, both: true, idle: true, run: func(s *stage) {
		// A parcel of a room that alice's node does not know, whose head speaks of carol's log in one that it does.
		id := random(32)
		l := s.Messages(id, 1)
		p := l.Parcel(l.Say(s.mallory, "?"))
		p.Head = &roompb.Head{Room: s.id, Log: roompb.Log_LOG_MESSAGES, Origin: s.carol.name, Incarnation: 1, Seq: 1 << 40, Hash: random(32)}
		must(s, s.link.Push(id, p))
		time.Sleep(2500 * time.Millisecond) // acknowledgements of others' parcels take two seconds
		s.notReached(s.carol, s.alice)
		s.say(s.carol, "does alice get this")
		s.awaitShown("does alice get this")
		s.notReached(s.carol, s.alice)
	}},
	{name: "changing what others said", room: true, run: func(s *stage) {
		s.first()
		target := unbase(s.say(s.alice, "alice's own words"))
		for _, kind := range []string{"edit", "delete", "pin", "react", "unreact", "unpin"} {
			b := foe.Salted(&roompb.Body{Target: target, Emoji: "👍"})
			if kind == "edit" {
				b.Text = "alice's changed words"
			}
			s.push(s.link, s.log.Parcel(s.log.Add(s.mallory, kind, b, nil)))
		}
		s.push(s.link, s.log.Parcel(s.log.Add(s.mallory, "edit", foe.Salted(&roompb.Body{Target: random(32), Text: "of nothing"}), nil)))
		s.push(s.link, s.log.Parcel(s.log.Add(s.mallory, "text", foe.Salted(&roompb.Body{Text: "an answer", ReplyTo: random(32), Thread: random(32)}), nil)))
		s.taken(s.link, 9)
		s.mustShow("alice's own words", true)
		s.mustShow("alice's changed words", false)
	}},
	{name: "a thousand incarnations", room: true, run: func(s *stage) {
		for number := range uint32(1000) {
			l := s.Messages(s.id, s.log.Index)
			l.Number = number
			if s.link.Push(s.id, l.Parcel(l.Say(s.mallory, "again"))) != nil {
				break // ended
			}
		}
		s.settled(s.link)
	}},
	{name: "thousands of forged messages", room: true, run: func(s *stage) {
		for range 4 {
			var events []*foe.Event
			for i := range 2000 {
				events = append(events, s.log.Say(fmt.Sprintf("user%d@%s", i, s.carol.name), "forged"))
			}
			s.push(s.link, s.log.Parcel(events...))
		}
		s.taken(s.link, 8000)
		s.mustShow("forged", false)
	}},
	{name: "texts of as many words as there can be", most: 3, room: true, idle: true, long: true, run: func(s *stage) {
		s.first()
		var last string
		for range 20 {
			var b strings.Builder
			for b.Len() < 64<<10-10 { // every character a word, and every pair
				b.WriteRune(rune(0x4e00 + rand.IntN(20_000)))
			}
			last = b.String()
			s.push(s.link, s.log.Parcel(s.log.Say(s.mallory, last)))
		}
		s.taken(s.link, 21)
		within(s, 5*time.Minute, func() error { // the index has read them all
			found := do(s, s.alice, client.Search, &pb.SearchRequest{Query: string([]rune(last)[:12]), Room: s.room})
			if found.Indexing || found.Total == 0 {
				return fmt.Errorf("the last of them is not found: %d, indexing %v", found.Total, found.Indexing)
			}
			return nil
		})
	}},
	{name: "thousands of gaps", room: true, run: func(s *stage) {
		// Each stretch names one before it that nobody has; the page that is asked for never ends.
		s.serve(func(q *roompb.PageAsk) *roompb.Parcel {
			l := s.log.Fork()
			l.Seq, l.Prev, l.Time = q.Below-2, random(32), 0
			return l.Page(l.Say(s.mallory, "endless"))
		})
		for i := range uint64(300) {
			s.log.Prev = random(32)
			s.push(s.link, s.log.Parcel(s.log.Add(s.mallory, "text", foe.Text("torn"), func(h *roompb.Header) { h.Seq = 10 * (i + 1) })))
		}
		s.settled(s.link)
		s.history(s.alice)
		s.mustShow("endless", false)
		s.split = true // what is torn may be here or there
	}},
	{name: "each is told another half", room: true, both: true, run: func(s *stage) {
		s.serve(func(*roompb.PageAsk) *roompb.Parcel { return &roompb.Parcel{Room: s.id} }) // and nobody more
		var said []*foe.Event
		for i := range 10 {
			said = append(said, s.log.Say(s.mallory, fmt.Sprintf("half %d", i+1)))
		}
		s.push(s.link, s.log.Parcel(said[:5]...), s.log.Parcel(said[7:]...))
		s.push(s.other, s.log.Parcel(said[5]), s.log.Parcel(said[7:]...))
		s.taken(s.link, 10)
		s.taken(s.other, 10)
		for i := range 10 {
			if i != 6 { // the seventh
				s.awaitShown(fmt.Sprintf("half %d", i+1))
			}
		}
		s.mustShow("half 7", false)
	}},
}

// malformed are parcels that no honest node makes. Each is made from the log as it stands.
var malformed = []struct {
	name string
	make func(s *stage, text string)
}{
	{"a previous id that is not the one", func(s *stage, text string) {
		s.log.Prev = random(32)
		s.try(s.log.Parcel(s.log.Say(s.mallory, text)))
	}},
	{"a break within the parcel", func(s *stage, text string) {
		a := s.log.Say(s.mallory, text)
		s.log.Prev = random(32)
		s.try(s.log.Parcel(a, s.log.Say(s.mallory, text)))
	}},
	{"a gap within the parcel", func(s *stage, text string) {
		a := s.log.Say(s.mallory, text)
		s.log.Seq++
		s.try(s.log.Parcel(a, s.log.Say(s.mallory, text)))
	}},
	{"time falls", func(s *stage, text string) {
		s.try(s.log.Parcel(s.log.Add(s.mallory, "text", foe.Text(text), func(h *roompb.Header) { h.Time = 1 })))
	}},
	{"time falls within the parcel", func(s *stage, text string) {
		a := s.log.Say(s.mallory, text)
		s.try(s.log.Parcel(a, s.log.Add(s.mallory, "text", foe.Text(text), func(h *roompb.Header) { h.Time = a.Header.Time })))
	}},
	{"the state index falls", func(s *stage, text string) {
		s.log.Index = 1
		s.try(s.log.Parcel(s.log.Say(s.mallory, text)))
	}},
	{"seq 0", func(s *stage, text string) {
		s.try(s.log.Parcel(s.log.Add(s.mallory, "text", foe.Text(text), func(h *roompb.Header) { h.Seq = 0 })))
	}},
	{"a body that is another", func(s *stage, text string) {
		e := s.log.Say(s.mallory, text)
		e.Packet.Body = foe.Encode(foe.Text(text + "!"))
		s.try(s.log.Parcel(e))
	}},
	{"a signature that is none", func(s *stage, text string) {
		p := s.log.Parcel(s.log.Say(s.mallory, text))
		p.Head.Signature[3] ^= 1
		s.try(p)
	}},
	{"no head", func(s *stage, text string) { s.try(s.log.Page(s.log.Say(s.mallory, text))) }},
	{"a kind that there is not", func(s *stage, text string) {
		s.try(s.log.Parcel(s.log.Add(s.mallory, "rule", foe.Text(text), nil)))
	}},
	{"a state entry in a log of messages", func(s *stage, text string) {
		s.try(s.log.Parcel(s.log.Add(s.mallory, "settings", foe.Salted(&roompb.Body{Settings: &roompb.Settings{Topic: &text}}), nil)))
	}},
	{"an event of another room", func(s *stage, text string) {
		s.try(s.log.Parcel(s.log.Add(s.mallory, "text", foe.Text(text), func(h *roompb.Header) { h.Room = random(32) })))
	}},
	{"a text of a megabyte", func(s *stage, text string) {
		s.try(s.log.Parcel(s.log.Say(s.mallory, text+strings.Repeat(" ", 1<<20))))
	}},
	{"an empty text", func(s *stage, text string) {
		s.try(s.log.Parcel(s.log.Say(s.mallory, " \n ")))
	}},
	{"holes that nothing fills", func(s *stage, text string) {
		e := s.log.Say(s.mallory, text)
		e.Packet.RoomAt, e.Packet.PrevAt, e.Packet.HashAt = 1<<31, 1, ^uint32(0)
		s.try(s.log.Parcel(e))
	}},
	{"headers that are rubbish", func(s *stage, text string) {
		e := s.log.Say(s.mallory, text)
		e.Packet.Header = random(300)
		s.try(s.log.Parcel(e))
	}},
	{"an empty parcel", func(s *stage, text string) { s.try(&roompb.Parcel{Room: s.id}) }},
	{"five thousand events", func(s *stage, text string) {
		e := s.log.Say(s.mallory, text)
		p := s.log.Parcel(e)
		for range 5000 {
			p.Packets = append(p.Packets, &roompb.Packet{})
		}
		s.try(p)
	}},
}

// try sends a parcel, by another link when this one is at its end.
func (s *stage) try(p *roompb.Parcel) {
	s.Helper()
	if s.link.Push(s.id, p) != nil {
		s.link.Close()
		s.link = s.replaced()
		s.push(s.link, p)
	}
}

// first says something in order.
func (s *stage) first() {
	s.Helper()
	one := s.log.Parcel(s.log.Say(s.mallory, "one"))
	s.push(s.link, one)
	s.taken(s.link, 1)
	if s.other != nil {
		s.push(s.other, one)
		s.taken(s.other, 1)
	}
}

// replaced is another link of the same foe, after one has ended: the node lets it in again as it is known.
func (s *stage) replaced() *foe.Link {
	s.Helper()
	var l *foe.Link
	within(s, patience, func() error {
		var err error
		ctx, cancel := context.WithTimeout(s.ctx, patience)
		defer cancel()
		l, _, err = s.Greet(ctx, s.alice.address, s.Hello(""))
		return err
	})
	l.Run(nil)
	return l
}

// notReached: a node does not believe that another has what nobody has sent it; it would send it nothing.
func (s *stage) notReached(n, other *node) {
	s.Helper()
	for _, of := range do(s, n, client.RoomGet, &pb.RoomRequest{Room: s.room}).Nodes {
		if of.Name == other.name && of.Reached > 1000 {
			s.Errorf("%s's node believes that %s's has %d of its messages", n.user, other.user, of.Reached)
		}
	}
}

// index of the newest entry of the room's state log that a node knows.
func (s *stage) index(n *node) uint64 {
	s.Helper()
	return do(s, n, client.RoomGet, &pb.RoomRequest{Room: s.room}).Summary.StateIndex
}

func (s *stage) awaitIndex(index uint64) {
	s.Helper()
	within(s, patience, func() error {
		for _, n := range []*node{s.alice, s.carol} {
			if got := s.index(n); got < index {
				return fmt.Errorf("%s's node is at entry %d, not %d", n.user, got, index)
			}
		}
		return nil
	})
}

// banned has alice ban a user, and both nodes know.
func (s *stage) banned(user string) {
	s.Helper()
	index := s.index(s.alice)
	do(s, s.alice, client.RoomBan, &pb.MemberRequest{Room: s.room, User: user})
	s.awaitIndex(index + 1)
}

func (s *stage) staysBanned(user string) {
	s.Helper()
	if a := s.propose(s.link, user, "join", &roompb.Body{NodeKey: s.Public()}); a.Code == "" {
		s.Errorf("%s is let in again", user)
	}
	for _, n := range []*node{s.alice, s.carol} {
		banned := do(s, n, client.Members, &pb.MembersRequest{Room: s.room, Membership: "ban", Limit: 200}).Members
		if len(banned) != 1 || banned[0].User != user {
			s.Errorf("%s's node has banned %v, want %s", n.user, banned, user)
		}
	}
}

// serve answers what nodes ask for: older pages of the foe's log.
func (s *stage) serve(page func(*roompb.PageAsk) *roompb.Parcel) {
	s.answer = func(q *roompb.Ask) *roompb.Answer {
		if p := q.GetPage(); p != nil && p.Origin == s.log.Origin {
			return &roompb.Answer{What: &roompb.Answer_Page{Page: page(p)}}
		}
		return &roompb.Answer{Code: "not_found"}
	}
}

// frozen waits until a node shows that it takes nothing of the foe any more.
func (s *stage) frozen(n *node) {
	s.Helper()
	within(s, patience, func() error {
		for _, of := range do(s, n, client.RoomGet, &pb.RoomRequest{Room: s.room}).Nodes {
			if of.Name == s.Foe.Name && of.Frozen != "" {
				return nil
			}
		}
		return fmt.Errorf("%s's node does not show that the foe's log is frozen", n.user)
	})
}

// apart ends the link of the two honest nodes.
func (s *stage) apart() {
	s.Helper()
	do(s, s.alice, client.AdminPeerSet, &pb.AdminPeerSetRequest{Name: s.carol.name, Blocked: yes()})
	s.parted = true
}

// reunite lets the two honest nodes have a link again.
func (s *stage) reunite() {
	s.Helper()
	do(s, s.alice, client.AdminPeerSet, &pb.AdminPeerSetRequest{Name: s.carol.name, Blocked: no()})
	s.parted = false
	within(s, patience, func() error {
		_, _ = s.alice.cli("join", s.carol.name, "--data", s.alice.data)
		for _, p := range do(s, s.alice, client.AdminPeers, &pb.Empty{}).Peers {
			if p.Name == s.carol.name && p.State == "up" {
				return nil
			}
		}
		return fmt.Errorf("the honest nodes have no link")
	})
}

func (s *stage) eitherAlarmed(peer, words string) error {
	for _, n := range []*node{s.alice, s.carol} {
		for _, a := range do(s, n, client.AdminPeers, &pb.Empty{}).Alarms {
			if a.Peer == peer && strings.Contains(a.Text, words) {
				return nil
			}
		}
	}
	return fmt.Errorf("nobody has noticed that %s signed %s logs", peer, words)
}

// mustNotGet: nothing with this text was sent to the foe.
func (s *stage) mustNotGet(text string) {
	s.Helper()
	for _, l := range []*foe.Link{s.link, s.other} {
		if l == nil {
			continue
		}
		for _, p := range l.Parcels() {
			for _, packet := range p.Packets {
				if strings.Contains(string(packet.Body), text) {
					s.Errorf("the foe was sent %q", text)
				}
			}
		}
	}
}

// stateLog is the room's as the foe might go on with it.
func (s *stage) stateLog() *foe.Log {
	d := s.snap.State
	return &foe.Log{Foe: s.Foe, Room: s.id, Kind: roompb.Log_LOG_STATE, Origin: s.alice.name, Number: 1, Seq: d.Index, Prev: d.Hash, Time: d.Clock}
}

func yes() *bool { b := true; return &b }
func no() *bool  { return new(bool) }

func text(s string) *string { return &s }
