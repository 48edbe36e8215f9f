package transport

import (
	"github.com/prometheus/client_golang/prometheus"

	"hearth/node/channel"
)

// bridgeGauges shows at each scrape how the bridges do.
type bridgeGauges struct{ book *channel.Book }

var (
	bridgeState      = prometheus.NewDesc("hearth_bridge_state", "1 for the state that the bridge is in.", []string{"bridge", "state"}, nil)
	bridgeHeard      = prometheus.NewDesc("hearth_bridge_heard_timestamp_seconds", "When the far network last said anything; 0: not yet.", []string{"bridge"}, nil)
	bridgeQueue      = prometheus.NewDesc("hearth_bridge_queue", "Events that wait to be relayed.", []string{"bridge"}, nil)
	bridgeOldest     = prometheus.NewDesc("hearth_bridge_oldest_seconds", "Age of the oldest event that waits.", []string{"bridge"}, nil)
	bridgeRelayed    = prometheus.NewDesc("hearth_bridge_relayed_total", "Events relayed to the far network.", []string{"bridge"}, nil)
	bridgeReceived   = prometheus.NewDesc("hearth_bridge_received_total", "Events taken in from the far network.", []string{"bridge"}, nil)
	bridgeDropped    = prometheus.NewDesc("hearth_bridge_dropped_total", "What could not be relayed, by reason.", []string{"bridge", "reason"}, nil)
	bridgeDuplicates = prometheus.NewDesc("hearth_bridge_duplicates_total", "What was seen before, and not said again.", []string{"bridge"}, nil)
	bridgeReconnects = prometheus.NewDesc("hearth_bridge_reconnects_total", "Connections to the far network made anew.", []string{"bridge"}, nil)
)

// Describe implements prometheus.Collector.
func (g bridgeGauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		bridgeState, bridgeHeard, bridgeQueue, bridgeOldest, bridgeRelayed, bridgeReceived, bridgeDropped, bridgeDuplicates, bridgeReconnects,
	} {
		out <- d
	}
}

// bridgeStates are those that a bridge can be in.
var bridgeStates = []string{channel.Connecting, channel.Connected, channel.Degraded, channel.Down, channel.Login, channel.Disabled}

// Collect implements prometheus.Collector.
func (g bridgeGauges) Collect(out chan<- prometheus.Metric) {
	for _, b := range g.book.Bridges() {
		s := g.book.StatusOf(b.Name)
		say := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, more ...string) {
			out <- prometheus.MustNewConstMetric(d, kind, v, append([]string{b.Name}, more...)...)
		}
		for _, state := range bridgeStates {
			is := 0.0
			if s.State == state {
				is = 1
			}
			say(bridgeState, prometheus.GaugeValue, is, state)
		}
		say(bridgeHeard, prometheus.GaugeValue, float64(s.Heard)/1000)
		say(bridgeQueue, prometheus.GaugeValue, float64(s.Queue))
		say(bridgeOldest, prometheus.GaugeValue, float64(s.OldestSeconds))
		say(bridgeRelayed, prometheus.CounterValue, float64(s.Relayed))
		say(bridgeReceived, prometheus.CounterValue, float64(s.Received))
		say(bridgeDuplicates, prometheus.CounterValue, float64(s.Duplicates))
		say(bridgeReconnects, prometheus.CounterValue, float64(s.Reconnects))
		for reason, n := range s.Dropped {
			say(bridgeDropped, prometheus.CounterValue, float64(n), reason)
		}
	}
}
