package hostile

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	client "hearth/clients/go"
	"hearth/federation/link/linkpb"
	"hearth/node/room/roompb"
	"hearth/test/hostile/foe"
	pb "hearth/transport/session/clientpb"
)

// Attacks by what is asked, by what is answered, and by signals.
var byAsking = []attack{
	{name: "asking for rooms of others", run: func(s *stage) {
		alias := strings.TrimSuffix(s.Foe.Name, ".test")
		private := do(s, s.alice, client.RoomCreate, &pb.RoomCreateRequest{Alias: alias, Name: "private", Invite: []string{s.carol.person()}})
		s.comes(s.carol, private.Room)
		at := do(s, s.alice, client.Send, &pb.SendRequest{Room: private.Room, Text: "a secret"}).Event
		for _, real := range []string{private.Room, s.carols()} {
			for _, q := range s.questions(unbase(real), unbase(at)) {
				got := s.ask(s.link, q)
				none := s.ask(s.link, s.questionLike(q))
				if got.Code == "" || got.Code != none.Code || got.Message != none.Message {
					s.Errorf("%v: a room that there is and one that there is not can be told apart:\n  %v\n  %v", q, got, none)
				}
			}
		}
		if a, b := s.resolve(alias), s.resolve("nothing"); a.Code == "" || a.Code != b.Code || strings.ReplaceAll(a.Message, alias, "nothing") != b.Message {
			s.Errorf("the alias of a private room can be told from one that there is not: %v, %v", a, b)
		}
		list := s.ask(s.link, &roompb.Ask{What: &roompb.Ask_Directory{Directory: &roompb.DirectoryAsk{Limit: 1 << 31}}})
		for _, r := range list.GetDirectory().GetRooms() {
			if r.Room == private.Room {
				s.Error("the directory lists a private room")
			}
		}
	}},
	{name: "sending and comparing rooms of others", run: func(s *stage) {
		private := do(s, s.alice, client.RoomCreate, &pb.RoomCreateRequest{Name: "private", Invite: []string{s.carol.person()}})
		s.comes(s.carol, private.Room)
		do(s, s.carol, client.Send, &pb.SendRequest{Room: private.Room, Text: "a secret"})
		s.id = unbase(private.Room)
		l := s.Messages(s.id, 1)
		s.push(s.link, l.Parcel(l.Say(s.mallory, "hello")))
		forged := s.Messages(s.id, 1)
		forged.Origin = s.carol.name
		s.push(s.link, forged.Parcel(forged.Say(s.carol.person(), "hello")))
		must(s, s.link.Send(
			&linkpb.Frame{What: &linkpb.Frame_Have{Have: &linkpb.Have{Frontier: &roompb.Frontier{Room: s.id}}}},
			&linkpb.Frame{What: &linkpb.Frame_Digest{Digest: &linkpb.Digest{All: random(16), Rooms: []*linkpb.RoomDigest{{Room: s.id, Sum: random(16)}}}}},
		))
		time.Sleep(400 * time.Millisecond) // what is not to come does not come later either
		for _, f := range s.link.Frames() {
			if bytes.Contains(foe.Encode(f), s.id) {
				s.Errorf("the foe is told of a room that is none of its business: %v", f)
			}
		}
		s.mustNotGet("a secret")
	}},
	{name: "proposing for others", room: true, run: func(s *stage) {
		before := s.index(s.alice)
		eve := s.User("eve")
		for _, p := range []struct {
			author, kind string
			body         *roompb.Body
		}{
			{s.carol.person(), "leave", &roompb.Body{}},
			{s.alice.person(), "role", &roompb.Body{Subject: s.mallory, Role: "owner"}},
			{"dave@" + s.alice.name, "join", &roompb.Body{}},
			{"@" + s.alice.person(), "leave", &roompb.Body{}},
			{s.mallory + "@" + s.alice.name, "leave", &roompb.Body{}},
			{s.mallory, "role", &roompb.Body{Subject: s.mallory, Role: "owner"}},
			{s.mallory, "kick", &roompb.Body{Subject: s.carol.person()}},
			{s.mallory, "ban", &roompb.Body{Subject: s.alice.person()}},
			{s.mallory, "nodeban", &roompb.Body{Node: s.carol.name}},
			{s.mallory, "stewards", &roompb.Body{Stewards: []string{s.Foe.Name}}},
			{s.mallory, "settings", &roompb.Body{Settings: &roompb.Settings{Topic: text("mine")}}},
			{s.mallory, "text", &roompb.Body{Text: "no state"}},
			{s.mallory, "create", &roompb.Body{Version: 1, Settings: &roompb.Settings{}}},
			{s.mallory, "invented", &roompb.Body{}},
			{s.mallory, "join", &roompb.Body{NodeKey: s.Public()}},
			{eve, "join", &roompb.Body{NodeKey: random(32)}},
			{eve, "join", &roompb.Body{NodeKey: random(5)}},
			{"Eve\u202e@" + s.Foe.Name, "join", &roompb.Body{NodeKey: s.Public()}},
			{eve, "join", &roompb.Body{NodeKey: s.Public(), Reason: strings.Repeat("x", 5000)}},
			{eve, "leave", &roompb.Body{}},
		} {
			if a := s.propose(s.link, p.author, p.kind, p.body); a.Code == "" {
				s.Errorf("%s may %s", p.author, p.kind)
			} else if a.Code == "internal" {
				s.Errorf("%s %s: %v", p.author, p.kind, a)
			}
		}
		if after := s.index(s.alice); after != before {
			s.Errorf("the state went from entry %d to %d", before, after)
		}
	}},
	{name: "a proposal with cuts of its own", room: true, both: true, run: func(s *stage) {
		// Who leaves says how far its own log has come: a generous cut gains nothing.
		s.first()
		old := s.index(s.alice)
		q := s.proposal(s.id, s.mallory, "leave", &roompb.Body{Cuts: []*roompb.Cut{{Origin: s.carol.name, Incarnation: 1}}})
		q.GetPropose().Tops = []*roompb.Top{{Origin: s.Foe.Name, Incarnation: 1, Seq: 1 << 40, Hash: random(32)}, {Origin: s.carol.name, Incarnation: 1, Seq: 1, Hash: random(32)}}
		s.ask(s.link, q)
		s.say(s.carol, "carol's are not cut")
		s.awaitShown("carol's are not cut")
		s.banned(s.mallory)
		s.log.Index = old
		s.push(s.link, s.log.Parcel(s.log.Say(s.mallory, "within its own cut")))
		s.push(s.other, s.log.Parcel(s.log.Say(s.mallory, "within its own cut")))
		s.settled(s.link)
		s.mustShow("within its own cut", false)
		s.staysBanned(s.mallory)
	}},
	{name: "asks that are rubbish", run: func(s *stage) {
		for _, q := range []*roompb.Ask{
			{}, {What: &roompb.Ask_Propose{Propose: &roompb.ProposeAsk{}}}, {What: &roompb.Ask_Snapshot{Snapshot: &roompb.SnapshotAsk{Room: random(7)}}},
			{What: &roompb.Ask_Resolve{Resolve: &roompb.ResolveAsk{Alias: strings.Repeat("é", 10_000), User: s.mallory}}},
			{What: &roompb.Ask_Invite{Invite: &roompb.InviteAsk{}}}, {What: &roompb.Ask_Invite{Invite: &roompb.InviteAsk{Create: &roompb.Packet{Header: random(99)}}}},
			{What: &roompb.Ask_Page{Page: &roompb.PageAsk{Limit: 1 << 31, Below: ^uint64(0)}}},
			{What: &roompb.Ask_Profiles{Profiles: &roompb.ProfilesAsk{Users: slices.Repeat([]string{s.alice.person()}, 1000)}}},
			{What: &roompb.Ask_Blob{Blob: &roompb.BlobAsk{Id: "../../etc/passwd"}}}, {What: &roompb.Ask_Blob{Blob: &roompb.BlobAsk{}}},
			{What: &roompb.Ask_Report{Report: &roompb.ReportAsk{}}}, {What: &roompb.Ask_Frontier{Frontier: &roompb.FrontierAsk{}}},
			{What: &roompb.Ask_Steward{Steward: &roompb.StewardAsk{Room: random(32), Messages: [][]byte{random(100)}}}},
			{What: &roompb.Ask_Steward{Steward: &roompb.StewardAsk{Room: random(32), Cosigned: &roompb.Head{Room: random(32)}}}},
		} {
			if a := s.ask(s.link, q); a.Code == "" || a.Code == "internal" {
				s.Errorf("%v is answered by %v", q, a)
			}
		}
		for range 200 {
			if bidi(s.link, cat([]byte{'q'}, lengthBefore(random(100)))) != nil {
				break // ended
			}
		}
		s.settled(s.link)
	}},
	{name: "more asks than anybody has", run: func(s *stage) {
		limited := 0
		q := &roompb.Ask{What: &roompb.Ask_Profiles{Profiles: &roompb.ProfilesAsk{Users: []string{s.alice.person()}}}}
		for range 3000 {
			if s.ask(s.link, q).Code == "limited" {
				limited++
			}
		}
		if limited == 0 {
			s.Error("3,000 asks were answered, none was too much")
		}
	}},
	{name: "signals about others", room: true, run: func(s *stage) {
		do(s, s.alice, client.Watch, &pb.WatchRequest{Rooms: []string{s.room}})
		carol := s.carol.person()
		for range 5 {
			for _, signal := range []*roompb.Signal{
				{Kind: "typing", Room: s.room, User: carol, On: true}, {Kind: "presence", User: s.User("stranger"), On: true},
				{Kind: "profile", User: carol, Profile: &roompb.Profile{User: carol, DisplayName: "not carol"}},
				{Kind: "profile", User: s.mallory, Profile: &roompb.Profile{User: carol, DisplayName: "not carol"}},
				{Kind: "profile", User: s.alice.person(), Profile: &roompb.Profile{User: s.alice.person(), DisplayName: "not alice"}},
				{Kind: "receipt", Room: s.room, User: carol, Event: s.room, Pos: ^uint64(0)}, {Kind: "reached", Room: s.room, User: carol, Pos: ^uint64(0)},
				{Kind: "typing", Room: s.carols(), User: s.mallory, On: true}, {Kind: strings.Repeat("x", 900), User: s.mallory},
			} {
				must(s, s.link.Signal(signal))
			}
		}
		s.settled(s.link)
		for _, p := range do(s, s.alice, client.Profiles, &pb.ProfilesRequest{Users: []string{carol, s.alice.person()}}).Profiles {
			if strings.HasPrefix(p.DisplayName, "not ") {
				s.Errorf("%s is called %q", p.User, p.DisplayName)
			}
		}
	}},
	{name: "people whom nobody has met", run: func(s *stage) {
		for i := range 3000 {
			u := s.User(fmt.Sprintf("user%d", i))
			must(s, s.link.Signal(&roompb.Signal{Kind: "presence", User: u, On: true}))
			must(s, s.link.Signal(&roompb.Signal{Kind: "profile", User: u, Profile: &roompb.Profile{User: u, DisplayName: strings.Repeat("x", 200)}}))
			if i%500 == 0 {
				s.settled(s.link)
			}
		}
		s.settled(s.link)
		for _, p := range do(s, s.alice, client.Profiles, &pb.ProfilesRequest{Users: []string{s.User("user7"), s.User("user77")}}).Profiles {
			if p.DisplayName != "" {
				s.Errorf("the node keeps what it is told of %s, whom nobody there has met", p.User)
			}
		}
	}},
	{name: "profiles that deceive", room: true, run: func(s *stage) {
		for i, p := range []*roompb.Profile{
			{DisplayName: strings.Repeat("long ", 10_000)}, {DisplayName: "alice\u202ecilam"}, {DisplayName: "two\nlines"}, {Status: "\u2066status"},
			{Avatar: "https://evil.test/x.png"}, {Avatar: "../../x"},
		} {
			p.User = s.mallory
			if i == 0 {
				_, err := s.link.Stream(cat([]byte{'s'}, foe.Encode(&roompb.Signal{Kind: "profile", User: s.mallory, Profile: p})), true)
				must(s, err)
			} else {
				must(s, s.link.Signal(&roompb.Signal{Kind: "profile", User: s.mallory, Profile: p}))
			}
			s.settled(s.link)
			for _, shown := range do(s, s.alice, client.Profiles, &pb.ProfilesRequest{Users: []string{s.mallory}}).Profiles {
				if shown.DisplayName != "" || shown.Status != "" || shown.Avatar != "" {
					s.Errorf("alice is shown %.200v", shown)
				}
			}
		}
	}},
	{name: "a picture that is another", room: true, run: func(s *stage) {
		id := base(random(32))
		s.answer = func(q *roompb.Ask) *roompb.Answer {
			if q.GetBlob() == nil {
				return &roompb.Answer{Code: "not_found"}
			}
			script := []byte("<script>alert(1)</script>")
			return &roompb.Answer{What: &roompb.Answer_Blob{Blob: &roompb.BlobAnswer{Bytes: script, Size: uint64(len(script))}}}
		}
		must(s, s.link.Signal(&roompb.Signal{Kind: "profile", User: s.mallory, Profile: &roompb.Profile{User: s.mallory, Avatar: id}}))
		s.settled(s.link)
		if status, body := s.alice.get("/blob/" + id); status == 200 {
			s.Errorf("the node serves %q under another's hash", body)
		}
	}},
	{name: "invitations for nobody, and too many", run: func(s *stage) {
		if a := s.invite("nobody@"+s.alice.name, nil); a.Code == "" {
			s.Error("an invitation was taken for a user whom there is not")
		}
		limited := 0
		for range 400 {
			if s.invite(s.alice.person(), nil).Code == "limited" {
				limited++
			}
		}
		if limited < 150 {
			s.Errorf("of 400 invitations %d were too many", limited)
		}
		stubs := 0
		for _, r := range do(s, s.alice, client.Rooms, &pb.Empty{}).Rooms {
			if strings.HasSuffix(r.InvitedBy, "@"+s.Foe.Name) {
				if stubs++; !r.Stranger {
					s.Errorf("the invitation from %s is not muted", r.InvitedBy)
				}
			}
		}
		if stubs == 0 || stubs > 250 {
			s.Errorf("alice has %d invitations of the foe", stubs)
		}
	}},
	{name: "an invitation in somebody else's name", run: func(s *stage) {
		before := len(do(s, s.alice, client.Rooms, &pb.Empty{}).Rooms)
		// A 1:1 room that carol is said to have made, so that what alice tells carol is told to the foe.
		l, create := s.Create(s.carol.person(), &roompb.Body{Direct: s.alice.person()})
		q := &roompb.InviteAsk{Create: create.Packet, Invite: create.Packet, Head: s.HeadOf(create, l.Room), Summary: &roompb.RoomSummary{}, Inviter: &roompb.Profile{User: s.carol.person()}}
		if a := s.ask(s.link, &roompb.Ask{What: &roompb.Ask_Invite{Invite: q}}); a.Code == "" {
			s.Errorf("a 1:1 room in carol's name was taken")
		}
		// The same with carol's origin in the header.
		l = &foe.Log{Foe: s.Foe, Kind: roompb.Log_LOG_STATE, Origin: s.carol.name, Number: 1}
		create = l.Add(s.carol.person(), "create", foe.Salted(&roompb.Body{Version: 1, Direct: s.alice.person(), Settings: &roompb.Settings{}, NodeKey: s.Public()}), nil)
		q = &roompb.InviteAsk{Create: create.Packet, Invite: create.Packet, Head: s.HeadOf(create, l.Room), Summary: &roompb.RoomSummary{}}
		q.Head.Cosignatures = []*roompb.Cosignature{{Node: s.Foe.Name, Signature: q.Head.Signature}}
		if a := s.ask(s.link, &roompb.Ask{What: &roompb.Ask_Invite{Invite: q}}); a.Code == "" {
			s.Errorf("a 1:1 room of carol's node was taken from another")
		}
		if after := len(do(s, s.alice, client.Rooms, &pb.Empty{}).Rooms); after != before {
			s.Errorf("alice has %d rooms, had %d", after, before)
		}
		// An invitation to the foe's room by carol, whom alice knows: nobody has proven that it is hers.
		if a := s.invite(s.alice.person(), text(s.carol.person())); a.Code == "" {
			for _, r := range do(s, s.alice, client.Rooms, &pb.Empty{}).Rooms {
				if r.InvitedBy == s.carol.person() && r.Home == s.Foe.Name && !r.Stranger {
					s.Error("an invitation that only the foe vouches for is shown as one of carol's")
				}
			}
		}
		direct := do(s, s.alice, client.RoomDirect, &pb.RoomDirectRequest{User: s.carol.person()})
		if direct.Home != s.alice.name && direct.Home != s.carol.name {
			s.Errorf("alice's 1:1 room with carol is at home on %s", direct.Home)
		}
	}},
	{name: "rooms that do not hold together", run: func(s *stage) {
		for _, f := range fakes {
			l, create := s.Create(s.mallory, &roompb.Body{Settings: &roompb.Settings{Public: yes()}})
			join := l.Add(s.alice.person(), "join", foe.Salted(&roompb.Body{}), nil)
			d := l.Dump(create, join, s.alice.person())
			d.Nodes = append(d.Nodes, &roompb.NodeStanding{Name: s.alice.name, Key: s.keyOf(s.alice)})
			slices.SortFunc(d.Nodes, func(a, b *roompb.NodeStanding) int { return strings.Compare(a.Name, b.Name) })
			snap := l.Snapshot(create, join, d)
			f.make(s, l, snap, create, join)
			s.answer = s.hands(join, snap)
			ctx, cancel := context.WithTimeout(s.ctx, patience)
			s.alice.given.Add(2)
			_, err := client.Call(ctx, s.alice.client, client.RoomJoin, &pb.RoomRequest{Room: base(l.Room) + "@" + s.Foe.Name})
			cancel()
			if f.good != (err == nil) {
				s.Errorf("%s: %v", f.name, err)
			}
			_, err = client.Call(s.ctx, s.alice.client, client.RoomGet, &pb.RoomRequest{Room: base(l.Room)})
			if f.good != (err == nil) {
				s.Errorf("%s: the room is there: %v", f.name, err == nil)
			}
		}
	}},
	{name: "a home that never hands over the rest", each: 20 * time.Millisecond, run: func(s *stage) {
		l, create := s.Create(s.mallory, &roompb.Body{Settings: &roompb.Settings{Public: yes()}})
		last := l.Add(s.alice.person(), "join", foe.Salted(&roompb.Body{NodeKey: s.keyOf(s.alice)}), nil)
		var users []string
		for i := range 200 {
			users = append(users, s.User(fmt.Sprintf("user%d", i)))
		}
		bomb := foe.Pack(&roompb.StateDump{Topic: strings.Repeat("a", 64<<20)})
		var mu sync.Mutex
		asked, lies := 0, 0
		part := func() (*roompb.Snapshot, *roompb.StateDump) {
			d := l.Dump(create, last, append([]string{s.alice.person()}, users...)...)
			d.Nodes = append(d.Nodes, &roompb.NodeStanding{Name: s.alice.name, Key: s.keyOf(s.alice)})
			slices.SortFunc(d.Nodes, func(a, b *roompb.NodeStanding) int { return strings.Compare(a.Name, b.Name) })
			away := foe.Halve(d, s.alice.person())
			return l.SnapshotOf(create, last, d), away
		}
		snap, away := part()
		s.answer = func(q *roompb.Ask) *roompb.Answer {
			mu.Lock()
			defer mu.Unlock()
			switch asked++; {
			case q.GetPropose() != nil:
				return &roompb.Answer{What: &roompb.Answer_Propose{Propose: &roompb.ProposeAnswer{Event: last.ID, Index: last.Header.Seq}}}
			case q.GetSnapshot() != nil: // as it is just now
				return &roompb.Answer{What: &roompb.Answer_Snapshot{Snapshot: snap}}
			case q.GetMembers() == nil:
				return &roompb.Answer{Code: "not_found"}
			}
			members := &roompb.MembersAnswer{Index: last.Header.Seq}
			switch lies++; lies % 5 {
			case 0:
				members.Packed = random(1000)
			case 1:
				spoilt := proto.Clone(away).(*roompb.StateDump)
				spoilt.Members[0].Role = 2
				members.Packed = foe.Pack(spoilt)
			case 2:
				members.Packed = bomb
			default: // it has moved on, as always
				last = l.Add(s.mallory, "settings", foe.Salted(&roompb.Body{Settings: &roompb.Settings{Topic: &s.mallory}}), nil)
				snap, away = part()
				members.Index, members.Packed = last.Header.Seq, foe.Pack(away)
			}
			return &roompb.Answer{What: &roompb.Answer_Members{Members: members}}
		}
		id, from := base(l.Room), time.Now()
		do(s, s.alice, client.RoomJoin, &pb.RoomRequest{Room: id + "@" + s.Foe.Name})
		do(s, s.alice, client.Send, &pb.SendRequest{Room: id, Text: "said while the members are missing"})
		within(s, patience, func() error {
			mu.Lock()
			defer mu.Unlock()
			if lies < 8 {
				return fmt.Errorf("it has lied %d times", lies)
			}
			if most := 8 + int(time.Since(from)/(100*time.Millisecond)); asked > most {
				s.Errorf("the home was asked %d times in %v", asked, time.Since(from))
			}
			return nil
		})
		s.alarmed(s.alice, s.Foe.Name, "not those which were signed")
		if h := do(s, s.alice, client.History, &pb.HistoryRequest{Room: id}); len(h.Events) == 0 {
			s.Error("the room cannot be read")
		}
	}},
	{name: "a home that lies later", run: func(s *stage) {
		l, create := s.Create(s.mallory, &roompb.Body{Settings: &roompb.Settings{Public: yes()}})
		join := l.Add(s.alice.person(), "join", foe.Salted(&roompb.Body{NodeKey: s.keyOf(s.alice)}), nil)
		d := l.Dump(create, join, s.alice.person())
		d.Nodes = append(d.Nodes, &roompb.NodeStanding{Name: s.alice.name, Key: s.keyOf(s.alice)})
		slices.SortFunc(d.Nodes, func(a, b *roompb.NodeStanding) int { return strings.Compare(a.Name, b.Name) })
		s.answer = s.hands(join, l.Snapshot(create, join, d))
		s.id, s.room = l.Room, base(l.Room)
		do(s, s.alice, client.RoomJoin, &pb.RoomRequest{Room: s.room + "@" + s.Foe.Name})
		settings := func(l *foe.Log, topic string) *foe.Event {
			return l.Add(s.mallory, "settings", foe.Salted(&roompb.Body{Settings: &roompb.Settings{Topic: &topic}}), nil)
		}
		s.push(s.link, l.Parcel(settings(l, "a topic")))
		s.awaitTopic("a topic")
		// The stewards change within a parcel: who signs its end was not entitled to by its beginning.
		other, within := l.Fork(), l.Fork()
		s.push(s.link, within.Parcel(within.Add(s.mallory, "stewards", foe.Salted(&roompb.Body{Stewards: []string{s.Foe.Name, s.alice.name}}), nil), settings(within, "slipped in")))
		s.settled(s.link)
		if got := s.topic(); got != "a topic" {
			s.Errorf("the topic is %q", got)
		}
		// The home says that carol is here, and speaks for her.
		s.push(s.link, l.Parcel(l.Add(s.carol.person(), "join", foe.Salted(&roompb.Body{NodeKey: s.Public()}), nil)))
		s.settled(s.link)
		words := s.Messages(s.id, l.Seq)
		words.Origin = s.carol.name
		s.push(s.link, words.Parcel(words.Say(s.carol.person(), "carol never said this")))
		s.settled(s.link)
		if s.shows(s.alice, "carol never said this") {
			s.Error("the home of a room speaks for a user of another node")
		}
		s.alarmed(s.alice, s.carol.name, "by another key", s.room)
		// It has told somebody else another story: from now on the room can only be read.
		s.push(s.link, other.Parcel(settings(other, "another"), settings(other, "a third")))
		s.alarmed(s.alice, s.Foe.Name, "two different states")
		s.room = ""
	}},
	{name: "pages that are not what was asked for", room: true, both: true, run: func(s *stage) {
		events := []*foe.Event{s.log.Say(s.mallory, "1"), s.log.Say(s.mallory, "2"), s.log.Say(s.mallory, "3"), s.log.Say(s.mallory, "4")}
		wrong := 0
		s.serve(func(q *roompb.PageAsk) *roompb.Parcel {
			wrong++
			l := s.log.Fork()
			l.Seq, l.Prev = q.Below-2, events[0].ID
			return l.Page(l.Say(s.mallory, "of another log"))
		})
		s.push(s.link, s.log.Parcel(events[3]))
		s.push(s.other, s.log.Parcel(events...))
		s.taken(s.link, 4)
		s.history(s.alice)
		s.alarmed(s.alice, s.Foe.Name, "do not belong")
		s.mustShow("of another log", false)
		s.serve(func(q *roompb.PageAsk) *roompb.Parcel { return s.log.Page(events[:q.Below-1]...) })
		fifth := s.log.Parcel(s.log.Say(s.mallory, "5"))
		s.push(s.link, fifth)
		s.push(s.other, fifth)
		for _, text := range []string{"5", "4", "1"} {
			s.awaitShown(text)
		}
	}},
}

