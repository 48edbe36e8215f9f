package plugins

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	pb "hearth/plugins/bridge/bridgepb"
)

const (
	submitWithin = 30 * time.Second
	maxEntryKey  = 200
)

// takeEntry queues an entry for its channel. The window bounds all of them.
func (l *life) takeEntry(e *pb.Entry) error {
	if l.entries.Add(1) > window {
		return errContract(fmt.Sprintf("more than %d entries without an answer", window))
	}
	a := l.lane(e.GetChannel())
	if a == nil {
		return l.answer(e, refusal("not_found", "No room is joined to this channel."))
	}
	a.inbox <- e // it has room for the window
	return nil
}

// arriving is an entry that was handed to its room and not answered yet.
type arriving struct {
	entry *pb.Entry
	wait  func(context.Context) (room.EventID, error)
}

// receive takes a channel's entries in their order. All that wait are handed to the room together, so that
// they share its batch, and not more often than the pace says.
func (l *life) receive(ctx context.Context, a *lane) {
	q := &queue{life: l, lane: a}
	for {
		select {
		case <-l.ctx.Done():
			return
		case e := <-a.inbox:
			l.pace.await(l.ctx)
			q.takeAll(ctx, append([]*pb.Entry{e}, a.waiting()...))
		}
	}
}

// waiting is what is in the inbox.
func (a *lane) waiting() (out []*pb.Entry) {
	for len(a.inbox) > 0 { // receive alone takes out of it
		out = append(out, <-a.inbox)
	}
	return out
}

// queue is what of a channel is on its way.
type queue struct {
	*life
	lane *lane
	out  []arriving
	held string // the key that was answered "again": it comes before all others
	same int    // how often
}

// mostTries is how often an entry is tried when the node itself fails with it: then the others must go on.
const mostTries = 50

// takeAll hands entries to the room, and answers them; ctx is the link's.
func (q *queue) takeAll(ctx context.Context, entries []*pb.Entry) {
	q.calm(ctx, func() time.Duration { return q.flood.Take(struct{}{}, len(entries), time.Now()) })
	for _, e := range entries {
		if ctx.Err() != nil {
			q.answer(e, refusal("not_found", "No room is joined to this channel any more."))
			continue
		}
		q.take(ctx, e)
	}
	q.arrive(ctx)
}

func (q *queue) take(ctx context.Context, e *pb.Entry) {
	next, err := arriving{}, error(nil)
	if q.waits(e) {
		return
	}
	if next, err = q.admit(q.lane, e, q.out); errors.Is(err, errOrder) {
		if q.arrive(ctx); q.waits(e) {
			return
		}
		next, err = q.admit(q.lane, e, nil)
	}
	switch {
	case err != nil:
		q.fail(e, err)
	case next.wait != nil:
		q.out = append(q.out, next)
	default:
		q.let(e)
	}
}

// waits answers an entry that may not overtake another.
func (q *queue) waits(e *pb.Entry) bool {
	if q.held == "" || q.held == e.GetKey() {
		return false
	}
	q.answer(e, later(errHeld))
	return true
}

// fail answers what went wrong: for good, or until it comes again.
func (q *queue) fail(e *pb.Entry, err error) {
	if q.held == e.GetKey() {
		q.same++
	}
	if !temporary(err) || room.CodeOf(err) == room.Internal && q.same > mostTries {
		q.let(e)
		q.refuse(q.lane, e, err)
		return
	}
	if q.held == "" {
		q.held, q.same = e.GetKey(), 0
	}
	q.h.Log.Debug("an entry has to come again", "bridge", q.name, "channel", q.lane.channel, "error", err)
	q.answer(e, later(err))
}

// let lets others go on after an entry that was answered.
func (q *queue) let(e *pb.Entry) {
	if q.held == e.GetKey() {
		q.held = ""
	}
}

var (
	errHeld  = room.Errorf(room.Busy, "What came before it has to come first.")
	errOrder = errors.New("it refers to an entry that is on its way")
)

// arrive waits for what was handed to the room, notes what it is over there, and answers.
func (q *queue) arrive(ctx context.Context) {
	out := q.out
	q.out = nil
	if len(out) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, submitWithin)
	defer cancel()
	var arrived []channel.Arrival
	events, errs := make([]room.EventID, len(out)), make([]error, len(out))
	for i, o := range out {
		if events[i], errs[i] = o.wait(ctx); errs[i] == nil {
			arrived = append(arrived, channel.Arrival{Remote: o.entry.GetRemote(), Event: events[i]})
		}
	}
	// Before it is answered: whoever refers to it later finds it.
	if err := q.book.Received(q.name, q.lane.room, arrived...); err != nil && room.CodeOf(err) != room.NotFound {
		q.end(err)
		return
	}
	for i, o := range out {
		if errs[i] != nil {
			q.fail(o.entry, errs[i])
			continue
		}
		q.let(o.entry)
		q.answer(o.entry, &pb.Posted{Event: events[i].String()})
	}
}

