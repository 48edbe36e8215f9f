package plugins

import (
	"slices"
	"time"

	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
	pb "hearth/plugins/bridge/bridgepb"
)

// verdict is what is to become of an item: delivered, dropped and counted, passed over, or looked at
// again once what it refers to was answered.
type verdict struct {
	delivery *pb.Delivery
	undone   []undo // what the item took back
	dropped  string
	stale    bool
	wait     bool
}

// Reasons that the host counts by; plugins have their own.
const (
	unsupported  = "unsupported"    // the far network cannot carry it
	noSuchTarget = "no_such_target" // it is about something that is not over there
	wasDeleted   = "deleted"        // before it was relayed
)

// verdict looks at an item that is due.
func (l *life) verdict(a *lane, item *roompb.Item) (verdict, error) {
	e := item.GetEvent()
	if len(item.GetVoided()) > 0 { // such an entry is no line of its own over there
		return l.voided(a, item)
	}
	if l.passed(e) {
		return verdict{}, nil
	}
	if p := a.link.Private; p != nil && e.GetAuthor() != string(p.User) {
		return verdict{dropped: string(room.Forbidden)}, nil // it is a conversation of two
	}
	judge := map[string]func(*lane, *roompb.Item) (verdict, error){
		string(room.KindText): l.judgeText, string(room.KindEmote): l.judgeText,
		string(room.KindEdit): l.judgeEdit, string(room.KindDelete): l.judgeDelete,
		string(room.KindReact): l.judgeReaction, string(room.KindUnreact): l.judgeReaction,
		string(room.KindPin): l.judgePin, string(room.KindUnpin): l.judgePin,
		string(room.KindSettings): l.judgeTopic,
	}[e.GetKind()]
	if judge == nil {
		return verdict{}, nil // who comes and goes is not relayed
	}
	return judge(a, item)
}

// passed tells whether an event has been on the bridge's network already, or is of the bridge itself.
func (l *life) passed(e *roompb.Event) bool {
	return e.GetAuthor() == string(l.caller.User) || e.GetVoided() || l.beenHere(e.GetGhost())
}

// beenHere tells whether what a ghost says has been on the bridge's network already.
func (l *life) beenHere(g *roompb.Ghost) bool {
	return g != nil && (g.GetNetwork() == l.network || slices.Contains(g.GetHops(), l.network))
}

func (l *life) old(e *roompb.Event) bool { return l.tooOld(said(e)) }

// said is when a message was said: a ghost's may have come much later.
func said(e *roompb.Event) int64 {
	if e.GetSent() != 0 {
		return e.GetSent()
	}
	return e.GetTime()
}

func (l *life) tooOld(ms int64) bool { return l.n.Now().Sub(time.UnixMilli(ms)) > l.stale }

// delivery is what all kinds have.
func (l *life) delivery(a *lane, e *roompb.Event) *pb.Delivery {
	author := l.person(e.GetAuthor(), e.GetGhost())
	if author.Ghost == nil {
		author.Role = l.n.Role(room.User(author.User), a.room)
	}
	return &pb.Delivery{
		Id: e.GetId(), Channel: a.channel, Kind: e.GetKind(), Author: author,
		Text: e.GetText(), Emoji: e.GetEmoji(), Time: said(e), Hops: e.GetGhost().GetHops(),
	}
}

func (l *life) judgeText(a *lane, item *roompb.Item) (verdict, error) {
	e := item.GetEvent()
	switch {
	case e.GetDeleted():
		return verdict{dropped: wasDeleted}, nil
	case e.GetSilent() && e.GetGhost() == nil && l.isBot(e.GetAuthor()):
		return verdict{}, nil // a line about another channel
	case l.old(e):
		return verdict{stale: true}, nil
	}
	for _, event := range []string{e.GetReplyTo(), e.GetThread()} {
		if event != "" && a.out.on(event) {
			return verdict{wait: true}, nil
		}
	}
	d := l.delivery(a, e)
	if err := l.context(a, d, e); err != nil {
		return verdict{}, err
	}
	d.Mentions = l.mentioned(e)
	d.Files = l.files(e)
	if e.GetEdits() > 0 {
		a.out.show(e.GetId(), e.GetEdits())
	}
	return verdict{delivery: d}, nil
}

// context names in d what the message e answers, and its thread.
func (l *life) context(a *lane, d *pb.Delivery, e *roompb.Event) (err error) {
	if e.GetReplyTo() != "" {
		if d.ReplyTo, err = l.refTo(a, e.GetReplyTo()); err != nil {
			return err
		}
	}
	if e.GetThread() != "" {
		d.Thread, err = l.refTo(a, e.GetThread())
	}
	return err
}

func (l *life) mentioned(e *roompb.Event) (out []*pb.Person) {
	for _, u := range e.GetMentions() {
		out = append(out, l.person(u, nil))
	}
	return out
}

