package relay

import (
	"net/url"
	"strings"

	pb "hearth/plugins/bridge/bridgepb"
)

// mostLinks is how many links to messages are looked up in one text.
const mostLinks = 50

// Message is where a link to a message of Slack leads over here, "" if nowhere.
func (n names) Message(link string) string {
	id, ts, ok := readPermalink(n.c.l.me.URL, link)
	if !ok || n.c.l.h.Open().GetUrl() == "" {
		return ""
	}
	target := n.c.l.channelByID(id)
	if target == nil || !n.left() {
		return ""
	}
	event, _, err := n.c.l.h.Find(n.c.ctx, &pb.Find{Channel: target.name, Remote: ts})
	if err != nil || event == "" {
		return ""
	}
	return strings.TrimSuffix(n.c.l.h.Open().GetUrl(), "/") + "/#/room/" + target.roomID() + "/event/" + event
}

// left counts the links of a text.
func (n names) left() bool {
	*n.links++
	return *n.links <= mostLinks
}

// linkOut is where a link to a message of a linked room leads in Slack, "" if nowhere. Rooms and events have ids of their own
// everywhere: it does not matter at which node's page the link points.
func (c *channel) linkOut() func(link string) string {
	links := 0
	return func(link string) string {
		room, event, ok := readRoomLink(link)
		if !ok {
			return ""
		}
		for _, target := range c.l.all() {
			if links++; links > mostLinks || target.roomID() != room || target.id() == "" {
				continue
			}
			_, remote, err := c.l.h.Find(c.ctx, &pb.Find{Channel: target.name, Event: event})
			if err == nil && len(remote) > 0 {
				return permalink(c.l.me.URL, target.id(), remote[0])
			}
		}
		return ""
	}
}

// readRoomLink reads a link to a message of a room, as the page writes it: #/room/ROOM/event/EVENT.
func readRoomLink(link string) (room, event string, ok bool) {
	u, err := url.Parse(link)
	if err != nil {
		return "", "", false
	}
	pieces := strings.Split(u.Fragment, "/")
	if len(pieces) != 5 || pieces[1] != "room" || pieces[3] != "event" || pieces[2] == "" || pieces[4] == "" {
		return "", "", false
	}
	return pieces[2], pieces[4], true
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
