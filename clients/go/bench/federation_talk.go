package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	client "hearth/clients/go"
)

// side is how many members, and clients, each of two nodes has.
const side = 20

// measureNationLatency: p.rate messages a second from the clients of one node, as they
// arrive there and at another's.
func measureNationLatency(p *plan, r *report) error {
	n, err := newNation(p, 2, side, loopback)
	if err != nil {
		return err
	}
	defer n.close()
	crowds, leave, err := n.crowds(side)
	if err != nil {
		return err
	}
	defer leave()
	if _, err := pacedText(crowds[0], n.room, p.rate, 2*time.Second); err != nil { // warm
		return err
	}
	wait := n.profile(p, "federation-latency")
	c, err := n.counted(crowds, func() (int, error) { return pacedText(crowds[0], n.room, p.rate, p.seconds) })
	wait()
	if err != nil {
		return err
	}
	for i, to := range []string{"same node", "other node"} {
		l := line{
			Figure: "federation-latency", Server: "hearth", Transport: client.WebSocket, Nodes: 2, Clients: 2 * side, To: to,
			Seconds: c.took.Seconds(), SentPerSecond: float64(c.sent) / c.took.Seconds(), Lost: c.lost,
			SenderCPU: c.perMessage(c.sender), OthersCPU: c.perMessage(c.other),
		}
		l.P50, l.P99 = quantiles(crowds[i].times())
		if i == 1 {
			l.Aim = "p50 under 1 ms, p99 under 5 ms"
		}
		r.print(l)
	}
	return nil
}

// pacedText is paced with texts of the nations' size.
func pacedText(c *crowd, room string, rate int, howLong time.Duration) (int, error) {
	return pacedBy(c, func(m *member) error { return m.say(room, nationText) }, rate, howLong)
}

// nationWindow is how many messages are under way in the closed loop.
const nationWindow = 64

// measureNationThroughput: a client keeps a window of messages under way, each from when
// it is sent until a client has it: one of the same node, then one of another.
func measureNationThroughput(p *plan, r *report) error {
	for i, to := range []string{"same node", "other node"} {
		n, err := newNation(p, 1+i, 2, loopback)
		if err != nil {
			return err
		}
		if err = measureLoop(p, r, n, to); err != nil {
			n.close()
			return err
		}
		n.close()
	}
	return nil
}

func measureLoop(p *plan, r *report, n *nation, to string) error {
	crowds, leave, err := n.crowds(2)
	if err != nil {
		return err
	}
	defer leave()
	sender, receiver := crowds[0].members[0], crowds[len(crowds)-1].members[1]
	sender.late, receiver.frees = true, sender
	if _, err := closedLoop(sender, n.room, 2*time.Second); err != nil {
		return err
	}
	time.Sleep(300 * time.Millisecond)
	wait := n.profile(p, "federation-throughput-"+strings.Fields(to)[0])
	c, err := n.counted(crowds, func() (int, error) { return closedLoop(sender, n.room, p.seconds) })
	wait()
	if err != nil {
		return err
	}
	l := line{
		Figure: "federation-throughput", Server: "hearth", Transport: client.WebSocket, Nodes: len(n.towns), Clients: 2 * len(n.towns), Senders: 1, To: to,
		Seconds: c.took.Seconds(), SentPerSecond: float64(c.sent) / c.took.Seconds(), Lost: c.lost,
		SenderCPU: c.perMessage(c.sender), OthersCPU: c.perMessage(c.other),
	}
	l.P50, l.P99 = quantiles(receiver.times)
	if len(n.towns) > 1 {
		l.Aim = "9,000 messages/s"
	}
	r.print(l)
	return nil
}

// closedLoop sends whenever the window has a place.
func closedLoop(m *member, room string, howLong time.Duration) (sent int, err error) {
	m.open(nationWindow)
	timeout := time.NewTimer(howLong)
	defer timeout.Stop()
	for {
		select {
		case <-timeout.C:
			return sent, m.crowd.err()
		case <-m.free:
		}
		if err := m.say(room, nationText); err != nil {
			return sent, fmt.Errorf("send: %w", err)
		}
		sent++
	}
}

// measureNations: what a message costs the sender's node, and each of the others, by the
// number of nodes in the room.
func measureNations(p *plan, r *report) error {
	for size := range strings.SplitSeq(p.nations, ",") {
		nodes, err := strconv.Atoi(size)
		if err != nil || nodes < 2 {
			return fmt.Errorf("nations: %q is no number of nodes", size)
		}
		if err := measureNation(p, r, nodes); err != nil {
			return err
		}
	}
	return nil
}

func measureNation(p *plan, r *report, nodes int) error {
	n, err := newNation(p, nodes, 1, loopback)
	if err != nil {
		return err
	}
	defer n.close()
	crowds, leave, err := n.crowds(1)
	if err != nil {
		return err
	}
	defer leave()
	if _, err := pacedText(crowds[0], n.room, p.rate, 2*time.Second); err != nil {
		return err
	}
	time.Sleep(time.Second)
	const quiet = 5 * time.Second
	idle, err := n.counted(crowds, func() (int, error) { time.Sleep(quiet); return 0, nil })
	if err != nil {
		return err
	}
	wait := n.profile(p, fmt.Sprintf("federation-nodes-%d", nodes))
	c, err := n.counted(crowds, func() (int, error) { return pacedText(crowds[0], n.room, p.rate, p.seconds) })
	wait()
	if err != nil {
		return err
	}
	l := line{
		Figure: "federation-nodes", Server: "hearth", Transport: client.WebSocket, Nodes: nodes, Clients: nodes, To: "other node",
		Seconds: c.took.Seconds(), SentPerSecond: float64(c.sent) / c.took.Seconds(), Lost: c.lost,
		SenderCPU: c.perMessage(c.sender), OthersCPU: c.perMessage(c.other),
		IdleCPU: float64(idle.sender+idle.other*time.Duration(nodes-1)) / float64(nodes) / 1e6 / idle.took.Seconds(),
		Aim:     "the sender's flat beyond 8 nodes",
	}
	var times []time.Duration
	for _, c := range crowds[1:] {
		times = append(times, c.times()...)
	}
	l.P50, l.P99 = quantiles(times)
	r.print(l)
	return nil
}
