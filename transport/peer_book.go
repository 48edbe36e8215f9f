package transport

import (
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/transport/session/clientpb"
)

// Book answers what administrators ask about other nodes from the book of peers alone:
// for the commands of a running node, and for who works on the folder of one that stands.
type Book struct{ *peer.Book }

// All is every node that is known, without what only a running node knows of it, and those
// that are to be joined.
func (b Book) All() (*clientpb.AdminPeersResponse, error) {
	out := &clientpb.AdminPeersResponse{Policy: string(b.Policy()), Addresses: b.Addresses()}
	for _, p := range b.List() {
		out.Peers = append(out.Peers, showPeer(p))
	}
	links, err := b.PendingJoins()
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		out.Peers = append(out.Peers, PendingPeer(link))
	}
	for _, a := range b.Alarms() {
		out.Alarms = append(out.Alarms, &clientpb.Alarm{Time: a.Time.UnixMilli(), Peer: a.Peer, Text: a.Text})
	}
	return out, nil
}

// PendingPeer is a node that is to be joined by link, when this one starts or as soon as
// the other can be reached.
func PendingPeer(link string) *clientpb.Peer {
	out := &clientpb.Peer{Name: link, State: "pending"}
	if l, err := peer.ParseLink(link); err == nil {
		out.Name, out.Key, out.Addresses = l.Name, l.Fingerprint, []string{l.Address}
	}
	return out
}

func showPeer(p peer.Peer) *clientpb.Peer {
	out := &clientpb.Peer{
		Name: p.Name, Key: peer.Fingerprint(p.Key), State: string(p.State.Link), RttMs: p.State.RTT.Seconds() * 1000,
		Addresses: p.Addresses, Error: p.State.Error, Blocked: p.Blocked, Version: p.Version, Gossip: p.State.Gossip,
		ClockMs: p.State.ClockAhead.Milliseconds(),
	}
	if !p.State.Since.IsZero() {
		out.Since = p.State.Since.UnixMilli()
	}
	return out
}

// Change blocks, unblocks or forgets a node.
func (b Book) Change(in *clientpb.AdminPeerSetRequest) error {
	if in.Blocked == nil && !in.GetForget() {
		return room.Errorf(room.BadRequest, "Say what to do with the node: block, unblock or forget it.")
	}
	if in.Blocked != nil {
		if err := b.Block(in.Name, *in.Blocked); err != nil {
			return err
		}
	}
	if in.GetForget() {
		return b.Forget(in.Name)
	}
	return nil
}

// Invite makes an invite link for other nodes, in the name of by.
func (b Book) Invite(in *clientpb.AdminNodeInviteRequest, by room.User) (*clientpb.AdminNodeInviteResponse, error) {
	if len(b.Addresses()) == 0 {
		_, err := b.InviteLink("") // says what to do
		return nil, err
	}
	secret, err := b.MakeInvite(int(min(in.Uses, 1<<30)), seconds(in.ValidSeconds), in.Note, string(by))
	if err != nil {
		return nil, err
	}
	link, err := b.InviteLink(secret)
	return &clientpb.AdminNodeInviteResponse{Link: link}, err
}

// Govern sets which nodes may join by themselves.
func (b Book) Govern(in *clientpb.AdminFederationSetRequest) error {
	if in.Policy == nil {
		return room.Errorf(room.BadRequest, "Give what to set: the policy.")
	}
	policy, err := peer.ParsePolicy(*in.Policy)
	if err != nil {
		return err
	}
	return b.SetPolicy(policy)
}
