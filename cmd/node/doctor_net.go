package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"time"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

func (p *patient) address() (host, address string) {
	u, err := url.Parse(p.url)
	if err != nil {
		return "", ""
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return u.Hostname(), net.JoinHostPort(u.Hostname(), port)
}

func checkTCP(ctx context.Context, p *patient) []finding {
	if !p.reachable() {
		return nil
	}
	_, address := p.address()
	began := time.Now()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		p.down = &client.Unreachable{URL: p.url, Err: err}
		return p.fail("tcp", err, "Is the node running, and does the firewall let TCP to that port through?")
	}
	c.Close()
	return []finding{{Check: "tcp", State: fine, Detail: fmt.Sprintf("%s answers in %v", address, time.Since(began).Round(time.Millisecond))}}
}

func checkTLS(ctx context.Context, p *patient) []finding {
	if !p.reachable() {
		return nil
	}
	host, address := p.address()
	d := &tls.Dialer{Config: &tls.Config{ServerName: host, InsecureSkipVerify: true}} // judged below
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		p.down = &client.Unreachable{URL: p.url, Err: err}
		return p.fail("tls", err, "Something else than a node listens there.")
	}
	defer c.Close()
	leaf := c.(*tls.Conn).ConnectionState().PeerCertificates[0]
	return []finding{p.identity(leaf, host), p.expiry(leaf)}
}

func (p *patient) identity(leaf *x509.Certificate, host string) finding {
	got := client.Fingerprint(leaf)
	switch _, err := leaf.Verify(x509.VerifyOptions{DNSName: host}); {
	case err == nil:
		return finding{Check: "certificate", State: fine, Detail: "issued by " + leaf.Issuer.String()}
	case p.trust.Pin() == got:
		return finding{Check: "certificate", State: fine, Detail: "the node's own, as the profile remembers it (" + got + ")"}
	case p.trust.Pin() != "":
		return finding{"certificate", failed, "not the one the profile remembers, but " + got,
			"If the node was set up anew, log in again with --trust-new-certificate; if not, somebody is listening in."}
	}
	return finding{"certificate", warning, "the node's own (" + got + "): browsers warn about it",
		"With a public DNS name, `hearth serve --domain NAME` gets a certificate that they know."}
}

func (p *patient) expiry(leaf *x509.Certificate) finding {
	left := leaf.NotAfter.Sub(p.now())
	detail := fmt.Sprintf("valid until %s (%d days)", leaf.NotAfter.Format(time.DateOnly), int(left.Hours()/24))
	switch {
	case left < 0 || p.now().Before(leaf.NotBefore):
		return finding{"expiry", failed, detail, "Check the clocks; restart the node; for ACME look into its log, and whether port 443 or 80 is reachable."}
	case left < 14*24*time.Hour:
		return finding{"expiry", warning, detail, "It should have been renewed by now: look into the node's log."}
	}
	return finding{Check: "expiry", State: fine, Detail: detail}
}

func checkAPI(ctx context.Context, p *patient) []finding {
	if !p.reachable() {
		return nil
	}
	began := p.now()
	info, err := client.Call(ctx, client.NewHTTP(p.dialer, ""), client.ServerInfo, &pb.ServerInfoRequest{})
	if err != nil {
		p.down = err
		return p.fail("api", err, "What listens there is no Hearth node, or one that is in trouble: look into its log.")
	}
	took := p.now().Sub(began)
	return []finding{
		{Check: "api", State: fine, Detail: fmt.Sprintf("node %s, version %s, registration %s", info.Name, info.Version, info.Registration)},
		clockFinding(time.UnixMilli(info.Time).Sub(began.Add(took / 2))),
	}
}

// clockFinding: two minutes is where other nodes begin to hold a node's messages back.
func clockFinding(off time.Duration) finding {
	detail := fmt.Sprintf("the node's clock is %v from this machine's", off.Round(10*time.Millisecond))
	switch {
	case off.Abs() > 2*time.Minute:
		return finding{"clock", failed, detail, "Set the clock, and keep it set (timedatectl set-ntp true)."}
	case off.Abs() > 5*time.Second:
		return finding{"clock", warning, detail, "One of the two should use NTP (timedatectl set-ntp true)."}
	}
	return finding{Check: "clock", State: fine, Detail: detail}
}

func checkWebSocket(ctx context.Context, p *patient) []finding {
	if !p.reachable() {
		return nil
	}
	c, err := p.dialer.Dial(ctx, client.WebSocket)
	if err != nil {
		return p.fail("websocket", err, "A proxy in front of the node must pass WebSocket upgrades on /ws.")
	}
	c.Close()
	return []finding{{Check: "websocket", State: fine, Detail: "opens"}}
}

func checkWebTransport(ctx context.Context, p *patient) []finding {
	if !p.reachable() {
		return nil
	}
	_, address := p.address()
	c, err := p.dialer.Dial(ctx, client.WebTransport)
	if err != nil {
		f := p.fail("webtransport", err, "Let UDP to "+address+" through the firewall. Until then everybody uses WebSocket, which works too.")
		f[0].State = warning
		return f
	}
	c.Close()
	return []finding{{Check: "webtransport", State: fine, Detail: "UDP to " + address + " gets through"}}
}

func checkLogin(ctx context.Context, p *patient) []finding {
	if !p.reachable() || p.token == "" {
		return nil
	}
	rooms, err := client.Call(ctx, client.NewHTTP(p.dialer, p.token), client.Rooms, &pb.Empty{})
	if err != nil {
		return p.fail("login", err, "Log in again: hearth login "+p.url+" --user NAME")
	}
	return []finding{{Check: "login", State: fine, Detail: fmt.Sprintf("the profile's login is good, %d rooms", len(rooms.Rooms))}}
}
