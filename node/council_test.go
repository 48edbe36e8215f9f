package node

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// board is a room with an administrator on each node, ordered by the first three.
type board struct {
	*league
	id     room.ID
	people map[string]Caller
}

var four = []string{"ada.test", "bob.test", "cyd.test", "dan.test"}

func newBoard(t *testing.T) *board {
	b := &board{league: newLeague(t, four...), people: map[string]Caller{}}
	for _, name := range four {
		b.people[name] = b.user(name, "user")
	}
	s, err := b.nodes[four[0]].CreateRoom(t.Context(), b.people[four[0]], NewRoom{Alias: "garden", Name: "garden", Public: true})
	if err != nil {
		t.Fatal(err)
	}
	if b.id, err = room.ParseHash(s.Room); err != nil {
		t.Fatal(err)
	}
	for _, name := range four[1:] {
		if _, err := b.nodes[name].Join(t.Context(), b.people[name], b.id, four[0]); err != nil {
			t.Fatal(err)
		}
		b.do(b.people[four[0]], b.id, room.KindRole, &roompb.Body{Subject: string(b.people[name].User), Role: "administrator"})
	}
	b.do(b.people[four[0]], b.id, room.KindStewards, &roompb.Body{Stewards: four[:3]})
	b.agree(b.id, four...)
	return b
}

func (b *board) name(by, name string) Receipt {
	b.t.Helper()
	return b.do(b.people[by], b.id, room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Name: &name}})
}

