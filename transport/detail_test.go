package transport

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/transport/session/clientpb"
)

// connectDetail reads our Error out of a Connect error in JSON.
func connectDetail(body []byte) (*clientpb.Error, error) {
	var e struct {
		Code    string
		Message string
		Details []struct{ Type, Value string }
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	for _, d := range e.Details {
		if d.Type != "hearth.client.v1.Error" {
			continue
		}
		raw, err := base64.RawStdEncoding.DecodeString(d.Value)
		if err != nil {
			return nil, err
		}
		wire := &clientpb.Error{}
		return wire, proto.Unmarshal(raw, wire)
	}
	return nil, errors.New("no detail: " + e.Code + " " + e.Message)
}

func dialOperator(h *house) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return DialOperator(ctx, filepath.Dir(h.server.operator.path))
	}
}

func mustMarshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// picture is a small PNG.
func picture(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 32, 32))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rawConn is a TLS connection on which anything can be written.
func (h *house) rawConn() (net.Conn, error) {
	if h.raw != nil {
		return h.raw, nil
	}
	c, err := tls.Dial("tcp", h.server.Addr().String(), insecure())
	if err != nil {
		return nil, err
	}
	h.raw = c
	h.t.Cleanup(func() { c.Close() })
	return c, nil
}

func mustUnmarshal(t testing.TB, b []byte, m proto.Message) {
	t.Helper()
	if err := proto.Unmarshal(b, m); err != nil {
		t.Fatal(err)
	}
}

// upgradeRaw is a WebSocket on which any bytes can be written.
func (h *house) upgradeRaw() (net.Conn, error) {
	c, err := tls.Dial("tcp", h.server.Addr().String(), insecure())
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: "+subprotocol+"\r\n\r\n")
	if err != nil {
		return nil, err
	}
	w, err := http.ReadResponse(bufio.NewReaderSize(c, 16), nil)
	if err != nil {
		return nil, err
	}
	if w.StatusCode != http.StatusSwitchingProtocols {
		return nil, errors.New(w.Status)
	}
	return c, nil
}

func dialTCP(t testing.TB, h *house) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", h.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	return c
}

func helloFor(name string) *tls.ClientHelloInfo {
	conn, other := net.Pipe()
	_ = other.Close()
	return &tls.ClientHelloInfo{ServerName: name, Conn: conn}
}
