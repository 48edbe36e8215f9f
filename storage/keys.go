package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// space is the first byte of a key: which kind of thing the key names. A byte once used
// is never given another meaning.
type space byte

// The key table. docs/storage.md mirrors spaceTable; a test compares the two.
const (
	spaceRecord   space = 'r'
	spaceEvent    space = 'e'
	spaceLog      space = 'l'
	spaceTimeline space = 't'
	spaceThread   space = 'h'
	spaceStanding space = 's'
	spaceHead     space = 'H'
	spaceRoom     space = 'R'
	spaceAlias    space = 'A'
	spaceMember   space = 'm'
	spaceUserRoom space = 'u'
	spaceKey      space = 'k'
	spaceRead     space = 'q'
	spaceMention  space = 'n'
	spacePin      space = 'p'
	spaceSetting  space = 'x'
	spaceAccount  space = 'a'
	spaceDevice   space = 'd'
	spaceToken    space = 'D'
	spaceInvite   space = 'i'
	spaceBlob     space = 'b'
	spaceOwner    space = 'B'
	spaceValue    space = 'v'

	spaceAbout      space = 'o'
	spaceStateHead  space = 'G'
	spaceChain      space = 'S'
	spacePast       space = 'P'
	spaceRoomNodes  space = 'Z'
	spacePeerRoom   space = 'N'
	spacePeer       space = 'y'
	spaceOutbox     space = 'O'
	spaceProfile    space = 'F'
	spaceBlock      space = 'K'
	spaceReport     space = 'W'
	spaceNodeInvite space = 'j'

	spaceBridge space = 'g'
	spaceLink   space = 'J'
	spaceRemote space = 'M'
	spaceLocal  space = 'L'
	spaceStash  space = 'Q'
	spaceMute   space = 'Y'

	spaceFile        space = 'f'
	spacePublication space = 'U'
	spacePublished   space = 'V'
)

// spaceTable says what each space's keys and values are made of. Numbers are big-endian, so
// that byte order is numeric order; a string that something follows ends in a zero byte (0);
// a room, an event, a target, a blob and a secret's hash take 32 bytes; "place" is
// order (8) origin 0 seq (8) log (1) incarnation (4).
var spaceTable = []struct {
	space      space
	key, value string
	what       string
}{
	{spaceRecord, "room pos (8)", "record", "the log: every event in the order this node took it"},
	{spaceEvent, "event", "room pos", "where an event stands"},
	{spaceLog, "room log (1) origin 0 incarnation (4) seq (8)", "pos", "an origin's chain"},
	{spaceTimeline, "room place", "pos", "the room's timeline"},
	{spaceThread, "room root place", "pos", "a thread's timeline"},
	{spaceStanding, "room pos (8)", "Standing", "how a message stands now"},
	{spaceHead, "room log (1) origin", "Head", "the signed end of a chain"},
	{spaceRoom, "room", "Room", "a room without its log"},
	{spaceAlias, "alias, or alias@node 0 room", "room", "a room by its alias: this node's, of which each is the room's that had it first, another's (of invitations, only when that node sent them)"},
	{spaceMember, "room user", "Member", "a room's members"},
	{spaceUserRoom, "user 0 room", "Member", "a user's rooms"},
	{spaceKey, "user 0 room key", "Key", "idempotency keys"},
	{spaceRead, "room user", "Read", "read positions"},
	{spaceMention, "room user 0 pos (8)", "", "mentions; user empty: the whole room"},
	{spacePin, "room pos (8)", "order (8)", "pinned messages"},
	{spaceSetting, "user 0 room", "RoomSetting", "a user's own wishes about a room"},
	{spaceAccount, "name", "Account", "local users"},
	{spaceDevice, "name 0 id", "Device", "logins"},
	{spaceToken, "hash", "name 0 id", "a login by its token"},
	{spaceInvite, "hash", "Invite", "invites by their secret"},
	{spaceBlob, "blob", "Blob", "files"},
	{spaceOwner, "name 0 blob", "size", "whose quota a file counts against"},
	{spaceValue, "name", "bytes", "the node's own things: keys, certificates; `steward/ROOM`: a StewardKept, what a steward must not forget; `notice/NAME/ROOM`: what a user has to be told of messages that were not accepted; `joining/ROOM/USER`: when somebody asked to join and was not answered, 8 bytes of ms since 1970; `wordless/ROOM/POS`: an edit that came without its words, which are looked for; `entering/ROOM`: a StateDump, and `entering/ROOM/N`: members that came since, until all are here"},
	{spaceAbout, "room target pos (8)", "", "what changes a message: edits, deletes, reactions, pins"},
	{spaceStateHead, "room seq (8)", "Head", "the signed heads of the state log, one an entry where it is known"},
	{spaceChain, "room log (1) origin 0 incarnation (4)", "Chain", "a log that is not simply here from 1 to its head"},
	{spacePast, "room user", "Past", "standings that have ended"},
	{spaceRoomNodes, "room", "RoomNodes", "a room's stewards and nodes: of its Room what changes with the state alone"},
	{spacePeerRoom, "node 0 room", "", "the rooms that another node takes part in"},
	{spacePeer, "node", "Peer", "other nodes"},
	{spaceOutbox, "node 0 id (16)", "bytes", "what another node is still to be told"},
	{spaceProfile, "user", "Profile", "people of other nodes, as their nodes described them"},
	{spaceBlock, "name 0 what", "", "whom a local user blocks: a user, a node"},
	{spaceReport, "id", "Report", "messages reported to the administrators"},
	{spaceNodeInvite, "hash", "Invite", "invites of nodes by their secret"},
	{spaceBridge, "name", "Bridge", "bridges to other networks"},
	{spaceLink, "name 0 room", "BridgeLink", "what a bridge joins a room to"},
	{spaceRemote, "name 0 room event", "Remote", "what an event is beyond a bridge"},
	{spaceLocal, "name 0 room id", "event", "and the other way round"},
	{spaceStash, "name 0 key", "bytes", "what a bridge's plugin keeps"},
	{spaceMute, "name 0 room ghost", "", "whom an administrator does not want to hear from beyond a bridge"},
	{spaceFile, "blob room pos (8)", "", "the messages that a file is attached to"},
	{spacePublication, "hash", "Publication", "what a link shows to anybody, by its secret"},
	{spacePublished, "event hash", "", "the links to what a message has"},
}

