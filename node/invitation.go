package node

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/limit"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// invitesFromNode bounds the invitations that one node's users may bring to this one's.
var invitesFromNode = limit.Rate{Burst: 200, Per: time.Hour}

// invitations are what other nodes are told of those whom an entry brings in: those that
// take part learn it as they learn all.
func (n *Node) invitations(s *room.State, e *room.Event, head *roompb.Head, create *storage.Row) []storage.Outgoing {
	subject := room.User(e.Body.GetSubject())
	if e.Kind() == room.KindCreate {
		subject = s.Direct
	}
	if to := subject.Node(); subject == "" || to == n.name || s.Takes(to) {
		return nil
	}
	summary := stateSummary(s)
	summary.Direct = string(s.Direct)
	inviter, err := n.Accounts.Profile(e.Author())
	if err != nil {
		inviter = &roompb.Profile{User: string(e.Author())}
	}
	l, err := n.sending.letter(subject.Node(), &roompb.Ask{What: &roompb.Ask_Invite{Invite: &roompb.InviteAsk{
		Create: whole(create.Event), Invite: whole(e), Head: head, Summary: summary, Inviter: inviter,
	}}})
	if err != nil {
		n.log.Error("write invitation", "room", s.ID.String(), "err", err)
		return nil
	}
	return []storage.Outgoing{l}
}

// answerInvite keeps an invitation for a user of this node: a room of which nothing else
// is known here yet.
func (n *Node) answerInvite(peer string, q *roompb.InviteAsk) (*roompb.Answer, error) {
	create, invite, subject, err := n.openInvitation(peer, q)
	if err != nil {
		return nil, err
	}
	if blocked, err := n.store.Blocked(subject.Local(), string(invite.Author()), invite.Author().Node(), peer); err != nil || blocked {
		return &roompb.Answer{}, err // whoever is blocked is not told so
	}
	if wait := n.inviteRate.Take(peer, 1, n.now()); wait > 0 {
		return nil, &room.Error{Code: room.Limited, Message: "The node " + peer + " sends too many invitations.", RetryAfter: wait}
	}
	id := create.Room()
	meta, err := n.store.Room(id)
	if err != nil {
		return nil, fmt.Errorf("read room %s: %w", id, err)
	}
	if home := meta.GetHome(); meta.GetStub() && home != peer && create.Author().Node() != peer {
		return nil, room.Errorf(room.Conflict, "The invitation to this room is from %s: another node cannot take its place.", home)
	}
	if meta != nil && !meta.GetStub() {
		if c, err := n.rooms.get(id); err == nil && c.takesPart() {
			return &roompb.Answer{}, nil // the entry comes with the state log
		}
	}
	raw, err := proto.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("encode invitation: %w", err)
	}
	c, err := n.rooms.replace(id, func() error { return n.storeStub(id, peer, create, invite, subject, q.GetSummary(), raw, meta) })
	if err != nil {
		return nil, err
	}
	if q.GetInviter().GetUser() == string(invite.Author()) {
		n.foreign.learn(peer, []*roompb.Profile{q.GetInviter()})
	}
	for _, f := range n.people.of(subject) {
		f.markSummary(c.id)
	}
	return &roompb.Answer{}, nil
}

// openInvitation checks that an invitation proves itself: the entry is of the room, and
// signed by the node that made the room, or by the one that brings it.
func (n *Node) openInvitation(peer string, q *roompb.InviteAsk) (create, invite *room.Event, subject room.User, err error) {
	bad := room.Errorf(room.BadRequest, "The invitation does not hold together.")
	if create, err = openPacket(room.ID{}, room.EventID{}, q.GetCreate()); err != nil || create.Kind() != room.KindCreate {
		return nil, nil, "", bad
	}
	if invite, err = openPacket(create.ID, room.EventID{}, q.GetInvite()); err != nil || invite.Room() != create.ID || !headOf(q.GetHead(), invite) {
		return nil, nil, "", bad
	}
	subject = room.User(invite.Body.GetSubject())
	if invite.Kind() == room.KindCreate {
		subject = room.User(invite.Body.GetDirect())
	}
	if invite.Kind() != room.KindInvite && invite.Kind() != room.KindCreate || subject.Node() != n.name {
		return nil, nil, "", bad
	}
	p, _ := n.Peers.Lookup(peer)
	if !room.VerifyHead(q.GetHead(), create.Body.GetNodeKey()) && !cosignedBy(q.GetHead(), peer, p.Key) {
		return nil, nil, "", bad
	}
	if maker := create.Author().Node(); create.Header.GetOrigin() != maker || invite.Kind() == room.KindCreate && maker != peer || !n.mayHave(maker, create.Body.GetNodeKey()) {
		return nil, nil, "", bad // in somebody else's name
	}
	if _, err := n.Accounts.Profile(subject); err != nil {
		return nil, nil, "", room.Errorf(room.NotFound, "There is no user %s.", subject)
	}
	return create, invite, subject, nil
}

// mayHave tells whether a node that is known here has this key; of others, and of rooms
// from before there were keys, nobody can tell.
func (n *Node) mayHave(node string, key []byte) bool {
	p, known := n.Peers.Lookup(node)
	return !known || len(key) == 0 || string(p.Key) == string(key)
}

func cosignedBy(h *roompb.Head, node string, key ed25519.PublicKey) bool {
	for _, c := range h.GetCosignatures() {
		if c.GetNode() == node {
			signed := proto.Clone(h).(*roompb.Head)
			signed.Signature = c.GetSignature()
			return room.VerifyHead(signed, key)
		}
	}
	return false
}

func (n *Node) storeStub(id room.ID, home string, create, invite *room.Event, subject room.User, s *roompb.RoomSummary, raw []byte, was *storagepb.Room) error {
	if s == nil {
		s = &roompb.RoomSummary{}
	}
	settings := &roompb.Settings{Name: &s.Name, Topic: &s.Topic}
	if err := room.CheckBody(room.KindSettings, &roompb.Body{Settings: settings}); err != nil {
		return err
	}
	m := &storagepb.Room{
		Id: id.Bytes(), Version: create.Body.GetVersion(), Creator: string(create.Author()), Direct: create.Body.GetDirect(), Home: home,
		Name: s.GetName(), Topic: s.GetTopic(), Created: create.Time().Millis(), Members: s.GetMembers(), Origin: create.Author().Node(),
		Stub: true, Invitation: raw, Stewards: []string{home}, StateIndex: invite.Header.GetSeq(), StateHash: invite.ID.Bytes(),
	}
	if alias, at, _ := strings.Cut(strings.TrimPrefix(s.GetAlias(), "#"), "@"); at == m.Origin && room.CheckAlias(alias) == nil {
		m.Alias = alias
	}
	app := &storage.Append{Room: id, Meta: m, Members: []*storagepb.Member{storedMember(id, subject, room.Member{
		Membership: room.Invited, Since: invite.Time().Millis(), By: invite.Author(), From: invite.Header.GetSeq(),
	})}}
	if m.Direct != "" {
		app.Values = []storage.Value{{Name: "direct/" + pairOf(room.User(m.Creator), room.User(m.Direct)), Bytes: id.Bytes()}}
	}
	if was.GetHeadPos() == 0 { // nothing of it was ever here but an invitation
		return n.store.Append(app)
	}
	// A room that this node was in once: its log stays, and the invitation stands beside it.
	again := proto.Clone(was).(*storagepb.Room)
	again.Home, again.Stub, again.Invitation, again.Leaving, again.Entering = home, true, raw, nil, false
	app.Meta = again
	return n.store.Append(app)
}
