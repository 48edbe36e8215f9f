package gossip

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/hashicorp/memberlist"
	"hearth/node/limit"
)

var (
	errMeta    = errors.New("no record, or one that is too long")
	errVersion = errors.New("another version of the gossip protocol")
	errAddress = errors.New("an address that is not made from the key")
	errKey     = errors.New("a record of another key")

	dishonest = []error{errMeta, errVersion, errAddress, errKey}
)

// delegate is what memberlist asks. It calls under its own lock: nothing here may call memberlist.
type delegate struct {
	self   string
	cfg    *Config
	roster *roster
	warn   warner
}

// NodeMeta is this node's record. Too long a one would make memberlist panic: better none, which the
// others refuse.
func (d *delegate) NodeMeta(limit int) []byte {
	record := d.cfg.Record()
	if len(record) > limit {
		d.cfg.Log.Error("gossip: this node's record is too long", "bytes", len(record), "limit", limit)
		return nil
	}
	return record
}

// NotifyAlive decides whether a node gets into the list, or a change of it. Every way in passes here:
// packets, exchanges of the whole list, joins.
func (d *delegate) NotifyAlive(n *memberlist.Node) error {
	if n.Name == d.self {
		return nil // what is wrong in it, memberlist refutes
	}
	err := d.admit(n)
	if err != nil {
		d.warn.refused(n.Name, err)
	}
	return err
}

func (d *delegate) admit(n *memberlist.Node) error {
	switch {
	case len(n.Meta) == 0 || len(n.Meta) > MaxRecord:
		return errMeta
	case !speaks(n):
		return errVersion
	case !n.Addr.Equal(addressOf(n.Name)) || n.Port != port:
		return errAddress
	}
	if d.roster.has(n.Name, n.Meta) {
		return nil
	}
	p, err := d.cfg.Verify(n.Meta)
	if err != nil {
		return err
	}
	if len(p.Key) != ed25519.PublicKeySize || nameOf(p.Key) != n.Name {
		return errKey
	}
	return d.roster.admit(p, n.Meta)
}

// speaks says whether a node's protocol versions go with ours. One member with others, once in the list,
// would make every exchange of lists fail on every node (memberlist's verifyProtocol).
func speaks(n *memberlist.Node) bool {
	const ours = memberlist.ProtocolVersion2Compatible
	return n.PMin >= memberlist.ProtocolVersionMin && n.PMin <= ours && n.PMax >= ours && n.PCur == ours &&
		n.DMin == 0 && n.DMax == 0 && n.DCur == 0
}

// NotifyMerge can only refuse all of a peer's list. One bad entry must not: it is left out by NotifyAlive.
func (d *delegate) NotifyMerge(nodes []*memberlist.Node) error {
	if len(nodes) > most(d.cfg.Limit) {
		return fmt.Errorf("a list of %d nodes: %w", len(nodes), errFull)
	}
	return nil
}

func (d *delegate) NotifyJoin(n *memberlist.Node)   { d.roster.set(n.Name, true) }
func (d *delegate) NotifyLeave(n *memberlist.Node)  { d.roster.set(n.Name, false) }
func (d *delegate) NotifyUpdate(n *memberlist.Node) { d.roster.changed() }

// Hearth says nothing of its own through memberlist.
func (d *delegate) NotifyMsg([]byte)                {}
func (d *delegate) GetBroadcasts(_, _ int) [][]byte { return nil }
func (d *delegate) LocalState(bool) []byte          { return nil }
func (d *delegate) MergeRemoteState([]byte, bool)   {}

// warner logs refusals: what Verify refuses for debugging (whom policy does not let in is told by everybody
// who does let it in; of a squatter Verify raises the alarm itself), the rest, which no honest node sends, as a
// warning. Each node's once a minute and not many nodes': what anybody can cause must not fill the log.
type warner struct {
	log   *slog.Logger
	nodes *limit.Table[string]
	all   *limit.Table[struct{}]
}

func newWarner(log *slog.Logger) warner {
	return warner{log, limit.New[string](limit.Rate{Burst: 1, Per: time.Minute}, 256),
		limit.New[struct{}](limit.Rate{Burst: 20, Per: time.Minute}, 1)}
}

func (w warner) refused(name string, err error) {
	now := time.Now()
	if w.nodes.Take(name, 1, now) > 0 || w.all.Take(struct{}{}, 1, now) > 0 {
		return
	}
	level := slog.LevelDebug
	if slices.Contains(dishonest, err) {
		level = slog.LevelWarn
	}
	w.log.Log(context.Background(), level, "gossip: node refused", "key", name[:min(len(name), 64)], "error", err)
}
