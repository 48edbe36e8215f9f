package plugins

import (
	"hearth/node/room/roompb"
	pb "hearth/plugins/bridge/bridgepb"
)

// voided is what an entry of the room's state took back: what its author said when the right to was gone
// already, unknown to the author's node. Where it was relayed meanwhile, it is deleted over there.
//
// Each deletion has an id that follows from the message, so that a second reading of the entry, after a kill,
// says the same.
func (l *life) voided(a *lane, item *roompb.Item) (verdict, error) {
	e := item.GetEvent()
	if !l.can.GetDeletes() && (!l.can.GetCorrects() || l.old(e)) {
		return verdict{}, nil
	}
	var v verdict
	for _, id := range item.GetVoided() {
		if a.out.on(id) {
			return verdict{wait: true}, nil
		}
		remote, err := l.remoteOf(a, id)
		if err != nil {
			return verdict{}, err
		}
		if len(remote) == 0 {
			continue // it never was there
		}
		v.deletions = append(v.deletions, &pb.Delivery{
			Id: "void-" + id, Channel: a.channel, Kind: "delete", Author: l.person(e.GetAuthor(), e.GetGhost()),
			Target: l.ref(nil, id, remote), Time: e.GetTime(),
		})
	}
	return v, nil
}
