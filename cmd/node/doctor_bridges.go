package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	client "hearth/clients/go"
	"hearth/node/channel"
	pb "hearth/transport/session/clientpb"
)

// checkBridges asks the node about its bridges, where who asks may know.
func checkBridges(ctx context.Context, p *patient) []finding {
	answer, err := adminAnswer(ctx, p, client.AdminBridges)
	if err != nil {
		return p.fail("bridges", err, "Look into the node's log.")
	}
	return bridgeFindings(answer.GetBridges())
}

func bridgeFindings(bridges []*pb.Bridge) []finding {
	if len(bridges) == 0 {
		return nil
	}
	good := 0
	var out []finding
	for _, b := range bridges {
		s := b.Status
		if s.GetState() == channel.Connected {
			good++
		} else {
			out = append(out, bridgeFinding(b))
		}
		for _, l := range b.Links {
			if k := l.Status; k.GetState() == channel.Waiting || k.GetState() != s.GetState() && k.GetState() != channel.Ended && k.GetState() != channel.Connected {
				out = append(out, finding{"bridge", warning, fmt.Sprintf("%s, %s is %s: %s", printable(b.Name), printable(l.Channel), k.GetState(), printable(strings.TrimSpace(k.GetReason()+" "+k.GetDetail()))), adviceOfLink(b, l)})
			}
		}
	}
	return append([]finding{{Check: "bridges", State: fine, Detail: fmt.Sprintf("%d of %d are connected", good, len(bridges))}}, out...)
}

func bridgeFinding(b *pb.Bridge) finding {
	s := b.Status
	f := finding{Check: "bridge", State: warning, Detail: printable(b.Name) + " is " + s.GetState(), Advice: "hearth bridge logs " + b.Name}
	if s.GetState() == channel.Login {
		f.State = failed
	}
	if s.GetSince() > 0 {
		f.Detail += " since " + at(s.GetSince())
	}
	if s.GetReason() != "" {
		f.Detail += ": " + printable(strings.TrimSpace(s.GetReason()+" "+s.GetDetail()))
	}
	if s.GetQueue() > 0 {
		f.Detail += fmt.Sprintf("; %s wait, the oldest for %v", count(s.GetQueue(), "message"), time.Duration(s.GetOldestS())*time.Second)
	}
	if s.GetState() == channel.Disabled {
		f.Advice = "To let it run: hearth bridge set " + b.Name + " --on"
	}
	return f
}

func adviceOfLink(b *pb.Bridge, l *pb.BridgeLink) string {
	if l.Status.GetState() == channel.Waiting {
		return fmt.Sprintf("For another code: hearth bridge link %s '%s' '%s'", b.Name, printable(l.RoomName), printable(l.Channel))
	}
	return "hearth bridge logs " + b.Name
}