// isBot tells whether a user is a bridge's bot, here or elsewhere.
func (l *life) isBot(user string) bool {
	p, err := l.n.Profile(room.User(user))
	return err == nil && p.GetBridge() != ""
}

const mostShown = 1000

func (o *outbox) show(event string, edits uint32) {
	if len(o.shown) >= mostShown {
		clear(o.shown)
	}
	o.shown[event] = edits
}

// about finds what an item is about over there; the verdict says why it goes no further, if so.
func (l *life) about(a *lane, item *roompb.Item) (*pb.Ref, *verdict, error) {
	e, target := item.GetEvent(), item.GetTarget()
	if a.out.on(e.GetTarget()) {
		return nil, &verdict{wait: true}, nil
	}
	remote, err := l.remoteOf(a, e.GetTarget())
	switch {
	case err != nil:
		return nil, nil, err
	case len(remote) == 0:
		return nil, &verdict{dropped: noSuchTarget}, nil
	}
	return l.ref(target, e.GetTarget(), remote), nil, nil
}

// remoteOf is what a message is over there; nothing when it is not.
func (l *life) remoteOf(a *lane, event string) ([]string, error) {
	ids, err := l.tracesOf(a, event)
	return slices.DeleteFunc(slices.Clone(ids), isTrace), err
}

// tracesOf are what is known of an event that was relayed: what it is over there, or that something was done there for it.
func (l *life) tracesOf(a *lane, event string) ([]string, error) {
	id, err := room.ParseHash(event)
	if err != nil {
		return nil, nil
	}
	for _, f := range slices.Backward(a.out.flights) { // answered, and not written down yet
		if f.event == id && len(f.remote) > 0 {
			return f.remote, nil
		}
	}
	if ids := a.out.pending.remote[id]; len(ids) > 0 {
		return ids, nil
	}
	return l.book.Remote(l.name, a.room, id)
}

func (l *life) judgeEdit(a *lane, item *roompb.Item) (verdict, error) {
	e, target := item.GetEvent(), item.GetTarget()
	switch {
	case !l.can.GetEdits() && !l.can.GetCorrects():
		return verdict{dropped: unsupported}, nil
	case target.GetDeleted() || target == nil:
		return verdict{dropped: wasDeleted}, nil
	}
	ref, v, err := l.about(a, item)
	if v != nil || err != nil {
		return deref(v), err
	}
	// What only corrects says a line of its own, as if it were new.
	if !l.can.GetEdits() && l.old(e) {
		return verdict{stale: true}, nil
	}
	old, index, err := l.before(a, e)
	switch room.CodeOf(err) {
	case room.Gone, room.NotFound: // in the meantime
		return verdict{dropped: wasDeleted}, nil
	}
	if err != nil {
		return verdict{}, err
	}
	if index <= a.out.shown[e.GetTarget()] {
		return verdict{}, nil // it was in what was delivered
	}
	d := l.delivery(a, e)
	d.Target, d.OldText = ref, old
	if err := l.context(a, d, target); err != nil {
		return verdict{}, err
	}
	d.Mentions = l.mentioned(e)
	return verdict{delivery: d}, nil
}

// before is the text that an edit replaced, and which edit of its message it is, from 1 on.
func (l *life) before(a *lane, e *roompb.Event) (string, uint32, error) {
	target, err := room.ParseHash(e.GetTarget())
	if err != nil {
		return "", 0, err
	}
	editions, err := l.n.EditHistory(l.caller, a.room, target)
	if err != nil {
		return "", 0, err
	}
	for i := 1; i < len(editions); i++ {
		if editions[i].Time == e.GetTime() && editions[i].Text == e.GetText() {
			return editions[i-1].Text, uint32(i), nil
		}
	}
	return "", uint32(len(editions)), nil
}

func (l *life) judgeDelete(a *lane, item *roompb.Item) (verdict, error) {
	e := item.GetEvent()
	ref, v, err := l.about(a, item)
	switch {
	case !l.can.GetDeletes() && !l.can.GetCorrects():
		return verdict{dropped: unsupported}, nil
	case v != nil || err != nil:
		return deref(v), err
	case !l.can.GetDeletes() && l.old(e):
		return verdict{stale: true}, nil
	}
	d := l.delivery(a, e)
	d.Target = ref
	return verdict{delivery: d}, nil
}

func (l *life) judgeReaction(a *lane, item *roompb.Item) (verdict, error) {
	e := item.GetEvent()
	if !l.can.GetReactions() {
		return verdict{dropped: unsupported}, nil
	}
	ref, v, err := l.about(a, item)
	switch {
	case v != nil || err != nil:
		return deref(v), err
	case l.old(e):
		return verdict{stale: true}, nil
	}
	d := l.delivery(a, e)
	d.Target = ref
	return verdict{delivery: d}, nil
}

