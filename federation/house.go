package federation

import (
	"context"
	"crypto/ed25519"

	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// house is what the door needs of a node: what travels is given to it, and fetched from
// it; what it means is decided there. *node.Node is one.
type house interface {
	Name() string
	PrivateKey() ed25519.PrivateKey

	TakeParcel(peer string, p *roompb.Parcel) func(context.Context) (again *roompb.Frontier, err error)
	Digests(peer string) ([]node.Digest, error)
	Frontier(peer string, id room.ID) (*roompb.Frontier, error)
	Collect(peer string, theirs *roompb.Frontier, own bool, maxBytes int) (parcels []*roompb.Parcel, after *roompb.Frontier, more bool, err error)
	Acked(peer string, id room.ID, tops []*roompb.Top, stateIndex uint64)
	Level(peer string)
	PushTo(id room.ID) []string // to whom this node passes on what is new in a room

	FollowPeers() *node.PeerFollower
	ReceiveSignal(peer string, s *roompb.Signal)

	Errands() <-chan *node.Errand
	Answer(ctx context.Context, peer string, a *roompb.Ask) *roompb.Answer

	Vouches(name string, key []byte) bool // a shared room names this key for the node
	Companions() ([]string, error)        // nodes to have links with: they share a room, or something waits for them
	WaitedFor() (int, error)              // how many nodes something waits for
	PeerUp(name string)
	PeerDown(name string)
}
