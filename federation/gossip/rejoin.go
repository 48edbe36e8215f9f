package gossip

import (
	"bytes"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	joinsAtOnce   = 16
	joinsOfARound = 128 // a federation's dead must not keep a node busy for ever
)

// settling is when, after it has joined somebody, a node exchanges whole lists with a few of the living.
// What is broadcast of a newcomer reaches most, and is not repeated; without this the rest, and the newcomer,
// would wait for the regular exchanges, half a minute and more.
var settling = []time.Duration{2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second}

const settleWith = 3

// rejoin joins what is not alive, at first, every half a minute with jitter, and whom a link came up to.
func (g *Gossip) rejoin() {
	told := g.cfg.Record()
	round, settle := time.NewTimer(0), time.NewTimer(0)
	defer round.Stop()
	defer settle.Stop()
	for step := 0; ; {
		joined := false
		select {
		case <-g.ctx.Done():
			return
		case <-round.C:
			g.roster.sweep()
			told = g.tell(told)
			joined = g.join(g.due())
			round.Reset(jitter(g.cfg.Rejoin))
		case name := <-g.met:
			joined = g.join(g.named(name))
		case <-settle.C:
			g.join(g.some())
			if step++; step < len(settling) {
				settle.Reset(settling[step])
			}
		}
		if joined {
			step = 0
			settle.Reset(settling[0])
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

// some of the living, to exchange lists with.
func (g *Gossip) some() []Peer {
	living := g.Alive()
	rand.Shuffle(len(living), func(i, j int) { living[i], living[j] = living[j], living[i] })
	return living[:min(len(living), settleWith)]
}

// join exchanges lists with each, and says whether that was done with any.
func (g *Gossip) join(peers []Peer) bool {
	var all errgroup.Group
	var joined atomic.Bool
	all.SetLimit(joinsAtOnce)
	for _, p := range peers {
		all.Go(func() error {
			if g.joinOne(p) {
				joined.Store(true)
			}
			return nil
		})
	}
	all.Wait()
	return joined.Load()
}

func (g *Gossip) joinOne(p Peer) bool {
	key := nameOf(p.Key)
	if key == g.self || g.ctx.Err() != nil || g.roster.expect(p) != nil {
		return false
	}
	_, err := g.list.Join([]string{joinAddress(key)})
	if err != nil {
		g.log.Debug("gossip: cannot join", "peer", p.Name, "error", err)
	}
	return err == nil
}

// jitter is d, give or take a quarter, so that the two sides of a healed partition do not meet in step.
func jitter(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2)
}
