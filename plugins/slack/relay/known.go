package relay

import (
	"net/url"
	"strings"
	"sync"

	"hearth/plugins/bridge"
)

// known is which message is which event, for links to messages: of the last so many in a life. (The node has the
// map for good, but a bridge cannot ask for it; a link to an older message stays a link to Slack.)
type known struct {
	h *bridge.Host

	mu     sync.Mutex
	events map[string]string // by "CHANNEL/TS"
	order  []string
	next   int
}

const knownLimit = 10_000

func newKnown(h *bridge.Host) *known {
	return &known{h: h, events: map[string]string{}, order: make([]string, knownLimit)}
}

func (k *known) add(channel, ts, event string) {
	if event == "" {
		return
	}
	key := channel + "/" + ts
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.events[key] == "" {
		delete(k.events, k.order[k.next])
		k.order[k.next] = key
		k.next = (k.next + 1) % knownLimit
	}
	k.events[key] = event
}

func (k *known) event(channel, ts string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.events[channel+"/"+ts]
}

// permalink is where people find a message in Slack.
func permalink(workspace, channel, ts string) string {
	return strings.TrimSuffix(workspace, "/") + "/archives/" + channel + "/p" + strings.Replace(ts, ".", "", 1)
}

// readPermalink reads a link to a message of the workspace.
func readPermalink(workspace, link string) (channel, ts string, ok bool) {
	u, err := url.Parse(link)
	w, err2 := url.Parse(workspace)
	if err != nil || err2 != nil || w.Host == "" || u.Host != w.Host {
		return "", "", false
	}
	pieces := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(pieces) != 3 || pieces[0] != "archives" || len(pieces[2]) != 17 || pieces[2][0] != 'p' {
		return "", "", false
	}
	return pieces[1], pieces[2][1:11] + "." + pieces[2][11:], true
}
