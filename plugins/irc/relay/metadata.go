package relay

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/picture"
	"hearth/plugins/irc/wire"
)

// Pictures of people, where the network has metadata (draft/metadata-2): the server sends the addresses of all whom the bridge shares
// a channel with, and a picture that was fetched is a ghost's avatar. A name to be shown (display-name) is not asked for: the
// nick is what people write to address somebody, and what operators ban.

// pictures are those of the network's people.
type pictures struct {
	client  *http.Client
	at      map[string]string // by folded nick: where theirs is
	handles map[string]string // by address; "": it could not be had
	queue   []string          // addresses to fetch, one after the other
	busy    bool
}

const (
	maxPictures  = 10_000
	maxWanted    = 200
	pictureEvery = time.Second
	pictureSize  = "128" // pixels, for addresses that let one choose
)

// subscribe asks for people's pictures, before a channel is joined.
func (r *relay) subscribe() {
	if r.settings.avatars && r.bot.session.Has("draft/metadata-2") {
		r.bot.send(wire.New("METADATA", "*", "SUB", "avatar"))
	}
}

// metadata is METADATA target key visibility [value].
func (r *relay) metadata(m wire.Message) {
	nick, address := r.fold(m.Param(0)), ""
	if !r.settings.avatars || !strings.EqualFold(m.Param(1), "avatar") || r.bot.session.Support.IsChannel(m.Param(0)) {
		return
	}
	if len(m.Params) > 3 {
		address = strings.ReplaceAll(m.Param(3), "{size}", pictureSize)
	}
	if address == "" {
		delete(r.pictures.at, nick)
		r.pictured(nick)
		return
	}
	if len(r.pictures.at) < maxPictures {
		r.pictures.at[nick] = address
		r.fetchPicture(address)
		r.pictured(nick)
	}
}

// keyValue is 761, the same with the bridge's nick before it.
func (r *relay) keyValue(m wire.Message) {
	if len(m.Params) > 0 {
		m.Params = m.Params[1:]
		r.metadata(m)
	}
}

// syncLater is 774: the channel is too large to be told of at once.
func (r *relay) syncLater(m wire.Message) {
	wait, err := time.ParseDuration(m.Param(2) + "s")
	if err != nil || wait < 10*time.Second || wait > time.Hour {
		wait = time.Minute
	}
	r.after(wait, func() {
		if ch := r.channel(m.Param(1)); ch != nil && ch.joined {
			r.bot.send(wire.New("METADATA", ch.name, "SYNC"))
		}
	})
}

// fetchPicture has a picture fetched that is not known, nor too many are waiting for.
func (r *relay) fetchPicture(address string) {
	p := &r.pictures
	if _, known := p.handles[address]; known || len(p.queue) >= maxWanted {
		return
	}
	if len(p.handles) >= maxPictures {
		clear(p.handles)
	}
	p.handles[address] = ""
	p.queue = append(p.queue, address)
	r.nextPicture()
}

func (r *relay) nextPicture() {
	p := &r.pictures
	if p.busy || len(p.queue) == 0 {
		return
	}
	address := p.queue[0]
	p.queue, p.busy = p.queue[1:], true
	r.ask(func(ctx context.Context) func() {
		handle, err := "", error(nil)
		if b, kind, failed := picture.Fetch(ctx, p.client, address); failed == nil {
			handle, err = r.host.Store(ctx, &pb.Store{Name: "avatar", Type: kind, Size: uint64(len(b))}, bytes.NewReader(b))
		} else {
			err = failed
		}
		return func() { r.gotPicture(address, handle, err) }
	})
}

func (r *relay) gotPicture(address, handle string, err error) {
	p := &r.pictures
	if err != nil {
		r.host.Log().Info("no picture", "of", address, "why", err)
	}
	p.handles[address] = handle
	for nick, at := range p.at {
		if at == address {
			r.pictured(nick)
		}
	}
	r.after(pictureEvery, func() { p.busy = false; r.nextPicture() })
}

// pictured tells the rosters how somebody looks now.
func (r *relay) pictured(nick string) {
	for _, ch := range r.links {
		if who := ch.member(nick); who != nil {
			ch.here(who)
		}
	}
}

// avatar is the handle of a nick's picture; "": none is known.
func (r *relay) avatar(nick string) string { return r.pictures.handles[r.pictures.at[r.fold(nick)]] }

// unseen forgets the picture of a nick that somebody else may take.
func (r *relay) unseen(nick string) {
	for _, ch := range r.links {
		if ch.member(nick) != nil {
			return
		}
	}
	delete(r.pictures.at, r.fold(nick))
}
