package bridgetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
)

const (
	maxKey   = 200
	maxValue = 64 << 10
	maxChunk = 64 << 10
	maxText  = 64 << 10
)

// take is the host's side of what the bridge sends in a life.
func (h *Host) take(life *pipe, f *pb.PluginFrame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if life != h.life || life.ctx.Err() != nil {
		return
	}
	defer h.change()
	if _, first := f.Frame.(*pb.PluginFrame_Opened); first == h.opened {
		h.wrong("Opened is the first frame, once; here came %T", f.Frame)
	}
	h.opened = true
	switch f := f.Frame.(type) {
	case *pb.PluginFrame_Outcome:
		h.outcome(f.Outcome)
	case *pb.PluginFrame_Entry:
		h.entry(f.Entry)
	case *pb.PluginFrame_Request:
		h.request(f.Request)
	case *pb.PluginFrame_Status:
		h.status(f.Status)
	case *pb.PluginFrame_Roster:
		h.roster(f.Roster)
	case *pb.PluginFrame_Typing:
		h.typing = append(h.typing, f.Typing)
	case *pb.PluginFrame_Chunk:
		h.chunk(f.Chunk)
	case *pb.PluginFrame_Count:
		h.counts = append(h.counts, f.Count)
	}
}

// wrong is a break of the contract.
func (h *Host) wrong(format string, args ...any) {
	h.t.Errorf("the bridge breaks the contract: "+format, args...)
}

func (h *Host) outcome(o *pb.Outcome) {
	i := slices.IndexFunc(h.pending, func(d *pb.Delivery) bool { return d.Id == o.Id })
	if i < 0 && len(h.outcomes[o.Id]) == 0 {
		h.wrong("outcome of %q, which was never delivered", o.Id)
		return
	}
	h.outcomes[o.Id] = append(h.outcomes[o.Id], o)
	switch {
	case i < 0:
	case h.pending[i].Channel != o.Channel:
		h.wrong("outcome of %q names channel %q, not %q", o.Id, o.Channel, h.pending[i].Channel)
	case o.AgainMs > 0:
		h.pause(i, o)
	default:
		h.pending = slices.Delete(h.pending, i, i+1)
	}
}

// pause is a channel in which something was put off. The last word says until when.
type pause struct {
	first *pb.Delivery // that was put off, in the room's order
	turn  int
}

// pause puts off the delivery at i, and what comes after it in its channel.
func (h *Host) pause(i int, o *pb.Outcome) {
	p := h.putOff[o.Channel]
	if p == nil {
		p = &pause{first: h.pending[i]}
		h.putOff[o.Channel] = p
	}
	if was := slices.Index(h.pending, p.first); was < 0 || i < was {
		p.first = h.pending[i]
	}
	p.turn++
	life, turn := h.life, p.turn
	time.AfterFunc(time.Duration(o.AgainMs)*time.Millisecond, func() { h.redeliver(life, o.Channel, turn) })
}

// redeliver sends what was not now, and what came after it in its channel.
func (h *Host) redeliver(life *pipe, channel string, turn int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.putOff[channel]
	if life != h.life || p == nil || p.turn != turn {
		return
	}
	delete(h.putOff, channel)
	for _, d := range h.pending[max(0, slices.Index(h.pending, p.first)):] {
		if d.Channel == channel {
			d.Again = d.Again || !h.unsent[d.Id]
			delete(h.unsent, d.Id)
			h.deliver(d)
		}
	}
}

func (h *Host) entry(e *pb.Entry) {
	switch {
	case e.Key == "" || len(e.Key) > maxKey:
		h.wrong("an entry's key has 1 to %d bytes: %q", maxKey, e.Key)
	case !slices.ContainsFunc(h.open.Links, func(l *pb.Link) bool { return l.Channel == e.Channel && l.Confirmed }):
		if h.uninvited == nil {
			h.uninvited = e
		}
		h.post(e, &pb.Posted{Code: "forbidden", Text: "The channel is not linked."})
		return
	case len(e.Text) > maxText:
		h.wrong("an entry of %d bytes", len(e.Text))
	case e.Kind != "line" && e.Kind != "topic" && e.Ghost.GetId() == "":
		h.wrong("%s %q has no ghost", e.Kind, e.Key)
	}
	id := [2]string{e.Channel, e.Key}
	if p := h.posted[id]; p != nil {
		h.repeats++
		h.post(e, p)
		return
	}
	if held := h.held[e.Channel]; held != "" && held != e.Key {
		h.post(e, &pb.Posted{Again: true, Code: "busy", Text: "What came before it has to come first."})
		return
	}
	p := h.judge(e)
	if p == nil {
		h.silent++
		return
	}
	if p.Again {
		h.held[e.Channel] = e.Key
	} else {
		h.held[e.Channel] = ""
		h.posted[id] = p
		h.entries, h.all = append(h.entries, e), append(h.all, e)
	}
	h.post(e, p)
}

func (h *Host) judge(e *pb.Entry) *pb.Posted {
	switch {
	case h.again > 0:
		h.again--
		return &pb.Posted{Again: true, Code: "busy", Text: "The node is busy."}
	case len(h.refusals) > 0:
		p := h.refusals[0]
		h.refusals = h.refusals[1:]
		return p
	case h.decide != nil:
		return h.decide(e)
	}
	return &pb.Posted{Event: fmt.Sprintf("event-%d", len(h.all)+1)}
}

func (h *Host) post(e *pb.Entry, p *pb.Posted) {
	h.life.send(&pb.HostFrame{Frame: &pb.HostFrame_Posted{Posted: &pb.Posted{
		Key: e.Key, Channel: e.Channel, Event: p.Event, Code: p.Code, Text: p.Text, Again: p.Again,
	}}})
}

