package node

import (
	"slices"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// commit signs what this node wrote and appends the batch; it returns when all of it is
// synced.
func (t *turn) commit() error {
	if t.err != nil {
		return t.err
	}
	if t.said {
		own := t.logs[t.own]
		own.head = &roompb.Head{
			Room: t.c.id.Bytes(), Log: own.log, Origin: own.key.origin, Incarnation: own.key.incarnation,
			Seq: own.seq(), Hash: own.hash.Bytes(),
		}
		room.SignHead(own.head, t.c.n.key)
	}
	if err := t.withdraw(); err != nil {
		return err
	}
	if err := t.tell(); err != nil {
		return err
	}
	for _, ch := range t.logs {
		t.keepLog(ch)
	}
	if t.older != nil {
		t.keepGaps(t.older)
	}
	if t.fold != nil {
		t.foldIn()
	}
	t.app.Meta = t.meta
	t.meta.Leaving = t.leaving()
	if t.frozen != "" {
		t.meta.Frozen, t.meta.ProofA, t.meta.ProofB = t.frozen, t.proofs[0], t.proofs[1]
	}
	if len(t.app.Records) == 0 || t.fold != nil || t.older != nil { // others leave the stored ones as they are
		t.putNodes(t.c.state)
	}
	return t.c.n.store.Append(&t.app)
}

// putNodes completes the room as it is stored by what only entries of the state log change.
func (t *turn) putNodes(s *room.State) {
	if t.fold != nil {
		s = t.fold.state
	}
	t.meta.Stewards, t.meta.Nodes = s.Stewards, storedNodes(s)
}

// leaving are those whose leave waits for the home once this batch is done.
func (t *turn) leaving() []string {
	out := t.c.leavers()
	for _, u := range t.gone {
		out = append(out, string(u))
	}
	if t.fold != nil {
		out = slices.DeleteFunc(out, func(u string) bool { _, settled := t.fold.changed[room.User(u)]; return settled })
	}
	return out
}

// keepLog stores how far a log has come. One that is simply all there is a head; for
// others it says which parts are here.
func (t *turn) keepLog(ch *chain) {
	if !t.c.newest(ch.key) || !latest(t.logs, ch.key) {
		t.app.Chains = append(t.app.Chains, ch.stored())
		return
	}
	t.app.Heads = append(t.app.Heads, ch.head)
	t.keepGaps(ch)
	if t.c.logs[ch.key] != nil {
		return
	}
	for k, former := range t.c.logs { // its head has just been replaced
		if k.origin == ch.key.origin && former.whole() && t.logs[k] == nil {
			t.app.Chains = append(t.app.Chains, former.stored())
		}
	}
}

func (t *turn) keepGaps(ch *chain) {
	if ch.whole() {
		t.app.DropChains = append(t.app.DropChains, ch.head)
	} else {
		t.app.Chains = append(t.app.Chains, ch.stored())
	}
}

// newest tells whether k is its origin's latest incarnation that is known here.
func (c *chamber) newest(k logKey) bool { return latest(c.logs, k) }

func latest(logs map[logKey]*chain, k logKey) bool {
	for other := range logs {
		if other.origin == k.origin && other.incarnation > k.incarnation {
			return false
		}
	}
	return true
}

func storedMember(id room.ID, u room.User, m room.Member) *storagepb.Member {
	out := &storagepb.Member{
		Room: id.Bytes(), User: string(u), Membership: string(m.Membership),
		Since: m.Since, InvitedBy: string(m.By), Reason: m.Reason, From: m.From, Bridge: m.Bridge,
	}
	if m.Membership == "" {
		out.Membership = string(room.Left)
		return out
	}
	out.Role = m.Role.String()
	return out
}