// temporary tells whether it is worth trying again: what is the node's own fault, too.
func temporary(err error) bool {
	e, ok := errors.AsType[*room.Error](err)
	return !ok || e.Retry() || e.Code == room.Internal
}

// sentence is an error as the plugin, and people, may read it.
func sentence(err error) string {
	if e, ok := errors.AsType[*room.Error](err); ok {
		return e.Message
	}
	return "The node could not do that; its log tells why."
}

func later(err error) *pb.Posted {
	return &pb.Posted{Again: true, Code: string(room.CodeOf(err)), Text: sentence(err)}
}

func refusal(code, text string) *pb.Posted { return &pb.Posted{Code: code, Text: text} }

// refuse answers an entry that will never be, and counts it.
func (l *life) refuse(a *lane, e *pb.Entry, err error) {
	l.countRefusal(a, err)
	l.answer(e, refusal(string(room.CodeOf(err)), sentence(err)))
}

func (l *life) countRefusal(a *lane, err error) {
	l.book.Count(l.name, a.room, channel.Counts{Dropped: map[string]uint64{reason(string(room.CodeOf(err))): 1}})
}

func (l *life) answer(e *pb.Entry, p *pb.Posted) error {
	p.Key, p.Channel = e.GetKey(), e.GetChannel()
	l.entries.Add(-1)
	return l.send(&pb.HostFrame{Frame: &pb.HostFrame_Posted{Posted: p}})
}

// admit checks an entry and hands it to its room; nothing to wait for means that it was answered.
// errOrder: one of those on their way has to arrive first.
func (l *life) admit(a *lane, e *pb.Entry, out []arriving) (arriving, error) {
	if err := l.checkEntry(a, e); err != nil {
		return arriving{}, err
	}
	for _, remote := range []string{e.GetRemote(), e.GetTarget(), e.GetReplyTo(), e.GetThread()} {
		for _, o := range out {
			if remote != "" && o.entry.GetRemote() == remote {
				return arriving{}, errOrder
			}
		}
	}
	if e.GetRemote() != "" {
		event, known, err := l.book.Event(l.name, a.room, e.GetRemote())
		if err != nil {
			return arriving{}, err
		}
		if known {
			l.book.Count(l.name, a.room, channel.Counts{Duplicates: 1})
			l.answer(e, &pb.Posted{Event: event.String()})
			return arriving{}, nil
		}
	}
	d, err := l.draft(a, e)
	if err != nil {
		return arriving{}, err
	}
	if d == nil {
		l.answer(e, &pb.Posted{})
		return arriving{}, nil
	}
	wait := l.n.SubmitAsync(*d)
	return arriving{e, func(ctx context.Context) (room.EventID, error) {
		r, err := wait(ctx)
		return r.Event, err
	}}, nil
}

func (l *life) checkEntry(a *lane, e *pb.Entry) error {
	switch {
	case e.GetKey() == "" || len(e.GetKey()) > maxEntryKey:
		return room.Errorf(room.BadRequest, "An entry has a key of 1 to %d bytes.", maxEntryKey)
	case len(e.GetRemote()) > channel.MaxRemote:
		return room.Errorf(room.TooLarge, "An id has at most %d bytes.", channel.MaxRemote)
	case !a.confirmed.Load():
		return room.Errorf(room.Forbidden, "The link of this channel was not confirmed.")
	case slices.Contains(e.GetHops(), l.network):
		return &room.Error{Code: "loop", Message: "It has been on this network already."}
	case e.GetGhost() != nil && l.book.Muted(l.name, a.room, e.GetGhost().GetId()):
		return &room.Error{Code: "muted", Message: "An administrator does not want to hear this person here."}
	}
	return nil
}