const hashLen = len(room.Hash{})

var errKey = errors.New("malformed key")

// checkWord refuses what cannot be part of a key: a zero byte would end it early.
func checkWord(what, s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return room.Errorf(room.BadRequest, "The %s has a character that cannot be stored.", what)
	}
	return nil
}

// place is where an event stands in a timeline. (order, origin, seq) is the order people
// see; log and incarnation only keep apart what a lying node may have given the same three.
type place struct {
	order       room.Time
	origin      string
	seq         uint64
	log         roompb.Log
	incarnation uint32
}

func placeOf(e *room.Event) place {
	h := e.Header
	return place{e.Time(), h.GetOrigin(), h.GetSeq(), h.GetLog(), h.GetIncarnation()}
}

func appendPlace(b []byte, p place) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(p.order))
	b = append(append(b, p.origin...), 0)
	b = binary.BigEndian.AppendUint64(b, p.seq)
	b = append(b, byte(p.log))
	return binary.BigEndian.AppendUint32(b, p.incarnation)
}

// appendMark is the beginning that all places at m share.
func appendMark(b []byte, m Mark) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(m.Order))
	b = append(append(b, m.Origin...), 0)
	return binary.BigEndian.AppendUint64(b, m.Seq)
}

func appendSpace(b []byte, s space) []byte { return append(b, byte(s)) }

func appendRoom(b []byte, s space, r room.ID) []byte { return append(append(b, byte(s)), r[:]...) }

// appendPos makes the keys of spaceRecord, spaceStanding, spacePin and spaceStateHead.
func appendPos(b []byte, s space, r room.ID, pos uint64) []byte {
	return binary.BigEndian.AppendUint64(appendRoom(b, s, r), pos)
}

// appendHash makes the keys of spaceEvent, spaceToken, spaceInvite, spaceNodeInvite and spaceBlob.
func appendHash(b []byte, s space, h [32]byte) []byte { return append(append(b, byte(s)), h[:]...) }

// appendName makes the keys of spaceAlias, spaceAccount, spaceValue, spacePeer, spaceProfile,
// spaceReport and spaceBridge.
func appendName(b []byte, s space, name string) []byte { return append(append(b, byte(s)), name...) }

// appendOwned makes the beginning of every key that is somebody's: name 0.
func appendOwned(b []byte, s space, name string) []byte { return append(appendName(b, s, name), 0) }

