package transport

import (
	"context"
	"strings"

	"hearth/node/room"
)

// Foreign words become ids here, and nowhere deeper.

// roomOf finds the room that a request names by its id or alias.
func (c *call) roomOf(ref string) (room.ID, error) {
	if ref == "" {
		return room.ID{}, room.Errorf(room.BadRequest, "Name a room.")
	}
	return c.s.node.Resolve(ref)
}

// nodeOf is the node that a room's name leads to, as in #alias@node and ID@node; "" for an
// id alone.
func nodeOf(ref string) string {
	_, name, _ := strings.Cut(ref, "@")
	return name
}

// farRoom finds a room of another node, and the node to ask for it: by #alias@node, which
// asks it, or by ID@node.
func (c *call) farRoom(ctx context.Context, ref string) (id room.ID, via string, err error) {
	via = nodeOf(ref)
	if err := room.CheckNodeName(via); err != nil {
		return room.ID{}, "", err
	}
	if text, _, _ := strings.Cut(ref, "@"); !strings.HasPrefix(ref, "#") {
		id, err = room.ParseHash(text)
		return id, via, err
	}
	return c.s.node.ResolveRef(ctx, c.caller, ref)
}

// userOf reads a user's full name; a local name means one of this node.
func (c *call) userOf(name string) (room.User, error) {
	u, err := room.ParseUser(name)
	if err == nil {
		return u, nil
	}
	local := room.MakeUser(name, c.s.node.Name())
	if room.CheckUsername(name) == nil {
		return local, nil
	}
	return "", err
}

// eventOf reads an event's id; empty is the zero id.
func eventOf(id string) (room.EventID, error) {
	if id == "" {
		return room.EventID{}, nil
	}
	return room.ParseHash(id)
}

// eventBytes is eventOf as the signed part has it.
func eventBytes(id string) ([]byte, error) {
	e, err := eventOf(id)
	return e.Bytes(), err
}

// at most n, at least 1, usual when not given: how many of something a page has.
func clamp(given uint32, usual, most int) int {
	if given == 0 {
		return usual
	}
	return min(int(given), most)
}