// fakes are what makes a snapshot one that must not be taken. The first and the last are in order.
var fakes = []struct {
	name string
	good bool
	make func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event)
}{
	{"in order", true, func(*stage, *foe.Log, *roompb.Snapshot, *foe.Event, *foe.Event) {}},
	{"nothing at all", false, func(_ *stage, _ *foe.Log, snap *roompb.Snapshot, _, _ *foe.Event) { proto.Reset(snap) }},
	{"members who are not in what was signed", false, func(s *stage, _ *foe.Log, snap *roompb.Snapshot, _, _ *foe.Event) {
		snap.State.Members = append(snap.State.Members, &roompb.MemberStanding{User: "zoe@" + s.Foe.Name, Membership: "join", By: s.mallory})
	}},
	{"pages that are not in what was signed", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event) {
		snap.State.Pages = append([]byte{1}, append(random(32), append([]byte{1}, snap.State.Pages[1:]...)...)...)
	}},
	{"pages that overlap", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event) {
		snap.State.Pages = append(snap.State.Pages, snap.State.Pages...)
		snap2 := l.SnapshotOf(create, join, snap.State)
		snap.StateRoot, snap.RootSignature = snap2.StateRoot, snap2.RootSignature
	}},
	{"a page without one of its members", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event) {
		snap.State.Members = snap.State.Members[1:]
		snap2 := l.SnapshotOf(create, join, snap.State)
		snap.StateRoot, snap.RootSignature = snap2.StateRoot, snap2.RootSignature
	}},
	{"more members than it has", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event) {
		snap.State.Nodes[0].Joined += 7
		snap2 := l.SnapshotOf(create, join, snap.State)
		snap.StateRoot, snap.RootSignature = snap2.StateRoot, snap2.RootSignature
	}},
	{"another root", false, func(_ *stage, _ *foe.Log, snap *roompb.Snapshot, _, _ *foe.Event) { snap.State.Topic = "not signed" }},
	{"a root that another signed", false, func(_ *stage, _ *foe.Log, snap *roompb.Snapshot, _, _ *foe.Event) { snap.RootSignature = random(64) }},
	{"another first entry", false, func(s *stage, _ *foe.Log, snap *roompb.Snapshot, _, _ *foe.Event) {
		_, other := s.Create(s.mallory, &roompb.Body{})
		snap.Create = other.Packet
	}},
	{"a head of another entry", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, _ *foe.Event) {
		snap.Head = s.HeadOf(create, l.Room)
	}},
	{"a head by another key", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, _, join *foe.Event) {
		snap.Head = foe.New(s.Foe.Name).HeadOf(join, l.Room)
	}},
	{"another steward's key", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event) {
		other := foe.New(s.Foe.Name)
		for _, n := range snap.State.Nodes {
			if n.Name == s.Foe.Name {
				n.Key = other.Public()
			}
		}
		twin := *l
		twin.Foe = other
		fresh := twin.Snapshot(create, join, snap.State)
		snap.Head, snap.StateRoot, snap.RootSignature = fresh.Head, fresh.StateRoot, fresh.RootSignature
	}},
	{"alice's node as its steward", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event) {
		snap.State.Stewards, snap.State.Home, snap.State.Epoch = []string{s.alice.name}, s.alice.name, 2
		resign(l, snap, create, join)
	}},
	{"another key for alice's node", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event) {
		for _, n := range snap.State.Nodes {
			if n.Name == s.alice.name {
				n.Key = random(32)
			}
		}
		resign(l, snap, create, join)
	}},
	{"alice is none of its members", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event) {
		snap.State = l.Dump(create, join)
		resign(l, snap, create, join)
	}},
	{"a clock of the year 2100", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event) {
		snap.State.Clock = foe.At(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
		resign(l, snap, create, join)
	}},
	{"members that are out of order", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event) {
		slices.Reverse(snap.State.Members)
		resign(l, snap, create, join)
	}},
	{"names that turn the line", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event) {
		snap.State.Name = "a room\u202emoor a"
		resign(l, snap, create, join)
	}},
	{"messages by nobody's key", false, func(s *stage, l *foe.Log, snap *roompb.Snapshot, _, _ *foe.Event) {
		words := s.Messages(l.Room, 2)
		words.Origin = s.carol.name
		snap.Newest = append(snap.Newest, words.Parcel(words.Say(s.carol.person(), "carol never said this")))
	}},
	{"in order again", true, func(*stage, *foe.Log, *roompb.Snapshot, *foe.Event, *foe.Event) {}},
}

