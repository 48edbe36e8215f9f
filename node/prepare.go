package node

import (
	"crypto/rand"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// maxKey is the length of an idempotency key.
const maxKey = 64

// prepare checks and completes a draft before it goes to its room: what can be done
// outside the room's loop is done here, in the submitter's goroutine.
func (n *Node) prepare(d *room.Draft) error {
	if d.Body == nil {
		d.Body = &roompb.Body{}
	}
	switch {
	case d.Author.Node() != n.name:
		return room.Errorf(room.Forbidden, "%s is not a user of this node.", d.Author)
	case !d.Kind.Known():
		return room.Errorf(room.BadRequest, "%q is not a kind of event that this node knows.", d.Kind)
	case len(d.Key) > maxKey:
		return room.Errorf(room.BadRequest, "A key has at most %d characters.", maxKey)
	}
	if err := n.fillFiles(d); err != nil {
		return err
	}
	if d.Body.GetGhost() != nil || d.Body.GetBridge() != "" || d.Body.GetSent() != 0 {
		if !n.Bridges.IsBot(d.Author) {
			return room.Errorf(room.Forbidden, "%s is no bridge, and speaks for itself alone.", d.Author)
		}
	}
	if err := room.CheckBody(d.Kind, d.Body); err != nil {
		return err
	}
	if err := n.disk.admit(d.Kind); err != nil {
		return err
	}
	if err := n.checkSubject(d); err != nil {
		return err
	}
	if d.Kind == room.KindJoin {
		d.Body.NodeKey = n.PublicKey()
	}
	if d.Kind.Message() || d.Kind == room.KindEdit {
		users, everybody := room.Mentions(d.Body.GetText(), n.name)
		d.Body.Mentions, d.Body.MentionRoom = nil, everybody && d.Body.GetGhost() == nil // nobody beyond a bridge calls the whole room
		for _, u := range users {
			d.Body.Mentions = append(d.Body.Mentions, string(u))
		}
	}
	d.Body.Salt = make([]byte, room.SaltLen)
	rand.Read(d.Body.Salt) // never fails, crypto/rand
	return nil
}

// needsSubject are the kinds that bring somebody in: that person must exist.
var needsSubject = map[room.Kind]bool{room.KindInvite: true}

func (n *Node) checkSubject(d *room.Draft) error {
	if !needsSubject[d.Kind] {
		return nil
	}
	return n.checkUser(room.User(d.Body.GetSubject()))
}

// checkUser says why u cannot be brought into a room.
func (n *Node) checkUser(u room.User) error {
	p, err := n.lookUp(u)
	if err != nil {
		return err
	}
	if p.GetDisabled() {
		return room.Errorf(room.Forbidden, "The account of %s is disabled.", u)
	}
	return nil
}
