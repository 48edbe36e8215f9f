package main

import (
	"time"
)

// measureNationWire: what two nodes send each other for a message, counted by relays
// between them: at p.rate messages a second, and with a window of them under way.
func measureNationWire(p *plan, r *report) error {
	var relays []*relay
	defer func() {
		for _, one := range relays {
			one.close()
		}
	}()
	n, err := newNation(p, 2, side, func(int) (place, error) {
		at, err := loopback(0)
		if err != nil {
			return at, err
		}
		one, err := newRelay(at.listen)
		if err != nil {
			return at, err
		}
		relays = append(relays, one)
		at.advertise = one.addr
		return at, nil
	})
	if err != nil {
		return err
	}
	defer n.close()
	crowds, leave, err := n.crowds(side)
	if err != nil {
		return err
	}
	defer leave()
	if _, err := pacedText(crowds[0], n.room, p.rate, 2*time.Second); err != nil {
		return err
	}
	time.Sleep(time.Second)
	const quiet = 10 * time.Second
	start := tallyOf(relays)
	time.Sleep(quiet)
	idle := float64(tallyOf(relays).minus(start).ip()) / quiet.Seconds()
	sender, receiver := crowds[0].members[0], crowds[1].members[1]
	loads := []struct {
		senders int // 0: paced, by all in turn
		load    func() (int, error)
	}{
		{0, func() (int, error) { return pacedText(crowds[0], n.room, p.rate, p.seconds) }},
		{1, func() (int, error) {
			sender.late, receiver.frees = true, sender
			return closedLoop(sender, n.room, p.seconds)
		}},
	}
	for _, l := range loads {
		if err := n.weigh(r, relays, crowds, l.senders, idle, l.load); err != nil {
			return err
		}
	}
	return nil
}

// weigh prints what a load sends from node to node.
func (n *nation) weigh(r *report, relays []*relay, crowds []*crowd, senders int, idle float64, load func() (int, error)) error {
	start := tallyOf(relays)
	c, err := n.counted(crowds, load)
	if err != nil {
		return err
	}
	used, sent := tallyOf(relays).minus(start), float64(max(c.sent, 1))
	r.print(line{
		Figure: "federation-wire", Server: "hearth", Nodes: 2, Clients: 2 * side, Senders: senders, Seconds: c.took.Seconds(), SentPerSecond: sent / c.took.Seconds(),
		WireBytes: float64(used.bytes) / sent, WireIP: float64(used.ip()) / sent, WirePackets: float64(used.packets) / sent,
		IdleWire: idle, Aim: "300 bytes", Lost: c.lost,
	})
	return nil
}