func (h *Host) status(s *pb.Status) {
	if !slices.Contains([]string{"connecting", "connected", "degraded", "down", "login"}, s.State) {
		h.wrong("there is no state %q", s.State)
	}
	if s.State != "connected" && s.State != "connecting" && s.Reason == "" {
		h.wrong("state %s without a reason", s.State)
	}
	h.statuses = append(h.statuses, s)
}

func (h *Host) roster(r *pb.Roster) {
	here := h.rosters[r.Channel]
	if here == nil || r.Whole {
		here = map[string]*pb.Ghost{}
	}
	for _, g := range r.Here {
		here[g.Id] = g
	}
	for _, id := range r.Gone {
		delete(here, id)
	}
	h.rosters[r.Channel] = here
}

// ───────────────────────────── Requests ─────────────────────────────

func (h *Host) request(r *pb.Request) {
	a := &pb.Answer{Request: r.Request}
	switch ask := r.Ask.(type) {
	case *pb.Request_Get:
		v, ok := h.kv[ask.Get]
		if a.Value = v; !ok {
			a.Code, a.Text = "not_found", "There is no such value."
		}
	case *pb.Request_Put:
		h.put(ask.Put, a)
	case *pb.Request_Delete:
		delete(h.kv, ask.Delete)
	case *pb.Request_List:
		for _, k := range slices.Sorted(maps.Keys(h.kv)) {
			if strings.HasPrefix(k, ask.List) {
				a.Keys = append(a.Keys, k)
			}
		}
	case *pb.Request_Fetch:
		h.fetch(ask.Fetch, a)
		return
	case *pb.Request_Store:
		h.storing[r.Request] = &File{File: &pb.File{Name: ask.Store.Name, Type: ask.Store.Type}}
		return
	case *pb.Request_Publish:
		h.publish(ask.Publish, a)
	case *pb.Request_Claim:
		h.claim(ask.Claim, a)
	case *pb.Request_Block:
		h.blocks = append(h.blocks, ask.Block)
		if a.Confirmed = true; ask.Block.GetOn() {
			h.unlink(ask.Block.GetChannel())
		}
	case *pb.Request_Find:
		h.find(ask.Find, a)
	}
	h.answer(a)
}

func (h *Host) answer(a *pb.Answer) {
	h.life.send(&pb.HostFrame{Frame: &pb.HostFrame_Answer{Answer: a}})
}

func (h *Host) put(p *pb.Put, a *pb.Answer) {
	if p.Key == "" || len(p.Key) > maxKey || len(p.Value) > maxValue {
		a.Code, a.Text = "too_large", "A key has 1 to 200 bytes, a value at most 64 KB."
		return
	}
	h.kv[p.Key] = p.Value
}

func (h *Host) fetch(handle string, a *pb.Answer) {
	f := h.files[handle]
	if f == nil {
		a.Code, a.Text = "not_found", "There is no such file."
		h.answer(a)
		return
	}
	a.File = f.File
	h.answer(a)
	for rest := f.Bytes; ; {
		n := min(len(rest), maxChunk)
		h.life.send(&pb.HostFrame{Frame: &pb.HostFrame_Chunk{Chunk: &pb.Chunk{
			Request: a.Request, Bytes: rest[:n], Last: n == len(rest),
		}}})
		if rest = rest[n:]; len(rest) == 0 {
			return
		}
	}
}

func (h *Host) chunk(c *pb.Chunk) {
	f := h.storing[c.Request]
	if f == nil {
		return
	}
	if len(c.Bytes) > maxChunk {
		h.wrong("a chunk of %d bytes", len(c.Bytes))
	}
	f.Bytes = append(f.Bytes, c.Bytes...)
	if !c.Last {
		return
	}
	delete(h.storing, c.Request)
	if c.Error != "" {
		return
	}
	f.File.Handle = fmt.Sprintf("stored-%d", len(h.files)+1)
	f.File.Size = uint64(len(f.Bytes))
	h.files[f.File.Handle] = f
	h.answer(&pb.Answer{Request: c.Request, Handle: f.File.Handle})
}

func (h *Host) publish(p *pb.Publish, a *pb.Answer) {
	h.pages = append(h.pages, p)
	a.Url = fmt.Sprintf("https://%s/p/%d", h.open.Node, len(h.pages))
}

func (h *Host) find(f *pb.Find, a *pb.Answer) {
	for _, e := range h.all {
		p := h.posted[[2]string{e.Channel, e.Key}]
		if e.Channel == f.Channel && e.Remote != "" && (e.Remote == f.Remote || p.GetEvent() == f.Event) {
			a.Event, a.Remote = p.GetEvent(), []string{e.Remote}
			return
		}
	}
	for id, all := range h.outcomes {
		o := all[len(all)-1]
		if o.Channel == f.Channel && (id == f.Event || slices.Contains(o.Remote, f.Remote)) {
			a.Event, a.Remote = id, o.Remote
			return
		}
	}
}

func (h *Host) claim(c *pb.Claim, a *pb.Answer) {
	h.claims = append(h.claims, c)
	switch {
	case !c.Entitled:
		a.Code, a.Text = "forbidden", "Only an operator of the channel may do that."
	case c.Code == "":
		h.unlink(c.Channel)
		a.Confirmed = true
	case h.codes[c.Channel] == c.Code:
		a.Confirmed = true
		for _, l := range h.open.Links {
			if l.Channel == c.Channel {
				l.Confirmed = true
				h.life.send(&pb.HostFrame{Frame: &pb.HostFrame_Link{Link: l}})
			}
		}
	default:
		a.Code, a.Text = "not_found", "That code is not the one."
	}
}