func resign(l *foe.Log, snap *roompb.Snapshot, create, join *foe.Event) {
	fresh := l.Snapshot(create, join, snap.State)
	snap.StateRoot, snap.RootSignature = fresh.StateRoot, fresh.RootSignature
}

// hands answers as the home of a room into which somebody comes.
func (s *stage) hands(join *foe.Event, snap *roompb.Snapshot) func(*roompb.Ask) *roompb.Answer {
	return func(q *roompb.Ask) *roompb.Answer {
		switch {
		case q.GetPropose() != nil:
			return &roompb.Answer{What: &roompb.Answer_Propose{Propose: &roompb.ProposeAnswer{Event: join.ID, Index: join.Header.Seq}}}
		case q.GetSnapshot() != nil:
			return &roompb.Answer{What: &roompb.Answer_Snapshot{Snapshot: snap}}
		}
		return &roompb.Answer{Code: "not_found"}
	}
}

// questions are all that can be asked about a room.
func (s *stage) questions(id, event []byte) []*roompb.Ask {
	out := []*roompb.Ask{
		{What: &roompb.Ask_Snapshot{Snapshot: &roompb.SnapshotAsk{Room: id}}},
		{What: &roompb.Ask_Frontier{Frontier: &roompb.FrontierAsk{Room: id}}},
		{What: &roompb.Ask_Page{Page: &roompb.PageAsk{Room: id, Origin: s.alice.name, Incarnation: 1, Below: 100, Limit: 10}}},
		{What: &roompb.Ask_Page{Page: &roompb.PageAsk{Room: id, Below: 3, Limit: 10, Log: roompb.Log_LOG_STATE}}},
		{What: &roompb.Ask_Report{Report: &roompb.ReportAsk{Room: id, Event: event, Reporter: s.mallory}}},
		{What: &roompb.Ask_Steward{Steward: &roompb.StewardAsk{Room: id, Messages: [][]byte{{1}}}}},
	}
	for kind, b := range map[string]*roompb.Body{
		"join": {NodeKey: s.Public()}, "leave": {}, "kick": {Subject: s.carol.person()}, "ban": {Subject: s.carol.person()},
		"invite": {Subject: s.mallory}, "settings": {Settings: &roompb.Settings{Topic: text("x")}}, "role": {Subject: s.mallory, Role: "owner"},
		"unban": {Subject: s.carol.person()}, "nodeban": {Node: s.carol.name}, "nodeunban": {Node: s.carol.name}, "stewards": {Stewards: []string{s.carol.name}},
	} {
		out = append(out, s.proposal(id, s.mallory, kind, b))
	}
	return out
}

