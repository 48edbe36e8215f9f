package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	client "hearth/clients/go"
	"hearth/node/room/roompb"
	pb "hearth/transport/session/clientpb"
)

type tailVerb struct {
	Rooms     []string `arg:"" optional:"" name:"room" help:"Room ids or #alias@node; none: all rooms."`
	Since     string   `help:"Begin with what came after this: an event's id, a moment (2026-11-22T10:00:00Z), or a time ago (10m). Needs one room." placeholder:"WHEN"`
	Typing    bool     `help:"Say who types, too. Needs 1 to 8 rooms."`
	Transport string   `help:"websocket or webtransport." enum:"websocket,webtransport" default:"websocket"`
}

func (v *tailVerb) Run(ctx context.Context, r *run) error {
	if v.Since != "" && len(v.Rooms) != 1 {
		return misuse("--since needs one room")
	}
	if v.Typing && (len(v.Rooms) < 1 || len(v.Rooms) > 8) {
		return misuse("--typing needs one to eight rooms")
	}
	l, err := r.login()
	if err != nil {
		return err
	}
	wanted, cursors, err := v.begin(ctx, l)
	if err != nil {
		return err
	}
	c, err := client.Dial(ctx, l.dialer, l.Token, client.Options{
		Transport: v.Transport, Program: "hearth tail", Cursors: cursors,
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if v.Typing {
		if _, err := client.Call(ctx, c, client.Watch, &pb.WatchRequest{Rooms: slices.Sorted(maps.Keys(wanted))}); err != nil {
			return err
		}
	}
	for {
		e, err := c.Next(ctx)
		if ctx.Err() != nil {
			return nil // stopped, as it is meant to be
		}
		if err != nil {
			return err
		}
		if err := v.show(r, wanted, e); err != nil {
			return err
		}
	}
}

// begin resolves the rooms, and where --since is in the one.
func (v *tailVerb) begin(ctx context.Context, l *login) (map[string]bool, map[string]uint64, error) {
	wanted := map[string]bool{}
	for _, ref := range v.Rooms {
		answer, err := client.Call(ctx, l.http, client.RoomGet, &pb.RoomRequest{Room: ref})
		if err != nil {
			return nil, nil, err
		}
		if answer.Summary.GetMembership() != "join" {
			return nil, nil, &client.Error{Code: "forbidden", Message: fmt.Sprintf("You are not in %s: join it first.", ref)}
		}
		wanted[answer.Summary.Room] = true
	}
	if v.Since == "" {
		return wanted, nil, nil
	}
	for id := range wanted {
		pos, err := v.sincePos(ctx, l, id)
		if err != nil {
			return nil, nil, err
		}
		return wanted, map[string]uint64{id: pos}, nil
	}
	return wanted, nil, nil
}

// sincePos is the pos of the last item NOT to show.
func (v *tailVerb) sincePos(ctx context.Context, l *login, room string) (uint64, error) {
	at, isTime := parseWhen(v.Since, time.Now())
	if !isTime {
		page, err := client.Call(ctx, l.http, client.History, &pb.HistoryRequest{Room: room, Around: v.Since, Limit: 1})
		if err != nil {
			return 0, err
		}
		for _, e := range page.Events {
			if e.Id == v.Since {
				return e.Pos, nil
			}
		}
		return 0, &client.Error{Code: "not_found", Message: "There is no event " + v.Since + " in the room."}
	}
	page, err := client.Call(ctx, l.http, client.History,
		&pb.HistoryRequest{Room: room, Date: max(at.UnixMilli(), 1), Limit: 1})
	if err != nil {
		return 0, err
	}
	if len(page.Events) == 0 {
		return page.Pos, nil
	}
	return page.Events[0].Pos - 1, nil
}

// parseWhen takes a moment (RFC 3339, or a date) or a time ago.
func parseWhen(s string, now time.Time) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if at, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return at, true
		}
	}
	if ago, err := time.ParseDuration(s); err == nil {
		return now.Add(-ago.Abs()), true
	}
	return time.Time{}, false
}

// typingLine is somebody who types, or has stopped, as scripts see it.
type typingLine struct {
	Room    string `json:"room"`
	Typing  string `json:"typing"` // the user; a bridge's bot for somebody beyond it
	On      bool   `json:"on"`
	Ghost   string `json:"ghost,omitempty"`
	Network string `json:"network,omitempty"`
}

func typingLineOf(s *roompb.Signal) typingLine {
	return typingLine{Room: s.Room, Typing: s.User, On: s.On, Ghost: s.Ghost.GetName(), Network: s.Ghost.GetNetwork()}
}

func (l typingLine) print(r *run) error {
	who, does := eventLine{Author: l.Typing, Ghost: l.Ghost, Network: l.Network}.who(), "types"
	if !l.On {
		does = "has stopped typing"
	}
	return r.print(l, "%s %s", printable(who), does)
}

func (v *tailVerb) show(r *run, wanted map[string]bool, e client.Event) error {
	d := e.Delivery
	if e.Opened != nil {
		r.note("following on %s", e.Opened.Node)
	}
	if s := e.Signal; v.Typing && s.GetKind() == "typing" && wanted[s.Room] {
		return typingLineOf(s).print(r)
	}
	if d == nil || (len(wanted) > 0 && !wanted[d.Room]) {
		return nil
	}
	if d.Gap {
		return errors.New("the node skipped events of " + d.Room)
	}
	for _, item := range d.Items {
		line := itemLine(d.Room, item)
		if err := r.print(line, "%s", line); err != nil {
			return err
		}
	}
	return nil
}
