package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/conn"
	"hearth/plugins/irc/wire"
)

// channel is one link.
type channel struct {
	r    *relay
	link *pb.Link
	id   string // what the administrator calls it
	name string // what the network calls it now

	joined  bool
	settled bool               // its history has been looked at: what is said now is new, and we may speak
	members map[string]*member // by folded nick
	whole   bool               // members is complete
	news    *news              // nil: none
	storm   storm
	kicks   []time.Time
	stopped string // why it is not joined any more; "": it is, or will be
	retry   *time.Timer
	waits   time.Duration // before the next try to join
	topics  topics
	history history
	people  people
	listed  bool      // members has their accounts too
	peer    *peer     // of a private conversation; nil: a channel
	lost    bool      // the others were here when the connection was cut, and none of them has been seen since
	alone   time.Time // until then what is to be said waits for them
	lane    lane
	banned  map[string]*ban // by user, whose puppet the channel does not let in
	mutes   map[string]bool // by ghost: muted or not, and not done yet
	noRelay time.Time       // when RELAYMSG was last refused

	arrived     []string               // deliveries, as they came; some are answered
	closed      time.Time              // until then what comes was on its way when all was handed back
	corrections map[string]*correction // by delivery
	digests     []*digest

	heardAt int64 // server's time (ms) of the newest message that was taken in
	keptAt  int64
	last    *pb.Entry            // that was taken in
	spoke   map[string]time.Time // folded nicks, lately
	seen    seen
	loops   loops
	told    time.Time
	state   string // that was told
	reason  string
	detail  string
}

func (r *relay) link(l *pb.Link) {
	ch := r.links[l.GetChannel()]
	if ch == nil {
		ch = &channel{r: r, id: l.GetChannel(), name: l.GetChannel(), members: map[string]*member{}, people: people{}, spoke: map[string]time.Time{}}
		ch.lane.ch = ch
		r.links[ch.id] = ch
		if ch.link = l; l.GetPrivate() != nil {
			ch.converse(l.GetPrivate())
		} else {
			ch.recall()
		}
		return
	}
	was := ch.link
	ch.link = l
	switch {
	case ch.peer != nil:
	case l.GetConfirmed() && !was.GetConfirmed() && ch.settled:
		ch.topicFromRoom(l.GetTopic())
	case !ch.joined:
		ch.stopped, ch.waits = "", 0 // perhaps a new key
		ch.join()
	}
}

// recall reads until when the channel was heard, and joins.
func (ch *channel) recall() {
	ch.r.ask(func(ctx context.Context) func() {
		b, _, err := ch.r.host.Get(ctx, ch.keyKept())
		return func() {
			if err == nil {
				json.Unmarshal(b, &ch.heardAt) // nothing there: zero, and nothing is fetched
			}
			ch.keptAt = ch.heardAt
			ch.history.known = true
			ch.join()
		}
	})
}

// keyKept is where it is kept until when a channel was heard, and of a conversation the peer's address.
func (ch *channel) keyKept() string {
	if ch.peer != nil {
		return "peer/" + ch.id
	}
	return "heard/" + ch.id
}

// keepHeard writes until when the channel was heard, once the node has all that was heard until then. It
// may be late: what is fetched twice is known by its key.
func (ch *channel) keepHeard() {
	until, last := ch.heardAt, ch.last
	if until == ch.keptAt || last == nil || ch.peer != nil {
		return
	}
	ch.keptAt = until
	r := ch.r
	r.inbox.put(arrival{last, func() { r.act(func() { r.keep(ch.keyKept(), until) }) }})
}

func (r *relay) unlink(id string) {
	ch := r.links[id]
	if ch == nil {
		return
	}
	if ch.joined && r.bot != nil {
		r.bot.send(wire.New("PART", ch.name, "The link with "+ch.link.GetRoomName()+" has ended."))
	}
	for _, p := range r.puppets {
		p.leave(ch)
	}
	if ch.retry != nil {
		ch.retry.Stop() // else it would go in, and out as it was not asked there
	}
	ch.lane.clear()
	delete(r.links, id)
	key := ch.keyKept()
	r.ask(func(ctx context.Context) func() { r.host.Delete(ctx, key); return nil })
}

