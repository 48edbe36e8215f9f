package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/quic-go/quic-go"
	"google.golang.org/protobuf/proto"

	client "hearth/clients/go"
	"hearth/federation"
	pb "hearth/transport/session/clientpb"
)

// checkUDP shakes hands as another node would: it tells whether UDP gets through, and
// whether who answers has the key that the node publishes.
func checkUDP(ctx context.Context, p *patient) []finding {
	if !p.reachable() {
		return nil
	}
	host, address := p.address()
	own, err := passingCertificate()
	if err != nil {
		return p.fail("udp", err, "")
	}
	began := time.Now()
	c, err := quic.DialAddr(ctx, address, &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: host, NextProtos: []string{federation.ALPN},
		Certificates: []tls.Certificate{own}, InsecureSkipVerify: true, // the key is judged below
	}, nil)
	if err != nil {
		return p.fail("udp", err, "Let UDP to "+address+" through the firewall, besides TCP: other nodes come that way, and nothing else will do.")
	}
	took := time.Since(began)
	shown := c.ConnectionState().TLS.PeerCertificates
	c.CloseWithError(0, "")
	out := []finding{{Check: "udp", State: fine, Detail: fmt.Sprintf("%s shakes hands in %v", address, took.Round(time.Millisecond))}}
	return append(out, p.nodeKey(ctx, shown))
}

// passingCertificate introduces nobody: no node will talk to it, but shake hands it does.
func passingCertificate() (tls.Certificate, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, err
}

// nodeKey compares the key that was shown with the one that is published over HTTPS.
func (p *patient) nodeKey(ctx context.Context, shown []*x509.Certificate) finding {
	published, err := p.publishedKey(ctx)
	if err != nil {
		return p.fail("node key", err, "What listens there publishes no /.well-known/hearth: is there something in front of the node?")[0]
	}
	if len(shown) > 0 {
		if key, ok := shown[0].PublicKey.(ed25519.PublicKey); ok && key.Equal(published) {
			return finding{Check: "node key", State: fine, Detail: "the same over UDP and TCP"}
		}
	}
	return finding{"node key", failed, "who answers on UDP has another key than the node publishes over TCP",
		"UDP and TCP of that port must lead to the same node: look at what is in front of it."}
}

