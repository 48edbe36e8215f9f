package relay

import (
	"fmt"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/format"
	"hearth/plugins/irc/wire"
)

// topics is the guard against a topic that goes round: what came from one side is not taken for news of the other.
type topics struct{ last string }

// topicFromChannel: 332 or TOPIC.
func (ch *channel) topicFromChannel(text string, m wire.Message, now time.Time) {
	plain := format.FromIRC(text).Text()
	if ch.r.settings.topic != "from_channel" || !ch.link.GetConfirmed() || plain == ch.topics.last || plain == plainTopic(ch.link.GetTopic()) {
		return
	}
	ch.topics.last = plain
	ch.post(&pb.Entry{Key: fmt.Sprintf("topic:%d:%s", at(m, now), hash(text)), Kind: "topic", Text: format.FromIRC(text).Markdown(), Time: at(m, now)})
}

// topicFromRoom sets the channel's topic; false: it does not, and nothing is wrong.
func (ch *channel) topicFromRoom(text string) bool {
	plain := plainTopic(text)
	if ch.r.settings.topic != "from_room" || !ch.joined || plain == ch.topics.last {
		return false
	}
	ch.topics.last = plain
	ch.r.bot.send(wire.New("TOPIC", ch.name, short(plain, ch.r.bot.session.Support.TopicLen)))
	return true
}

func plainTopic(markdown string) string {
	var all format.Line
	for i, l := range format.FromMarkdown(markdown) {
		if i > 0 {
			all = format.Join(all, format.Plain(" "))
		}
		all = format.Join(all, l)
	}
	return all.Text()
}
