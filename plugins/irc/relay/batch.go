package relay

import (
	"strings"
	"time"

	"hearth/plugins/irc/wire"
)

// batch is messages that belong together (IRCv3 batch).
type batch struct {
	kind     string
	opening  wire.Message
	messages []wire.Message // of those kinds that are taken as one
	began    time.Time
}

const (
	maxBatches  = 64
	maxMessages = 4096 // in a batch
)

// gathered are the batches that are taken as one, when they end.
var gathered = map[string]func(*relay, *batch){
	"chathistory": (*relay).replayed, "draft/multiline": (*relay).multiline, "draft/chathistory-targets": func(*relay, *batch) {},
}

// gather takes a message that belongs to an open batch which is taken as one.
func (r *relay) gather(m wire.Message) bool {
	ref, tagged := m.Tags.Get("batch")
	if !tagged || m.Command == "BATCH" && strings.HasPrefix(m.Param(0), "-") {
		return false
	}
	b := r.batches[ref]
	if b == nil || gathered[b.kind] == nil {
		if b != nil && b.kind == "netsplit" {
			for _, ch := range r.links {
				ch.storm.split = ch.storm.split || ch.member(m.Source.Nick) != nil
			}
		}
		return false
	}
	if m.Command == "BATCH" && b.kind == "chathistory" { // multiline within history: its own messages name it
		m.Tags = append(m.Tags, wire.Tag{Key: "within", Value: ref})
		r.opened(m)
		return true
	}
	if len(b.messages) < maxMessages {
		b.messages = append(b.messages, m)
	}
	return true
}

func (r *relay) batch(m wire.Message) {
	ref := m.Param(0)
	if strings.HasPrefix(ref, "+") {
		r.opened(m)
		return
	}
	ref = strings.TrimPrefix(ref, "-")
	b := r.batches[ref]
	if b == nil {
		return
	}
	delete(r.batches, ref)
	if within := r.batches[b.opening.Tags.Value("within")]; within != nil {
		if whole := b.joined(); whole.Command != "" && len(within.messages) < maxMessages {
			within.messages = append(within.messages, whole)
		}
		return
	}
	if take := gathered[b.kind]; take != nil {
		take(r, b)
	}
}

func (r *relay) opened(m wire.Message) {
	if len(r.batches) >= maxBatches { // a server that does not close them
		r.batches = map[string]*batch{}
	}
	r.batches[strings.TrimPrefix(m.Param(0), "+")] = &batch{kind: m.Param(1), opening: m, began: time.Now()}
}

// joined is a multiline batch as one message whose text has lines; without a command when it is empty.
func (b *batch) joined() wire.Message {
	if len(b.messages) == 0 {
		return wire.Message{}
	}
	var text strings.Builder
	for i, m := range b.messages {
		if _, concat := m.Tags.Get("draft/multiline-concat"); i > 0 && !concat {
			text.WriteByte('\n')
		}
		text.WriteString(m.Last())
	}
	m := b.messages[0]
	m.Source, m.Tags = b.opening.Source, b.opening.Tags
	m.Params = []string{b.opening.Param(2), text.String()}
	return m
}

func (r *relay) multiline(b *batch) {
	if m := b.joined(); m.Command != "" {
		r.obey(m)
	}
}
