package main

import (
	"time"
)

// measureNationWire: what two nodes send each other for a message, counted by relays
// between them.
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
	idle := tallyOf(relays).minus(start)
	start = tallyOf(relays)
	c, err := n.counted(crowds, func() (int, error) { return pacedText(crowds[0], n.room, p.rate, p.seconds) })
	if err != nil {
		return err
	}
	used, sent := tallyOf(relays).minus(start), float64(c.sent)
	l := line{
		Figure: "federation-wire", Server: "hearth", Nodes: 2, Clients: 2 * side, Seconds: c.took.Seconds(), SentPerSecond: sent / c.took.Seconds(),
		WireBytes: float64(used.bytes) / sent, WireIP: float64(used.ip()) / sent, WirePackets: float64(used.packets) / sent,
		IdleWire: float64(idle.ip()) / quiet.Seconds(), Aim: "300 bytes", Lost: c.lost,
	}
	r.print(l)
	return nil
}