func (b *board) state(node string) *roompb.RoomSummary {
	b.t.Helper()
	s, err := b.nodes[node].Summary(b.people[node], b.id)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// TestStewards: each node's people change the room; every entry has a majority's head.
func TestStewards(t *testing.T) {
	b := newBoard(t)
	for i, by := range append(slices.Clone(four), four...) {
		name := fmt.Sprintf("name %d", i)
		b.name(by, name)
		if got := b.state(by).Name; got != name {
			t.Errorf("%s has named the room %q and sees %q", by, name, got)
		}
	}
	b.agree(b.id, four...)
	for _, name := range four {
		if s := b.state(name); !slices.Contains(four[:3], s.Home) || s.Name != "name 7" {
			t.Errorf("%s: home %q, name %q", name, s.Home, s.Name)
		}
	}
	c, err := b.nodes[four[3]].rooms.get(b.id)
	if err != nil {
		t.Fatal(err)
	}
	head, err := b.nodes[four[3]].store.StateHead(b.id, c.stateNow().Index)
	if err != nil || len(head.GetCosignatures()) == 0 {
		t.Errorf("head %v, %v", head, err)
	}
	// A draft that the rules refuse is answered at once, wherever it is made, and not when an agreement was
	// waited for in vain. The least of some tries, as the machine does other things as well.
	for _, by := range four[1:] {
		least := agreeTimeout
		for range 5 {
			began := time.Now()
			_, err := b.submit(b.people[by], room.Draft{Room: b.id, Kind: room.KindKick, Body: &roompb.Body{Subject: string(b.people[four[0]].User)}})
			if room.CodeOf(err) != room.Forbidden {
				t.Errorf("%s kicks the creator: %v", by, err)
			}
			least = min(least, time.Since(began))
		}
		if least > time.Second {
			t.Errorf("%s is refused after %v", by, least)
		}
	}
}

// TestHomeGoneForGood: the node that made the room dies and never comes back; the rules
// are kept and changed by the others with nobody doing anything.
func TestHomeGoneForGood(t *testing.T) {
	b := newBoard(t)
	b.name(four[0], "before")
	b.do(b.people[four[0]], b.id, room.KindRole, &roompb.Body{Subject: string(b.people[four[3]].User), Role: "member"})
	b.agree(b.id, four...)
	b.kill(four[0])
	began := time.Now()
	b.do(b.people[four[1]], b.id, room.KindKick, &roompb.Body{Subject: string(b.people[four[3]].User)})
	t.Logf("the first change without the home took %v", time.Since(began).Round(time.Millisecond))
	b.name(four[2], "after")
	b.agree(b.id, four[1:3]...)
	if s := b.state(four[1]); s.Name != "after" || s.Members != 3 || s.Home == four[0] {
		t.Errorf("name %q, %d members, home %q", s.Name, s.Members, s.Home)
	}
	// Somebody new comes in by a steward that is left, and a new steward takes the place.
	id, dan := b.id, b.people[four[3]]
	b.soon("who was kicked knows", func() bool {
		c, err := b.nodes[four[3]].rooms.get(id)
		return err == nil && !c.takesPart()
	})
	if _, err := b.nodes[four[3]].Join(t.Context(), dan, id, ""); err != nil {
		t.Fatal(err)
	}
	b.do(b.people[four[2]], b.id, room.KindStewards, &roompb.Body{Stewards: four[1:]})
	b.agree(b.id, four[1:]...)
	b.kill(four[1])
	b.name(four[2], "by two others")
	b.agree(b.id, four[2:]...)
	// One alone again: it signs alone, though it did not make the room.
	b.do(b.people[four[2]], b.id, room.KindStewards, &roompb.Body{Stewards: four[2:3]})
	b.do(b.people[four[3]], b.id, room.KindLeave, nil)
	b.name(four[2], "by one")
	if s := b.state(four[2]); s.Home != four[2] || s.Name != "by one" || s.Members != 3 {
		t.Errorf("home %q, name %q", s.Home, s.Name)
	}
}

// TestNoMajority: what cannot be agreed on waits and comes about when it can be, once.
func TestNoMajority(t *testing.T) {
	b := newBoard(t)
	b.name(four[1], "before")
	b.agree(b.id, four...)
	b.kill(four[0])
	b.kill(four[1])
	name := "later"
	r, err := b.submit(b.people[four[2]], room.Draft{Room: b.id, Kind: room.KindSettings, Body: &roompb.Body{Settings: &roompb.Settings{Name: &name}}, Key: "k1"})
	if err != nil || !r.Waiting {
		t.Fatalf("without a majority: %v, waiting %v", err, r.Waiting)
	}
	if _, err := b.submit(b.people[four[2]], room.Draft{Room: b.id, Kind: room.KindText, Body: &roompb.Body{Text: "talk goes on"}}); err != nil {
		t.Fatal(err)
	}
	index := b.state(four[2]).StateIndex
	b.start(four[1])
	b.nodes[four[2]].PeerUp(four[1])
	b.soon("the change", func() bool { return b.state(four[2]).Name == name })
	b.agree(b.id, four[1:3]...)
	again, err := b.submit(b.people[four[2]], room.Draft{Room: b.id, Kind: room.KindSettings, Body: &roompb.Body{Settings: &roompb.Settings{Name: &name}}, Key: "k1"})
	if err != nil || b.state(four[2]).StateIndex != index+1 || again.Index != index+1 {
		t.Errorf("asked again: %v, entry %d, was %d", err, again.Index, index)
	}
}

// TestRepeatedDraft: who asks again after the leader died is told of the first time.
func TestRepeatedDraft(t *testing.T) {
	b := newBoard(t)
	name := "once"
	draft := room.Draft{Room: b.id, Kind: room.KindSettings, Body: &roompb.Body{Settings: &roompb.Settings{Name: &name}}, Key: "k1"}
	first, err := b.submit(b.people[four[1]], draft)
	if err != nil {
		t.Fatal(err)
	}
	b.agree(b.id, four...)
	lead := b.state(four[1]).Home
	if lead == four[1] {
		lead = four[0]
	}
	b.kill(lead)
	draft.Body = &roompb.Body{Settings: &roompb.Settings{Name: &name}}
	again, err := b.submit(b.people[four[1]], draft)
	if err != nil || again.Event != first.Event {
		t.Errorf("first %v, again %v, %v", first.Event, again.Event, err)
	}
}

// TestManyAtOnce: everybody changes the room at the same time, and every change is there.
func TestManyAtOnce(t *testing.T) {
	b := newBoard(t)
	var all sync.WaitGroup
	index := b.state(four[0]).StateIndex
	const each = 10
	for _, by := range four {
		all.Go(func() {
			for i := range each {
				name := fmt.Sprintf("%s %d", by, i)
				r, err := b.submit(b.people[by], room.Draft{Room: b.id, Kind: room.KindSettings, Body: &roompb.Body{Settings: &roompb.Settings{Name: &name}}})
				if err != nil || r.Waiting {
					t.Errorf("%s: %v, waiting %v", name, err, r.Waiting)
				}
			}
		})
	}
	all.Wait()
	b.agree(b.id, four...)
	if now := b.state(four[0]).StateIndex; now != index+4*each {
		t.Errorf("%d entries of %d", now-index, 4*each)
	}
}

// TestStewardRestarts: stewards that stop and start go on where they were.
func TestStewardRestarts(t *testing.T) {
	b := newBoard(t)
	for i := range 6 {
		b.name(four[(i+1)%3], fmt.Sprintf("name %d", i))
		down := four[i%3]
		b.kill(down)
		b.name(four[(i+1)%3], fmt.Sprintf("without %s", down))
		b.start(down)
	}
	b.name(four[3], "at last")
	b.agree(b.id, four...)
}

// TestQuietCouncil: nothing is sent, and nothing runs, in a room whose state stays.
func TestQuietCouncil(t *testing.T) {
	b := newBoard(t)
	b.name(four[1], "quiet")
	b.agree(b.id, four...)
	quiet := func() bool {
		for _, name := range four[:3] {
			k := b.nodes[name].councils.of(b.id)
			k.mu.Lock()
			busy := k.running
			for _, bag := range k.post {
				busy = busy || bag.busy
			}
			k.mu.Unlock()
			if busy {
				return false
			}
		}
		return true
	}
	asks := func() int {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.asks
	}
	b.soon("a while in which nothing is asked", func() bool { // what the last change has set going may take its time
		before := asks()
		time.Sleep(20 * tick)
		return quiet() && asks() == before
	})
}

// TestStewardsInBadWeather: stewards are cut off and restarted while everybody changes the
// room. Every change that was acknowledged is there once, whoever asked how often.
func TestStewardsInBadWeather(t *testing.T) {
	b := newBoard(t)
	const each = 12
	var talking sync.WaitGroup
	acked := make(chan string, 4*each)
	for _, by := range four {
		talking.Go(func() {
			for i := range each {
				key := fmt.Sprintf("%s %d", by, i)
				for !b.tries(by, key) {
					time.Sleep(20 * time.Millisecond) // as a client does
				}
				acked <- key
			}
		})
	}
	stop := make(chan struct{})
	weather := make(chan struct{})
	go func() {
		defer close(weather)
		b.weather(stop)
	}()
	talking.Wait()
	close(stop)
	<-weather
	close(acked)
	b.name(four[3], "the sun")
	b.agree(b.id, four...)
	count := b.keys(four[1])
	for key := range acked {
		if count[key] != 1 {
			t.Errorf("%q is in the log %d times", key, count[key])
		}
	}
}

// tries changes the room's name once; false: not acknowledged.
func (b *board) tries(by, key string) bool {
	n := b.reach(by, by)
	if n == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Second)
	defer cancel()
	r, err := n.Submit(ctx, room.Draft{Room: b.id, Author: b.people[by].User, Kind: room.KindSettings, Body: &roompb.Body{Settings: &roompb.Settings{Name: &key}}, Key: key})
	return err == nil && !r.Waiting
}

// weather kills, starts and cuts off stewards, never most of them at once.
func (b *board) weather(stop <-chan struct{}) {
	for i := 0; ; i++ {
		down, cut := four[i%3], i%2 == 0
		select {
		case <-stop:
			return
		case <-time.After(60 * time.Millisecond):
		}
		if cut {
			for _, other := range four {
				b.sever(down, other, other != down)
			}
		} else {
			b.kill(down)
		}
		time.Sleep(150 * time.Millisecond)
		if cut {
			for _, other := range four {
				b.sever(down, other, false)
			}
		} else {
			b.start(down)
		}
	}
}

// keys is how often each key is in a node's state log.
func (b *board) keys(node string) map[string]int {
	b.t.Helper()
	recs, err := b.nodes[node].store.Log(b.id, roompb.Log_LOG_STATE, "", 0, 2, 0, 10_000, 64<<20)
	if err != nil {
		b.t.Fatal(err)
	}
	out := map[string]int{}
	for i := range recs {
		if key := recs[i].Event.Body.GetKey(); key != "" {
			out[key]++
		}
	}
	return out
}
