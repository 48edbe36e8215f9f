package room

import (
	"crypto/ed25519"
	"slices"
	"unicode"
	"unicode/utf8"

	"hearth/node/room/roompb"
)

// Limits of what an event may hold, in bytes where not said otherwise.
const (
	MaxText         = 64 << 10
	MaxReason       = 500
	MaxEmoji        = 32
	MaxMentions     = 50
	MaxRoomName     = 100  // characters
	MaxTopic        = 1000 // characters
	MaxHeader       = 2 << 10
	MaxBody         = MaxText + 16<<10
	MaxReactions    = 32   // different emoji on one message
	MaxReactors     = 1000 // users with one emoji on one message
	MaxPins         = 100
	MaxMembers      = 100_000
	MaxStandings    = 2 * MaxMembers // members, invited and banned together
	MaxNodes        = 10_000         // that a room has heard of
	MaxStewards     = 7
	MaxIncarnation  = 64             // of a node: how often it may begin new logs
	MaxCuts         = MaxIncarnation // of one node, in one entry
	MaxSpells       = 2000           // of one user in a room, before joining again is refused
	MaxSeq          = 1<<53 - 1      // of a log: what a JSON number holds, so that sums with it do not overflow
	MaxFiles        = 10             // attached to one message
	MaxFileName     = 200            // characters
	MaxFileType     = 100            // characters of a MIME type
	MaxBridge       = 200            // characters of what a bridge joins a room to
	MaxGhost        = 100            // characters of a ghost's id and of its name
	MaxNetwork      = 50             // characters of a network's name
	MaxHops         = 8              // networks that one message may pass
	SaltLen         = 16
	CurrentVersion  = 1
	MaxClockForward = 2 * 60 * 1000 // ms an event may be ahead of its reader's clock
)

// CheckBody says what is wrong with a body for its kind, or nil.
func CheckBody(k Kind, b *roompb.Body) error {
	facts, ok := kinds[k]
	if !ok {
		return Errorf(BadRequest, "%q is not a kind of event that this node knows.", clip(string(k), 40))
	}
	if len(b.GetMentions()) > MaxMentions {
		return Errorf(TooLarge, "A message names at most %d people.", MaxMentions)
	}
	if err := checkCuts(b.GetCuts()); err != nil {
		return err
	}
	if n := len(b.GetNodeKey()); n != 0 && n != ed25519.PublicKeySize {
		return Errorf(BadRequest, "A node's key has %d bytes, not %d.", ed25519.PublicKeySize, n)
	}
	if err := CheckGhost(b.GetGhost()); err != nil {
		return err
	}
	return facts.check(b)
}

type bodyCheck = func(*roompb.Body) error

func both(first, second bodyCheck) bodyCheck {
	return func(b *roompb.Body) error {
		if err := first(b); err != nil {
			return err
		}
		return second(b)
	}
}

func checkText(b *roompb.Body) error {
	switch {
	case isBlank(b.GetText()) && len(b.GetFiles()) == 0:
		return Errorf(BadRequest, "The message is empty.")
	case len(b.GetText()) > MaxText:
		return Errorf(TooLarge, "A message has at most 64 KB; this one has %d KB.", (len(b.GetText())+1023)/1024)
	case !utf8.ValidString(b.GetText()):
		return Errorf(BadRequest, "The message is not valid UTF-8.")
	}
	return checkRefs(b)
}

func checkRefs(b *roompb.Body) error {
	for _, ref := range [][]byte{b.GetReplyTo(), b.GetThread()} {
		if _, err := HashFromBytes(ref); err != nil {
			return err
		}
	}
	return nil
}

func checkTarget(b *roompb.Body) error {
	if len(b.GetTarget()) != len(Hash{}) {
		return Errorf(BadRequest, "The event that this is about is missing.")
	}
	return nil
}

func checkReason(b *roompb.Body) error { return CheckLine("reason", b.GetReason(), MaxReason) }

