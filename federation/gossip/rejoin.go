package gossip

import (
	"bytes"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	joinsAtOnce   = 16
	joinsOfARound = 128 // a federation's dead must not keep a node busy for ever
)

// rejoin joins what is not alive, at first, every half a minute with jitter, and whom a link came up to.
func (g *Gossip) rejoin() {
	told := g.cfg.Record()
	for {
		g.roster.sweep()
		told = g.tell(told)
		g.join(g.due())
		if !g.rest(time.After(jitter(g.cfg.Rejoin))) {
			return
		}
	}
}

// rest until the next round, joining those that links come up to. False when it is over.
func (g *Gossip) rest(round <-chan time.Time) bool {
	for {
		select {
		case <-g.ctx.Done():
			return false
		case <-round:
			return true
		case name := <-g.met:
			g.join(g.named(name))
		}
	}
}

// tell spreads this node's record when it is another than before.
func (g *Gossip) tell(before []byte) []byte {
	now := g.cfg.Record()
	if bytes.Equal(now, before) {
		return now
	}
	if err := g.list.UpdateNode(leaving); err != nil {
		g.log.Debug("gossip: nobody heard of the new record yet", "error", err)
	}
	return now
}

// due are the peers to join in this round, at random, so that in time all get their turn.
func (g *Gossip) due() []Peer {
	missing := g.roster.missing(g.cfg.Peers())
	rand.Shuffle(len(missing), func(i, j int) { missing[i], missing[j] = missing[j], missing[i] })
	return missing[:min(len(missing), joinsOfARound)]
}

func (g *Gossip) named(name string) []Peer {
	for _, p := range g.roster.missing(g.cfg.Peers()) {
		if p.Name == name {
			return []Peer{p}
		}
	}
	return nil
}

func (g *Gossip) join(peers []Peer) {
	var all errgroup.Group
	all.SetLimit(joinsAtOnce)
	for _, p := range peers {
		all.Go(func() error {
			g.joinOne(p)
			return nil
		})
	}
	all.Wait()
}

func (g *Gossip) joinOne(p Peer) {
	key := nameOf(p.Key)
	if key == g.self || g.ctx.Err() != nil || g.roster.expect(p) != nil {
		return
	}
	if _, err := g.list.Join([]string{joinAddress(key)}); err != nil {
		g.log.Debug("gossip: cannot join", "peer", p.Name, "error", err)
	}
}

// jitter is d, give or take a quarter, so that the two sides of a healed partition do not meet in step.
func jitter(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2)
}