func (p *patient) publishedKey(ctx context.Context) (ed25519.PublicKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.dialer.URL+"/.well-known/hearth", nil)
	if err != nil {
		return nil, err
	}
	resp, err := p.dialer.HTTP().Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var who struct {
		Key string `json:"key"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&who); err != nil {
		return nil, fmt.Errorf("read /.well-known/hearth: %w", err)
	}
	key, err := base64.RawURLEncoding.DecodeString(who.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("read /.well-known/hearth: there is no key in it")
	}
	return key, nil
}

// checkPeers asks the node about the others, where who asks may know.
func checkPeers(ctx context.Context, p *patient) []finding {
	answer, err := adminAnswer(ctx, p, client.AdminPeers)
	if err != nil {
		return p.fail("peers", err, "Look into the node's log.")
	}
	if answer == nil {
		return nil
	}
	out := peerFindings(answer.Peers)
	out = append(out, gossipFinding(answer.Peers)...)
	out = append(out, peerClocks(answer.Peers)...)
	return append(out, alarmFindings(answer, p.now())...)
}

// adminAnswer asks what only administrators may know; nil where nobody who may ask does.
func adminAnswer[Resp any, PResp interface {
	*Resp
	proto.Message
}](ctx context.Context, p *patient, c client.Command[pb.Empty, Resp]) (*Resp, error) {
	if p.data == "" {
		if !p.reachable() || p.token == "" {
			return nil, nil
		}
		answer, err := client.Call[pb.Empty, Resp, *pb.Empty, PResp](ctx, client.NewHTTP(p.dialer, p.token), c, &pb.Empty{})
		if client.Code(err) == "forbidden" || client.Code(err) == "unauthenticated" {
			return nil, nil // no administrator; checkLogin says what is wrong with the login
		}
		return answer, err
	}
	o, err := openOperator(ctx, p.data)
	if err != nil {
		return nil, nil // checkStore has said so
	}
	defer o.Close()
	if _, running := o.(*remoteOperator); !running {
		return nil, nil
	}
	return client.Call[pb.Empty, Resp, *pb.Empty, PResp](ctx, o, c, &pb.Empty{})
}

func peerFindings(peers []*pb.Peer) []finding {
	up, wanted := 0, 0
	var out []finding
	for _, n := range peers {
		if n.Blocked {
			continue
		}
		wanted++
		if n.State == "up" {
			up++
			continue
		}
		f := finding{"peer", warning, printable(n.Name) + " is " + n.State, adviceOf(n)}
		if n.Since > 0 {
			f.Detail += " since " + at(n.Since)
		}
		if n.Error != "" {
			f.Detail += ": " + printable(n.Error)
		}
		if n.Behind > 0 {
			f.Detail += "; " + count(n.Behind, "message") + " wait for it"
		}
		out = append(out, f)
	}
	sum := finding{Check: "peers", State: fine, Detail: fmt.Sprintf("%d of %d are up", up, wanted)}
	switch {
	case wanted == 0:
		sum.Detail = "none: this node shares rooms with nobody (hearth invite --node makes a link)"
	case up == 0:
		sum.State, sum.Advice = warning, "If all of them are down, the fault may be on this side: is UDP let out, and does the machine reach the network?"
	}
	return append([]finding{sum}, out...)
}

func adviceOf(n *pb.Peer) string {
	if n.State == "connecting" {
		return "Wait a moment and look again."
	}
	return "Does that node run, and does its firewall let UDP to " + strings.Join(n.Addresses, " or ") +
		" through? What is said meanwhile arrives when it is back."
}

func gossipFinding(peers []*pb.Peer) []finding {
	seen, up := 0, 0
	for _, n := range peers {
		if n.Gossip {
			seen++
		}
		if n.State == "up" {
			up++
		}
	}
	f := finding{Check: "gossip", State: fine, Detail: fmt.Sprintf("%s seen alive", count(uint64(seen), "node"))}
	switch {
	case len(peers) == 0:
		return nil
	case seen == 0 && up > 0:
		f.State = warning
		f.Advice = "Rooms do without it; only new nodes and new addresses become known later. Is gossip switched off here or there (--no-gossip)?"
	}
	return []finding{f}
}

// peerClocks: the bounds are clockFinding's.
func peerClocks(peers []*pb.Peer) []finding {
	var worst *pb.Peer
	var off time.Duration
	for _, n := range peers {
		if d := time.Duration(n.ClockMs) * time.Millisecond; n.State == "up" && (worst == nil || d.Abs() > off.Abs()) {
			worst, off = n, d
		}
	}
	if worst == nil {
		return nil
	}
	f := finding{Check: "peer clocks", State: fine, Detail: fmt.Sprintf("at most %v from this node's (%s)", off.Abs().Round(time.Millisecond), printable(worst.Name))}
	switch {
	case off.Abs() > 2*time.Minute:
		f.State, f.Advice = failed, "Messages from more than two minutes ahead are held back. Set the clock that is wrong, and keep it set (timedatectl set-ntp true)."
	case off.Abs() > 5*time.Second:
		f.State, f.Advice = warning, "One of the two should use NTP (timedatectl set-ntp true)."
	}
	return []finding{f}
}

// recentAlarm is how long an alarm is worth a line here.
const recentAlarm = 7 * 24 * time.Hour

func alarmFindings(answer *pb.AdminPeersResponse, now time.Time) []finding {
	var out []finding
	for _, a := range answer.Alarms {
		if now.Sub(time.UnixMilli(a.Time)) >= recentAlarm || len(out) == 5 {
			continue
		}
		f := finding{Check: "alarm", State: warning, Detail: at(a.Time) + " " + printable(a.Peer) + ": " + printable(a.Text)}
		if slices.ContainsFunc(answer.Peers, func(p *pb.Peer) bool { return p.Name == a.Peer }) { // else it is about this node, and says itself what to do
			f.Advice = "Ask that node's administrator. If it was set up anew: hearth peers forget " + printable(a.Peer)
		}
		out = append(out, f)
	}
	return out
}
