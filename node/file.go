package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"hearth/node/blob"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// filePiece is how much of a file travels in one answer.
const filePiece = 1 << 20

// fetchFrom bounds how many nodes are asked for one file.
const fetchFrom = 4

// OpenFile opens a file, bringing it here first when only other nodes have it. NotFound when
// none of them answers.
func (n *Node) OpenFile(ctx context.Context, id room.Hash) (io.ReadSeekCloser, *storagepb.Blob, error) {
	if n.Blobs == nil {
		return nil, nil, noSuchFile()
	}
	f, m, err := n.Blobs.Open(id)
	if room.CodeOf(err) != room.NotFound {
		return f, m, err
	}
	if err := n.fetchFile(ctx, id); err != nil {
		return nil, nil, err
	}
	return n.Blobs.Open(id)
}

func noSuchFile() error { return room.Errorf(room.NotFound, "There is no such file.") }

// fetchFile asks those for a file who may have it: nodes that share a room in which it is, or any for
// what is in none, such as an avatar.
func (n *Node) fetchFile(ctx context.Context, id room.Hash) error {
	nodes, attached, err := n.nodesWith(id)
	if err != nil {
		return err
	}
	for _, node := range nodes[:min(len(nodes), fetchFrom)] {
		err := n.Blobs.PutForeign(id, attached, &pieces{ctx: ctx, n: n, from: node, id: id})
		if err == nil {
			return nil
		}
		if errors.Is(err, blob.ErrOther) {
			n.Peers.Raise(node, fmt.Sprintf("The node sent another file than it was asked for (%v).", err))
		}
	}
	return noSuchFile()
}

func (n *Node) nodesWith(id room.Hash) (nodes []string, attached bool, err error) {
	rooms, err := n.roomsWith(id)
	if err != nil {
		return nil, false, err
	}
	for _, p := range n.Peers.List() {
		if p.State.Link != peer.Up {
			continue
		}
		shares := len(rooms) == 0
		if !shares {
			if shares, err = n.takesOne(p.Name, rooms); err != nil {
				return nil, false, err
			}
		}
		if shares {
			nodes = append(nodes, p.Name)
		}
	}
	return nodes, len(rooms) > 0, nil
}

// roomsWith are the rooms in which a file is attached to a message; a hundred say enough.
func (n *Node) roomsWith(id room.Hash) (rooms []room.ID, err error) {
	err = n.store.FileRooms(id, func(r room.ID) bool {
		rooms = append(rooms, r)
		return len(rooms) < 100
	})
	return rooms, err
}

// takesOne tells whether a node takes part in one of the rooms.
func (n *Node) takesOne(node string, rooms []room.ID) (bool, error) {
	theirs, err := n.store.PeerRooms(node)
	if err != nil {
		return false, fmt.Errorf("read rooms shared with %s: %w", node, err)
	}
	return slices.ContainsFunc(theirs, func(r room.ID) bool { return slices.Contains(rooms, r) }), nil
}

func (n *Node) answerBlob(asker string, q *roompb.BlobAsk) (*roompb.Answer, error) {
	id, err := room.ParseHash(q.GetId())
	if err != nil || n.Blobs == nil {
		return nil, noSuchFile()
	}
	if rooms, err := n.roomsWith(id); err != nil {
		return nil, err
	} else if len(rooms) > 0 {
		if takes, err := n.takesOne(asker, rooms); err != nil || !takes {
			return nil, errors.Join(err, noSuchFile())
		}
	}
	file, meta, err := n.Blobs.Open(id)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if q.GetOffset() > uint64(meta.GetSize()) {
		return nil, room.Errorf(room.BadRequest, "The file has %d bytes.", meta.GetSize())
	}
	if _, err := file.Seek(int64(q.GetOffset()), io.SeekStart); err != nil {
		return nil, fmt.Errorf("read file %s: %w", id, err)
	}
	b, err := io.ReadAll(io.LimitReader(file, filePiece))
	if err != nil {
		return nil, fmt.Errorf("read file %s: %w", id, err)
	}
	return &roompb.Answer{What: &roompb.Answer_Blob{Blob: &roompb.BlobAnswer{Bytes: b, Size: uint64(meta.GetSize())}}}, nil
}

