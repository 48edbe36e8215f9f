package room

import (
	"cmp"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

const (
	labelEvent = "hearth event 1"
	labelBody  = "hearth body 1"
)

// Event is an immutable fact. The raw bytes are what was hashed and signed; Header
// and Body are those bytes read. A nil Body was erased: the chain stays whole.
// Nobody changes an Event after it was made; any goroutine may read it.
type Event struct {
	ID        EventID
	Header    *roompb.Header
	Body      *roompb.Body
	RawHeader []byte
	RawBody   []byte
	InThread  EventID // without a body: the thread it was in, as who gave it remembers; zero: none
}

// Seal makes an event of a header and a body; it fills in the body's hash.
func Seal(h *roompb.Header, b *roompb.Body) (*Event, error) {
	rawBody, err := proto.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode body of %s: %w", h.GetKind(), err)
	}
	hash := BodyHash(rawBody)
	h.BodyHash = hash[:]
	rawHeader, err := proto.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode header of %s: %w", h.GetKind(), err)
	}
	return &Event{ID: sum(labelEvent, rawHeader), Header: h, Body: b, RawHeader: rawHeader, RawBody: rawBody}, nil
}

// DecodeEvent reads what came from outside or from the store and checks what the bytes
// alone can tell: sizes, the body's hash, a known shape. A nil body means it was erased.
func DecodeEvent(header, body []byte) (*Event, error) {
	if len(header) > MaxHeader || len(body) > MaxBody {
		return nil, Errorf(TooLarge, "an event of %d + %d bytes is over the limit", len(header), len(body))
	}
	if body != nil {
		if err := checkBodyHash(header, body); err != nil {
			return nil, err
		}
	}
	return decode(header, body)
}

// DecodeStored is DecodeEvent without hashing the body again: for the store's own
// records, whose blocks carry checksums and which Verify hashes in full.
func DecodeStored(header, body []byte) (*Event, error) { return decode(header, body) }

func decode(header, body []byte) (*Event, error) {
	e := &Event{ID: sum(labelEvent, header), Header: new(roompb.Header), RawHeader: header, RawBody: body}
	if err := proto.Unmarshal(header, e.Header); err != nil {
		return nil, fmt.Errorf("decode header: %w", err)
	}
	if err := checkHeader(e.Header); err != nil {
		return nil, err
	}
	if body == nil {
		return e, nil
	}
	e.Body = new(roompb.Body)
	if err := proto.Unmarshal(body, e.Body); err != nil {
		return nil, fmt.Errorf("decode body of %s: %w", e.ID, err)
	}
	return e, nil
}

// BodyHash is what an event's header says of its body.
func BodyHash(body []byte) Hash { return sum(labelBody, body) }

func checkBodyHash(header, body []byte) error {
	h := new(roompb.Header)
	if err := proto.Unmarshal(header, h); err != nil {
		return fmt.Errorf("decode header: %w", err)
	}
	if hash := BodyHash(body); string(hash[:]) != string(h.GetBodyHash()) {
		return Errorf(BadRequest, "the body is not the one that its header names")
	}
	return nil
}

func checkHeader(h *roompb.Header) error {
	switch {
	case len(h.GetRoom()) != 0 && len(h.GetRoom()) != len(Hash{}),
		len(h.GetPrev()) != 0 && len(h.GetPrev()) != len(Hash{}),
		len(h.GetBodyHash()) != len(Hash{}):
		return Errorf(BadRequest, "a hash in the header does not have 32 bytes")
	case h.GetSeq() == 0 || h.GetSeq() > MaxSeq:
		return Errorf(BadRequest, "a seq is from 1 to 2^53-1")
	case (h.GetSeq() == 1) != (len(h.GetPrev()) == 0):
		return Errorf(BadRequest, "all but the first of a log name the one before")
	case (len(h.GetRoom()) == 0) != (Kind(h.GetKind()) == KindCreate):
		return Errorf(BadRequest, "only the entry that creates a room names none")
	}
	return nil
}

// Room is the room the event is in; a create event's own id.
func (e *Event) Room() ID {
	if len(e.Header.GetRoom()) == 0 {
		return e.ID
	}
	return Hash(e.Header.GetRoom())
}

func (e *Event) Kind() Kind   { return Kind(e.Header.GetKind()) }
func (e *Event) Author() User { return User(e.Header.GetAuthor()) }
func (e *Event) Time() Time   { return Time(e.Header.GetTime()) }

// Target is the event this one changes.
func (e *Event) Target() (EventID, bool) { return ref(e.Body.GetTarget()) }

// Thread is the event that began the thread this one is in.
func (e *Event) Thread() (EventID, bool) {
	if e.Body == nil {
		return e.InThread, !e.InThread.IsZero()
	}
	return ref(e.Body.GetThread())
}

// ReplyTo is the event this one answers.
func (e *Event) ReplyTo() (EventID, bool) { return ref(e.Body.GetReplyTo()) }

func ref(b []byte) (EventID, bool) {
	if len(b) != len(Hash{}) {
		return EventID{}, false
	}
	return Hash(b), true
}

// Compare orders a timeline: by time, then origin, then seq; so the same events stand
// in the same order on every node.
func Compare(a, b *Event) int {
	return cmp.Or(
		cmp.Compare(a.Header.GetTime(), b.Header.GetTime()),
		strings.Compare(a.Header.GetOrigin(), b.Header.GetOrigin()),
		cmp.Compare(a.Header.GetSeq(), b.Header.GetSeq()),
	)
}

// Time is hybrid logical time: milliseconds since 1970 in the upper 48 bits, a counter
// in the lower 16 (Kulkarni et al., "Logical Physical Clocks", 2014).
type Time uint64

// TimeAt is the first Time of a millisecond.
func TimeAt(ms int64) Time { return Time(max(ms, 0)) << 16 }

// Millis is milliseconds since 1970.
func (t Time) Millis() int64 { return int64(t >> 16) }

// Next is the time of an event made at a wall clock of ms after having seen t: it rises
// even when the clock stands still or jumps back.
func (t Time) Next(ms int64) Time { return max(TimeAt(ms), t+1) }

// Draft is what someone asks to say: no id, no signature. Key, when given, names the
// draft for good: a second draft of the same author, room and key is the first one again.
type Draft struct {
	Room   ID
	Author User
	Kind   Kind
	Body   *roompb.Body
	Key    string
}
