package node

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// NewRoom is what somebody asks for who makes a room.
type NewRoom struct {
	Alias  string // local part; empty for none
	Name   string
	Topic  string
	Public bool
	Invite []room.User
	Key    string

	// Succeeds is a room that is founded anew: its stewards are lost for good. What is not
	// given is taken over from it, and its members are invited.
	Succeeds room.ID
}

// CreateRoom makes a room with the caller as its owner and invites people to it. An
// invitation that is refused does not undo the room.
func (n *Node) CreateRoom(ctx context.Context, by Caller, r NewRoom) (*roompb.RoomSummary, error) {
	if !r.Succeeds.IsZero() {
		return n.refound(ctx, by, r)
	}
	id, err := n.create(by, r, "", nil)
	if err != nil {
		return nil, err
	}
	for _, u := range r.Invite {
		_, err := n.Submit(ctx, room.Draft{Room: id, Author: by.User, Kind: room.KindInvite, Body: &roompb.Body{Subject: string(u)}})
		if err != nil && room.CodeOf(err) == room.Internal {
			return nil, err
		}
	}
	return n.Summary(by, id)
}

func (n *Node) create(by Caller, r NewRoom, direct room.User, before *roompb.Head) (room.ID, error) {
	if r.Alias == "" && r.Name == "" && direct == "" {
		return room.ID{}, room.Errorf(room.BadRequest, "A room needs a name or an address.")
	}
	if r.Public && r.Alias == "" {
		return room.ID{}, room.Errorf(room.BadRequest, "A public room needs an address, such as #garden.")
	}
	n.creating.Lock()
	defer n.creating.Unlock()
	remember := "direct/" + pairOf(by.User, direct)
	if direct == "" {
		remember = "create/" + string(by.User) + "/" + r.Key
	}
	if direct != "" || r.Key != "" {
		if id, err := n.store.Value(remember); id != nil || err != nil {
			return firstAnswer(id, err)
		}
	}
	if err := n.checkAliasFree(r.Alias, room.ID{}); err != nil {
		return room.ID{}, err
	}
	if err := n.disk.admit(room.KindCreate); err != nil {
		return room.ID{}, err
	}
	e, err := n.sealCreate(by, r, direct, before)
	if err != nil {
		return room.ID{}, err
	}
	var values []storage.Value
	if direct != "" || r.Key != "" {
		values = []storage.Value{{Name: remember, Bytes: e.ID.Bytes()}}
	}
	return e.ID, n.appendCreate(e, values)
}

// pairOf names a pair of users alike from both sides: a pair has one 1:1 room for ever.
func pairOf(a, b room.User) string { return string(min(a, b)) + "/" + string(max(a, b)) }

func firstAnswer(id []byte, err error) (room.ID, error) {
	if err != nil {
		return room.ID{}, fmt.Errorf("look up an earlier room: %w", err)
	}
	return room.HashFromBytes(id)
}

func (n *Node) checkAliasFree(alias string, but room.ID) error {
	if alias == "" {
		return nil
	}
	if ids, err := n.store.RoomsByAlias(alias); err != nil {
		return fmt.Errorf("look up alias: %w", err)
	} else if len(ids) > 0 && ids[0] != but {
		return room.Errorf(room.Taken, "There is a room #%s@%s already.", alias, n.name)
	}
	return nil
}

func (n *Node) sealCreate(by Caller, r NewRoom, direct room.User, before *roompb.Head) (*room.Event, error) {
	body := &roompb.Body{
		Salt: make([]byte, room.SaltLen), Version: room.CurrentVersion, Direct: string(direct), NodeKey: n.PublicKey(),
		Predecessor: r.Succeeds.Bytes(), PredecessorHead: before,
		Settings: &roompb.Settings{Name: proto.String(r.Name), Topic: proto.String(r.Topic), Public: proto.Bool(r.Public)},
	}
	if r.Alias != "" {
		body.Settings.Alias = proto.String(r.Alias)
	}
	rand.Read(body.Salt) // never fails, crypto/rand
	if err := room.CheckBody(room.KindCreate, body); err != nil {
		return nil, err
	}
	return room.Seal(&roompb.Header{
		Log: roompb.Log_LOG_STATE, Origin: n.name, Incarnation: 1, Seq: 1, StateIndex: 1,
		Time: uint64(room.TimeAt(n.millis())), Author: string(by.User), Kind: string(room.KindCreate),
	}, body)
}

// appendCreate stores entry 1 of a room; no loop runs for the room yet.
func (n *Node) appendCreate(e *room.Event, values []storage.Value) error {
	c := newChamber(n, e.ID)
	c.state = room.NewState()
	if err := c.state.Apply(e); err != nil {
		return err
	}
	c.headPos, c.clock = 1, e.Time()
	row := &storage.Row{Record: storage.Record{Pos: 1, Event: e}}
	head := room.HeadOf(e)
	room.SignHead(head, n.key)
	app := &storage.Append{Room: e.ID, Records: []storage.Record{row.Record}, Heads: []*roompb.Head{head}, Meta: c.meta(c.state), Values: values}
	app.Meta.HeadPos, app.Meta.Clock = 1, e.Header.GetTime()
	app.Meta.Stewards, app.Meta.Nodes = c.state.Stewards, storedNodes(c.state)
	app.Outbox = n.invitations(c.state, e, head, row)
	c.entries, _ = wholeChain(head)
	app.Reads = []storage.Read{{User: e.Author(), Pos: 1, Event: e.ID, Time: e.Time().Millis()}}
	for u, m := range c.state.Members {
		app.Members = append(app.Members, storedMember(e.ID, u, m))
	}
	if err := n.store.Append(app); err != nil {
		return fmt.Errorf("store new room: %w", err)
	}
	c.loading.Do(func() {})
	c.ring.push(step{1, 1, c.encodeItem(row, nil, nil)})
	n.rooms.add(c)
	n.people.stateChanged(c, e, c.state.Members)
	n.courier.mark(c.id)
	for _, l := range app.Outbox {
		n.sending.try(l.Node)
	}
	return nil
}

// Direct is the 1:1 room of the caller and another user: found, or made.
func (n *Node) Direct(ctx context.Context, by Caller, other room.User) (*roompb.RoomSummary, error) {
	if other == by.User {
		return nil, room.Errorf(room.BadRequest, "That is yourself.")
	}
	if err := n.checkUser(other); err != nil {
		return nil, err
	}
	if p, err := n.lookUp(other); err != nil || p.GetBridge() != "" {
		return nil, cmp.Or(err, error(room.Errorf(room.Forbidden, "%s is a bridge: it speaks in rooms, and reads no 1:1 messages.", other)))
	}
	id, err := n.create(by, NewRoom{}, other, nil)
	if err != nil {
		return nil, err
	}
	for _, u := range []room.User{by.User, other} {
		if u.Node() != n.name {
			continue // is invited, and joins when it wants to
		}
		if err := n.joinDirect(ctx, id, u); err != nil {
			return nil, err
		}
	}
	return n.Summary(by, id)
}

// joinDirect lets both be in their 1:1 room: to be written to needs no consent on one
// node. Between nodes an invitation waits for it.
func (n *Node) joinDirect(ctx context.Context, id room.ID, u room.User) error {
	c, err := n.rooms.get(id)
	if err != nil {
		return err
	}
	if c.membership(u) == room.Joined {
		return nil
	}
	_, err = n.Submit(ctx, room.Draft{Room: id, Author: u, Kind: room.KindJoin})
	if room.CodeOf(err) == room.Conflict {
		return nil
	}
	return err
}
