package federation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/quic-go/quic-go"

	"hearth/federation/link"
	"hearth/node"
	"hearth/node/limit"
	"hearth/node/peer"
	"hearth/node/room"
)

const (
	dialWithin    = 12 * time.Second       // one try, all addresses
	addressWithin = 5 * time.Second        // one address
	stagger       = 300 * time.Millisecond // between addresses (cf. RFC 8305)
	mostIPs       = 4                      // of one name
)

// quicConfig is for connections that this node dials. Those that it accepts have the
// port's, whose bounds are the same or narrower.
func quicConfig() *quic.Config {
	return &quic.Config{
		EnableDatagrams: true, EnableStreamResetPartialDelivery: true,
		HandshakeIdleTimeout: addressWithin, MaxIdleTimeout: 30 * time.Second, // the link's own pings come sooner
		InitialStreamReceiveWindow: 256 << 10, MaxStreamReceiveWindow: 2 << 20,
		InitialConnectionReceiveWindow: 512 << 10, MaxConnectionReceiveWindow: Window,
		MaxIncomingStreams: 128, MaxIncomingUniStreams: 256,
	}
}

// call is one attempt to get a link.
type call struct {
	addresses   []string
	expect      string // name; "": any
	fingerprint string // of the key; "": the book tells
	secret      string // of an invite
	joining     bool
}

// Serve takes a connection that the port has accepted for ALPN, and returns at its end.
func (f *Federation) Serve(q *quic.Conn) {
	c, err := f.newConn(q, false)
	if err != nil {
		_ = q.CloseWithError(1, err.Error()) // it may have gone
		return
	}
	if f.hellos.Wait(networkOf(q), 1, f.config.Now()) > 0 {
		_ = q.CloseWithError(1, "too many attempts from this address")
		return
	}
	c.begin("")
	c.run()
}

// networkOf is what a connection's address counts as.
func networkOf(q *quic.Conn) string { return limit.Network(q.RemoteAddr().String()).String() }

// dial gets the link of a known name: at the addresses of its record, then where
// https://NAME/.well-known/hearth says, then at its name.
func (f *Federation) dial(ctx context.Context, name string) error {
	known, pinned := f.book.Lookup(name)
	var errs error
	if len(known.Addresses) > 0 {
		_, err := f.call(ctx, call{addresses: known.Addresses, expect: name})
		if err == nil || final(err) {
			return err
		}
		errs = err
	}
	fresh, err := f.find(ctx, name)
	fresh.addresses = slices.DeleteFunc(fresh.addresses, func(a string) bool { return slices.Contains(known.Addresses, a) })
	if len(fresh.addresses) == 0 {
		return errors.Join(errs, err)
	}
	if pinned {
		fresh.fingerprint = "" // the book tells, and raises the alarm
	}
	_, err = f.call(ctx, fresh)
	return errors.Join(err, errs)
}

// find is where a name may be reached, when the book does not know.
func (f *Federation) find(ctx context.Context, name string) (call, error) {
	c := call{expect: name}
	found, err := f.finder.find(ctx, name)
	if err == nil {
		c.addresses, c.fingerprint = found.Addresses, peer.Fingerprint(found.Key)
		return c, nil
	}
	c.addresses = addressesOf(name)
	return c, err
}

// addressesOf are those that a name itself may stand for.
func addressesOf(name string) []string {
	if _, _, err := net.SplitHostPort(name); err == nil {
		return []string{name}
	}
	return []string{net.JoinHostPort(name, "8443"), net.JoinHostPort(name, "443")}
}

// final tells that the right node has answered, and refused: other addresses lead to it too.
func final(err error) bool {
	_, refused := errors.AsType[*refusal](err)
	return refused
}

// call dials the addresses, each a moment after the one before, takes the first connection
// that stands, and says hello on it. It returns when the link is up, or will not be.
func (f *Federation) call(ctx context.Context, a call) (*conn, error) {
	f.mu.RLock()
	port := f.port
	f.mu.RUnlock()
	if port == nil {
		return nil, node.ErrUnreachable
	}
	q, address, err := f.race(ctx, port, a)
	if err != nil {
		return nil, err
	}
	c, err := f.newConn(q, true)
	if err != nil {
		return nil, errors.Join(err, q.CloseWithError(1, err.Error()))
	}
	c.expect, c.joining = a.expect, a.joining
	c.begin(a.secret)
	f.running.Go(c.run)
	select {
	case <-c.opened:
		f.book.Answered(c.name, address)
		return c, nil
	case <-c.done:
		return c, c.outcome()
	case <-ctx.Done():
		c.end(link.CodeClosed, "Nobody waits any more.", 0)
		return nil, ctx.Err()
	}
}

