package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/web"
)

// people is who is who in the workspace: asked once, kept up to date by user_change.
type people struct {
	l *life

	mu       sync.Mutex
	byID     map[string]*person
	named    map[string]string // id by the name in small letters; "" when two are called so
	channels map[string]string // names of channels that are not linked
	handles  map[string]string // of pictures, by address
}

// person is somebody over there: a member of the workspace, of another one (Slack Connect), or a bot.
type person struct {
	id, name, picture string
	gone              bool // deactivated
	asked             time.Time
}

const (
	peopleLimit   = 20_000
	rosterLimit   = 1000
	personLife    = 24 * time.Hour
	pictureLimit  = 1 << 20
	pictureWithin = 5 * time.Second
)

func newPeople(l *life) *people {
	return &people{l: l, byID: map[string]*person{}, named: map[string]string{}, channels: map[string]string{}, handles: map[string]string{}}
}

// get is somebody by id; nil when Slack does not tell.
func (p *people) get(ctx context.Context, id string, priority web.Priority) *person {
	if id == "USLACKBOT" {
		return &person{id: id, name: "Slackbot"}
	}
	p.mu.Lock()
	who := p.byID[id]
	p.mu.Unlock()
	if who != nil && time.Since(who.asked) < personLife {
		if who.name == "" {
			return nil
		}
		return who
	}
	var err error
	var found *person
	if strings.HasPrefix(id, "B") {
		var bot *slack.Bot
		if bot, err = p.l.web.Bot(ctx, id); err == nil {
			found = &person{id: id, name: bot.Name, picture: bot.Icons.Image72, gone: bot.Deleted}
		}
	} else {
		var user *slack.User
		if user, err = p.l.web.User(ctx, priority, id); err == nil {
			found = personOf(user)
		}
	}
	if err != nil {
		if web.Code(err) == "" { // Slack was not reached: ask again next time
			return who
		}
		found = &person{id: id} // user_not_found, user_not_visible: nobody whom we may see
	}
	p.keep(found)
	if found.name == "" {
		return nil
	}
	return found
}

func personOf(u *slack.User) *person {
	return &person{id: u.ID, name: cmp.Or(u.Profile.DisplayName, u.Profile.RealName, u.RealName, u.Name),
		picture: cmp.Or(u.Profile.Image192, u.Profile.Image72), gone: u.Deleted}
}

func (p *people) keep(who *person) {
	who.name = oneLine(who.name, 100)
	who.asked = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.byID) >= peopleLimit {
		p.byID, p.named = map[string]*person{}, map[string]string{}
	}
	p.byID[who.id] = who
	name := strings.ToLower(who.name)
	if other, taken := p.named[name]; taken && other != who.id {
		p.named[name] = ""
	} else if name != "" {
		p.named[name] = who.id
	}
}

// changed takes a user_change event.
func (p *people) changed(raw json.RawMessage) {
	var e struct {
		User slack.User `json:"user"`
	}
	if json.Unmarshal(raw, &e) != nil || e.User.ID == "" {
		return
	}
	who := personOf(&e.User)
	p.mu.Lock()
	_, cached := p.byID[who.id]
	p.mu.Unlock()
	if !cached {
		return
	}
	p.keep(who)
	for _, c := range p.l.all() {
		c.here(who)
	}
}

// name is what somebody is called, "" if that is not known.
func (p *people) name(ctx context.Context, id string) string {
	if who := p.get(ctx, id, web.Live); who != nil {
		return who.name
	}
	return ""
}

// channelName is what a channel is called that is not linked; "" for one that the app does not see.
func (p *people) channelName(ctx context.Context, id string) string {
	p.mu.Lock()
	name, known := p.channels[id]
	p.mu.Unlock()
	if known {
		return name
	}
	ch, err := p.l.web.Channel(ctx, web.Live, id)
	if err == nil && !ch.IsPrivate {
		name = ch.Name
	}
	if err == nil || web.Code(err) != "" {
		p.mu.Lock()
		if len(p.channels) > 1000 {
			clear(p.channels)
		}
		p.channels[id] = name
		p.mu.Unlock()
	}
	return name
}

// find is whom a text that stands behind an @ begins with: the longest name that somebody has.
func (p *people) find(after string) (id string, length int) {
	skip := len(after) - len(strings.TrimPrefix(after, "\u2060"))
	after = after[skip:]
	p.mu.Lock()
	defer p.mu.Unlock()
	ends := []int{}
	for i, c := range after {
		if i > 100 || len(ends) > 6 || c == '\n' {
			break
		}
		if i > 0 && !wordRune(c) {
			ends = append(ends, i)
		}
	}
	if len(after) <= 100 {
		ends = append(ends, len(after))
	}
	for i := len(ends) - 1; i >= 0; i-- {
		if id := p.named[strings.ToLower(after[:ends[i]])]; id != "" {
			return id, skip + ends[i]
		}
	}
	return "", 0
}