// channel is the link of a channel of the network; nil: there is none.
func (r *relay) channel(name string) *channel {
	name = r.fold(name)
	for _, ch := range r.links {
		if ch.peer == nil && r.fold(ch.name) == name {
			return ch
		}
	}
	return nil
}

// join asks to be let in. It may be called at any time.
func (ch *channel) join() {
	if ch.peer != nil || ch.joined || ch.stopped != "" || !ch.history.known || ch.r.bot == nil || !ch.r.bot.session.Ready() {
		return
	}
	params := []string{ch.name}
	if key := ch.link.GetSettings()["key"]; key != "" {
		params = append(params, key)
	}
	ch.r.bot.send(wire.New("JOIN", params...))
}

// entered: the bot is in.
func (ch *channel) entered() {
	ch.joined, ch.settled, ch.whole, ch.listed, ch.waits = true, false, false, false, 0
	ch.members = map[string]*member{}
	if ch.lost && !ch.r.remembers() {
		ch.alone = time.Now().Add(ch.r.aloneTime)
		ch.r.after(ch.r.aloneTime, ch.lane.wake)
	}
	ch.r.host.Log().Info("joined", "channel", ch.name)
	ch.askWho()
	ch.catchUp()
	ch.tell("connected", "", "")
}

// heeded tells whether what is said in the channel now reaches those who were in it. A server that starts again has the
// bridge back before most people, and no history for those who come after it.
func (ch *channel) heeded(now time.Time) bool {
	if ch.peer != nil {
		return ch.peer.sight != unsure
	}
	return ch.settled && !now.Before(ch.alone)
}

// left: the bot is out, and no longer knows who is in.
func (ch *channel) left() {
	ch.joined, ch.settled, ch.whole, ch.listed, ch.news = false, false, false, false, nil
	ch.r.shifted = true
	ch.members = map[string]*member{}
	ch.r.host.Roster(&pb.Roster{Channel: ch.id, Whole: true})
}

// cut is the end of the connection.
func (ch *channel) cut(why conn.Ended) {
	if ch.peer != nil {
		if ch.peer.sight = unsure; ch.stopped == "" {
			ch.tell("down", why.Text, why.Detail)
		}
		return
	}
	ch.hush()
	if ch.joined {
		ch.lost = ch.lost || ch.others()
		ch.left()
	}
	ch.history.cut()
	if ch.retry != nil {
		ch.retry.Stop()
		ch.retry = nil
	}
	ch.name = ch.id
	if ch.stopped == "" {
		ch.tell("down", why.Text, why.Detail)
	}
	ch.keepHeard()
}

// tell sends the channel's state. The reason is for the members of the room, the detail for the administrator.
func (ch *channel) tell(state, reason, detail string) {
	if ch.state != state || ch.reason != reason || ch.detail != detail {
		ch.state, ch.reason, ch.detail, ch.told = state, reason, detail, time.Now()
		ch.r.host.Status(&pb.Status{Channel: ch.id, State: state, Reason: reason, Detail: detail, Heard: ch.heardAt})
	}
}

// refusals are the numerics by which a server keeps one out of a channel, in plain words.
var refusals = map[string]string{
	"403": "the network has no channel of that name",
	"405": "the bridge is in as many channels as the network allows; use a second bridge",
	"437": "the channel is not to be had at the moment, as after a netsplit",
	"470": "the channel sends newcomers to another one; ask its operators to let the bridge in",
	"471": "the channel is full (+l); ask its operators to raise the limit",
	"473": "the channel is by invitation only (+i); ask its operators to `/invite` the bridge or to make an exception (+I)",
	"474": "the bridge is banned from the channel (+b); ask its operators",
	"475": "the channel has a key (+k) that is not the one in the link's settings; set `key`",
	"476": "that is not the name of a channel",
	"477": "the channel lets in only those who are logged in (+r); set sasl_user and sasl_password",
	"479": "that is not the name of a channel",
	"480": "the channel does not let the bridge in (+j or a secure connection is needed); ask its operators",
	"489": "the channel lets in only those who connect by TLS (+z, +S); set tls = true",
	"520": "the channel is for operators of the network",
}

