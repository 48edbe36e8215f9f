package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

// nation is nodes that know each other and share a room, which the first of them made.
type nation struct {
	towns []*town
	room  string
}

// nationText is the size of the texts that go between nodes.
const nationText = 128

// newNation makes nodes with so many accounts each, all of them in one room. at gives the
// place of the i-th node.
func newNation(p *plan, nodes, accounts int, at func(i int) (place, error)) (n *nation, err error) {
	n = &nation{towns: make([]*town, nodes)}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	if err = each(nodes, 2, func(i int) error { return n.build(p, i, accounts, at) }); err != nil {
		return n, err
	}
	first := n.towns[0]
	if nodes > 1 {
		if err = n.befriend(); err != nil {
			return n, err
		}
	}
	if err = first.found(0); err != nil {
		return n, err
	}
	n.room = first.rooms[0]
	for _, t := range n.towns[1:] {
		if err = t.immigrate("#room0@" + first.name); err != nil {
			return n, err
		}
	}
	return n, n.settled(time.Minute)
}

func (n *nation) build(p *plan, i, accounts int, at func(i int) (place, error)) error {
	where, err := at(i)
	if err != nil {
		return err
	}
	n.towns[i], err = newTownAt(p, where, accounts, 0)
	return err
}

// loopback is a place of its own for each node, at which it comes back when it is
// restarted. Its port is none that the system gives to whoever asks for any.
func loopback(int) (place, error) {
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000))
		if free(addr) {
			return place{name: addr, listen: addr}, nil
		}
	}
	return place{}, errors.New("no port is free")
}

func free(addr string) bool {
	stream, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	defer stream.Close()
	packets, err := net.ListenPacket("udp", addr)
	if err != nil {
		return false
	}
	return packets.Close() == nil
}

// befriend lets all nodes join the first one's federation.
func (n *nation) befriend() error {
	link, err := client.Call(context.Background(), n.towns[0].caller(0), client.AdminNodeInvite, &pb.AdminNodeInviteRequest{Uses: uint32(len(n.towns))})
	if err != nil {
		return fmt.Errorf("invite nodes: %w", err)
	}
	for _, t := range n.towns[1:] {
		if _, err := client.Call(context.Background(), t.caller(0), client.AdminNodeJoin, &pb.AdminNodeJoinRequest{Link: link.Link}); err != nil {
			return fmt.Errorf("join %s to %s: %w", t.name, n.towns[0].name, err)
		}
	}
	return nil
}

// immigrate brings all the town's accounts into another node's room.
func (t *town) immigrate(ref string) error {
	for i := range t.tokens {
		if err := t.join(ref, i); err != nil {
			return fmt.Errorf("user%d of %s: %w", i, t.name, err)
		}
	}
	return nil
}

// settled waits until a word from the first node is on all of them: links between the
// others come up as they learn of each other.
func (n *nation) settled(within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	sent, err := client.Insist(ctx, n.towns[0].caller(0), client.Send, &pb.SendRequest{Room: n.room, Key: client.NewKey(), Text: "settled"})
	if err != nil {
		return fmt.Errorf("say the first word: %w", err)
	}
	for _, t := range n.towns[1:] {
		for {
			page, err := t.newest(ctx, n.room)
			if err == nil && len(page.Events) > 0 && page.Events[0].Id == sent.Event {
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("%s did not get the first word: %w", t.name, err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

// newest is the newest event of a room, and how many changes of it the node has.
func (t *town) newest(ctx context.Context, room string) (*pb.HistoryResponse, error) {
	return client.Call(ctx, t.caller(0), client.History, &pb.HistoryRequest{Room: room, Limit: 1})
}

func (n *nation) close() {
	for _, t := range n.towns {
		if t != nil {
			t.close()
		}
	}
}

// crowds are so many clients on each node. They share one clock, so that the time which
// a text took from one node to another can be told.
func (n *nation) crowds(clients int) (all []*crowd, leave func(), err error) {
	epoch := time.Now()
	leave = func() {
		for _, c := range all {
			c.leave()
		}
	}
	for _, t := range n.towns {
		c := newCrowd()
		c.epoch = epoch
		all = append(all, c)
		if err := c.add(t.dialer, client.WebSocket, clients, func(i int) string { return t.tokens[i%len(t.tokens)] }); err != nil {
			leave()
			return nil, nil, fmt.Errorf("clients of %s: %w", t.name, err)
		}
	}
	return all, leave, nil
}

// profiles of all nodes, while a load runs.
func (n *nation) profile(p *plan, name string) (wait func()) {
	var waits []func()
	for i, t := range n.towns[:min(len(n.towns), 2)] {
		waits = append(waits, t.profile(p, fmt.Sprintf("%s-%c", name, 'a'+i)))
	}
	return func() {
		for _, w := range waits {
			w()
		}
	}
}

// cpus is the processor time that each node has used.
func (n *nation) cpus() []time.Duration {
	out := make([]time.Duration, len(n.towns))
	for i, t := range n.towns {
		out[i] = t.cpu()
	}
	return out
}

// census is what a load did to a nation: CPU of the sender's node and of each other, and
// what the clients saw.
type census struct {
	sent          int
	took          time.Duration
	sender, other time.Duration
	lost          int64 // at the other nodes
}

// counted runs a load on connected crowds, whose senders are the first node's.
func (n *nation) counted(crowds []*crowd, load func() (int, error)) (census, error) {
	for _, c := range crowds {
		for _, m := range c.members {
			m.times = make([]time.Duration, 0, 1<<16)
		}
		c.remember(true)
	}
	before, items, began := n.cpus(), seen(crowds), time.Now()
	sent, err := load()
	out := census{sent: sent, took: time.Since(began)}
	for late := time.Now(); time.Since(late) < 5*time.Second; time.Sleep(5 * time.Millisecond) {
		if out.lost = missing(crowds, items, sent); out.lost == 0 {
			break
		}
	}
	after := n.cpus()
	out.sender = after[0] - before[0]
	for i := range after[1:] {
		out.other += (after[i+1] - before[i+1]) / time.Duration(len(after)-1)
	}
	for _, c := range crowds {
		c.remember(false)
		if err == nil {
			err = c.err()
		}
	}
	time.Sleep(50 * time.Millisecond) // who was just noting a time is done
	return out, err
}

func seen(crowds []*crowd) (out []int64) {
	for _, c := range crowds {
		out = append(out, c.items.Load())
	}
	return out
}

func missing(crowds []*crowd, before []int64, sent int) (lost int64) {
	for i, c := range crowds {
		lost += max(before[i]+int64(sent*len(c.members))-c.items.Load(), 0)
	}
	return lost
}

func (c census) perMessage(used time.Duration) float64 {
	return float64(used) / 1e6 / float64(max(c.sent, 1))
}