func wordRune(c rune) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// author is who said a message. What the message itself tells comes first: for bots, and for people of another
// workspace of whom Slack tells nothing else.
func (p *people) author(ctx context.Context, m *web.Message) *pb.Ghost {
	id := cmp.Or(m.User, m.BotID, "slack")
	g := &pb.Ghost{Id: id}
	picture := ""
	if m.User != "" {
		if who := p.get(ctx, m.User, web.Live); who != nil {
			g.Name, picture = who.name, who.picture
		}
	} else if m.BotID != "" && m.Username == "" && (m.BotProfile == nil || m.BotProfile.Name == "") {
		if who := p.get(ctx, m.BotID, web.Live); who != nil {
			g.Name, picture = who.name, who.picture
		}
	}
	if m.BotProfile != nil {
		g.Name, picture = cmp.Or(g.Name, m.BotProfile.Name), cmp.Or(picture, m.BotProfile.Icons.Image72)
	}
	if m.Username != "" && m.BotID != "" { // a bot that speaks under other names
		g.Name, picture = m.Username, cmp.Or(m.Icons.Image72, m.Icons.Image48, picture)
		g.Id = oneLine(id+"/"+m.Username, 100)
	}
	if m.UserProfile != nil {
		g.Name = cmp.Or(g.Name, m.UserProfile.DisplayName, m.UserProfile.RealName, m.UserProfile.Name)
		picture = cmp.Or(picture, m.UserProfile.Image192, m.UserProfile.Image72)
	}
	g.Name = cmp.Or(oneLine(g.Name, 100), "somebody in Slack")
	g.Avatar = p.avatar(ctx, g.Id, picture)
	return g
}

// avatar hands the node a picture, once. Without one somebody is shown without.
func (p *people) avatar(ctx context.Context, id, address string) string {
	if address == "" || !p.pictureHost(address) {
		return ""
	}
	p.mu.Lock()
	handle, known := p.handles[address]
	p.mu.Unlock()
	if known {
		return handle
	}
	key := oneLine("av/"+id, 150)
	if raw, ok, err := p.l.h.Get(ctx, key); err == nil && ok {
		at, kept, _ := strings.Cut(string(raw), "\n")
		if at == address {
			handle = kept
		}
	}
	if handle == "" {
		handle = p.fetch(ctx, address)
		if handle != "" {
			p.l.h.Put(ctx, key, []byte(address+"\n"+handle))
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.handles) > peopleLimit {
		clear(p.handles)
	}
	p.handles[address] = handle
	return handle
}

// pictureHost tells whether a picture is where Slack keeps such: an address in a message must not make the
// bridge call somebody else.
func (p *people) pictureHost(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if api, err := url.Parse(p.l.set.apiURL); err == nil && u.Host == api.Host && u.Scheme == api.Scheme {
		return true
	}
	host := strings.ToLower(u.Hostname())
	for _, ours := range []string{"slack-edge.com", "slack.com", "gravatar.com", "slack-files.com"} {
		if u.Scheme == "https" && (host == ours || strings.HasSuffix(host, "."+ours)) {
			return true
		}
	}
	return false
}

var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (p *people) fetch(ctx context.Context, address string) string {
	ctx, cancel := context.WithTimeout(ctx, pictureWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return ""
	}
	response, err := noRedirects.Do(r)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	kind := response.Header.Get("Content-Type")
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "image/") {
		return ""
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, pictureLimit+1))
	if err != nil || len(raw) == 0 || len(raw) > pictureLimit {
		return ""
	}
	handle, err := p.l.h.Store(ctx, &pb.Store{Name: "avatar", Type: kind, Size: uint64(len(raw))}, strings.NewReader(string(raw)))
	if err != nil {
		p.l.log.Info("a picture could not be stored", "error", err.Error())
	}
	return handle
}

// isAdmin asks Slack whether somebody administers the workspace.
func (p *people) isAdmin(ctx context.Context, id string) bool {
	u, err := p.l.web.User(ctx, web.Live, id)
	return err == nil && !u.Deleted && (u.IsAdmin || u.IsOwner || u.IsPrimaryOwner)
}

// roster tells the node who is in the channel.
func (c *channel) roster() {
	if !c.confirmed() {
		return
	}
	ids, err := c.l.web.Members(c.ctx, c.id(), rosterLimit)
	if err != nil {
		c.l.log.Info("who is in the channel is not known", "channel", c.name, "error", err.Error())
		return
	}
	r := &pb.Roster{Channel: c.name, Whole: true}
	for _, id := range ids {
		if who := c.l.people.get(c.ctx, id, web.Backfill); who != nil && !who.gone && id != c.l.me.UserID {
			r.Here = append(r.Here, c.l.people.ghost(who))
		}
		if len(r.Here) == 100 {
			c.l.h.Roster(r)
			r = &pb.Roster{Channel: c.name}
		}
	}
	if c.ctx.Err() == nil {
		c.l.h.Roster(r)
	}
}

// ghost is somebody without asking for a picture.
func (p *people) ghost(who *person) *pb.Ghost {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &pb.Ghost{Id: who.id, Name: cmp.Or(who.name, who.id), Avatar: p.handles[who.picture]}
}

// here tells that somebody is called otherwise now, or has gone for good.
func (c *channel) here(who *person) {
	if !c.confirmed() {
		return
	}
	if who.gone {
		c.l.h.Roster(&pb.Roster{Channel: c.name, Gone: []string{who.id}})
		return
	}
	ids, err := c.l.web.Members(c.ctx, c.id(), rosterLimit)
	for _, id := range ids {
		if err == nil && id == who.id {
			c.l.h.Roster(&pb.Roster{Channel: c.name, Here: []*pb.Ghost{c.l.people.ghost(who)}})
		}
	}
}
