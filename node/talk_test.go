package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

func TestTalk(t *testing.T) {
	w := newWorld(t)
	ann, ben := w.user("ann"), w.user("ben")
	garden := w.room(ann, "garden")
	w.do(ben, garden, room.KindJoin, nil)
	r := w.follow(ben, FollowOptions{})

	hello := w.say(ann, garden, "hello @ben and @nobody")
	w.do(ben, garden, room.KindReact, &roompb.Body{Target: hello.Event.Bytes(), Emoji: "👍"})
	w.do(ann, garden, room.KindEdit, &roompb.Body{Target: hello.Event.Bytes(), Text: "hello, all"})
	reply := w.do(ben, garden, room.KindText, &roompb.Body{Text: "in a thread", Thread: hello.Event.Bytes(), ReplyTo: hello.Event.Bytes()})
	r.drain()

	items := r.items[garden.String()]
	if len(items) != 4 {
		t.Fatalf("%d items, want 4", len(items))
	}
	last := items[3].Target
	if last.Text != "hello, all" || last.ThreadReplies != 1 || last.Edits != 1 || len(last.Reactions) != 1 || last.Reactions[0].Users[0] != "ben@node.test" {
		t.Errorf("the message as it stands: %v", last)
	}
	if !slices.Equal(items[0].Event.Mentions, []string{"ben@node.test"}) {
		t.Errorf("mentions: %v", items[0].Event.Mentions)
	}
	h := w.history(ben, HistoryQuery{Room: garden})
	var lines []string
	for _, e := range h.Events {
		lines = append(lines, e.Kind+":"+e.Text)
	}
	if got := strings.Join(lines, " "); got != "create: join: text:hello, all" {
		t.Errorf("timeline: %s", got)
	}
	thread := w.history(ben, HistoryQuery{Room: garden, Thread: hello.Event})
	if len(thread.Events) != 2 || thread.Events[1].Id != reply.Event.String() || thread.Events[1].Quote.GetText() != "hello, all" {
		t.Errorf("thread: %v", thread.Events)
	}
	editions, err := w.EditHistory(ben, garden, hello.Event)
	if err != nil || len(editions) != 2 || editions[0].Text != "hello @ben and @nobody" {
		t.Errorf("editions: %v %v", editions, err)
	}

	w.refused(room.Forbidden, ben, garden, room.KindDelete, &roompb.Body{Target: hello.Event.Bytes()})
	w.do(ann, garden, room.KindPin, &roompb.Body{Target: hello.Event.Bytes()})
	w.do(ann, garden, room.KindDelete, &roompb.Body{Target: hello.Event.Bytes()})
	w.refused(room.Gone, ann, garden, room.KindEdit, &roompb.Body{Target: hello.Event.Bytes(), Text: "again"})
	w.restart()
	h = w.history(ben, HistoryQuery{Room: garden, Around: hello.Event})
	gone := h.Events[slices.IndexFunc(h.Events, func(e *roompb.Event) bool { return e.Id == hello.Event.String() })]
	if !gone.Deleted || gone.Text != "" || gone.Pinned || gone.ThreadReplies != 1 {
		t.Errorf("deleted: %v", gone)
	}
	if _, err := w.EditHistory(ben, garden, hello.Event); room.CodeOf(err) != room.Gone {
		t.Errorf("editions of a deleted message: %v", err)
	}
}