// appendUserRoom makes the keys of spaceUserRoom and spaceSetting, and begins spaceKey's.
func appendUserRoom(b []byte, s space, u room.User, r room.ID) []byte {
	return append(appendOwned(b, s, string(u)), r[:]...)
}

// appendBridgeRoom makes the keys of spaceLink, and begins those of spaceRemote, spaceLocal and spaceMute.
func appendBridgeRoom(b []byte, s space, bridge string, r room.ID) []byte {
	return append(appendOwned(b, s, bridge), r[:]...)
}

// appendRoomUser makes the keys of spaceMember, spaceRead and spacePast.
func appendRoomUser(b []byte, s space, r room.ID, u room.User) []byte {
	return append(appendRoom(b, s, r), u...)
}

func appendLog(b []byte, r room.ID, log roompb.Log, origin string, incarnation uint32, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(appendLogName(b, r, logName{log, origin, incarnation}), seq)
}

// appendLogName is the beginning that the keys of all entries of a log share.
func appendLogName(b []byte, r room.ID, n logName) []byte {
	b = append(appendRoom(b, spaceLog, r), byte(n.log))
	b = append(append(b, n.origin...), 0)
	return binary.BigEndian.AppendUint32(b, n.incarnation)
}

func appendHead(b []byte, r room.ID, log roompb.Log, origin string) []byte {
	return append(append(appendRoom(b, spaceHead, r), byte(log)), origin...)
}

func appendMention(b []byte, r room.ID, u room.User, pos uint64) []byte {
	return binary.BigEndian.AppendUint64(append(appendRoomUser(b, spaceMention, r, u), 0), pos)
}

// appendRow makes the key of a timeline: the room's own, or a thread's.
func appendRow(b []byte, r, thread room.ID) []byte {
	if thread.IsZero() {
		return appendRoom(b, spaceTimeline, r)
	}
	return append(appendRoom(b, spaceThread, r), thread[:]...)
}

// successor is the first key after all that begin with prefix; nil when there is none.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := append([]byte(nil), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}

// A cut takes the parts of a key from its front. The first part that is not there makes
// every later one empty; done tells.
type cut struct {
	rest []byte
	bad  bool
}

// cutKey begins with the space byte checked and taken.
func cutKey(key []byte, s space) *cut {
	if len(key) == 0 || key[0] != byte(s) {
		return &cut{bad: true}
	}
	return &cut{rest: key[1:]}
}

func (c *cut) take(n int) []byte {
	if c.bad || len(c.rest) < n {
		c.bad = true
		return make([]byte, n)
	}
	part := c.rest[:n]
	c.rest = c.rest[n:]
	return part
}

func (c *cut) hash() room.Hash { return room.Hash(c.take(hashLen)) }
func (c *cut) u64() uint64     { return binary.BigEndian.Uint64(c.take(8)) }
func (c *cut) u32() uint32     { return binary.BigEndian.Uint32(c.take(4)) }
func (c *cut) u8() byte        { return c.take(1)[0] }

// word is a string up to its zero byte.
func (c *cut) word() string {
	before, after, ok := strings.Cut(string(c.rest), "\x00")
	if c.bad || !ok {
		c.bad = true
		return ""
	}
	c.rest = c.rest[len(c.rest)-len(after):]
	return before
}

// tail is all that is left.
func (c *cut) tail() string {
	s := string(c.rest)
	c.rest = nil
	return s
}

// done is an error unless the whole key was taken, and nothing more.
func (c *cut) done() error {
	if c.bad || len(c.rest) != 0 {
		return errKey
	}
	return nil
}

// Values that are a number, and the place of an event.

func appendPosValue(b []byte, pos uint64) []byte { return binary.AppendUvarint(b, pos) }

func parsePosValue(v []byte) (uint64, error) {
	pos, n := binary.Uvarint(v)
	if n <= 0 || n != len(v) {
		return 0, fmt.Errorf("a number of %d bytes: %w", len(v), ErrCorrupt)
	}
	return pos, nil
}

func appendSpot(b []byte, r room.ID, pos uint64) []byte {
	return binary.AppendUvarint(append(b, r[:]...), pos)
}

func parseSpot(v []byte) (room.ID, uint64, error) {
	if len(v) < hashLen {
		return room.ID{}, 0, fmt.Errorf("a place of %d bytes: %w", len(v), ErrCorrupt)
	}
	pos, err := parsePosValue(v[hashLen:])
	return room.ID(v[:hashLen]), pos, err
}
