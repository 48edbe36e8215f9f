package slackdouble

import (
	"encoding/json"
	"slices"
	"strings"
)

// Channel is a channel of the workspace.
type Channel struct {
	ID, Name, Topic           string
	Private, Archived, Member bool
	Direct                    bool // somebody's with the app
	Members                   []string

	messages []*Message // in the order of ts, those of threads too
	byTS     map[string]*Message
	threads  map[string][]*Message // replies by the ts of the thread
	posted   int                   // of the app's, not deleted
}

// Message is a message as the API tells of it.
type Message struct {
	TS, Thread, User, BotID, Text, Subtype string
	Username, Icon                         string
	Blocks, Metadata, Attachments          json.RawMessage
	Files                                  []string
	Edited                                 string
	Reactions                              map[string][]string // users by emoji
	Deleted, Pinned                        bool
	Updates                                int
}

func (c *Channel) add(m *Message) {
	c.messages = append(c.messages, m)
	c.byTS[m.TS] = m
	if m.Thread != "" && m.Thread != m.TS {
		c.threads[m.Thread] = append(c.threads[m.Thread], m)
	}
	if m.BotID == BotID {
		c.posted++
	}
}

func (c *Channel) remove(m *Message) {
	if !m.Deleted && m.BotID == BotID {
		c.posted--
	}
	m.Deleted = true
}

// replies are how many a thread has, and the ts of the last.
func (c *Channel) replies(thread string) (n int, latest string) {
	for _, m := range c.threads[thread] {
		if !m.Deleted {
			n++
			latest = m.TS
		}
	}
	return n, latest
}

// from is what was said at a ts or after it.
func (c *Channel) from(ts string) []*Message {
	i, _ := slices.BinarySearchFunc(c.messages, ts, func(m *Message, ts string) int { return strings.Compare(m.TS, ts) })
	return c.messages[i:]
}
