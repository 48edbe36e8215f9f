// Command bigroom fills a new data folder with one public room, #room0, of many members
// and events, for `make bench`: the room is made and spoken in by a node in this process;
// the members' entries are sealed and signed here, many to a batch. user0 owns the room.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/storage/storagepb"
)

const (
	entriesPerBatch = 1000
	underWay        = 512 // messages that wait for their sync
)

type builder struct {
	dir, name string
	members   int
	events    int
}

func main() {
	b := &builder{}
	flag.StringVar(&b.dir, "data", "", "data folder to make")
	flag.StringVar(&b.name, "name", "", "the node's name")
	flag.IntVar(&b.members, "members", 10_000, "members of the room")
	flag.IntVar(&b.events, "events", 100_000, "events of the room, the members' entries among them")
	flag.Parse()
	if err := b.build(); err != nil {
		log.Fatal("bigroom: ", err)
	}
}

func (b *builder) build() error {
	began := time.Now()
	var id room.ID
	steps := []func(*node.Node, *storage.Store) error{
		func(n *node.Node, _ *storage.Store) (err error) { id, err = b.found(n); return err },
		func(n *node.Node, s *storage.Store) error { return b.people(n, s, id) },
		func(n *node.Node, _ *storage.Store) error { return b.talk(n, id) },
	}
	for _, step := range steps { // each on a node of its own: it reads the room anew
		if err := b.with(step); err != nil {
			return err
		}
	}
	fmt.Printf("%s: %d members, %d events in %v\n", id, b.members, b.events, time.Since(began).Round(time.Millisecond))
	return nil
}

func (b *builder) with(do func(*node.Node, *storage.Store) error) (err error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	s, err := storage.Open(filepath.Join(b.dir, "store"), storage.Options{CacheBytes: 64 << 20})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	n, err := node.Open(node.Config{Name: b.name, Dir: b.dir, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	return do(n, s)
}

func (b *builder) user(i int) room.User { return room.MakeUser(fmt.Sprintf("user%d", i), b.name) }

func (b *builder) found(n *node.Node) (room.ID, error) {
	made, err := n.CreateRoom(context.Background(), node.Caller{User: b.user(0)}, node.NewRoom{Alias: "room0", Name: "A big room", Public: true})
	if err != nil {
		return room.ID{}, fmt.Errorf("make the room: %w", err)
	}
	return room.ParseHash(made.Room)
}

// people seals a join of every member after the first.
func (b *builder) people(n *node.Node, s *storage.Store, id room.ID) error {
	rec, ok, err := s.Record(id, 1)
	if err != nil || !ok {
		return fmt.Errorf("read entry 1: %w", err)
	}
	state := room.NewState()
	if err := state.Apply(rec.Event); err != nil {
		return err
	}
	for i := 1; i < b.members; i += entriesPerBatch {
		if err := b.batch(n, s, state, i, min(i+entriesPerBatch, b.members)); err != nil {
			return fmt.Errorf("members from %d on: %w", i, err)
		}
	}
	return nil
}

func (b *builder) batch(n *node.Node, s *storage.Store, state *room.State, from, to int) error {
	meta, err := s.Room(state.ID)
	if err != nil {
		return err
	}
	app := &storage.Append{Room: state.ID, Meta: meta}
	for i := from; i < to; i++ {
		e, err := b.join(n, state, meta, b.user(i))
		if err != nil {
			return err
		}
		head := room.HeadOf(e)
		room.SignHead(head, n.PrivateKey())
		meta.HeadPos++
		app.Records = append(app.Records, storage.Record{Pos: meta.HeadPos, Event: e, Counted: meta.Counted})
		app.Heads = append(app.Heads, head)
		m := state.Members[b.user(i)]
		app.Members = append(app.Members, &storagepb.Member{
			Room: state.ID.Bytes(), User: string(b.user(i)), Membership: string(m.Membership), Since: m.Since, InvitedBy: string(m.By), Role: m.Role.String(), From: m.From,
		})
		app.Reads = append(app.Reads, storage.Read{User: b.user(i), Pos: meta.HeadPos, Counted: meta.Counted, Event: e.ID, Time: e.Time().Millis()})
	}
	meta.StateIndex, meta.StateHash, meta.Members = state.Index, state.Hash.Bytes(), uint32(state.Joined)
	for _, at := range meta.Nodes {
		at.Joined = uint32(state.Nodes[at.Name].Joined)
	}
	return s.Append(app)
}

func (b *builder) join(n *node.Node, state *room.State, meta *storagepb.Room, u room.User) (*room.Event, error) {
	h := &roompb.Header{
		Room: state.ID.Bytes(), Log: roompb.Log_LOG_STATE, Origin: b.name, Incarnation: 1, Seq: state.Index + 1, Prev: state.Hash.Bytes(), StateIndex: state.Index + 1,
		Time: uint64(room.Time(meta.Clock).Next(time.Now().UnixMilli())), Author: string(u), Kind: string(room.KindJoin),
	}
	e, err := room.Seal(h, &roompb.Body{Salt: salt(), NodeKey: n.PublicKey()})
	if err != nil {
		return nil, err
	}
	if err := state.Check(e); err != nil {
		return nil, err
	}
	meta.Clock = h.Time
	return e, state.Apply(e)
}

func salt() []byte {
	b := make([]byte, room.SaltLen)
	rand.Read(b) // never fails, crypto/rand
	return b
}

// talk lets members say something in turn until the room has all its events.
func (b *builder) talk(n *node.Node, id room.ID) error {
	ctx := context.Background()
	waits := make(chan func(context.Context) (node.Receipt, error), underWay)
	failed := make(chan error, 1)
	go func() {
		var first error
		for wait := range waits {
			if _, err := wait(ctx); err != nil && first == nil {
				first = err
			}
		}
		failed <- first
	}()
	for i := b.members; i < b.events; i++ {
		text := fmt.Sprintf("Message %d, said by one of many members in a room that has been going on for a long time.", i)
		waits <- n.SubmitAsync(room.Draft{Room: id, Author: b.user(i * 7919 % b.members), Kind: room.KindText, Body: &roompb.Body{Text: text}})
	}
	close(waits)
	return <-failed
}
