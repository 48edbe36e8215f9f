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
	peerAlarms   = prometheus.NewDesc("hearth_alarms", "Alarms about other nodes that are kept.", nil, nil)
)

// Describe implements prometheus.Collector.
func (g peerGauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{peersByState, peersGossip, peersRTT, peersClock, peersBehind, peerAlarms} {
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
	gauge(peerAlarms, float64(len(g.node.Peers.Alarms())))
}