// judgePin has a pin relayed however late, as it changes what is there. Networks without pins miss nothing that was said.
func (l *life) judgePin(a *lane, item *roompb.Item) (verdict, error) {
	if !l.can.GetPins() || item.GetTarget().GetDeleted() {
		return verdict{}, nil
	}
	ref, v, err := l.about(a, item)
	if v != nil || err != nil {
		return deref(v), err
	}
	d := l.delivery(a, item.GetEvent())
	d.Target = ref
	return verdict{delivery: d}, nil
}

func (l *life) judgeTopic(a *lane, item *roompb.Item) (verdict, error) {
	e := item.GetEvent()
	if e.GetSettings() == nil || e.GetSettings().Topic == nil || !l.can.GetTopic() || l.old(e) {
		return verdict{}, nil
	}
	d := l.delivery(a, e)
	d.Kind, d.Text = "topic", e.GetSettings().GetTopic()
	return verdict{delivery: d}, nil
}

func deref(v *verdict) verdict {
	if v == nil {
		return verdict{}
	}
	return *v
}

// ───────────────────────────── People, references, files ─────────────────────────────

// person is a user, or the ghost for whom a bridge's bot speaks.
func (l *life) person(user string, ghost *roompb.Ghost) *pb.Person {
	if ghost != nil {
		return &pb.Person{
			User: user, Name: ghost.GetName(), Avatar: ghost.GetAvatar(), AvatarUrl: l.avatarURL(ghost.GetAvatar()),
			Ghost: &pb.Ghost{Id: ghost.GetId(), Name: ghost.GetName(), Avatar: ghost.GetAvatar(), Network: ghost.GetNetwork()},
		}
	}
	p := &pb.Person{User: user, Name: room.User(user).Local()}
	if profile, err := l.n.Profile(room.User(user)); err == nil {
		p.Avatar = profile.GetAvatar()
		p.AvatarUrl = l.avatarURL(p.Avatar)
		if profile.GetDisplayName() != "" {
			p.Name = profile.GetDisplayName()
		}
	}
	return p
}

// avatars are links to pictures of people, made once a day.
type avatars map[string]madeURL

type madeURL struct {
	url string
	at  time.Time
}

const mostAvatars = 10_000

// avatarURL is public and cannot be guessed; empty when other networks do not reach the node. Relay alone calls it.
func (l *life) avatarURL(avatar string) string {
	id, err := room.ParseHash(avatar)
	if l.h.URL == "" || err != nil {
		return ""
	}
	if made, ok := l.avatars[avatar]; ok && time.Since(made.at) < 24*time.Hour {
		return made.url
	}
	path, err := l.n.Publish(node.Publication{Owner: l.caller.User, Blob: id, Name: "avatar", Key: "avatar"})
	if err != nil {
		return ""
	}
	if len(l.avatars) >= mostAvatars {
		clear(l.avatars)
	}
	l.avatars[avatar] = madeURL{l.h.URL + path, time.Now()}
	return l.h.URL + path
}

// refTo is a reference to a message of the room; without words when it cannot be read any more.
func (l *life) refTo(a *lane, event string) (*pb.Ref, error) {
	id, err := room.ParseHash(event)
	if err != nil {
		return nil, err
	}
	remote, err := l.remoteOf(a, event)
	if err != nil {
		return nil, err
	}
	e, err := l.n.Event(l.caller, a.room, id)
	if err != nil && room.CodeOf(err) != room.NotFound {
		return nil, err
	}
	return l.ref(e, event, remote), nil
}

func (l *life) ref(e *roompb.Event, id string, remote []string) *pb.Ref {
	r := &pb.Ref{Event: id, Remote: remote}
	if e != nil {
		r.Author, r.Time, r.Text = l.person(e.GetAuthor(), e.GetGhost()), e.GetTime(), beginning(e.GetText())
	}
	return r
}

// beginning is what is quoted of a text.
func beginning(text string) string {
	if r := []rune(text); len(r) > 200 {
		return string(r[:200])
	}
	return text
}

// files are those of a message, each with a link that ends when the message is deleted.
func (l *life) files(e *roompb.Event) (out []*pb.File) {
	event, _ := room.ParseHash(e.GetId())
	for _, f := range e.GetFiles() {
		file := &pb.File{Handle: f.GetBlob(), Name: f.GetName(), Size: f.GetSize(), Type: f.GetType()}
		if id, err := room.ParseHash(f.GetBlob()); err == nil && l.h.URL != "" {
			if path, err := l.n.Publish(node.Publication{Owner: l.caller.User, Blob: id, Name: f.GetName(), Event: event, Key: "file"}); err == nil {
				file.Url = l.h.URL + path
			} else {
				l.book.Logf(l.name, "a link to %s cannot be made: %v", f.GetName(), err)
			}
		}
		out = append(out, file)
	}
	return out
}
