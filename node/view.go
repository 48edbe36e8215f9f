package node

import (
	"strings"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// view is an event as people see it now.
func (c *chamber) view(row *storage.Row) *roompb.Event {
	e := row.Event
	h, b, s := e.Header, e.Body, row.Standing
	v := &roompb.Event{
		Id: e.ID.String(), Pos: row.Pos, Author: h.GetAuthor(), Time: e.Time().Millis(), Order: h.GetTime(),
		Origin: h.GetOrigin(), Seq: h.GetSeq(), Kind: h.GetKind(),
		Text: b.GetText(), Mentions: b.GetMentions(), MentionRoom: b.GetMentionRoom(),
		Emoji: b.GetEmoji(), Reason: b.GetReason(), Subject: b.GetSubject(), Role: b.GetRole(),
		Settings: b.GetSettings(), Silent: b.GetSilent(), Voided: row.Void, Files: b.GetFiles(), Ghost: b.GetGhost(), Bridge: b.GetBridge(), Sent: e.Sent(),
	}
	if row.Old {
		v.Pos = 0
	}
	if h.GetOrigin() == c.n.name {
		c.mu.RLock()
		v.Reached, v.Nodes = c.reach(h)
		c.mu.RUnlock()
	}
	if e.Kind() == room.KindStewards {
		v.Subject = strings.Join(b.GetStewards(), " ")
	}
	if e.Kind() == room.KindNodeBan || e.Kind() == room.KindNodeUnban {
		v.Subject = b.GetNode()
	}
	v.Target, v.Thread, v.ReplyTo = idOf(e.Target()), idOf(row.Thread, !row.Thread.IsZero()), idOf(e.ReplyTo())
	if before := b.GetPredecessor(); e.Kind() == room.KindCreate && len(before) == len(room.ID{}) {
		v.Target = room.ID(before).String()
	}
	if to, ok := e.ReplyTo(); ok {
		v.Quote = c.quote(to)
	}
	if v.Deleted = wordless(row); s == nil {
		return v
	}
	if len(s.GetEdits()) > 0 && !v.Deleted {
		v.Text, v.Mentions, v.MentionRoom = s.GetText(), s.GetMentions(), s.GetMentionRoom()
	}
	if !v.Deleted {
		v.Edited, v.Edits = s.GetEdited(), uint32(len(s.GetEdits()))
	}
	v.DeletedBy, v.Pinned = s.GetDeletedBy(), s.GetPinned()
	v.ThreadReplies, v.ThreadTime = s.GetThreadReplies(), s.GetThreadTime()
	v.Reactions = reactions(s)
	return v
}

// wordless tells whether a message was deleted, or its words are nowhere to be had: whoever
// deleted it had lost the right to, and all who still had the words are gone.
func wordless(row *storage.Row) bool {
	return row.Standing.GetDeleted() || row.Event.Body == nil && row.Event.Kind().Message()
}

func idOf(id room.EventID, ok bool) string {
	if !ok {
		return ""
	}
	return id.String()
}

// quote is the beginning of what a message answers; nil when it cannot be read.
func (c *chamber) quote(id room.EventID) *roompb.Quote {
	row, err := c.find(id)
	if err != nil || row.Void {
		return &roompb.Quote{Id: id.String(), Deleted: err == nil}
	}
	text := saidIn(row.Event.Body)
	if len(row.Standing.GetEdits()) > 0 {
		text = row.Standing.GetText()
	}
	return &roompb.Quote{Id: id.String(), Author: string(row.Event.Author()), Text: clip(text, 200), Deleted: wordless(row), Ghost: row.Event.Body.GetGhost()}
}

// saidIn is a message in one line: one without words is named by its file.
func saidIn(b *roompb.Body) string {
	if b.GetText() == "" && len(b.GetFiles()) > 0 {
		return "📎 " + b.GetFiles()[0].GetName()
	}
	return b.GetText()
}

// saidBy is who people see as the author of a message: a ghost by its name.
func saidBy(e *room.Event) string {
	if g := e.Body.GetGhost(); g != nil {
		return g.GetName()
	}
	return string(e.Author())
}

// about is the message that a stored event changed, as it stands now; nil when it
// changed none.
func (c *chamber) about(e *room.Event) *storage.Row {
	id, ok := e.Target()
	if !ok {
		id, ok = e.Thread()
	}
	if !ok {
		return nil
	}
	row, err := c.find(id)
	if err != nil {
		return nil
	}
	return row
}
