package room

import "hearth/node/room/roompb"

// Actor is who did e, as reactions count them: its author, or the ghost that a bridge's
// bot speaks for, `bot@node/ID`. A user's name has no slash, so the two never meet.
func (e *Event) Actor() string {
	if g := e.Body.GetGhost(); g != nil {
		return string(e.Author()) + "/" + g.GetId()
	}
	return string(e.Author())
}

func checkJoinBridge(b *roompb.Body) error { return checkBridge(b.GetBridge()) }

func checkBridge(place string) error { return CheckLine("bridge's channel", place, MaxBridge) }

// Sent is when a ghost said a message beyond its bridge, in milliseconds since 1970; 0: nothing but when
// it came is known. It is the far network's word, good for show alone: never later than a clock may be ahead.
func (e *Event) Sent() int64 {
	if e.Body.GetGhost() == nil || !e.Kind().Message() {
		return 0
	}
	return max(0, min(e.Body.GetSent(), e.Time().Millis()+MaxClockForward))
}

// CheckGhost says what is wrong with a ghost, or nil; that there is none is in order.
func CheckGhost(g *roompb.Ghost) error {
	if g == nil {
		return nil
	}
	if g.GetId() == "" || g.GetName() == "" || g.GetNetwork() == "" {
		return Errorf(BadRequest, "A ghost has an id, a name and a network.")
	}
	if len(g.GetHops()) > MaxHops {
		return Errorf(TooLarge, "A message passes at most %d networks, not %d.", MaxHops, len(g.GetHops()))
	}
	for _, hop := range append([]string{g.GetNetwork()}, g.GetHops()...) {
		if err := CheckLine("network's name", hop, MaxNetwork); err != nil {
			return err
		}
	}
	if err := CheckLine("ghost's id", g.GetId(), MaxGhost); err != nil {
		return err
	}
	if err := CheckLine("ghost's name", g.GetName(), MaxGhost); err != nil {
		return err
	}
	if g.GetAvatar() == "" {
		return nil
	}
	_, err := ParseHash(g.GetAvatar())
	return err
}
