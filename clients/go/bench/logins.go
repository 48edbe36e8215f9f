package main

import (
	"context"
	"sync/atomic"
	"time"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

// measureLogins: connections made, opened by token, and closed again. Beside it, what the
// bare server takes for a TLS and WebSocket handshake alone.
func measureLogins(p *plan, r *report) error {
	server, err := start(p.baseline)
	if err != nil {
		return err
	}
	d, err := client.NewDialer(server.url, client.NewTrust(server.url, "", true))
	if err == nil {
		err = logins(p, r, server, d, "baseline-each", nil)
	}
	server.stop()
	if err != nil {
		return err
	}
	t, err := newTown(p, p.accounts, 1)
	if err != nil {
		return err
	}
	defer t.close()
	return logins(p, r, t.process, t.dialer, "hearth", t.tokens)
}

func logins(p *plan, r *report, server *process, d *client.Dialer, name string, tokens []string) error {
	before, began := server.cpu(), time.Now()
	end := began.Add(p.seconds)
	var done atomic.Int64
	err := each(8, 8, func(worker int) error {
		for n := worker; time.Now().Before(end); n++ {
			if err := loginOnce(d, tokens, n); err != nil {
				return err
			}
			done.Add(1)
		}
		return nil
	})
	took := time.Since(began).Seconds()
	r.print(line{
		Figure: "logins", Server: name, Transport: client.WebSocket, Seconds: took, PerSecond: float64(done.Load()) / took,
		CPUPerMillionSent: (server.cpu() - before).Seconds() / float64(max(done.Load(), 1)) * 1e6, Aim: "1,200 logins/s by token",
	})
	return err
}

func loginOnce(d *client.Dialer, tokens []string, n int) error {
	conn, err := d.Dial(context.Background(), client.WebSocket)
	if err != nil {
		return err
	}
	defer conn.Close()
	if tokens == nil {
		return nil
	}
	_, _, err = client.OpenOn(conn, d.URL, &pb.OpenRequest{Token: tokens[n%len(tokens)], Protocol: 1, Client: "bench"})
	return err
}
