package storage

import (
	"hearth/storage/storagepb"
)

// Peers reads all known nodes, by name.
func (s *Store) Peers() (peers []*storagepb.Peer, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	err = s.scan(appendSpace(nil, spacePeer), nil, func(_, value []byte) error {
		m := new(storagepb.Peer)
		peers = append(peers, m)
		return decode(value, m)
	})
	return peers, wrapf(err, "read peers")
}

// PutPeer keeps what is known of another node.
func (s *Store) PutPeer(m *storagepb.Peer) error {
	return s.write(func(w *writer) error { return w.peer(m) }, "put peer %s", m.GetName())
}

func (w *writer) peer(m *storagepb.Peer) error {
	if err := checkWord("node's name", m.GetName()); err != nil {
		return err
	}
	return w.proto(appendName(nil, spacePeer, m.GetName()), m)
}

// PutPeerByInvite keeps another node and takes one use off the node invite that it came with,
// both or neither. Refused as not_found for an unknown invite, gone for a spent one.
func (s *Store) PutPeerByInvite(m *storagepb.Peer, secretHash [32]byte, now int64) (invite *storagepb.Invite, err error) {
	s.accounts.Lock()
	defer s.accounts.Unlock()
	err = s.write(func(w *writer) (err error) {
		if invite, err = w.useInvite(spaceNodeInvite, secretHash, now); err != nil {
			return err
		}
		return w.peer(m)
	}, "put peer %s by invite", m.GetName())
	if err != nil {
		return nil, err
	}
	return invite, nil
}

// DeletePeer forgets another node; nothing happens when it is not known.
func (s *Store) DeletePeer(name string) error {
	return s.write(func(w *writer) error { return w.delete(appendName(nil, spacePeer, name)) }, "delete peer %s", name)
}

// NodeInvites reads all invites of nodes, spent ones too.
func (s *Store) NodeInvites() ([]*storagepb.Invite, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.invites(spaceNodeInvite)
}

// PutNodeInvite keeps an invite of a node, under the hash of its secret.
func (s *Store) PutNodeInvite(m *storagepb.Invite) error { return s.putInvite(spaceNodeInvite, m) }

// DeleteNodeInvite takes an invite away; refused as not_found when there is none of that id.
func (s *Store) DeleteNodeInvite(id string) error { return s.deleteInvite(spaceNodeInvite, id) }
