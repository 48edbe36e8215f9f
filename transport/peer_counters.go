package transport

import (
	"github.com/prometheus/client_golang/prometheus"

	"hearth/node"
	"hearth/node/peer"
)

// peerGauges shows at each scrape how the other nodes do.
type peerGauges struct{ node *node.Node }

var (
	peersByState = prometheus.NewDesc("hearth_peers", "Other nodes, by the state of the link.", []string{"state"}, nil)
	peersGossip  = prometheus.NewDesc("hearth_peers_gossip", "Other nodes that gossip sees alive.", nil, nil)
	peersRTT     = prometheus.NewDesc("hearth_peers_rtt_seconds_max", "The longest round trip of the links that are up.", nil, nil)
	peersClock   = prometheus.NewDesc("hearth_peers_clock_seconds_max", "The largest difference between a peer's clock and this node's.", nil, nil)
	peersBehind  = prometheus.NewDesc("hearth_peers_behind_max", "Messages of this node that the peer furthest behind, of those that are up, has not acknowledged.", nil, nil)
	outbox       = prometheus.NewDesc("hearth_outbox", "Proposals, invitations and reports that wait for other nodes.", nil, nil)
	peerAlarms   = prometheus.NewDesc("hearth_alarms", "Alarms about other nodes that are kept.", nil, nil)
)

// Describe implements prometheus.Collector.
func (g peerGauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{peersByState, peersGossip, peersRTT, peersClock, peersBehind, outbox, peerAlarms} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (g peerGauges) Collect(out chan<- prometheus.Metric) {
	states := map[peer.Standing]float64{peer.Up: 0, peer.Connecting: 0, peer.Down: 0, peer.Blocked: 0}
	gossip, rtt, clock, behind := 0.0, 0.0, 0.0, 0.0
	for _, p := range g.node.Peers.List() {
		states[p.State.Link]++
		if p.State.Gossip {
			gossip++
		}
		if p.State.Link == peer.Up {
			rtt, clock = max(rtt, p.State.RTT.Seconds()), max(clock, p.State.ClockAhead.Abs().Seconds())
			if _, lag, err := g.node.PeerLag(p.Name); err == nil {
				behind = max(behind, float64(lag))
			}
		}
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for state, n := range states {
		gauge(peersByState, n, string(state))
	}
	gauge(peersGossip, gossip)
	gauge(peersRTT, rtt)
	gauge(peersClock, clock)
	gauge(peersBehind, behind)
	if waiting, err := g.waiting(); err == nil {
		gauge(outbox, float64(waiting))
	}
	gauge(peerAlarms, float64(len(g.node.Peers.Alarms())))
}

// waiting is how much is in the outbox.
func (g peerGauges) waiting() (count int, err error) {
	nodes, err := g.node.Store().OutboxNodes()
	if err != nil {
		return 0, err
	}
	for _, name := range nodes {
		letters, err := g.node.Store().Outbox(name)
		if err != nil {
			return 0, err
		}
		count += len(letters)
	}
	return count, nil
}
