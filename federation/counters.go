package federation

import (
	"github.com/prometheus/client_golang/prometheus"
)

// counters are what /metrics shows of the door. No label ever names a peer or a room.
type counters struct {
	in, out flow
	links   prometheus.Counter
	refused prometheus.Counter
	failed  prometheus.Counter
	charges prometheus.Counter

	all []prometheus.Collector
}

// flow is what goes one way: looked up once, since a look-up a parcel would show.
type flow struct{ parcels, events, bytes, asks, signals prometheus.Counter }

func newCounters(f *Federation) *counters {
	both := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hearth_federation_" + name, Help: help}, []string{"direction"})
	}
	one := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "hearth_federation_" + name, Help: help})
	}
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "hearth_federation_" + name, Help: help}, func() float64 { return float64(value()) })
	}
	parcels, events, bytes := both("parcels_total", "Stretches of rooms' logs."), both("events_total", "Events in parcels."), both("parcel_bytes_total", "Bytes of parcels.")
	asks, signals := both("asks_total", "Questions to and from other nodes."), both("signals_total", "Typing, presence, receipts.")
	way := func(way string) flow {
		return flow{parcels.WithLabelValues(way), events.WithLabelValues(way), bytes.WithLabelValues(way), asks.WithLabelValues(way), signals.WithLabelValues(way)}
	}
	c := &counters{
		in: way("in"), out: way("out"),
		links:   one("links_total", "Links that came up."),
		refused: one("hellos_refused_total", "Nodes that were not let in."),
		failed:  one("dials_failed_total", "Tries to reach a node that failed."),
		charges: one("charges_total", "Bad things that peers have sent."),
	}
	c.all = []prometheus.Collector{
		parcels, events, bytes, asks, signals, c.links, c.refused, c.failed, c.charges,
		gauge("peers_up", "Nodes with a link.", func() int { return len(f.Links()) }),
		gauge("peers_known", "Nodes in the book.", f.book.Size),
		gauge("connections", "Connections with nodes, those included whose hello has not come.", f.connections),
		gauge("alarms", "Alarms that an administrator can see.", func() int { return len(f.book.Alarms()) }),
		gauge("nodes_waited_for", "Nodes that something lies in the outbox for.", f.waitedFor),
	}
	return c
}

// Collectors are the door's figures for /metrics.
func (f *Federation) Collectors() []prometheus.Collector { return f.counters.all }

func (f *Federation) connections() int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return len(f.conns)
}

func (f *Federation) waitedFor() int {
	n, err := f.node.WaitedFor()
	if err != nil {
		f.log.Warn("count whom something waits for", "error", err)
	}
	return n
}

func (w *flow) parcel(events, bytes int) {
	w.parcels.Inc()
	w.events.Add(float64(events))
	w.bytes.Add(float64(bytes))
}
