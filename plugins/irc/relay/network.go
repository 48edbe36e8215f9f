package relay

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strconv"
	"time"

	"hearth/plugins/irc/conn"
	"hearth/plugins/irc/ident"
	"hearth/plugins/irc/wire"
)

// policy is a server's word that it is to be spoken to by TLS alone.
type policy struct {
	Port    string `json:"port"`
	Until   int64  `json:"until"` // seconds since 1970
	Seconds int    `json:"seconds"`
}

const (
	keyPolicies = "sts"
	keyNicks    = "nicks"
	keyFlood    = "flood"
	keyJournal  = "flight"
)

// remember reads what an earlier life wrote.
func (r *relay) remember() error {
	ctx, cancel := context.WithTimeout(r.ctx, 30*time.Second)
	defer cancel()
	read := func(key string, into any) error {
		b, ok, err := r.host.Get(ctx, key)
		if err == nil && ok {
			err = json.Unmarshal(b, into)
		}
		return err
	}
	var left []*doubt
	err := errors.Join(read(keyPolicies, &r.policies), read(keyNicks, &r.nicks), read(keyFlood, &r.flood), read(keyJournal, &left))
	if faster := r.settings.login.Flood; r.flood.Every < faster.Every {
		r.flood = faster
	}
	for _, d := range left {
		r.doubts[d.ID] = d
	}
	return err
}

func (r *relay) keep(key string, value any) {
	b, err := json.Marshal(value)
	if err != nil {
		panic(err) // of our own types
	}
	r.ask(func(ctx context.Context) func() {
		if err := r.host.Put(ctx, key, b); err != nil {
			r.host.Log().Warn("keep "+key, "error", err)
		}
		return nil
	})
}

// own notes a nick as ours.
func (r *relay) own(nick string) {
	nick = r.fold(nick)
	if _, known := r.nicks[nick]; !known {
		r.nicks[nick] = time.Now().UnixMilli()
		r.keep(keyNicks, r.nicks)
	}
	r.nicks[nick] = time.Now().UnixMilli()
}

const nickMemory = 7 * 24 * time.Hour

// keepNicks forgets the nicks that were ours long ago.
func (r *relay) keepNicks() {
	now := time.Now()
	for _, c := range r.clients() {
		if c.stream != nil && c.session.Ready() {
			r.own(c.session.Source.Nick)
		}
	}
	changed := false
	for nick, at := range r.nicks {
		if now.Sub(time.UnixMilli(at)) > nickMemory {
			delete(r.nicks, nick)
			changed = true
		}
	}
	if changed {
		r.keep(keyNicks, r.nicks)
	}
}

func (r *relay) fold(name string) string {
	if r.bot != nil && r.bot.session != nil {
		return r.bot.session.Fold(name)
	}
	return wire.RFC1459.Fold(name)
}

// connect begins a connection of the bot, to the next of the servers.
func (r *relay) connect() {
	if r.stopped != "" || r.bot != nil {
		return
	}
	if r.status == nil {
		r.tell("connecting", "", "")
	}
	t := r.secured(r.settings.targets[r.target%len(r.settings.targets)])
	r.dial(t, r.settings.login.User, func(nc net.Conn, err error) {
		if err != nil {
			r.unreached(t, err)
			return
		}
		login := r.settings.login
		login.Flood, login.Trust = r.flood, conn.IsLoopback(t.Host)
		r.bot = &client{r: r}
		r.bot.run(nc, login)
	})
}

// dial connects as user, for whoever asks for idents.
func (r *relay) dial(t conn.Target, user string, then func(net.Conn, error)) {
	sec := r.settings.security
	if _, strict := r.policies[t.Host]; strict && t.TLS && sec.Pin == "" {
		sec.Verify = true
	}
	owner := ident.Owner{Server: r.identd.server, User: user}
	go func() {
		nc, err := conn.Dial(r.ctx, t, sec, owner)
		select {
		case r.acts <- func() { then(nc, err) }:
		case <-r.ctx.Done():
			if nc != nil {
				nc.Close()
			}
		}
	}()
}

// secured is t, by TLS where the server has said that it has to be.
func (r *relay) secured(t conn.Target) conn.Target {
	if p, ok := r.policies[t.Host]; ok && !t.TLS && time.Now().Unix() < p.Until && p.Port != "" {
		t.TLS, t.Port = true, p.Port
	}
	return t
}

func (r *relay) keepPolicy(p conn.Policy) {
	t := r.secured(r.settings.targets[r.target%len(r.settings.targets)])
	if p.Seconds == 0 {
		delete(r.policies, t.Host)
	} else {
		r.policies[t.Host] = policy{Port: t.Port, Until: time.Now().Unix() + int64(p.Seconds), Seconds: p.Seconds}
	}
	r.keep(keyPolicies, r.policies)
}

func (r *relay) unreached(t conn.Target, err error) {
	detail := net.JoinHostPort(t.Host, t.Port) + ": " + err.Error()
	if errors.Is(err, conn.ErrCertificate) {
		detail += ". If the server signs its certificate itself, set tls_fingerprint."
	}
	r.target++
	r.later(conn.Ended{Why: conn.Lost, Text: conn.Plainly(err), Detail: detail})
}

// later connects again after a while.
func (r *relay) later(e conn.Ended) {
	state := "down"
	if e.Why == conn.Refused {
		state = "login"
	}
	wait := r.backoff.Wait(e.Why)
	r.tell(state, e.Text, e.Detail)
	r.host.Log().Info("not connected", "why", e.Text, "detail", e.Detail, "again", wait.Round(time.Millisecond).String())
	r.after(wait, r.connect)
}

// botReady: logged in.
func (r *relay) botReady() {
	s := r.bot.session
	r.host.Log().Info("connected", "as", s.Source.Nick, "account", s.Account, "network", s.Support.Network)
	if !s.Is(r.settings.login.Nick) {
		r.host.Log().Warn("the nick " + r.settings.login.Nick + " is taken: until it is free the bridge is " + s.Source.Nick)
	}
	r.well()
	r.subscribe()
	r.after(r.lookTime, func() { r.shifted = true })
	r.shifted = true
	for _, ch := range r.links {
		ch.join()
	}
}

// botEnded is the end of the bot's connection, for whatever reason.
func (r *relay) botEnded(c *client, e conn.Ended) {
	if !c.began.IsZero() && time.Since(c.began) > r.stable {
		r.backoff.Reset()
	}
	r.bot = nil
	clear(r.pictures.at) // they are told anew
	for _, ch := range r.links {
		ch.cut(e)
	}
	if !c.began.IsZero() {
		r.count("", "reconnect", "", 1)
	}
	switch e.Why {
	case conn.Banned:
		r.stopped = e.Text
		r.tell("down", e.Text, e.Detail)
		r.sendPuppetsHome()
		return
	case conn.Upgrade:
		t := r.settings.targets[r.target%len(r.settings.targets)]
		// For this connection alone: what an attacker says in the clear must not last.
		r.policies[t.Host] = policy{Port: e.Port, Until: time.Now().Add(dialWindow).Unix()}
		r.connect()
		return
	case conn.Flooded:
		r.flood = r.flood.Slower()
		r.keep(keyFlood, r.flood)
	case conn.Lost:
		r.target++
	}
	r.later(e)
}

const dialWindow = time.Minute

// message is the number of ms that a server-time or the clock says.
func at(m wire.Message, now time.Time) int64 {
	if t := m.Tags.Time(); !t.IsZero() && t.Before(now) {
		return t.UnixMilli()
	}
	return now.UnixMilli()
}

func itoa(n int) string { return strconv.Itoa(n) }