// key is the entry's as the node knows it.
func (l *life) key(a *lane, e *pb.Entry) string {
	sum := sha256.Sum256([]byte(l.name + "\x00" + a.channel + "\x00" + e.GetKey()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// draft is what the bot says for an entry; nil when there is nothing to say.
func (l *life) draft(a *lane, e *pb.Entry) (*room.Draft, error) {
	d := &room.Draft{Room: a.room, Author: l.caller.User, Key: l.key(a, e), Body: &roompb.Body{Text: e.GetText()}}
	var err error
	if e.GetGhost() != nil {
		if d.Body.Ghost, err = l.ghost(e.GetGhost(), e.GetHops()); err != nil {
			return nil, err
		}
	}
	switch e.GetKind() {
	case "text", "emote", "notice":
		if d.Body.Ghost == nil {
			return nil, room.Errorf(room.BadRequest, "Nobody is named who said it.")
		}
		d.Kind = room.KindText
		if e.GetKind() == "emote" {
			d.Kind = room.KindEmote
		}
		d.Body.Silent = e.GetKind() == "notice"
		d.Body.Sent = max(0, e.GetTime())
		return d, l.complete(a, d, e)
	case "line":
		d.Kind, d.Body.Silent, d.Body.Ghost = room.KindText, true, nil
		return d, nil
	case "edit", "delete", "react", "unreact", "pin", "unpin":
		d.Kind, d.Body.Emoji = room.Kind(e.GetKind()), e.GetEmoji()
		return d, l.aim(a, d, e)
	case "topic":
		return l.topic(a, d, e)
	}
	return nil, room.Errorf(room.BadRequest, "There is no kind of entry %q.", e.GetKind())
}

// ghost is somebody over there as events name them.
func (l *life) ghost(g *pb.Ghost, hops []string) (*roompb.Ghost, error) {
	out := &roompb.Ghost{Id: g.GetId(), Name: g.GetName(), Network: g.GetNetwork(), Avatar: g.GetAvatar()}
	if out.Network == "" {
		out.Network = l.network
	}
	if out.Name == "" {
		out.Name = out.Id
	}
	if _, err := room.ParseHash(out.Avatar); err != nil {
		out.Avatar = ""
	}
	if out.Hops = append(slices.Clone(hops), l.network); len(out.Hops) > room.MaxHops {
		return nil, &room.Error{Code: "loop", Message: fmt.Sprintf("It has passed more than %d networks.", room.MaxHops)}
	}
	for what, s := range map[string]string{"ghost's id": out.Id, "ghost's name": out.Name} {
		if err := room.CheckLine(what, s, room.MaxGhost); err != nil || s == "" {
			return nil, room.Errorf(room.BadRequest, "Somebody over there has an id and a name of 1 to %d characters in one line.", room.MaxGhost)
		}
	}
	return out, nil
}

// complete adds what a message answers, its thread, its files. What it refers to and nobody here has
// is left out: the words are there.
func (l *life) complete(a *lane, d *room.Draft, e *pb.Entry) error {
	for _, ref := range []struct {
		remote string
		to     *[]byte
	}{{e.GetReplyTo(), &d.Body.ReplyTo}, {e.GetThread(), &d.Body.Thread}} {
		if ref.remote == "" {
			continue
		}
		event, known, err := l.event(a, ref.remote)
		if err != nil {
			return err
		}
		if known {
			*ref.to = event.Bytes()
		}
	}
	for _, f := range e.GetFiles() {
		switch {
		case f.GetHandle() != "":
			d.Body.Files = append(d.Body.Files, &roompb.File{Blob: f.GetHandle(), Name: f.GetName()})
		case f.GetUrl() != "":
			d.Body.Text = strings.TrimSpace(d.Body.Text + "\n" + linkTo(f))
		}
	}
	return nil
}

// event is which event of the room an id over there is.
func (l *life) event(a *lane, remote string) (room.EventID, bool, error) {
	event, known, err := l.book.Event(l.name, a.room, remote)
	if err == nil && !known {
		l.settled()
		event, known, err = l.book.Event(l.name, a.room, remote)
	}
	return event, known, err
}

var plainName = strings.NewReplacer("[", "(", "]", ")", "\n", " ", "\r", " ")

func linkTo(f *pb.File) string {
	if f.GetName() == "" {
		return "<" + f.GetUrl() + ">"
	}
	return "[" + plainName.Replace(f.GetName()) + "](<" + f.GetUrl() + ">)"
}

// aim finds the message that an entry is about. Only who said a message changes it: the far network looks
// after that among its own people, and the node among all others.
func (l *life) aim(a *lane, d *room.Draft, e *pb.Entry) error {
	event, known, err := l.event(a, e.GetTarget())
	switch {
	case err != nil:
		return err
	case !known:
		return &room.Error{Code: noSuchTarget, Message: "The message that it is about is not in the room."}
	}
	d.Body.Target = event.Bytes()
	if d.Kind == room.KindReact || d.Kind == room.KindUnreact {
		if d.Body.Ghost == nil {
			return room.Errorf(room.BadRequest, "Nobody is named who reacts.")
		}
		return nil
	}
	if d.Kind == room.KindPin || d.Kind == room.KindUnpin {
		return nil // whether it may, its role in the room says
	}
	target, err := l.n.Event(l.caller, a.room, event)
	if err != nil {
		return err
	}
	if target.GetAuthor() != string(l.caller.User) {
		return room.Errorf(room.Forbidden, "The message is of somebody of the room.")
	}
	if d.Kind == room.KindEdit && d.Body.GetGhost().GetId() != target.GetGhost().GetId() {
		return room.Errorf(room.Forbidden, "Only its author can edit a message.")
	}
	return nil
}

// topic sets the room's, unless it is that already: so it does not go round and round.
func (l *life) topic(a *lane, d *room.Draft, e *pb.Entry) (*room.Draft, error) {
	s, err := l.n.Summary(l.caller, a.room)
	if err != nil {
		return nil, err
	}
	if s.GetTopic() == e.GetText() {
		return nil, nil
	}
	topic := e.GetText()
	d.Kind, d.Body = room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Topic: &topic}}
	return d, nil
}
