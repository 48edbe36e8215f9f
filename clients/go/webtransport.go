package client

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
	"github.com/quic-go/webtransport-go"

	pb "hearth/transport/session/clientpb"
)

// wtConn: one bidirectional stream; a frame is its length as a QUIC varint, then its bytes.
type wtConn struct {
	transport *webtransport.Transport
	session   *webtransport.Session
	stream    *webtransport.Stream
	r         *bufio.Reader
	in, out   []byte
}

func (d *Dialer) dialWebTransport(ctx context.Context) (Conn, error) {
	if err := d.learnCertificates(ctx); err != nil {
		return nil, err
	}
	t := &webtransport.Transport{
		TLSClientConfig: d.Trust.quic(),
		QUICConfig: &quic.Config{
			EnableDatagrams:                  true,
			EnableStreamResetPartialDelivery: true,
			HandshakeIdleTimeout:             5 * time.Second,
			// A node that was killed says nothing: it is missed after two lost pings.
			MaxIdleTimeout:  12 * time.Second,
			KeepAlivePeriod: 5 * time.Second,
			// What a slow reader may have under way; the node keeps the rest in its store.
			MaxConnectionReceiveWindow: 1 << 20,
			MaxStreamReceiveWindow:     512 << 10,
		},
	}
	_, session, err := t.Dial(ctx, strings.Replace(d.URL, "http://", "https://", 1)+"/wt", http.Header{})
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("WebTransport (UDP): %w", err)
	}
	stream, err := session.OpenStreamSync(ctx)
	if err != nil {
		session.CloseWithError(0, "")
		t.Close()
		return nil, fmt.Errorf("open WebTransport stream: %w", err)
	}
	return &wtConn{transport: t, session: session, stream: stream, r: bufio.NewReaderSize(stream, 4<<10)}, nil
}

// learnCertificates asks over HTTPS for the hashes of the short-lived certificates.
// They change within days, so every dial asks anew.
func (d *Dialer) learnCertificates(ctx context.Context) error {
	h := &HTTP{dialer: d}
	info, err := Call(ctx, h, ServerInfo, &pb.ServerInfoRequest{})
	if err != nil {
		return fmt.Errorf("learn the WebTransport certificate: %w", err)
	}
	d.Trust.learn(info.CertificateHashes)
	return nil
}

func (w *wtConn) ReadFrame() ([]byte, error) {
	n, err := quicvarint.Read(w.r)
	if err != nil {
		return nil, err
	}
	if n > MaxFrame {
		return nil, fmt.Errorf("the node sent a frame of %d bytes", n)
	}
	if uint64(cap(w.in)) < n || (cap(w.in) > keep && n <= keep) {
		w.in = make([]byte, n)
	}
	w.in = w.in[:n]
	_, err = io.ReadFull(w.r, w.in)
	return w.in, err
}

func (w *wtConn) WriteFrame(frame []byte) error {
	w.out = append(quicvarint.Append(shrink(w.out), uint64(len(frame))), frame...)
	w.stream.SetWriteDeadline(time.Now().Add(WriteTimeout))
	if _, err := w.stream.Write(w.out); err != nil {
		w.Close()
		return err
	}
	return nil
}

func (w *wtConn) Close() error {
	err := w.session.CloseWithError(0, "")
	w.transport.Close()
	return err
}
