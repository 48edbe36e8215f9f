package storage

import (
	"bytes"
	"slices"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// Remote is what an event is beyond a bridge: an id a piece.
type Remote struct {
	Event room.EventID
	IDs   []string
	Anew  bool // it is these alone: what it was before is gone over there
}

// Bridges reads all bridges, by name.
func (s *Store) Bridges() (bridges []*storagepb.Bridge, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	err = s.scan(appendSpace(nil, spaceBridge), nil, func(_, value []byte) error {
		m := new(storagepb.Bridge)
		bridges = append(bridges, m)
		return decode(value, m)
	})
	return bridges, wrapf(err, "read bridges")
}

// PutBridge keeps a bridge.
func (s *Store) PutBridge(m *storagepb.Bridge) error {
	return s.write(func(w *writer) error {
		if err := checkWord("bridge's name", m.GetName()); err != nil {
			return err
		}
		return w.proto(appendName(nil, spaceBridge, m.GetName()), m)
	}, "put bridge %s", m.GetName())
}

// DeleteBridge takes a bridge away, and all that was kept of it.
func (s *Store) DeleteBridge(name string) error {
	return s.write(func(w *writer) error {
		for _, sp := range []space{spaceLink, spaceRemote, spaceLocal, spaceStash, spaceMute} {
			if err := w.deleteAll(appendOwned(nil, sp, name)); err != nil {
				return err
			}
		}
		return w.delete(appendName(nil, spaceBridge, name))
	}, "delete bridge %s", name)
}

// deleteAll takes away every key that begins with prefix, at the cost of one.
func (w *writer) deleteAll(prefix []byte) error {
	return w.b.DeleteRange(prefix, successor(prefix), nil)
}

// BridgeLinks reads all links of a bridge, those that ended too, by room.
func (s *Store) BridgeLinks(bridge string) (links []*storagepb.BridgeLink, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	err = s.scan(appendOwned(nil, spaceLink, bridge), nil, func(_, value []byte) error {
		m := new(storagepb.BridgeLink)
		links = append(links, m)
		return decode(value, m)
	})
	return links, wrapf(err, "read links of bridge %s", bridge)
}

// PutBridgeLink keeps a link. fresh: the room is joined to another channel than before, so what
// events were over there is forgotten.
func (s *Store) PutBridgeLink(m *storagepb.BridgeLink, fresh bool) error {
	return s.write(func(w *writer) error {
		r, err := room.HashFromBytes(m.GetRoom())
		if err != nil {
			return err
		}
		if fresh {
			for _, sp := range []space{spaceRemote, spaceLocal} {
				if err := w.deleteAll(appendBridgeRoom(nil, sp, m.GetBridge(), r)); err != nil {
					return err
				}
			}
		}
		return w.link(m, r)
	}, "put link of bridge %s", m.GetBridge())
}

func (w *writer) link(m *storagepb.BridgeLink, r room.ID) error {
	if err := checkWord("bridge's name", m.GetBridge()); err != nil {
		return err
	}
	return w.proto(appendBridgeRoom(nil, spaceLink, m.GetBridge(), r), m)
}

// DeleteBridgeLink forgets a link, with what events were over there and who was not heard.
func (s *Store) DeleteBridgeLink(bridge string, r room.ID) error {
	return s.write(func(w *writer) error {
		for _, sp := range []space{spaceLink, spaceRemote, spaceLocal, spaceMute} {
			if err := w.deleteAll(appendBridgeRoom(nil, sp, bridge, r)); err != nil {
				return err
			}
		}
		return nil
	}, "delete link of bridge %s", bridge)
}

// AdvanceLink keeps a link as it stands now, and what events are beyond it, all or nothing.
// What was known of an event is added to, unless it is there anew; an id that stands for another event stays that one's.
// Calls about one link must not run side by side.
func (s *Store) AdvanceLink(m *storagepb.BridgeLink, remote ...Remote) error {
	return s.write(func(w *writer) error {
		r, err := room.HashFromBytes(m.GetRoom())
		if err != nil {
			return err
		}
		fresh := map[string]bool{} // ids that this batch gives away
		for _, rm := range remote {
			if err := w.remote(m.GetBridge(), r, rm, fresh); err != nil {
				return err
			}
		}
		return w.link(m, r)
	}, "advance link of bridge %s", m.GetBridge())
}

func (w *writer) remote(bridge string, r room.ID, rm Remote, fresh map[string]bool) error {
	known, err := w.s.remote(bridge, r, rm.Event)
	if err != nil {
		return err
	}
	if rm.Anew {
		known.Former = slices.DeleteFunc(append(known.Former, known.Ids...), func(id string) bool { return slices.Contains(rm.IDs, id) })
		known.Ids = nil
	}
	had := len(known.Ids)
	for _, id := range rm.IDs {
		owner, ok, err := w.s.local(bridge, r, id)
		if err != nil {
			return err
		}
		if ok && owner != rm.Event || fresh[id] || slices.Contains(known.Ids, id) || slices.Contains(known.Former, id) {
			continue
		}
		fresh[id] = true
		known.Ids = append(known.Ids, id)
		if err := w.set(appendLocal(nil, bridge, r, id), rm.Event[:]); err != nil {
			return err
		}
	}
	if len(known.Ids) == had {
		return nil
	}
	return w.proto(appendRemote(nil, bridge, r, rm.Event), known)
}

func appendRemote(b []byte, bridge string, r room.ID, e room.EventID) []byte {
	return append(appendBridgeRoom(b, spaceRemote, bridge, r), e[:]...)
}

func appendLocal(b []byte, bridge string, r room.ID, id string) []byte {
	return append(appendBridgeRoom(b, spaceLocal, bridge, r), id...)
}

// RemoteOf reads what an event is beyond a bridge; none when it never was.
func (s *Store) RemoteOf(bridge string, r room.ID, e room.EventID) ([]string, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	m, err := s.remote(bridge, r, e)
	return m.GetIds(), wrapf(err, "read what event %s is beyond bridge %s", e, bridge)
}

func (s *Store) remote(bridge string, r room.ID, e room.EventID) (*storagepb.Remote, error) {
	m := new(storagepb.Remote)
	_, err := s.message(appendRemote(nil, bridge, r, e), m)
	return m, err
}

// LocalOf reads which event an id beyond a bridge is; false when it is none.
func (s *Store) LocalOf(bridge string, r room.ID, id string) (room.EventID, bool, error) {
	if err := s.enter(); err != nil {
		return room.EventID{}, false, err
	}
	defer s.leave()
	e, ok, err := s.local(bridge, r, id)
	return e, ok, wrapf(err, "read which event is %q beyond bridge %s", id, bridge)
}

func (s *Store) local(bridge string, r room.ID, id string) (e room.EventID, ok bool, err error) {
	ok, err = s.get(appendLocal(nil, bridge, r, id), func(v []byte) (err error) {
		e, err = room.HashFromBytes(v)
		return err
	})
	return e, ok, err
}

// Stash reads what a bridge's plugin keeps under a key; nil when nothing.
func (s *Store) Stash(bridge, key string) (value []byte, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	_, err = s.get(append(appendOwned(nil, spaceStash, bridge), key...), func(v []byte) error {
		value = append([]byte{}, v...)
		return nil
	})
	return value, wrapf(err, "read %q of bridge %s", key, bridge)
}

// PutStash keeps a value of a bridge's plugin; nil takes it away.
func (s *Store) PutStash(bridge, key string, value []byte) error {
	return s.write(func(w *writer) error {
		if err := checkWord("bridge's name", bridge); err != nil {
			return err
		}
		at := append(appendOwned(nil, spaceStash, bridge), key...)
		if value == nil {
			return w.delete(at)
		}
		return w.set(at, value)
	}, "put %q of bridge %s", key, bridge)
}

// StashSizes reads how many bytes a bridge's plugin keeps under each key.
func (s *Store) StashSizes(bridge string) (map[string]int, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	sizes := map[string]int{}
	prefix := appendOwned(nil, spaceStash, bridge)
	err := s.scan(prefix, nil, func(key, value []byte) error {
		sizes[string(key[len(prefix):])] = len(value)
		return nil
	})
	return sizes, wrapf(err, "read what bridge %s keeps", bridge)
}

// PutBridgeMute says whether a ghost is not to be heard in a room.
func (s *Store) PutBridgeMute(bridge string, r room.ID, ghost string, on bool) error {
	return s.write(func(w *writer) error {
		if err := checkWord("bridge's name", bridge); err != nil {
			return err
		}
		key := append(appendBridgeRoom(nil, spaceMute, bridge, r), ghost...)
		if !on {
			return w.delete(key)
		}
		return w.set(key, nil)
	}, "put mute of %s beyond bridge %s", ghost, bridge)
}

// BridgeMutes reads who is not to be heard in a room, by id.
func (s *Store) BridgeMutes(bridge string, r room.ID) (ghosts []string, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	prefix := appendBridgeRoom(nil, spaceMute, bridge, r)
	err = s.scan(prefix, nil, func(key, _ []byte) error {
		ghosts = append(ghosts, string(key[len(prefix):]))
		return nil
	})
	return ghosts, wrapf(err, "read mutes of bridge %s", bridge)
}

// ───────────────────────────── Verify ─────────────────────────────

// bridges: what is kept of a bridge is of one that is there, and the two maps of ids say the same.
func (v *verifier) bridges() error {
	known := map[string]bool{}
	err := v.each(spaceBridge, func(c *cut, _, value []byte) error {
		name := c.tail()
		known[name] = true
		m := new(storagepb.Bridge)
		if err := decode(value, m); err != nil {
			return err
		}
		if m.GetName() != name {
			v.problem(room.ID{}, 0, "the bridge %s is recorded as %s", name, m.GetName())
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range []space{spaceLocal, spaceStash, spaceMute} {
		if err := v.each(s, func(c *cut, _, _ []byte) error { v.ofBridge(known, s, c); c.tail(); return nil }); err != nil {
			return err
		}
	}
	if err := v.links(known); err != nil {
		return err
	}
	return v.each(spaceRemote, func(c *cut, _, value []byte) error {
		bridge, r, e := v.ofBridge(known, spaceRemote, c), c.hash(), c.hash()
		m := new(storagepb.Remote)
		if err := decode(value, m); err != nil {
			return err
		}
		for _, id := range append(m.GetIds(), m.GetFormer()...) {
			if err := v.expect(r, 0, entry{appendLocal(nil, bridge, r, id), e[:]}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (v *verifier) ofBridge(known map[string]bool, s space, c *cut) string {
	name := c.word()
	if !known[name] {
		v.problem(room.ID{}, 0, "%q has something of a bridge %s that is not there", string(s), name)
	}
	return name
}

func (v *verifier) links(known map[string]bool) error {
	return v.each(spaceLink, func(c *cut, _, value []byte) error {
		bridge, r := v.ofBridge(known, spaceLink, c), c.hash()
		m := new(storagepb.BridgeLink)
		if err := decode(value, m); err != nil {
			return err
		}
		if m.GetBridge() != bridge || !bytes.Equal(m.GetRoom(), r[:]) {
			v.problem(r, 0, "its link by bridge %s is recorded as another", bridge)
		}
		return nil
	})
}
