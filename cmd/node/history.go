package main

import (
	"context"
	"slices"
	"time"

	client "hearth/clients/go"
	"hearth/node/room/roompb"
	pb "hearth/transport/session/clientpb"
)

type historyVerb struct {
	Room   string `arg:"" help:"Room id, or #alias@node."`
	Limit  int    `help:"How many events at most; 0: all." default:"50"`
	Before string `help:"Events before this one." placeholder:"EVENT" xor:"place"`
	After  string `help:"Events after this one." placeholder:"EVENT" xor:"place"`
	Date   string `help:"Events from this moment on (2026-11-22T10:00:00Z), or from a time ago (24h)." placeholder:"WHEN" xor:"place"`
	Thread string `help:"Only the thread of this event." placeholder:"EVENT"`
}

// page is the most the node gives at once.
const page = 200

func (v *historyVerb) Run(ctx context.Context, r *run) error {
	if v.Limit < 0 {
		return misuse("--limit %d: want 0 or more", v.Limit)
	}
	l, err := r.login()
	if err != nil {
		return err
	}
	id, err := l.resolve(ctx, v.Room)
	if err != nil {
		return err
	}
	req := &pb.HistoryRequest{Room: id, Thread: v.Thread, Before: v.Before, After: v.After}
	if v.Date != "" {
		at, ok := parseWhen(v.Date, time.Now())
		if !ok {
			return misuse("--date %s: want a moment as 2026-11-22T10:00:00Z, or a time ago as 24h", v.Date)
		}
		req.Date = max(at.UnixMilli(), 1)
	}
	if v.After != "" || v.Date != "" {
		return v.forward(ctx, r, l, req)
	}
	return v.back(ctx, r, l, req)
}

// forward prints page by page.
func (v *historyVerb) forward(ctx context.Context, r *run, l *login, req *pb.HistoryRequest) error {
	for left := v.Limit; ; {
		req.Limit = want(v.Limit, left)
		answer, err := client.Call(ctx, l.http, client.History, req)
		if err != nil {
			return err
		}
		if err := r.events(req.Room, answer.Events); err != nil {
			return err
		}
		left -= len(answer.Events)
		if !answer.MoreAfter || len(answer.Events) == 0 || (v.Limit > 0 && left <= 0) {
			return nil
		}
		req.Date, req.After = 0, answer.Events[len(answer.Events)-1].Id
	}
}

// back has to gather the pages first: the oldest is printed first, and comes last.
func (v *historyVerb) back(ctx context.Context, r *run, l *login, req *pb.HistoryRequest) error {
	var pages [][]*roompb.Event
	for left := v.Limit; ; {
		req.Limit = want(v.Limit, left)
		answer, err := client.Call(ctx, l.http, client.History, req)
		if err != nil {
			return err
		}
		pages = append(pages, answer.Events)
		left -= len(answer.Events)
		if !answer.MoreBefore || len(answer.Events) == 0 || (v.Limit > 0 && left <= 0) {
			break
		}
		req.Before = answer.Events[0].Id
	}
	for _, events := range slices.Backward(pages) {
		if err := r.events(req.Room, events); err != nil {
			return err
		}
	}
	return nil
}

func want(limit, left int) uint32 {
	if limit == 0 {
		return page
	}
	return uint32(min(left, page))
}

func (r *run) events(room string, events []*roompb.Event) error {
	for _, e := range events {
		line := lineOf(room, e)
		if err := r.print(line, "%s", line); err != nil {
			return err
		}
	}
	return nil
}
