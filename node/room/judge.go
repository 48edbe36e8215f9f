package room

import (
	"hearth/node/room/roompb"
)

// Outcome is what becomes of a received event. The zero Outcome is none.
type Outcome int8

const (
	Valid Outcome = iota + 1
	Void          // kept, for the chain's sake, and shown to nobody
	Wait          // it cites a state index that is not known yet, or its author's page is not
)

// Verdict is an Outcome and, unless it is Valid, why.
type Verdict struct {
	Outcome Outcome
	Reason  error
}

func void(reason error) Verdict { return Verdict{Void, reason} }

// Judge decides about an event of a log of messages, whoever wrote it and whenever it
// comes. It is a pure function of the event and the state log: all who have the same
// log come to the same verdict, and what is void stays void however the log goes on.
// For events about another event see JudgeTarget too.
func (s *State) Judge(e *Event) Verdict {
	facts, ok := kinds[e.Kind()]
	switch {
	case !ok || facts.log != roompb.Log_LOG_MESSAGES || e.Header.GetLog() != roompb.Log_LOG_MESSAGES:
		return void(Errorf(BadRequest, "%q is not a kind of message that this node knows.", clip(string(e.Kind()), 40)))
	case e.Room() != s.ID:
		return void(Errorf(BadRequest, "The message is of another room."))
	case e.Header.GetOrigin() != e.Author().Node():
		return void(Errorf(BadRequest, "%s wrote a message for a user of another node.", clip(e.Header.GetOrigin(), 80)))
	}
	if e.Body != nil {
		if err := CheckBody(e.Kind(), e.Body); err != nil {
			return void(err)
		}
	}
	if index := e.Header.GetStateIndex(); index > s.Index {
		return Verdict{Wait, Errorf(Unavailable, "The message was written under entry %d of the room's rules; %d are known.", index, s.Index)}
	}
	if s.Lacks(e.Author()) {
		return Verdict{Wait, Errorf(Unavailable, "How %s stands in this room is not known here yet.", e.Author())}
	}
	if err := s.allowed(e, facts.right); err != nil {
		return void(err)
	}
	return Verdict{Outcome: Valid}
}

// allowed says why the author of e had no right to it, or nil: by the standing under the
// entry that e cites, and by every later one that e came too late for.
func (s *State) allowed(e *Event, r Right) error {
	u, index := e.Author(), e.Header.GetStateIndex()
	if !s.allows(u, s.standingAt(u, index), r) {
		return Errorf(Forbidden, "%s had no right to that when it was written.", u)
	}
	past := s.past[u]
	for i, p := range past {
		if p.GetUntil() <= index || !p.GetCut() || !beyond(p.GetCuts(), e) {
			continue
		}
		if !s.allows(u, s.after(u, past[i:]), r) {
			return Errorf(Forbidden, "%s lost the right to that before the message had reached the room's home.", u)
		}
	}
	return nil
}

// after is how u stood when the first of these spells had ended.
func (s *State) after(u User, spells []*roompb.PastStanding) Member {
	until := spells[0].GetUntil()
	if len(spells) > 1 && spells[1].GetFrom() == until {
		return standing(spells[1])
	}
	if m := s.Members[u]; m.From == until {
		return m
	}
	return Member{}
}

// JudgeTarget is CheckTarget for a received event: by how both stood when it was written.
func (s *State) JudgeTarget(e, target *Event) error {
	if err := checkOwn(e, target); err != nil || e.Kind() != KindDelete || e.Author() == target.Author() {
		return err
	}
	if err := s.allowed(e, RightDeleteAny); err != nil {
		return err
	}
	index := e.Header.GetStateIndex()
	return s.checkDelete(e, target, s.standingAt(e.Author(), index), s.standingAt(target.Author(), index))
}
