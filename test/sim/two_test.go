package sim

import (
	"os"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

var verbose = os.Getenv("TRACE") != ""

// inBubble runs one simulation.
func inBubble(t *testing.T, seed uint64, nodes int, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, seed)
		w := newWorld(t, seed, nodes)
		defer w.close()
		f(w)
	})
}

// create makes a public room.
func (p *person) create(alias string) room.ID {
	p.h.w.t.Helper()
	var s *roompb.RoomSummary
	var err error
	p.h.w.wait(func() {
		s, err = p.h.CreateRoom(p.h.ctx, p.Caller, node.NewRoom{Alias: alias, Name: alias, Public: true})
	})
	if err != nil {
		p.h.w.fail("%s creates #%s: %v", p.User, alias, err)
	}
	id, _ := room.ParseHash(s.Room)
	return id
}

func (p *person) join(id room.ID, via *host) error {
	var err error
	p.h.w.wait(func() { _, err = p.h.Join(p.h.ctx, p.Caller, id, via.name) })
	return err
}

func (p *person) do(id room.ID, k room.Kind, b *roompb.Body) (r node.Receipt, err error) {
	p.h.w.wait(func() { r, err = p.h.Submit(p.h.ctx, room.Draft{Room: id, Author: p.User, Kind: k, Body: b}) })
	p.h.w.note("%s %s: %v %v", p.User, k, r.Event, err)
	return r, err
}

// must do it.
func (p *person) must(id room.ID, k room.Kind, b *roompb.Body) node.Receipt {
	p.h.w.t.Helper()
	r, err := p.do(id, k, b)
	if err != nil {
		p.h.w.fail("%s %s: %v", p.User, k, err)
	}
	return r
}

func (p *person) say(id room.ID, text string) node.Receipt {
	p.h.w.t.Helper()
	return p.must(id, room.KindText, &roompb.Body{Text: text})
}

func TestTwoNodesTalk(t *testing.T) {
	inBubble(t, 1, 2, func(w *world) {
		a, b := w.hosts[0], w.hosts[1]
		ann, ben, bea := a.user("ann"), b.user("ben"), b.user("bea")
		w.run(2*time.Second, nil)
		garden := ann.create("garden")
		first := ann.say(garden, "is anybody there?")
		if err := ben.join(garden, a); err != nil {
			w.fail("ben joins: %v", err)
		}
		answer := ben.say(garden, "I am")
		w.agree(garden)
		ben.must(garden, room.KindReact, &roompb.Body{Target: first.Event.Bytes(), Emoji: "👍"})
		ben.must(garden, room.KindEdit, &roompb.Body{Target: answer.Event.Bytes(), Text: "I am here"})
		ann.must(garden, room.KindReact, &roompb.Body{Target: answer.Event.Bytes(), Emoji: "🎉"})
		ann.must(garden, room.KindText, &roompb.Body{Thread: first.Event.Bytes(), Text: "a thread"})
		w.agree(garden)
		if err := bea.join(garden, a); err != nil {
			w.fail("bea joins: %v", err)
		}
		bea.say(garden, "me too")
		w.agree(garden)
		ann.must(garden, room.KindKick, &roompb.Body{Subject: string(bea.User)})
		w.agree(garden)
		if _, err := bea.do(garden, room.KindText, &roompb.Body{Text: "still?"}); err == nil {
			w.fail("bea was kicked and speaks")
		}
		ann.must(garden, room.KindRole, &roompb.Body{Subject: string(ben.User), Role: "moderator"})
		ben.must(garden, room.KindBan, &roompb.Body{Subject: string(bea.User)})
		w.agree(garden)
		if err := bea.join(garden, a); err == nil {
			w.fail("bea is banned and joins")
		}
		ann.must(garden, room.KindDelete, &roompb.Body{Target: first.Event.Bytes()})
		w.agree(garden)
		ann.must(garden, room.KindBan, &roompb.Body{Subject: string(ben.User)})
		w.run(5*time.Second, nil)
		if _, err := ben.do(garden, room.KindText, &roompb.Body{Text: "still?"}); err == nil {
			w.fail("ben is banned and speaks")
		}
	})
}

func TestThreeNodesPartAndHeal(t *testing.T) {
	inBubble(t, 2, 3, func(w *world) {
		a, b, c := w.hosts[0], w.hosts[1], w.hosts[2]
		ann, ben, cal, cat := a.user("ann"), b.user("ben"), c.user("cal"), c.user("cat")
		w.run(2*time.Second, nil)
		garden := ann.create("garden")
		for _, p := range []*person{ben, cal, cat} {
			if err := p.join(garden, a); err != nil {
				w.fail("%s joins: %v", p.User, err)
			}
		}
		ann.must(garden, room.KindRole, &roompb.Body{Subject: string(ben.User), Role: "administrator"})
		w.agree(garden)
		w.net.part(a, c)
		w.net.part(b, c)
		cal.say(garden, "anybody?")
		w.run(30*time.Second, nil)
		cal.say(garden, "nobody")
		ann.say(garden, "cal is away")
		ben.must(garden, room.KindBan, &roompb.Body{Subject: string(cal.User)})
		cal.say(garden, "who is talking about me?") // does not know yet
		cat.say(garden, "not me")
		if r, err := cat.do(garden, room.KindLeave, nil); err != nil || !r.Waiting {
			w.fail("cat leaves while cut off: %v %+v", err, r)
		}
		if _, err := cat.do(garden, room.KindText, &roompb.Body{Text: "still here"}); err == nil {
			w.fail("cat left and speaks")
		}
		w.net.heal()
		w.agree(garden)
		w.run(60*time.Second, nil)
		w.agree(garden)
		for _, h := range w.hosts {
			h.verify()
		}
		h := ann.timeline(garden)
		t.Log(len(h))
	})
}

func TestRestartsAndCrashes(t *testing.T) {
	inBubble(t, 3, 3, func(w *world) {
		a, b, c := w.hosts[0], w.hosts[1], w.hosts[2]
		ann, ben, cal := a.user("ann"), b.user("ben"), c.user("cal")
		w.run(2*time.Second, nil)
		garden := ann.create("garden")
		for _, p := range []*person{ben, cal} {
			if err := p.join(garden, a); err != nil {
				w.fail("%s joins: %v", p.User, err)
			}
		}
		for i, p := range []*person{ann, ben, cal} {
			p.say(garden, "one")
			p.h.crash()
			p.h.start()
			ben.say(garden, "two")
			if i == 1 {
				p.h.crash()
				p.h.start()
			}
			p.say(garden, "three")
			w.agree(garden)
		}
		for _, h := range w.hosts {
			h.verify()
		}
	})
}