func checkEmoji(b *roompb.Body) error {
	e := b.GetEmoji()
	if e == "" || len(e) > MaxEmoji {
		return Errorf(BadRequest, "A reaction is one emoji, at most %d bytes.", MaxEmoji)
	}
	return CheckLine("reaction", e, MaxEmoji)
}

func checkSubject(b *roompb.Body) error { return checkUser(b.GetSubject()) }

// checkUser wants a full name written in the one way there is, for names are compared
// as they are.
func checkUser(s string) error {
	u, err := ParseUser(s)
	if err == nil && string(u) != s {
		return Errorf(BadRequest, "%q is written %s.", clip(s, 80), u)
	}
	return err
}

func checkNode(b *roompb.Body) error { return CheckNodeName(b.GetNode()) }

func checkStewardNames(b *roompb.Body) error {
	if n := len(b.GetStewards()); n < 1 || n > MaxStewards {
		return Errorf(BadRequest, "A room has 1 to %d stewards, not %d.", MaxStewards, n)
	}
	for i, node := range b.GetStewards() {
		if err := CheckNodeName(node); err != nil {
			return err
		}
		if slices.Contains(b.GetStewards()[:i], node) {
			return Errorf(BadRequest, "%s is named twice.", node)
		}
	}
	return nil
}

func checkRole(b *roompb.Body) error {
	if _, ok := ParseRole(b.GetRole()); !ok {
		return Errorf(BadRequest, "A role is owner, administrator, moderator, member or readonly, not %q.", clip(b.GetRole(), 40))
	}
	return nil
}

func checkSettings(b *roompb.Body) error {
	s := b.GetSettings()
	if s == nil {
		return Errorf(BadRequest, "Nothing to set.")
	}
	if s.GetAlias() != "" {
		if err := CheckAlias(s.GetAlias()); err != nil {
			return err
		}
	}
	if err := CheckLine("room's name", s.GetName(), MaxRoomName); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(s.GetTopic()); n > MaxTopic {
		return Errorf(TooLarge, "A topic has at most %d characters; this one has %d.", MaxTopic, n)
	}
	if !utf8.ValidString(s.GetTopic()) {
		return Errorf(BadRequest, "The topic is not valid UTF-8.")
	}
	if s.GetAvatar() != "" {
		if _, err := ParseHash(s.GetAvatar()); err != nil {
			return err
		}
	}
	return nil
}

func checkCreate(b *roompb.Body) error {
	if b.GetVersion() == 0 {
		return Errorf(BadRequest, "A room has a version.")
	}
	if b.GetDirect() != "" {
		if err := checkUser(b.GetDirect()); err != nil {
			return err
		}
	}
	if _, err := HashFromBytes(b.GetPredecessor()); err != nil {
		return err
	}
	if b.GetSettings() == nil {
		return Errorf(BadRequest, "A room has settings.")
	}
	return checkSettings(b)
}

// CheckLine says what is wrong with one line of human text, or nil: valid UTF-8, at
// most max characters, no control characters and none that turn the direction of what
// follows (they let one name pass for another).
func CheckLine(what, s string, max int) error {
	if !utf8.ValidString(s) {
		return Errorf(BadRequest, "The %s is not valid UTF-8.", what)
	}
	if n := utf8.RuneCountInString(s); n > max {
		return Errorf(TooLarge, "The %s has at most %d characters; this one has %d.", what, max, n)
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) {
			return Errorf(BadRequest, "The %s has a character that cannot be shown (%U).", what, r)
		}
	}
	return nil
}

func isBlank(s string) bool {
	for _, r := range s {
		if !unicode.IsSpace(r) && !unicode.IsControl(r) && !unicode.In(r, unicode.Cf) {
			return false
		}
	}
	return true
}

func isLetter(r rune) bool {
	return !unicode.IsUpper(r) && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}