// TestKeyIsAnsweredOnce: a repeated key gives the first answer, at once, in the same
// batch, and after a restart.
func TestKeyIsAnsweredOnce(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	garden := w.room(ann, "garden")
	draft := func() room.Draft {
		return room.Draft{Room: garden, Author: ann.User, Kind: room.KindText, Body: &roompb.Body{Text: "once"}, Key: "k1"}
	}
	var waits []func(context.Context) (Receipt, error)
	for range 20 {
		waits = append(waits, w.SubmitAsync(draft()))
	}
	ids := map[room.EventID]bool{}
	for _, wait := range waits {
		r, err := wait(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		ids[r.Event] = true
	}
	w.restart()
	r, err := w.Submit(context.Background(), draft())
	ids[r.Event] = true
	if err != nil || len(ids) != 1 {
		t.Fatalf("one key, %d events, %v", len(ids), err)
	}
	if got := len(w.history(ann, HistoryQuery{Room: garden}).Events); got != 2 {
		t.Fatalf("%d events in the timeline, want create and one text", got)
	}
}

// TestFollowersSeeEverythingOnce: writers write, readers come and go with their cursors,
// take what they can carry, and each gets every message once, in one order.
func TestFollowersSeeEverythingOnce(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	garden := w.room(ann, "garden")
	const writers, each = 8, 400
	var users []Caller
	for i := range writers {
		u := w.user(fmt.Sprintf("user%d", i))
		w.do(u, garden, room.KindJoin, nil)
		users = append(users, u)
	}
	start := w.summary(ann, garden).HeadPos
	done := make(chan struct{})
	var writing, reading sync.WaitGroup
	results := make([][]string, 6)
	for i := range results {
		reading.Go(func() { results[i] = restless(w, users[i], garden, start, uint64(writers*each), done, int64(i)) })
	}
	for i, u := range users {
		writing.Go(func() {
			var waits []func(context.Context) (Receipt, error)
			for k := range each {
				waits = append(waits, w.SubmitAsync(room.Draft{Room: garden, Author: u.User, Kind: room.KindText, Body: &roompb.Body{Text: fmt.Sprintf("%d %d", i, k)}}))
				if k%50 == 49 {
					for _, wait := range waits {
						if _, err := wait(context.Background()); err != nil {
							t.Error(err)
						}
					}
					waits = nil
				}
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
	for i, got := range results {
		if !slices.Equal(got, results[0]) {
			t.Fatalf("reader %d saw another order than reader 0: %d and %d items", i, len(got), len(results[0]))
		}
	}
	next := map[string]int{}
	for _, text := range results[0] {
		var who, k int
		fmt.Sscanf(text, "%d %d", &who, &k)
		if key := fmt.Sprint(who); next[key] != k {
			t.Fatalf("writer %d: message %d came where %d was due", who, k, next[key])
		} else {
			next[key]++
		}
	}
	if len(results[0]) != writers*each {
		t.Fatalf("%d messages of %d", len(results[0]), writers*each)
	}
}

// restless follows, breaks off at random and resumes, until it has what was written.
func restless(w *world, u Caller, id room.ID, cursor, count uint64, done chan struct{}, seed int64) []string {
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	var texts []string
	end := cursor + count
	for cursor < end {
		f, err := w.Follow(u, FollowOptions{Cursors: map[room.ID]uint64{id: cursor}})
		if err != nil {
			w.t.Error(err)
			return nil
		}
		for range 1 + rng.IntN(30) {
			b, err := f.Next(1 + rng.IntN(20_000))
			if err != nil {
				w.t.Error(err)
				break
			}
			for _, ri := range b.Rooms {
				for _, raw := range ri.Items {
					item := new(roompb.Item)
					if err := proto.Unmarshal(raw, item); err != nil {
						w.t.Error(err)
					}
					if item.Event.Pos != cursor+1 {
						w.t.Errorf("pos %d came after %d", item.Event.Pos, cursor)
					}
					cursor = item.Event.Pos
					texts = append(texts, item.Event.Text)
				}
			}
			if b.Empty() && cursor < end {
				select {
				case <-f.Wake():
				case <-done:
				}
			}
		}
		f.Close()
	}
	return texts
}

func TestGapAfterTooLong(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	garden := w.room(ann, "garden")
	for _, text := range numbered(0, 2*ringSteps) {
		w.SubmitAsync(room.Draft{Room: garden, Author: ann.User, Kind: room.KindText, Body: &roompb.Body{Text: text}})
		if len(text) > 2 && strings.HasSuffix(text, "00") {
			w.say(ann, garden, "wait")
		}
	}
	w.say(ann, garden, "end")
	short := w.follow(ann, FollowOptions{Cursors: map[room.ID]uint64{garden: 3}, MaxBacklog: 100})
	short.drain()
	if short.gaps != 1 || len(short.texts(garden)) != 0 {
		t.Errorf("%d gaps, %d texts; want a gap and nothing else", short.gaps, len(short.texts(garden)))
	}
	w.say(ann, garden, "after the gap")
	short.drain()
	if got := short.texts(garden); !slices.Equal(got, []string{"after the gap"}) {
		t.Errorf("after the gap: %v", got)
	}
	all := w.follow(ann, FollowOptions{Cursors: map[room.ID]uint64{garden: 3}})
	all.drain()
	if head := w.summary(ann, garden).HeadPos; uint64(len(all.items[garden.String()])) != head-3 {
		t.Errorf("%d items, want all %d", len(all.items[garden.String()]), head-3)
	}
	beyond := w.follow(ann, FollowOptions{Cursors: map[room.ID]uint64{garden: 1 << 40}})
	beyond.drain()
	if beyond.gaps != 1 {
		t.Error("a cursor from another life is no gap")
	}
}

// TestUnreadOnAllDevices: counts follow from the read position alone, on every device,
// and a client that applies the rule to what it receives has the same.
func TestUnreadOnAllDevices(t *testing.T) {
	w := newWorld(t)
	ann, ben := w.user("ann"), w.user("ben")
	garden := w.room(ann, "garden")
	w.do(ben, garden, room.KindJoin, nil)
	phone, desk := w.follow(ben, FollowOptions{}), w.follow(ben, FollowOptions{})
	check := func(what string, unread, mentions uint32) {
		t.Helper()
		s := w.summary(ben, garden)
		if s.Unread != unread || s.Mentions != mentions {
			t.Errorf("%s: %d unread, %d mentions; want %d, %d", what, s.Unread, s.Mentions, unread, mentions)
		}
	}
	check("after joining", 0, 0)
	w.say(ann, garden, "one")
	two := w.say(ann, garden, "two @ben")
	w.say(ann, garden, "three @room")
	w.do(ann, garden, room.KindText, &roompb.Body{Text: "silent", Silent: true})
	check("after three", 3, 2)
	if err := w.Read(context.Background(), ben, garden, two.Pos); err != nil {
		t.Fatal(err)
	}
	check("after reading two", 1, 1)
	if err := w.Read(context.Background(), ben, garden, 1); err != nil {
		t.Fatal(err)
	}
	check("reading never goes back", 1, 1)
	w.settle(garden)
	phone.drain()
	desk.drain()
	for name, r := range map[string]*reader{"phone": phone, "desk": desk} {
		if s := r.rooms[garden.String()]; s == nil || s.Unread != 1 || s.Mentions != 1 {
			t.Errorf("%s was told %v", name, s)
		}
	}
	w.say(ben, garden, "mine")
	check("after my own", 0, 0)
	w.restart()
	check("after a restart", 0, 0)
	carl := w.user("carl")
	w.do(carl, garden, room.KindJoin, nil)
	if s := w.summary(carl, garden); s.Unread != 0 || s.Mentions != 0 || s.ReadPos != s.HeadPos {
		t.Errorf("who joins has %d unread, %d mentions", s.Unread, s.Mentions)
	}
	w.say(ann, garden, "four")
	check("after one more", 1, 0)
	if s := w.summary(ann, garden); s.Unread != 0 {
		t.Errorf("one's own message is unread: %d", s.Unread)
	}
}

func TestKickedAtOnce(t *testing.T) {
	w := newWorld(t)
	ann, ben := w.user("ann"), w.user("ben")
	garden := w.room(ann, "garden")
	w.do(ben, garden, room.KindJoin, nil)
	r := w.follow(ben, FollowOptions{})
	w.do(ann, garden, room.KindBan, &roompb.Body{Subject: string(ben.User), Reason: "spam"})
	w.say(ann, garden, "he is gone")
	r.drain()
	if got := r.texts(garden); len(got) != 0 {
		t.Errorf("a banned member still hears %v", got)
	}
	if s := r.rooms[garden.String()]; s.GetMembership() != "leave" {
		t.Errorf("the session was not told: %v", s)
	}
	w.refused(room.Forbidden, ben, garden, room.KindText, &roompb.Body{Text: "but"})
	w.refused(room.Forbidden, ben, garden, room.KindJoin, nil)
	if _, err := w.History(t.Context(), ben, HistoryQuery{Room: garden}); room.CodeOf(err) != room.NotFound {
		t.Errorf("a banned member reads: %v", err)
	}
}

func TestDirect(t *testing.T) {
	w := newWorld(t)
	ann, ben := w.user("ann"), w.user("ben")
	r := w.follow(ben, FollowOptions{})
	var rooms sync.Map
	var both sync.WaitGroup
	for _, pair := range [][2]Caller{{ann, ben}, {ben, ann}, {ann, ben}} {
		both.Go(func() {
			s, err := w.Direct(context.Background(), pair[0], pair[1].User)
			if err != nil {
				t.Error(err)
				return
			}
			rooms.Store(s.Room, s)
		})
	}
	both.Wait()
	n := 0
	var id room.ID
	rooms.Range(func(k, _ any) bool { n++; id, _ = room.ParseHash(k.(string)); return true })
	if n != 1 {
		t.Fatalf("a pair has %d rooms", n)
	}
	w.say(ann, id, "psst")
	r.drain()
	if got := r.texts(id); !slices.Equal(got, []string{"psst"}) {
		t.Errorf("ben hears %v", got)
	}
	if s := w.summary(ben, id); s.Direct != string(ann.User) {
		t.Errorf("ben's room is with %q", s.Direct)
	}
	w.do(ben, id, room.KindLeave, nil)
	s, err := w.Direct(context.Background(), ann, ben.User)
	if err != nil || s.Room != id.String() {
		t.Errorf("after leaving: %v %v", s, err)
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	garden := w.room(ann, "garden")
	var mid Receipt
	for i := range 300 {
		w.clock.ms.Add(1000)
		r := w.say(ann, garden, fmt.Sprint(i))
		if i == 150 {
			mid = r
		}
	}
	var got []string
	var before room.EventID
	for {
		h := w.history(ann, HistoryQuery{Room: garden, Before: before, Limit: 37})
		var page []string
		for _, e := range h.Events {
			if e.Kind == "text" {
				page = append(page, e.Text)
			}
		}
		got = append(page, got...)
		if !h.MoreBefore {
			break
		}
		before, _ = room.ParseHash(h.Events[0].Id)
	}
	if !slices.Equal(got, numbered(0, 300)) {
		t.Errorf("pages backwards: %d messages", len(got))
	}
	around := w.history(ann, HistoryQuery{Room: garden, Around: mid.Event, Limit: 10})
	if len(around.Events) != 10 || around.Events[5].Text != "150" || !around.MoreAfter || !around.MoreBefore {
		t.Errorf("around: %d events, %v", len(around.Events), around.Events)
	}
	from := w.history(ann, HistoryQuery{Room: garden, Date: mid.Time, Limit: 3})
	if len(from.Events) != 3 || from.Events[0].Text != "150" || !from.MoreBefore {
		t.Errorf("by date: %v", from.Events)
	}
	last, _ := room.ParseHash(from.Events[2].Id)
	after := w.history(ann, HistoryQuery{Room: garden, After: last, Limit: 200})
	if len(after.Events) != 147 || after.Events[0].Text != "153" || after.MoreAfter {
		t.Errorf("after: %d events, more %v", len(after.Events), after.MoreAfter)
	}
}

func TestEndDevices(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	r := w.follow(ann, FollowOptions{})
	w.EndDevices(ann.User, "another")
	r.drain()
	if r.ended != nil {
		t.Fatalf("another device's end ended this one: %v", r.ended)
	}
	w.EndDevices(ann.User, ann.Device)
	r.drain()
	if room.CodeOf(r.ended) != room.Unauthenticated {
		t.Fatalf("ended with %v", r.ended)
	}
}
