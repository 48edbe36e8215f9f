package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

type peersVerbs struct {
	List    peersList    `cmd:"" default:"withargs" help:"All nodes that this one knows."`
	Alarms  peersAlarms  `cmd:"" help:"What needs an administrator's eye, such as a node that shows another key than before."`
	Block   peersBlock   `cmd:"" help:"Have nothing to do with a node any more."`
	Unblock peersUnblock `cmd:"" help:"Take a block back."`
	Forget  peersForget  `cmd:"" help:"Forget a node's key: after it was set up anew, it may come back with another."`
	Policy  peersPolicy  `cmd:"" help:"Which nodes this one talks to: open (any), invite (with a link, or known by gossip or a shared room), list (with a link from here, or joined from here)."`
}

// peerLine is another node as scripts see it.
type peerLine struct {
	Node      string   `json:"node"`
	Name      string   `json:"name"` // the same
	Key       string   `json:"key"`  // base64url of the SHA-256 of its public key
	State     string   `json:"state"`
	RTT       float64  `json:"rtt_ms"`
	Addresses []string `json:"addresses"`
	Rooms     uint32   `json:"rooms"`
	Behind    uint64   `json:"behind"`
	Since     int64    `json:"since"`
	Error     string   `json:"error"`
	Blocked   bool     `json:"blocked"`
	Version   string   `json:"version"`
	Gossip    bool     `json:"gossip"`
	Clock     int64    `json:"clock_ms"`
}

func lineOfPeer(p *pb.Peer) peerLine {
	l := peerLine{
		Node: p.Name, Name: p.Name, Key: p.Key, State: p.State, RTT: p.RttMs, Addresses: p.Addresses, Rooms: p.Rooms,
		Behind: p.Behind, Since: p.Since, Error: p.Error, Blocked: p.Blocked, Version: p.Version, Gossip: p.Gossip, Clock: p.ClockMs,
	}
	if l.Addresses == nil {
		l.Addresses = []string{}
	}
	return l
}

func (l peerLine) String() string {
	text := fmt.Sprintf("%-30s %-10s", printable(l.Name), l.State)
	if l.State == "up" {
		text += fmt.Sprintf(" %7.1f ms", l.RTT)
	} else {
		text += strings.Repeat(" ", 11)
	}
	text += fmt.Sprintf("  %s, %s behind", count(uint64(l.Rooms), "room"), count(l.Behind, "message"))
	if l.State != "up" && l.Since > 0 {
		text += ", since " + at(l.Since)
	}
	if l.Error != "" {
		text += "\n" + strings.Repeat(" ", 31) + printable(l.Error)
	}
	return text
}

func count(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// at is a moment as people read it.
func at(millis int64) string { return time.UnixMilli(millis).Format("2006-01-02 15:04:05") }

type peersList struct{ asAdmin }

func (v *peersList) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		answer, err := client.Call(ctx, to, client.AdminPeers, &pb.Empty{})
		if err != nil {
			return err
		}
		for _, p := range answer.Peers {
			line := lineOfPeer(p)
			if err := r.print(line, "%s", line); err != nil {
				return err
			}
		}
		if n := len(answer.Alarms); n > 0 {
			r.note("There are %s: hearth peers alarms", count(uint64(n), "alarm"))
		}
		return nil
	})
}

type peersAlarms struct{ asAdmin }

func (v *peersAlarms) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		answer, err := client.Call(ctx, to, client.AdminPeers, &pb.Empty{})
		if err != nil {
			return err
		}
		for _, a := range answer.Alarms {
			if err := r.print(map[string]any{"time": a.Time, "node": a.Peer, "text": a.Text},
				"%s %s: %s", at(a.Time), printable(a.Peer), printable(a.Text)); err != nil {
				return err
			}
		}
		return nil
	})
}

// onePeer is the argument of the verbs that change one.
type onePeer struct {
	Name string `arg:"" help:"The node's name."`
	asAdmin
}

func (v *onePeer) set(ctx context.Context, r *run, req *pb.AdminPeerSetRequest, did string) error {
	req.Name = v.Name
	return v.as(ctx, r, func(to client.Caller) error {
		if _, err := client.Call(ctx, to, client.AdminPeerSet, req); err != nil {
			return err
		}
		return r.print(map[string]any{"node": v.Name, "done": did}, "%s: %s", v.Name, did)
	})
}

type peersBlock struct{ onePeer }

func (v *peersBlock) Run(ctx context.Context, r *run) error {
	return v.set(ctx, r, &pb.AdminPeerSetRequest{Blocked: new(true)}, "blocked")
}

type peersUnblock struct{ onePeer }

func (v *peersUnblock) Run(ctx context.Context, r *run) error {
	return v.set(ctx, r, &pb.AdminPeerSetRequest{Blocked: new(false)}, "unblocked")
}

type peersForget struct{ onePeer }

func (v *peersForget) Run(ctx context.Context, r *run) error {
	return v.set(ctx, r, &pb.AdminPeerSetRequest{Forget: new(true)}, "forgotten")
}

type peersPolicy struct {
	Policy string `arg:"" optional:"" help:"open, invite or list; none: say which it is." enum:"open,invite,list," default:""`
	asAdmin
}

func (v *peersPolicy) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		if v.Policy != "" {
			if _, err := client.Call(ctx, to, client.AdminFederationSet, &pb.AdminFederationSetRequest{Policy: &v.Policy}); err != nil {
				return err
			}
		}
		answer, err := client.Call(ctx, to, client.AdminPeers, &pb.Empty{})
		if err != nil {
			return err
		}
		return r.print(map[string]any{"node": answer.Name, "key": answer.Key, "policy": answer.Policy, "addresses": answer.Addresses},
			"%s: %s", answer.Name, answer.Policy)
	})
}
