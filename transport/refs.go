package transport

import (
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
