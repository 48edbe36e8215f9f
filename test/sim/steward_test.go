package sim

import (
	"slices"
	"testing"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// TestStewards: a room whose state several nodes agree on, while they crash, restart, are
// cut off and change. All end with the same state, nothing acknowledged is lost, and then
// the death of any minority of them stops nothing.
func TestStewards(t *testing.T) {
	seeds(t, 24, func(t *testing.T, seed uint64) {
		inBubble(t, seed, 5, func(w *world) {
			s := newScript(w, 2, 1, 0)
			r := s.rooms[0]
			s.appoint(r, 3+2*int(seed%2))
			w.net.loss, w.net.snaps, w.net.doubles = 0.1*w.rng.Float64(), 0.01*w.rng.Float64(), 0.1*w.rng.Float64()
			w.net.most = w.between(5*time.Millisecond, 200*time.Millisecond)
			s.play(60+w.rng.IntN(60), slices.Concat(cutsAndSnaps, crashes, stewardsInTrouble))
			s.settle()
			s.outlive(r)
			if seed%5 == 0 {
				for _, h := range w.hosts {
					h.verify()
				}
			}
		})
	})
}

// appoint makes so many nodes stewards of a room, in which somebody of each is.
func (s *script) appoint(r *roomPlay, most int) {
	s.t.Helper()
	_, state, _ := s.home(r.id)
	for _, h := range s.hosts {
		if h.memberOf(state) == nil {
			if err := h.people[0].join(r.id, r.creator.h); err != nil {
				s.fail("%s joins: %v", h.people[0].User, err)
			}
		}
	}
	names := []string{r.creator.h.name}
	for _, i := range s.rng.Perm(len(s.hosts)) {
		if h := s.hosts[i]; h != r.creator.h && len(names) < most {
			names = append(names, h.name)
		}
	}
	r.creator.must(r.id, room.KindStewards, &roompb.Body{Stewards: names})
	s.note("the stewards are %v", names)
}

// steward is one of a room's stewards, whether it runs or not.
func (s *script) steward(r *roomPlay) *host {
	_, state, _ := s.home(r.id)
	names := state.GetStewards()
	if len(names) == 0 { // nobody is up who would know
		return r.creator.h
	}
	return s.called(names[s.rng.IntN(len(names))])
}

func (s *script) called(name string) *host {
	return s.hosts[slices.IndexFunc(s.hosts, func(h *host) bool { return h.name == name })]
}

var stewardsInTrouble = []mishap{
	{0.04, func(s *script) {
		if h := s.steward(s.rooms[0]); h.up() {
			s.note("the steward %s loses power", h.name)
			h.crash()
			s.startLater(h)
		}
	}},
	{0.03, func(s *script) {
		h := s.steward(s.rooms[0])
		s.note("the steward %s is cut off from all", h.name)
		for _, o := range s.hosts {
			s.net.part(h, o)
		}
		s.after(s.between(time.Second, 40*time.Second), func() {
			for _, o := range s.hosts {
				s.net.mend(h, o)
			}
		})
	}},
	{0.03, func(s *script) {
		var names []string
		for _, i := range s.rng.Perm(len(s.hosts))[:1+s.rng.IntN(len(s.hosts))] {
			names = append(names, s.hosts[i].name)
		}
		s.try(s.anybody(), s.rooms[0], room.KindStewards, &roompb.Body{Stewards: names})
	}},
}

// outlive: of each minority of the stewards, one after the other in random order, all die;
// what the others' people do to the room is done, and known to those that come back.
func (s *script) outlive(r *roomPlay) {
	s.t.Helper()
	_, state, _ := s.home(r.id)
	names := state.GetStewards()
	s.run(40*time.Second, nil) // no start or mending is due any more
	for range 2 {
		dead := map[string]bool{}
		for _, i := range s.rng.Perm(len(names))[:(len(names)-1)/2] {
			dead[names[i]] = true
		}
		s.note("the stewards %v die of %v", dead, names)
		for name := range dead {
			s.called(name).crash()
		}
		if p := s.ruler(r, dead); p != nil {
			topic := s.text(p)
			begun := time.Now()
			receipt := p.must(r.id, room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Topic: &topic}})
			if receipt.Waiting {
				s.fail("%s's change of the topic waits after %v, and %v of %v are dead", p.User, time.Since(begun), dead, names)
			}
			p.must(r.id, room.KindText, &roompb.Body{Text: s.text(p)})
		}
		for name := range dead {
			s.called(name).start()
		}
		s.agree(r.id)
	}
	s.keepPromises(r)
}

// ruler is somebody who lives and may change the room's topic.
func (s *script) ruler(r *roomPlay, dead map[string]bool) *person {
	_, state, _ := s.home(r.id)
	for _, m := range state.GetMembers() {
		u := room.User(m.GetUser())
		if m.GetMembership() != "join" || dead[u.Node()] || room.Role(m.GetRole()) < room.RoleAdministrator && u != r.creator.User {
			continue
		}
		for _, p := range s.people {
			if p.User == u {
				return p
			}
		}
	}
	return nil
}
