package transport

import (
	"context"

	"google.golang.org/protobuf/proto"

	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

func messageCommands() []command {
	return []command{
		draft("Send", drawSend, eventResponse),
		draft("Edit", drawEdit, eventResponse),
		draft("Delete", drawDelete, eventResponse),
		draft("React", drawReact, eventResponse),
		draft("Pin", drawPin, eventResponse),
		query("History", user, history),
		query("EditHistory", user, editHistory),
		query("Pins", user, pins),
		query("Search", user, searchMessages),
	}
}

func eventResponse(_ *call, r node.Receipt) (*clientpb.EventResponse, error) {
	return &clientpb.EventResponse{Event: r.Event.String(), Room: r.Room.String(), Pos: r.Pos, Time: r.Time}, nil
}

func drawSend(c *call, in *clientpb.SendRequest) (room.Draft, error) {
	d := room.Draft{Kind: room.KindText, Key: in.Key, Body: &roompb.Body{Text: in.Text, Silent: in.Silent, Files: in.Files}}
	if in.Emote {
		d.Kind = room.KindEmote
	}
	var err error
	if d.Room, err = c.roomOf(in.Room); err != nil {
		return d, err
	}
	if d.Body.ReplyTo, err = eventBytes(in.ReplyTo); err != nil {
		return d, err
	}
	d.Body.Thread, err = eventBytes(in.Thread)
	return d, err
}

// about begins a draft that changes an earlier event.
func (c *call) about(kind room.Kind, ref, event, key string, body *roompb.Body) (room.Draft, error) {
	d := room.Draft{Kind: kind, Key: key, Body: body}
	var err error
	if d.Room, err = c.roomOf(ref); err != nil {
		return d, err
	}
	if event == "" {
		return d, room.Errorf(room.BadRequest, "Name an event.")
	}
	d.Body.Target, err = eventBytes(event)
	return d, err
}

func drawEdit(c *call, in *clientpb.EditRequest) (room.Draft, error) {
	return c.about(room.KindEdit, in.Room, in.Event, in.Key, &roompb.Body{Text: in.Text})
}

func drawDelete(c *call, in *clientpb.TargetRequest) (room.Draft, error) {
	return c.about(room.KindDelete, in.Room, in.Event, in.Key, &roompb.Body{Reason: in.Reason})
}

func drawReact(c *call, in *clientpb.ReactRequest) (room.Draft, error) {
	return c.about(either(in.On, room.KindReact, room.KindUnreact), in.Room, in.Event, in.Key, &roompb.Body{Emoji: in.Emoji})
}

func drawPin(c *call, in *clientpb.PinRequest) (room.Draft, error) {
	return c.about(either(in.On, room.KindPin, room.KindUnpin), in.Room, in.Event, in.Key, &roompb.Body{})
}

func either(on bool, yes, no room.Kind) room.Kind {
	if on {
		return yes
	}
	return no
}

func history(ctx context.Context, c *call, in *clientpb.HistoryRequest) (*clientpb.HistoryResponse, error) {
	q := node.HistoryQuery{Date: in.Date, Limit: clamp(in.Limit, 50, 200)}
	var err error
	if q.Room, err = c.roomOf(in.Room); err != nil {
		return nil, err
	}
	given := 0
	for _, ref := range []struct {
		id string
		to *room.EventID
	}{{in.Before, &q.Before}, {in.After, &q.After}, {in.Around, &q.Around}} {
		if *ref.to, err = eventOf(ref.id); err != nil {
			return nil, err
		}
		if ref.id != "" {
			given++
		}
	}
	if in.Date != 0 {
		given++
	}
	if given > 1 {
		return nil, room.Errorf(room.BadRequest, "At most one of before, after, around and date may be given.")
	}
	if q.Thread, err = eventOf(in.Thread); err != nil {
		return nil, err
	}
	h, err := c.s.node.History(ctx, c.caller, q)
	if err != nil {
		return nil, err
	}
	return trim(historyResponse(h), in), nil
}

func historyResponse(h *node.History) *clientpb.HistoryResponse {
	return &clientpb.HistoryResponse{Events: h.Events, MoreBefore: h.MoreBefore, MoreAfter: h.MoreAfter, Profiles: h.Profiles, Pos: h.Pos}
}

// maxPage is about how large the events of one page may be: 200 messages may have 64 KB each.
const maxPage = 512 << 10

// trim shortens a page that is too large, from the end that is further from where the
// client looks, and says that there is more.
func trim(h *clientpb.HistoryResponse, in *clientpb.HistoryRequest) *clientpb.HistoryResponse {
	anchor := len(h.Events) - 1 // the newest
	switch {
	case in.After != "" || in.Date != 0:
		anchor = 0
	case in.Around != "":
		for i, e := range h.Events {
			if e.Id == in.Around {
				anchor = i
			}
		}
	}
	from, to := window(h.Events, anchor)
	h.MoreBefore = h.MoreBefore || from > 0
	h.MoreAfter = h.MoreAfter || to < len(h.Events)
	h.Events = h.Events[from:to]
	return h
}

// window grows from the anchor to both sides while the events fit.
func window(events []*roompb.Event, anchor int) (from, to int) {
	if len(events) == 0 {
		return 0, 0
	}
	from, to = anchor, anchor+1
	room := maxPage - proto.Size(events[anchor])
	for {
		grown := false
		if from > 0 && proto.Size(events[from-1]) <= room {
			from--
			room -= proto.Size(events[from])
			grown = true
		}
		if to < len(events) && proto.Size(events[to]) <= room {
			room -= proto.Size(events[to])
			to++
			grown = true
		}
		if !grown {
			return from, to
		}
	}
}

func editHistory(_ context.Context, c *call, in *clientpb.EventRequest) (*clientpb.EditHistoryResponse, error) {
	id, err := c.roomOf(in.Room)
	if err != nil {
		return nil, err
	}
	event, err := eventOf(in.Event)
	if err != nil {
		return nil, err
	}
	editions, err := c.s.node.EditHistory(c.caller, id, event)
	if err != nil {
		return nil, err
	}
	out := &clientpb.EditHistoryResponse{}
	size := 0
	for _, e := range editions {
		if size += len(e.Text); size > maxPage && len(out.Editions) > 0 {
			break
		}
		out.Editions = append(out.Editions, &clientpb.Edition{Text: e.Text, Time: e.Time})
	}
	return out, nil
}

func pins(_ context.Context, c *call, in *clientpb.RoomRequest) (*clientpb.HistoryResponse, error) {
	id, err := c.roomOf(in.Room)
	if err != nil {
		return nil, err
	}
	h, err := c.s.node.Pins(c.caller, id)
	if err != nil {
		return nil, err
	}
	return trim(historyResponse(h), &clientpb.HistoryRequest{}), nil
}

func searchMessages(ctx context.Context, c *call, in *clientpb.SearchRequest) (*clientpb.SearchResponse, error) {
	q := node.SearchQuery{Text: in.Query, Limit: clamp(in.Limit, 20, 100), Offset: int(in.Offset)}
	if in.Offset > 10_000 {
		return nil, room.Errorf(room.BadRequest, "A search goes at most 10000 results deep: make it narrower.")
	}
	var err error
	if in.Room != "" {
		if q.Room, err = c.roomOf(in.Room); err != nil {
			return nil, err
		}
	}
	if in.Author != "" {
		if q.Author, err = c.userOf(in.Author); err != nil {
			return nil, err
		}
	}
	found, err := c.s.node.Search(ctx, c.caller, q)
	if err != nil {
		return nil, err
	}
	out := &clientpb.SearchResponse{Total: found.Total, Profiles: found.Profiles, Indexing: found.Indexing}
	size := 0
	for _, hit := range found.Hits {
		if size += proto.Size(hit.Event); size > maxPage && len(out.Hits) > 0 {
			break
		}
		out.Hits = append(out.Hits, &clientpb.SearchHit{Room: hit.Room.String(), Event: hit.Event})
	}
	return out, nil
}