// pieces reads a file that another node has.
type pieces struct {
	ctx  context.Context
	n    *Node
	from string
	id   room.Hash
	at   uint64
	rest []byte
	end  bool
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 && !p.end {
		if err := p.ask(); err != nil {
			return 0, err
		}
	}
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pieces) ask() error {
	within, cancel := context.WithTimeout(p.ctx, askTimeout)
	defer cancel()
	a, err := p.n.ask(within, p.from, &roompb.Ask{What: &roompb.Ask_Blob{Blob: &roompb.BlobAsk{Id: p.id.String(), Offset: p.at}}})
	if err != nil {
		return err
	}
	p.rest = a.GetBlob().GetBytes()
	p.at += uint64(len(p.rest))
	p.end = len(p.rest) == 0 || p.at >= a.GetBlob().GetSize()
	return nil
}

// Files of messages that nobody sees any more go away: those of deleted messages at once, those that were
// uploaded and never sent after a day.
const (
	unsentAfter = 24 * time.Hour
	sweepFiles  = time.Hour
)

func (n *Node) sweepFiles(ctx context.Context) {
	tick := time.NewTicker(sweepFiles)
	defer tick.Stop()
	for {
		if err := n.dropUnsent(); err != nil {
			n.log.Error("sweep files", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (n *Node) dropUnsent() error {
	before := n.now().Add(-unsentAfter).UnixMilli()
	var unsent []room.Hash
	err := n.store.Blobs(func(m *storagepb.Blob) error {
		if id, err := room.HashFromBytes(m.GetId()); err == nil && m.GetAttached() && m.GetCreated() < before {
			unsent = append(unsent, id)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errors.Join(n.dropFiles(unsent), n.endPublications())
}

// dropFiles removes those of the files that are attached to no message any more.
func (n *Node) dropFiles(ids []room.Hash) (err error) {
	if n.Blobs == nil {
		return nil
	}
	for _, id := range ids {
		m, e := n.store.Blob(id)
		rooms, e2 := n.roomsWith(id)
		if err = errors.Join(err, e, e2); e == nil && e2 == nil && m.GetAttached() && len(rooms) == 0 {
			err = errors.Join(err, n.Blobs.Remove(id))
		}
	}
	return err
}

// dropOf removes what deleted messages leave behind: files, and links to them.
func (n *Node) dropOf(erased []*room.Event) {
	var files []room.Hash
	var err error
	for _, e := range erased {
		err = errors.Join(err, n.Unpublish(e.ID))
		for _, f := range e.Body.GetFiles() {
			if id, err := room.ParseHash(f.GetBlob()); err == nil {
				files = append(files, id)
			}
		}
	}
	if err = errors.Join(err, n.dropFiles(files)); err != nil {
		n.log.Error("remove files of deleted messages", "err", err)
	}
}

// fillFiles says of a draft's files what the node itself knows of them: a client names a blob, and
// how it is called here.
func (n *Node) fillFiles(d *room.Draft) error {
	for _, f := range d.Body.GetFiles() {
		id, err := room.ParseHash(f.GetBlob())
		if err != nil {
			return err
		}
		m, err := n.store.Blob(id)
		if err != nil {
			return fmt.Errorf("read file %s: %w", id, err)
		}
		if m == nil {
			return room.Errorf(room.NotFound, "The file %s is not here: upload it first.", f.GetName())
		}
		f.Size, f.Type, f.Width, f.Height = uint64(m.GetSize()), m.GetType(), m.GetWidth(), m.GetHeight()
		if f.Name == "" {
			f.Name = m.GetName()
		}
	}
	return nil
}
