package storage

import (
	"errors"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

var errDeclared = errors.New("declared, not written yet")

// Install is Append for a room that is taken over from another node's snapshot.
func (s *Store) Install(a *Append) error { return errDeclared }

func (s *Store) About(r room.ID, target room.EventID) ([]Record, error) { return nil, errDeclared }

func (s *Store) StateHead(r room.ID, seq uint64) (*roompb.Head, error) { return nil, errDeclared }

func (s *Store) Heads(r room.ID) ([]*roompb.Head, error) { return nil, errDeclared }

func (s *Store) Chains(r room.ID) ([]*storagepb.Chain, error) { return nil, errDeclared }

// Log reads consecutive records of a log, seq from to `to` (inclusive; 0: to the end), at most limit, at most maxBytes
// but always one; it stops at the first that is not here. LOG_STATE: origin and incarnation are not looked at.
func (s *Store) Log(r room.ID, log roompb.Log, origin string, incarnation uint32, from, to uint64, limit, maxBytes int) ([]Record, error) {
	return nil, errDeclared
}

func (s *Store) Pasts(r room.ID, fn func(room.User, []*roompb.PastStanding) error) error {
	return errDeclared
}

func (s *Store) PeerRooms(node string) ([]room.ID, error) { return nil, errDeclared }
func (s *Store) PeerNodes() ([]string, error)             { return nil, errDeclared }

func (s *Store) PutOutbox(node string, id [16]byte, b []byte) error { return errDeclared }
func (s *Store) Outbox(node string) ([]Outgoing, error)             { return nil, errDeclared }
func (s *Store) DeleteOutbox(node string, id [16]byte) error        { return errDeclared }
func (s *Store) OutboxNodes() ([]string, error)                     { return nil, errDeclared }

func (s *Store) PutForeignProfile(profiles ...*roompb.Profile) error { return errDeclared }
func (s *Store) ForeignProfile(u room.User) (*roompb.Profile, error) { return nil, errDeclared }

// PutBlock: what is a user (alice@node) or a node.
func (s *Store) PutBlock(local, what string, on bool) error         { return errDeclared }
func (s *Store) Blocks(local string) ([]string, error)              { return nil, errDeclared }
func (s *Store) Blocked(local string, what ...string) (bool, error) { return false, errDeclared }

func (s *Store) PutReport(m *storagepb.Report) error            { return errDeclared }
func (s *Store) Reports(limit int) ([]*storagepb.Report, error) { return nil, errDeclared }
func (s *Store) DeleteReport(id string) error                   { return errDeclared }

func (s *Store) PutPeer(m *storagepb.Peer) error           { return errDeclared }
func (s *Store) Peer(name string) (*storagepb.Peer, error) { return nil, errDeclared }
func (s *Store) Peers() ([]*storagepb.Peer, error)         { return nil, errDeclared }
func (s *Store) DeletePeer(name string) error              { return errDeclared }

// PutPeerByInvite keeps a peer and takes one use off a node invite, both or neither.
func (s *Store) PutPeerByInvite(m *storagepb.Peer, secretHash [32]byte, now int64) (*storagepb.Invite, error) {
	return nil, errDeclared
}
func (s *Store) PutNodeInvite(m *storagepb.Invite) error                   { return errDeclared }
func (s *Store) NodeInvite(secretHash [32]byte) (*storagepb.Invite, error) { return nil, errDeclared }
func (s *Store) NodeInvites() ([]*storagepb.Invite, error)                 { return nil, errDeclared }
func (s *Store) DeleteNodeInvite(id string) error                          { return errDeclared }
