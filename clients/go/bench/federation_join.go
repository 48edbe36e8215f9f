package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

// measureBigJoin: a user of a fresh node joins a room of many members and events that
// another node has, and looks at its newest page.
func measureBigJoin(p *plan, r *report) error {
	sizes := strings.Split(p.bigRoom, ",")
	if len(sizes) != 2 {
		return fmt.Errorf("big-room: %q is not MEMBERS,EVENTS", p.bigRoom)
	}
	members, _ := strconv.Atoi(sizes[0])
	events, _ := strconv.Atoi(sizes[1])
	if members < 2 || events < members+historyPage {
		return fmt.Errorf("big-room: %q: events are the members' entries and at least %d messages", p.bigRoom, historyPage)
	}
	n := &nation{}
	defer n.close()
	relays, err := n.withBigRoom(p, members, events)
	defer func() {
		for _, one := range relays {
			one.close()
		}
	}()
	if err != nil {
		return err
	}
	n.rest(3 * time.Minute) // the search index of the first one is done
	if err := n.befriend(); err != nil {
		return err
	}
	time.Sleep(time.Second)
	wait := n.profile(p, "federation-join")
	l, err := n.joinBig(relays)
	wait()
	if err != nil {
		return err
	}
	l.Figure, l.Server, l.Nodes, l.Members, l.Events, l.Aim = "federation-join", "hearth", 2, members, events, "shown in 2 s, by 300 kB, at 100,000 members and 1,000,000 events"
	r.print(l)
	return nil
}

const historyPage = 50

// withBigRoom makes two nodes that reach each other through relays; the first has the
// room, of which a user of the second is the last member.
func (n *nation) withBigRoom(p *plan, members, events int) (relays []*relay, err error) {
	for i := range 2 {
		at, err := loopback(i)
		if err != nil {
			return relays, err
		}
		one, err := newRelay(at.listen)
		if err != nil {
			return relays, err
		}
		relays = append(relays, one)
		at.advertise = one.addr
		if i == 0 {
			at.prepare = func(data string) error {
				out, err := exec.Command(p.generator, "-data", data, "-name", at.name, "-members", strconv.Itoa(members-1), "-events", strconv.Itoa(events-1)).CombinedOutput()
				if err != nil {
					return fmt.Errorf("make the big room: %w: %s", err, out)
				}
				return nil
			}
		}
		t, err := newTownAt(p, at, 1, 0)
		if err != nil {
			return relays, err
		}
		n.towns = append(n.towns, t)
	}
	return relays, nil
}

// rest waits until the nodes have nothing to do, or for as long as most.
func (n *nation) rest(most time.Duration) {
	for end := time.Now().Add(most); time.Now().Before(end); {
		before := n.cpus()
		time.Sleep(time.Second)
		var used time.Duration
		for i, after := range n.cpus() {
			used += after - before[i]
		}
		if used < 50*time.Millisecond {
			return
		}
	}
}

func (n *nation) joinBig(relays []*relay) (line, error) {
	there := n.towns[1]
	received := func() float64 { return float64(relays[0].out.bytes.Load()+relays[1].in.bytes.Load()) / 1000 }
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	before, cpu, began := received(), n.cpus(), time.Now()
	_, err := client.Call(ctx, there.caller(0), client.RoomJoin, &pb.RoomRequest{Room: "#room0@" + n.towns[0].name})
	if err != nil {
		return line{}, fmt.Errorf("join the big room: %w", err)
	}
	l := line{}
	for {
		page, err := client.Call(ctx, there.caller(0), client.History, &pb.HistoryRequest{Room: "#room0@" + n.towns[0].name, Limit: historyPage})
		if err != nil {
			return l, fmt.Errorf("read the big room: %w", err)
		}
		if len(page.Events) == historyPage {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	l.ShownAfter, l.ReceivedToShow = time.Since(began).Seconds(), received()-before
	n.rest(time.Minute)
	l.ReceivedInAll = received() - before
	after := n.cpus()
	l.HomeCPU, l.JoinerCPU = (after[0] - cpu[0]).Seconds(), (after[1] - cpu[1]).Seconds()
	return l, nil
}