// questionLike is the same about a room that there is not.
func (s *stage) questionLike(q *roompb.Ask) *roompb.Ask {
	out := proto.Clone(q).(*roompb.Ask)
	m := out.ProtoReflect()
	what := m.WhichOneof(m.Descriptor().Oneofs().ByName("what"))
	of := m.Mutable(what).Message()
	of.Set(of.Descriptor().Fields().ByName("room"), valueOf(random(32)))
	return out
}

func (s *stage) resolve(alias string) *roompb.Answer {
	return s.ask(s.link, &roompb.Ask{What: &roompb.Ask_Resolve{Resolve: &roompb.ResolveAsk{Alias: alias, User: s.mallory}}})
}

// carols is a room of carol's node in which alice is, and the foe is not.
func (s *stage) carols() string {
	s.Helper()
	if s.arena.far == "" {
		r := do(s, s.carol, client.RoomCreate, &pb.RoomCreateRequest{Name: "of carol", Invite: []string{s.alice.person()}})
		s.comes(s.alice, r.Room)
		s.arena.far = r.Room
	}
	return s.arena.far
}

// invite invites a user to a room of the foe's, in somebody's name.
func (s *stage) invite(user string, by *string) *roompb.Answer {
	s.Helper()
	l, create := s.Create(s.mallory, &roompb.Body{Settings: &roompb.Settings{Name: text("come in")}})
	author := s.mallory
	if by != nil {
		author = *by
	}
	e := l.Add(author, "invite", foe.Salted(&roompb.Body{Subject: user}), nil)
	return s.ask(s.link, &roompb.Ask{What: &roompb.Ask_Invite{Invite: &roompb.InviteAsk{
		Create: create.Packet, Invite: e.Packet, Head: s.HeadOf(e, l.Room), Summary: &roompb.RoomSummary{Name: "come in", Members: 1},
		Inviter: &roompb.Profile{User: author, DisplayName: "a friend"},
	}}})
}

func (s *stage) topic() string {
	s.Helper()
	return do(s, s.alice, client.RoomGet, &pb.RoomRequest{Room: s.room}).Summary.Topic
}

func (s *stage) awaitTopic(want string) {
	s.Helper()
	within(s, patience, func() error {
		if got := s.topic(); got != want {
			return fmt.Errorf("the topic is %q, not %q", got, want)
		}
		return nil
	})
}