// outcome is why the link did not come up; nil when another link of the two nodes stays:
// then the name is known too.
func (c *conn) outcome() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := c.ended; {
	case e == nil, e.Code == link.CodeSilent, e.Code == link.CodeClosed:
		return room.Errorf(room.Unavailable, "The node answers, but says no hello.")
	case e.Code == link.CodeDouble:
		return nil
	default:
		return &refusal{e.Code, e.Message}
	}
}

// dialled is what came of one address.
type dialled struct {
	conn    *quic.Conn
	address string
	err     error
}

// race dials all addresses, each when the one before has failed or has not answered for a
// moment. The first connection stays; any other that comes of it is closed.
func (f *Federation) race(ctx context.Context, port *quic.Transport, a call) (*quic.Conn, string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan dialled, len(a.addresses))
	var errs error
	for begun, ended := 0, 0; ended < len(a.addresses); {
		pause := time.Hour
		if begun < len(a.addresses) {
			address := a.addresses[begun]
			begun++
			pause = stagger
			f.running.Go(func() {
				q, err := f.dialAddress(ctx, port, address, a.fingerprint)
				results <- dialled{q, address, err}
			})
		}
		select {
		case r := <-results:
			ended++
			if r.conn != nil {
				f.running.Go(func() { closeRest(results, begun-ended) })
				return r.conn, r.address, nil
			}
			errs = errors.Join(errs, r.err)
		case <-time.After(pause):
		case <-ctx.Done():
			f.running.Go(func() { closeRest(results, begun-ended) })
			return nil, "", errors.Join(errs, ctx.Err())
		}
	}
	return nil, "", errs
}

// closeRest closes what came too late.
func closeRest(results <-chan dialled, n int) {
	for range n {
		if r := <-results; r.conn != nil {
			_ = r.conn.CloseWithError(0, "another address answered first")
		}
	}
}

// dialAddress dials every IP address that a host:port stands for, until one answers.
func (f *Federation) dialAddress(ctx context.Context, port *quic.Transport, address, fingerprint string) (*quic.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, addressWithin)
	defer cancel()
	addrs, err := resolve(ctx, address)
	if err != nil {
		return nil, err
	}
	var errs error
	for i, addr := range addrs {
		one, done := context.WithTimeout(ctx, max(time.Second, addressWithin/time.Duration(len(addrs)-i)))
		q, err := port.Dial(one, addr, dialConfig(f.own, fingerprint), quicConfig())
		done()
		if err == nil {
			return q, nil
		}
		errs = errors.Join(errs, dialError(address, err))
	}
	return nil, errs
}

func resolve(ctx context.Context, address string) ([]*net.UDPAddr, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, room.Errorf(room.BadRequest, "%q is not an address such as node.example:8443.", address)
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return nil, room.Errorf(room.BadRequest, "%q has no port number.", address)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, room.Errorf(room.Unavailable, "The name %s cannot be resolved: check it, and this machine's DNS.", host)
	}
	var out []*net.UDPAddr
	for _, ip := range ips[:min(len(ips), mostIPs)] {
		out = append(out, &net.UDPAddr{IP: ip.Unmap().AsSlice(), Port: number, Zone: ip.Zone()})
	}
	return out, nil
}

// dialError says in words why nobody answered.
func dialError(address string, err error) error {
	var transport *quic.TransportError
	var idle *quic.IdleTimeoutError
	var handshake *quic.HandshakeTimeoutError
	switch {
	case errors.Is(err, errFingerprint):
		return room.Errorf(room.Forbidden, "At %s %v. Do not use this link: ask for a new one.", address, errFingerprint)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &idle), errors.As(err, &handshake):
		return room.Errorf(room.Unavailable, "Nothing answers at %s. Check that the node runs there, and that UDP gets through.", address)
	case errors.As(err, &transport) && transport.ErrorCode.IsCryptoError():
		return room.Errorf(room.Unavailable, "What answers at %s is no Hearth node, or one without federation.", address)
	}
	return fmt.Errorf("dial %s: %w", address, err)
}
