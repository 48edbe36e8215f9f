package main

import (
	"context"
	"fmt"
	"strings"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

type roomShow struct{ oneRoom }

// shownRoom is a room with all that the node knows about it.
type shownRoom struct {
	roomLine
	Creator    string          `json:"creator"`
	Home       string          `json:"home"`
	Stewards   []string        `json:"stewards"`
	StateIndex uint64          `json:"state_index"`
	StateHash  string          `json:"state_hash"`
	Waiting    uint32          `json:"waiting"`
	Frozen     string          `json:"frozen,omitempty"`
	Nodes      []nodeLine      `json:"nodes"`
	Rights     map[string]bool `json:"rights"`
}

// nodeLine is a node that takes part in a room.
type nodeLine struct {
	Name     string `json:"name"`
	Here     bool   `json:"here"`
	State    string `json:"state"`
	Home     bool   `json:"home"`
	Steward  bool   `json:"steward"`
	Members  uint32 `json:"members"`
	Frontier uint64 `json:"frontier"`
	Reached  uint64 `json:"reached"`
	Behind   uint64 `json:"behind"`
	RTT      int64  `json:"rtt_ms"`
	Banned   bool   `json:"banned"`
	Frozen   string `json:"frozen,omitempty"`
}

func (v *roomShow) Run(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	answer, err := client.Call(ctx, l.http, client.RoomGet, &pb.RoomRequest{Room: v.Room})
	if err != nil {
		return err
	}
	shown := showRoom(answer)
	return r.print(shown, "%s", shown)
}

func showRoom(a *pb.RoomGetResponse) shownRoom {
	s := a.Summary
	out := shownRoom{
		roomLine: lineOfRoom(s), Creator: a.Creator, Home: s.GetHome(), Stewards: append([]string{}, s.GetStewards()...),
		StateIndex: s.GetStateIndex(), StateHash: s.GetStateHash(), Waiting: s.GetWaiting(), Frozen: s.GetFrozen(),
		Nodes: []nodeLine{}, Rights: a.Rights,
	}
	for _, n := range a.Nodes {
		out.Nodes = append(out.Nodes, nodeLine{
			Name: n.Name, Here: n.Here, State: n.State, Home: n.Home, Steward: n.Steward, Members: n.Members,
			Frontier: n.Frontier, Reached: n.Reached, Behind: n.Behind, RTT: n.RttMs, Banned: n.Banned, Frozen: n.Frozen,
		})
	}
	return out
}

func (s shownRoom) String() string {
	var may []string
	for right, has := range s.Rights {
		if has {
			may = append(may, right)
		}
	}
	text := fmt.Sprintf("%s\nid       %s\nname     %s\ntopic    %s\npublic   %t\ncreator  %s\nmembers  %d\nyou      %s %s\nyou may  %s\n"+
		"home     %s\nstewards %s\nstate    %d %s",
		s.title(), s.Room, printable(s.Name), printable(s.Topic), s.Public, s.Creator,
		s.Members, s.Membership, s.Role, sorted(may), s.Home, strings.Join(s.Stewards, " "), s.StateIndex, s.StateHash)
	if s.Waiting > 0 {
		text += fmt.Sprintf("\nwaiting  %s for the room's home", count(uint64(s.Waiting), "change"))
	}
	if s.Frozen != "" {
		text += "\nfrozen   " + printable(s.Frozen)
	}
	for _, n := range s.Nodes {
		text += "\nnode     " + n.String()
	}
	return text
}

func (n nodeLine) String() string {
	state := n.State
	switch {
	case n.Banned:
		state = "banned"
	case n.Here:
		state = "here"
	}
	text := fmt.Sprintf("%-30s %-6s %s, %s", printable(n.Name), state, count(uint64(n.Members), "member"), count(n.Frontier, "message"))
	if !n.Here && !n.Banned {
		text += fmt.Sprintf(", has %d of ours, %d behind", n.Reached, n.Behind)
	}
	if n.Frozen != "" {
		text += "; frozen: " + printable(n.Frozen)
	}
	return text
}
