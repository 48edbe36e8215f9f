package relay

import (
	"crypto/tls"
	"net"
	"time"
	"unicode/utf8"

	"hearth/plugins/irc/conn"
	"hearth/plugins/irc/format"
	"hearth/plugins/irc/wire"
)

// client is a connection of ours: the bot's, or a puppet's.
type client struct {
	r       *relay
	user    string // whose puppet; "": the bot
	session *conn.Session
	stream  *conn.Stream // nil: not connected yet
	timer   *time.Timer
	due     time.Time
	stirred bool // something was queued since the last turn
	gone    bool
	used    time.Time            // puppet: when its person last spoke
	began   time.Time            // when it was ready
	joined  map[string]bool      // puppet: folded channels; false: asked for
	given   map[string]bool      // puppet: folded channels in which it was given its person's rank
	refused map[string]time.Time // puppet: folded channels that do not let it in
	typed   time.Time
	syncing bool              // a Sync is on its way
	batches map[string]*batch // puppet: of what is written to it
}

func (c *client) isBot() bool { return c.user == "" }

// send queues a message behind flood control.
func (c *client) send(m wire.Message) uint64 {
	c.stirred = true
	return c.session.Send(m)
}

// turn writes what there is to write and heeds what happened; false: nothing did.
func (c *client) turn() bool {
	c.stirred = false
	if c.gone || c.stream == nil {
		return false
	}
	lines, events := c.session.Take()
	c.stream.Write(lines)
	for _, e := range events {
		c.heed(e)
	}
	return len(lines)+len(events) > 0
}

func (c *client) heed(e conn.Event) {
	switch e := e.(type) {
	case conn.Ready:
		c.began = time.Now()
		c.ready()
	case conn.Synced:
		c.r.synced(c, uint64(e))
	case conn.Note:
		c.r.host.Log().Warn(string(e))
		if c.isBot() {
			c.r.tell("degraded", string(e), "")
		}
	case conn.Policy:
		if c.isBot() {
			c.r.keepPolicy(e)
		}
	case conn.Ended:
		c.stream.Close()
		c.end(e)
	case wire.Message:
		if c.isBot() {
			c.r.heard(e)
		} else {
			c.r.puppetHeard(c, e)
		}
	}
}

func (c *client) ready() {
	c.r.own(c.session.Source.Nick)
	if c.isBot() {
		c.r.botReady()
	} else {
		c.r.puppetReady(c)
	}
}

// arm sets the timer for what the session has to do next.
func (c *client) arm() {
	if c.gone || c.stream == nil {
		return
	}
	due := c.session.Due()
	if due.IsZero() || due.Equal(c.due) {
		return
	}
	c.due = due
	if c.timer != nil {
		c.timer.Stop()
	}
	c.timer = c.r.after(time.Until(due), func() {
		c.due = time.Time{}
		c.session.Tick(time.Now())
	})
}

// end is the end of the connection, once.
func (c *client) end(e conn.Ended) {
	if c.gone {
		return
	}
	c.gone = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.r.doubt(c)
	if c.isBot() {
		c.r.botEnded(c, e)
	} else {
		c.r.puppetEnded(c, e)
	}
}

func (c *client) quit(why string) {
	if c.gone {
		return
	}
	c.gone = true
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.stream != nil {
		c.session.Quit(why)
		lines, _ := c.session.Take()
		c.stream.Write(lines)
		c.stream.Close()
	}
}

// run begins to speak over a connection.
func (c *client) run(nc net.Conn, login conn.Config) {
	_, login.Secure = nc.(*tls.Conn)
	c.session = conn.New(login, time.Now())
	c.stream = conn.NewStream(nc, func(lines []string, err error) {
		for c.r.inbox.full() && c.r.ctx.Err() == nil { // the node is behind: let the server wait
			time.Sleep(20 * time.Millisecond)
		}
		now := time.Now()
		c.r.act(func() { c.take(lines, err, now) })
	})
}

// decode is a line in UTF-8: what is not comes in the channel's old character set, or the bridge's.
func (r *relay) decode(line string) string {
	if utf8.ValidString(line) {
		return line
	}
	charset := r.settings.charset
	if m, err := wire.Parse(line); err == nil {
		if ch := r.channel(m.Param(0)); ch != nil && ch.link.GetSettings()["charset"] != "" {
			if own, err := format.NewCharset(ch.link.GetSettings()["charset"]); err == nil {
				charset = own
			}
		}
	}
	return charset.Decode(line)
}

func (c *client) take(lines []string, err error, now time.Time) {
	if c.gone {
		return
	}
	for _, line := range lines {
		c.session.Receive(c.r.decode(line), now)
		if c.turn(); c.gone {
			return
		}
	}
	if err != nil {
		c.end(conn.Ended{Why: conn.Lost, Text: "The connection broke.", Detail: err.Error()})
	}
}
