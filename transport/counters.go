package transport

import (
	"net/http"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hearth/node"
	"hearth/node/room"
)

// counters are what /metrics shows. No label ever names a room, a user or a peer.
type counters struct {
	registry *prometheus.Registry

	commands  *prometheus.CounterVec
	framesIn  *prometheus.CounterVec
	framesOut *prometheus.CounterVec
	bytesIn   *prometheus.CounterVec
	bytesOut  *prometheus.CounterVec
	items     prometheus.Counter
	signals   prometheus.Counter
	refused   prometheus.Counter

	doors map[string]doorCounters // looked up once: a label lookup a frame would show in profiles
}

type doorCounters struct{ framesIn, framesOut, bytesIn, bytesOut prometheus.Counter }

func counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func newCounters(sessions func() float64, handshakes func() float64) *counters {
	c := &counters{
		registry:  prometheus.NewRegistry(),
		commands:  counterVec("hearth_commands_total", "Commands by name and outcome.", "command", "code"),
		framesIn:  counterVec("hearth_frames_in_total", "Frames from clients.", "door"),
		framesOut: counterVec("hearth_frames_out_total", "Frames to clients: one write each.", "door"),
		bytesIn:   counterVec("hearth_bytes_in_total", "Bytes of frames from clients.", "door"),
		bytesOut:  counterVec("hearth_bytes_out_total", "Bytes of frames to clients.", "door"),
		items:     prometheus.NewCounter(prometheus.CounterOpts{Name: "hearth_deliveries_total", Help: "Items of rooms delivered to clients."}),
		signals:   prometheus.NewCounter(prometheus.CounterOpts{Name: "hearth_signals_total", Help: "Signals delivered to clients."}),
		refused:   prometheus.NewCounter(prometheus.CounterOpts{Name: "hearth_connections_refused_total", Help: "TCP connections over the limit of their address."}),
		doors:     map[string]doorCounters{},
	}
	for _, door := range []string{"websocket", "webtransport", "sse"} {
		c.doors[door] = doorCounters{
			c.framesIn.WithLabelValues(door), c.framesOut.WithLabelValues(door),
			c.bytesIn.WithLabelValues(door), c.bytesOut.WithLabelValues(door),
		}
	}
	c.registry.MustRegister(c.commands, c.framesIn, c.framesOut, c.bytesIn, c.bytesOut, c.items, c.signals, c.refused,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "hearth_sessions", Help: "WebSocket and WebTransport sessions."}, sessions),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "hearth_quic_handshakes", Help: "QUIC handshakes with unproven addresses."}, handshakes),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return c
}

func (c *counters) command(name string, err error) {
	code := string(room.CodeOf(err))
	if code == "" {
		code = "ok"
	}
	c.commands.WithLabelValues(name, code).Inc()
}

func (d *doorCounters) frameIn(bytes int) {
	d.framesIn.Inc()
	d.bytesIn.Add(float64(bytes))
}

func (d *doorCounters) frameOut(bytes int) {
	d.framesOut.Inc()
	d.bytesOut.Add(float64(bytes))
}

func (c *counters) delivered(b *node.Batch) {
	items := 0
	for i := range b.Rooms {
		items += len(b.Rooms[i].Items)
	}
	c.items.Add(float64(items))
	c.signals.Add(float64(len(b.Signals)))
}

// serveMetrics answers loopback and administrators.
func (s *Server) serveMetrics(metrics http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !fromLoopback(r) {
			c, err := s.callFrom(r.Context(), r.Header, r.RemoteAddr)
			if err == nil {
				err = c.permit(&command{name: "metrics", right: admin})
			}
			if err != nil {
				writeError(w, r, err)
				return
			}
		}
		metrics.ServeHTTP(w, r)
	}
}

func (c *counters) handler() http.Handler {
	return promhttp.HandlerFor(c.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

func fromLoopback(r *http.Request) bool {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && a.Addr().Unmap().IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}
