package main

import (
	"encoding/json"
	"io"
	"math"
	"slices"
	"time"
)

// report prints JSON lines.
type report struct{ out io.Writer }

// line is one measured figure. Numbers that were not measured are left out.
type line struct {
	Figure    string  `json:"figure"`
	Server    string  `json:"server"` // hearth, baseline-each, baseline-due
	Transport string  `json:"transport,omitempty"`
	Clients   int     `json:"clients,omitempty"`
	Rooms     int     `json:"rooms,omitempty"`
	Senders   int     `json:"senders,omitempty"`
	Seconds   float64 `json:"seconds,omitempty"`

	SentPerSecond      float64 `json:"messages_per_s,omitempty"`
	DeliveredPerSecond float64 `json:"deliveries_per_s,omitempty"`
	Lost               int64   `json:"not_delivered,omitempty"`
	CPUPerMillion      float64 `json:"server_cpu_s_per_million_deliveries,omitempty"`
	CPUPerMillionSent  float64 `json:"server_cpu_s_per_million_messages,omitempty"`
	P50                float64 `json:"p50_ms,omitempty"`
	P99                float64 `json:"p99_ms,omitempty"`
	PerSecond          float64 `json:"per_s,omitempty"`
	KiBPerClient       float64 `json:"kib_per_client,omitempty"`
	RSSMiB             float64 `json:"server_rss_mib,omitempty"`
	BytesPerMessage    float64 `json:"disk_bytes_per_message,omitempty"`

	// Of several nodes that share a room.
	To             string  `json:"to,omitempty"` // whose clients: of the sender's node, or of another
	Nodes          int     `json:"nodes,omitempty"`
	Members        int     `json:"members,omitempty"`
	Events         int     `json:"events,omitempty"`
	SenderCPU      float64 `json:"sender_cpu_ms_per_message,omitempty"`
	OthersCPU      float64 `json:"other_nodes_cpu_ms_per_message,omitempty"` // of each
	IdleCPU        float64 `json:"idle_cpu_ms_per_s,omitempty"`              // of a node, before the load
	WireBytes      float64 `json:"udp_bytes_per_message,omitempty"`
	WireIP         float64 `json:"ip_bytes_per_message,omitempty"` // with the headers of UDP and IPv4
	WirePackets    float64 `json:"packets_per_message,omitempty"`
	IdleWire       float64 `json:"idle_ip_bytes_per_s,omitempty"`
	ShownAfter     float64 `json:"shown_after_s,omitempty"` // the newest events
	AllAfter       float64 `json:"all_after_s,omitempty"`
	ReceivedToShow float64 `json:"received_kb_until_shown,omitempty"`
	HomeCPU        float64 `json:"home_cpu_s,omitempty"`
	JoinerCPU      float64 `json:"joiner_cpu_s,omitempty"`
	ReceivedInAll  float64 `json:"received_kb,omitempty"`

	// Ratio: CPU per delivery against the bare server with one write a message.
	Ratio float64 `json:"cpu_ratio_to_baseline_each,omitempty"`
	Aim   string  `json:"aim,omitempty"`
}

func (r *report) print(l line) {
	for _, f := range []*float64{
		&l.Seconds, &l.SentPerSecond, &l.DeliveredPerSecond, &l.CPUPerMillion, &l.CPUPerMillionSent, &l.P50, &l.P99,
		&l.PerSecond, &l.KiBPerClient, &l.RSSMiB, &l.BytesPerMessage, &l.Ratio,
		&l.SenderCPU, &l.OthersCPU, &l.IdleCPU, &l.WireBytes, &l.WireIP, &l.WirePackets, &l.IdleWire, &l.ShownAfter, &l.AllAfter, &l.ReceivedToShow, &l.ReceivedInAll, &l.HomeCPU, &l.JoinerCPU,
	} {
		*f = math.Round(*f*1000) / 1000
	}
	_ = json.NewEncoder(r.out).Encode(l)
}

// quantiles of times, in milliseconds.
func quantiles(times []time.Duration) (p50, p99 float64) {
	if len(times) == 0 {
		return 0, 0
	}
	slices.Sort(times)
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	return ms(times[len(times)/2]), ms(times[len(times)*99/100])
}
