package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"net"
	"path/filepath"
	"testing"

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
