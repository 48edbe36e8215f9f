package main

import (
	"context"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

type roomReport struct {
	oneRoom
	Event  string `arg:"" help:"The message's id."`
	Reason string `arg:"" optional:"" help:"What is wrong with it."`
}

func (v *roomReport) Run(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	req := &pb.ReportRequest{Room: v.Room, Event: v.Event, Reason: v.Reason}
	if _, err := client.Call(ctx, l.http, client.Report, req); err != nil {
		return err
	}
	return r.print(map[string]any{"room": v.Room, "event": v.Event, "done": "reported"}, "reported %s", v.Event)
}

type reportsVerbs struct {
	List  reportsList  `cmd:"" default:"withargs" help:"The open reports, newest first."`
	Close reportsClose `cmd:"" help:"Be done with a report."`
}

type reportsList struct{ asAdmin }

func (v *reportsList) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		answer, err := client.Call(ctx, to, client.AdminReports, &pb.Empty{})
		if err != nil {
			return err
		}
		for _, m := range answer.Reports {
			if err := r.report(m); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *run) report(m *pb.NodeReport) error {
	return r.print(map[string]any{
		"id": m.Id, "room": m.Room, "room_name": m.RoomName, "event": m.Event, "author": m.Author, "text": m.Text,
		"reason": m.Reason, "reporter": m.Reporter, "time": m.Time,
	}, "%s  %s  %s reports %s in %s\n    %s\n    reason: %s", m.Id, at(m.Time), printable(m.Reporter), printable(m.Author),
		printable(m.RoomName), printable(m.Text), printable(m.Reason))
}

type reportsClose struct {
	ID string `arg:"" name:"id" help:"The report's id."`
	asAdmin
}

func (v *reportsClose) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		if _, err := client.Call(ctx, to, client.AdminReportClose, &pb.AdminReportCloseRequest{Id: v.ID}); err != nil {
			return err
		}
		return r.print(map[string]any{"id": v.ID, "done": "closed"}, "%s: closed", v.ID)
	})
}
