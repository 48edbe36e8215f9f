// Command baseline is what Hearth's figures stand beside: a bare server which accepts TLS
// WebSocket clients and sends each message to all of them, with nothing stored, checked
// or acknowledged. Same WebSocket library and TLS settings as Hearth's door.
//
// A binary message is any number of chunks, each a big-endian uint32 length and that many
// bytes. With -write each, every chunk that comes in goes out as a message of its own;
// with -write due, all that is due for a client goes out as one message.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/lxzan/gws"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "`host:port` to listen on")
	write := flag.String("write", "each", "each: one write a message; due: one write for all that is due")
	flag.Parse()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	certificate, err := selfMade()
	if err != nil {
		log.Fatal(err)
	}
	h := &hall{coalesce: *write == "due"}
	fmt.Printf("ready https://%s\n", l.Addr())
	log.Fatal(http.Serve(tls.NewListener(l, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, Certificates: []tls.Certificate{certificate},
	}), h.handler()))
}

// hall is everybody who is connected.
type hall struct {
	coalesce bool
	mu       sync.RWMutex
	guests   []*guest
}

func (h *hall) handler() http.Handler {
	up := gws.NewUpgrader(h, &gws.ServerOption{
		ReadBufferSize: 512, WriteBufferSize: 512, SubProtocols: []string{"hearth.v1"},
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		conn, err := up.Upgrade(w, r)
		if err != nil {
			return
		}
		go conn.ReadLoop()
	})
	return mux
}

func (h *hall) OnOpen(c *gws.Conn) {
	g := &guest{conn: c, wake: make(chan struct{}, 1), gone: make(chan struct{})}
	c.Session().Store("guest", g)
	h.mu.Lock()
	h.guests = append(h.guests, g)
	h.mu.Unlock()
	go g.write(h.coalesce)
}

func (h *hall) OnClose(c *gws.Conn, _ error) {
	v, _ := c.Session().Load("guest")
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, g := range h.guests {
		if g == v {
			h.guests = append(h.guests[:i], h.guests[i+1:]...)
			close(g.gone)
			return
		}
	}
}

func (h *hall) OnPing(c *gws.Conn, p []byte) { c.WritePong(p) }
func (h *hall) OnPong(*gws.Conn, []byte)     {}

func (h *hall) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	chunk := append([]byte(nil), m.Bytes()...)
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, g := range h.guests {
		g.give(chunk)
	}
}

// guest is one client: what is due for it, and its writer.
type guest struct {
	conn *gws.Conn
	wake chan struct{}
	gone chan struct{}
	mu   sync.Mutex
	due  [][]byte
}

// most is how far a client may be behind; a bare server just drops what is over.
const most = 100_000

func (g *guest) give(chunk []byte) {
	g.mu.Lock()
	if len(g.due) < most {
		g.due = append(g.due, chunk)
	}
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

func (g *guest) write(coalesce bool) {
	var taken [][]byte
	var frame []byte
	for {
		select {
		case <-g.wake:
		case <-g.gone:
			return
		}
		g.mu.Lock()
		taken, g.due = g.due, taken[:0]
		g.mu.Unlock()
		if !coalesce {
			for _, chunk := range taken {
				if g.conn.WriteMessage(gws.OpcodeBinary, chunk) != nil {
					return
				}
			}
			continue
		}
		frame = frame[:0]
		for _, chunk := range taken {
			frame = append(frame, chunk...)
		}
		if len(frame) > 0 && g.conn.WriteMessage(gws.OpcodeBinary, frame) != nil {
			return
		}
	}
}

func selfMade() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "baseline"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
