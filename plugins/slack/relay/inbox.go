package relay

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"hearth/plugins/bridge"
)

// inbox keeps events of Slack's on the node's disk from when they come until they are posted. An event is one
// value, in/SEQ.0, or several where it is larger than a value may be: in/SEQ.1 ... and last in/SEQ.0, so
// that one of which the end is missing is none.
type inbox struct {
	h *bridge.Host

	mu    sync.Mutex
	next  uint64
	count int
}

const (
	inboxLimit = 4000 // events, of the 10,000 values that a bridge may have
	inboxPiece = 60 << 10
	maxEvent   = 4 << 20 // unpacked
)

var errFull = errors.New("the inbox is full: the node does not take what Slack sends")

// item is an event on its way to the room.
type item struct {
	seq    uint64
	pieces int // 0: it is not in the inbox
	event  *event
	fill   bool      // not an event: read what was missed
	gap    bool      // of a fill: there was a time without any socket
	ready  time.Time // not to be worked on before
}

func newInbox(h *bridge.Host) *inbox { return &inbox{h: h} }

func inboxKey(seq uint64, piece int) string { return fmt.Sprintf("in/%016x.%d", seq, piece) }

// add keeps an event; it is on disk when add returns.
func (b *inbox) add(ctx context.Context, e *event, raw []byte) (*item, error) {
	b.mu.Lock()
	if b.count >= inboxLimit {
		b.mu.Unlock()
		return nil, errFull
	}
	b.count++
	seq := b.next
	b.next++
	b.mu.Unlock()
	packed := pack(raw)
	it := &item{seq: seq, event: e, pieces: (len(packed) + inboxPiece - 1) / inboxPiece}
	for i := it.pieces - 1; i >= 0; i-- {
		piece := packed[i*inboxPiece : min(len(packed), (i+1)*inboxPiece)]
		if err := b.h.Put(ctx, inboxKey(seq, i), piece); err != nil {
			b.forget()
			return nil, err
		}
	}
	return it, nil
}

func (b *inbox) forget() {
	b.mu.Lock()
	b.count--
	b.mu.Unlock()
}

// done deletes an event that is posted, its beginning first.
func (b *inbox) done(ctx context.Context, it *item) {
	if it.pieces == 0 {
		return
	}
	for i := range it.pieces {
		if b.h.Delete(ctx, inboxKey(it.seq, i)) != nil {
			return // the stream has ended: the next life posts it again, and the node knows its key
		}
	}
	b.forget()
}

// load reads what an earlier life has left, in order.
func (b *inbox) load(ctx context.Context) ([]*item, error) {
	keys, err := b.h.List(ctx, "in/")
	if err != nil {
		return nil, err
	}
	pieces := map[uint64]int{}
	var order []uint64
	for _, key := range keys {
		var seq uint64
		var piece int
		if _, err := fmt.Sscanf(key, "in/%16x.%d", &seq, &piece); err != nil {
			continue
		}
		if pieces[seq] == 0 {
			order = append(order, seq)
		}
		pieces[seq]++
	}
	var items []*item
	for _, seq := range order {
		it, err := b.read(ctx, seq, pieces[seq])
		if err != nil {
			return items, err
		}
		if it != nil {
			items = append(items, it)
		}
		b.mu.Lock()
		b.next = max(b.next, seq+1)
		b.mu.Unlock()
	}
	b.mu.Lock()
	b.count += len(items)
	b.mu.Unlock()
	return items, nil
}

// read is one event; nil, and deleted, when it is not whole.
func (b *inbox) read(ctx context.Context, seq uint64, pieces int) (*item, error) {
	var packed []byte
	whole := true
	for i := range pieces {
		piece, ok, err := b.h.Get(ctx, inboxKey(seq, i))
		if err != nil {
			return nil, err
		}
		whole = whole && ok
		packed = append(packed, piece...)
	}
	raw, err := unpack(packed)
	if e := readEvent(raw); whole && err == nil && e != nil {
		return &item{seq: seq, pieces: pieces, event: e}, nil
	}
	for i := range 16 { // pieces may have any number
		b.h.Delete(ctx, inboxKey(seq, i))
	}
	return nil, nil
}

// packers are used again: to make one costs more than to pack an event.
var packers = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // fails for a level that there is not
	return w
}}

func pack(raw []byte) []byte {
	var b bytes.Buffer
	w := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	w.Reset(&b)
	w.Write(raw)
	w.Close()
	return b.Bytes()
}

func unpack(packed []byte) ([]byte, error) {
	return io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxEvent))
}

// event is what Slack tells of.
type event struct {
	ID   string          `json:"event_id"`
	Type string          `json:"type"` // event_callback
	Raw  json.RawMessage `json:"event"`

	kind   string
	fields fields
}

// fields are those by which an event finds its way. A channel is a string in some events and an object in others.
type fields struct {
	Type        string          `json:"type"`
	Channel     json.RawMessage `json:"channel"`
	ChannelType string          `json:"channel_type"` // channel group im mpim
	User        json.RawMessage `json:"user"`
	ChannelID   string          `json:"channel_id"` // of pins
	Item        struct {
		Type    string `json:"type"`
		Channel string `json:"channel"`
		TS      string `json:"ts"`
	} `json:"item"`
	Reaction string `json:"reaction"`
	EventTS  string `json:"event_ts"`
	TS       string `json:"ts"`
	Old      string `json:"old_channel_id"`
	New      string `json:"new_channel_id"`
}

// readEvent is nil for what is no event.
func readEvent(raw []byte) *event {
	e := &event{}
	if json.Unmarshal(raw, e) != nil || len(e.Raw) == 0 {
		return nil
	}
	json.Unmarshal(e.Raw, &e.fields)
	e.kind = e.fields.Type
	return e
}

// channelID is the channel that the event is about, "" if none.
func (e *event) channelID() string {
	if e.fields.Item.Channel != "" {
		return e.fields.Item.Channel
	}
	return cmp.Or(idOf(e.fields.Channel), e.fields.ChannelID)
}

// at is when the event happened, as a ts.
func (e *event) at() string { return cmp.Or(e.fields.EventTS, e.fields.TS) }

func (e *event) userID() string { return idOf(e.fields.User) }

// idOf reads an id that stands alone or in an object.
func idOf(raw json.RawMessage) string {
	var id string
	if json.Unmarshal(raw, &id) == nil {
		return id
	}
	var object struct {
		ID string `json:"id"`
	}
	json.Unmarshal(raw, &object)
	return strings.TrimSpace(object.ID)
}
