package main

import (
	"bufio"
	"context"
	"strings"
	"time"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

type sendVerb struct {
	Room     string        `arg:"" help:"Room id, or #alias@node."`
	Text     string        `arg:"" optional:"" help:"What to say (Markdown); '-' says every line of standard input as a message of its own."`
	File     []string      `help:"A file to attach, at most ten; the text may then be left out." placeholder:"PATH" type:"path"`
	Emote    bool          `help:"As an action: * alice waves."`
	Silent   bool          `help:"Counts as unread for nobody."`
	ReplyTo  string        `help:"Event this answers." placeholder:"EVENT"`
	Thread   string        `help:"Event whose thread this goes into." placeholder:"EVENT"`
	Key      string        `help:"Idempotency key: a second send with the same key says nothing new." placeholder:"TEXT"`
	RetryFor time.Duration `help:"How long to go on trying when the node goes away or is busy." default:"60s"`
}

func (v *sendVerb) Run(ctx context.Context, r *run) error {
	if v.Text == "-" && (v.Key != "" || len(v.File) > 0) {
		return misuse("--key and --file are for one message; '-' sends many")
	}
	if v.Text == "" && len(v.File) == 0 {
		return misuse("say something, or attach a file with --file")
	}
	l, err := r.login()
	if err != nil {
		return err
	}
	id, err := l.resolve(ctx, v.Room)
	if err != nil {
		return err
	}
	if v.Text != "-" {
		return v.say(ctx, r, l, id, v.Text)
	}
	lines := bufio.NewScanner(r.in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := strings.TrimSuffix(lines.Text(), "\r")
		if strings.TrimSpace(text) == "" {
			continue
		}
		if err := v.say(ctx, r, l, id, text); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return misuse("read standard input: %v", err)
	}
	return nil
}

// say waits for each answer before the next message: so they keep their order whatever
// has to be sent again.
func (v *sendVerb) say(ctx context.Context, r *run, l *login, room, text string) error {
	files, err := l.upload(ctx, v.File)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, v.RetryFor)
	defer cancel()
	answer, err := client.Insist(ctx, l.http, client.Send, &pb.SendRequest{
		Room: room, Text: text, Emote: v.Emote, ReplyTo: v.ReplyTo, Thread: v.Thread, Silent: v.Silent, Key: v.Key, Files: files,
	})
	if err != nil {
		return err
	}
	return r.print(map[string]any{
		"event": answer.Event, "room": answer.Room, "pos": answer.Pos, "time": answer.Time,
	}, "%s", answer.Event)
}

// resolve turns #alias@node into the room's id. It is the first thing a verb asks, once:
// a node that is not there is told at once, without trying again.
func (l *login) resolve(ctx context.Context, ref string) (string, error) {
	if !strings.HasPrefix(ref, "#") {
		return ref, nil
	}
	answer, err := client.Call(ctx, l.http, client.RoomGet, &pb.RoomRequest{Room: ref})
	if err != nil {
		return "", err
	}
	return answer.Summary.GetRoom(), nil
}