const lastWaits = 30 * time.Minute

// refused: the server did not let us in. We ask again, ever more rarely.
func (ch *channel) refused(numeric, says string) {
	ch.tell("down", "Not in "+ch.id+": "+refusals[numeric]+".", "The server says: "+says)
	ch.waits = min(max(2*ch.waits, time.Minute), lastWaits)
	ch.rejoin(ch.waits)
}

func (ch *channel) rejoin(after time.Duration) {
	if ch.retry != nil {
		ch.retry.Stop()
	}
	ch.retry = ch.r.after(after, ch.join)
}

// vacant leaves a channel that nobody else is in and whose link waits to be confirmed: whoever comes first is made
// the operator by many servers, and if that is the bridge nobody can confirm.
func (ch *channel) vacant() bool {
	if ch.link.GetConfirmed() || !ch.operates() || len(ch.members) > 1 {
		return false
	}
	ch.r.bot.send(wire.New("PART", ch.name, "Nobody is here."))
	ch.left()
	ch.tell("down", "Nobody is in "+ch.id+". Go there: who comes first is its operator. The bridge looks again every half a minute.", "")
	ch.rejoin(2 * ch.r.lookTime)
	return true
}

const (
	strikes    = 3
	strikeTime = time.Hour
)

// kicked: back after a delay; the third time in an hour they mean it.
func (ch *channel) kicked(by, why string) {
	now := time.Now()
	for len(ch.kicks) > 0 && now.Sub(ch.kicks[0]) > strikeTime {
		ch.kicks = ch.kicks[1:]
	}
	ch.kicks = append(ch.kicks, now)
	ch.left()
	says := fmt.Sprintf("%s kicked the bridge from %s: %s", by, ch.id, why)
	if len(ch.kicks) >= strikes {
		ch.stopped = says
		ch.tell("down", says+". That was the third time in an hour, so the bridge stays out. Talk with them, then `hearth bridge restart`.", "")
		ch.line("kick:"+strconv.FormatInt(now.UnixMilli(), 10), says+". The bridge stays out.")
		return
	}
	ch.tell("degraded", says+". It comes back in "+ch.r.settings.rejoin.String()+".", "")
	ch.rejoin(ch.r.settings.rejoin)
}

// line says something of the channel itself in the room.
func (ch *channel) line(key, text string) {
	if ch.link.GetConfirmed() {
		ch.post(&pb.Entry{Key: "line:" + key, Kind: "line", Text: text, Time: time.Now().UnixMilli()})
	}
}

// post puts an entry into the inbox.
func (ch *channel) post(e *pb.Entry) {
	e.Channel = ch.id
	if len(e.Key) > 200 {
		e.Key = hash(e.Key)
	}
	if !ch.r.inbox.put(arrival{entry: e}) {
		ch.r.count(ch.id, "dropped", "overflow", 1)
	}
}

func (ch *channel) beat(now time.Time) {
	ch.keepHeard()
	ch.lane.beat(now)
	ch.people.forget(now)
	ch.loops.forget(now)
	for nick, at := range ch.spoke {
		if now.Sub(at) > recently {
			delete(ch.spoke, nick)
		}
	}
	if ch.joined && ch.state != "" && now.Sub(ch.told) >= tellTime {
		state := ch.state
		ch.state = "" // say it again: with when it was last heard
		ch.tell(state, ch.reason, ch.detail)
	}
}
