package federation

import (
	"errors"
	"time"

	"github.com/quic-go/quic-go"
	"google.golang.org/protobuf/proto"

	"hearth/federation/link"
	"hearth/node/room/roompb"
)

// signal sends a signal to peers. It never blocks: a signal too many is dropped.
func (f *Federation) signal(to []string, s *roompb.Signal) {
	b, err := proto.Marshal(s)
	if err != nil || len(b) > link.MaxSignal {
		return
	}
	packet := append([]byte{link.StreamSignal}, b...)
	for _, name := range to {
		if c := f.linkOf(name); c != nil {
			c.f.counters.out.signals.Inc()
			c.datagram(packet)
		}
	}
}

// SendPacket sends a packet of gossip to a peer whose link is up, if that is possible at once.
func (f *Federation) SendPacket(name string, b []byte) {
	if c := f.linkOf(name); c != nil {
		c.datagram(append([]byte{link.StreamGossip}, b...))
	}
}

// datagram queues what may be lost.
func (c *conn) datagram(b []byte) {
	select {
	case c.datagrams <- b:
	default: // the peer does not keep up
	}
}

// sendDatagrams sends what is queued: SendDatagram waits for a peer that does not answer.
func (c *conn) sendDatagrams() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case b := <-c.datagrams:
			var large *quic.DatagramTooLargeError
			if err := c.quic.SendDatagram(b); errors.As(err, &large) {
				c.sendLarge(b)
			}
		}
	}
}

// sendLarge sends on a stream what no datagram holds.
func (c *conn) sendLarge(b []byte) {
	s, err := c.quic.OpenUniStream()
	if err != nil {
		return // as on a network
	}
	_ = s.SetWriteDeadline(time.Now().Add(writeWithin))
	if _, err := s.Write(b); err != nil {
		s.CancelWrite(0)
		return
	}
	_ = s.Close() // lost with the connection alone
}

func (c *conn) receiveDatagrams() {
	for {
		b, err := c.quic.ReceiveDatagram(c.ctx)
		if err != nil {
			return
		}
		if len(b) > 0 {
			c.take(b[0], b[1:])
		}
	}
}

// take takes in a packet of gossip or a signal. Beyond the peer's rate they are dropped.
func (c *conn) take(kind byte, b []byte) {
	c.heard()
	switch kind {
	case link.StreamGossip:
		if g := c.f.gossiping(); g != nil {
			g.Packet(c.name, b)
		}
	case link.StreamSignal:
		if c.f.signals.Take(c.name, 1, c.f.config.Now()) > 0 {
			return
		}
		s, err := link.DecodeSignal(b)
		if err != nil {
			c.charge(err.Error())
			return
		}
		c.f.counters.in.signals.Inc()
		c.f.node.ReceiveSignal(c.name, s)
	}
}
