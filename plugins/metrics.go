package plugins

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hearth/node/channel"
)

// Collectors are the figures of the bridges. Their labels are the names of bridges, which an operator
// chose, and reasons of a short list; never a room's or a person's.
func (h *Host) Collectors() []prometheus.Collector { return []prometheus.Collector{gauges{h.book}} }

type gauges struct{ book *channel.Book }

var (
	upDesc         = bridgeDesc("up", "Whether the bridge is connected.")
	queueDesc      = bridgeDesc("queue", "Events that wait to be relayed.")
	oldestDesc     = bridgeDesc("queue_age_seconds", "Age of the oldest of them.")
	relayedDesc    = bridgeDesc("relayed_total", "Events relayed to the far network.")
	receivedDesc   = bridgeDesc("received_total", "Entries received from the far network.")
	droppedDesc    = bridgeDesc("dropped_total", "What was not relayed, either way, by reason.", "reason")
	duplicatesDesc = bridgeDesc("duplicates_total", "Entries that were there already.")
	reconnectsDesc = bridgeDesc("reconnects_total", "New connections to the far network.")
	heardDesc      = bridgeDesc("heard_seconds", "Time since the far network was last heard.")
)

func bridgeDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("hearth_bridge_"+name, help, append([]string{"bridge"}, labels...), nil)
}

func (g gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{upDesc, queueDesc, oldestDesc, relayedDesc, receivedDesc, droppedDesc, duplicatesDesc, reconnectsDesc, heardDesc} {
		out <- d
	}
}

func (g gauges) Collect(out chan<- prometheus.Metric) {
	for _, b := range g.book.Bridges() {
		s := g.book.StatusOf(b.Name)
		up := 0.0
		if s.State == channel.Connected {
			up = 1
		}
		for d, v := range map[*prometheus.Desc]float64{upDesc: up, queueDesc: float64(s.Queue), oldestDesc: float64(s.OldestSeconds)} {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, b.Name)
		}
		for d, v := range map[*prometheus.Desc]uint64{relayedDesc: s.Relayed, receivedDesc: s.Received, duplicatesDesc: s.Duplicates, reconnectsDesc: s.Reconnects} {
			out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), b.Name)
		}
		for reason, n := range s.Dropped {
			out <- prometheus.MustNewConstMetric(droppedDesc, prometheus.CounterValue, float64(n), b.Name, reason)
		}
		if s.Heard > 0 {
			out <- prometheus.MustNewConstMetric(heardDesc, prometheus.GaugeValue, time.Since(time.UnixMilli(s.Heard)).Seconds(), b.Name)
		}
	}
}
