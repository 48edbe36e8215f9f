package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	pb "hearth/transport/session/clientpb"
)

// HTTP does each command as one request (Connect unary, protobuf). The zero value is
// of no use: NewHTTP makes one. Safe for concurrent use.
type HTTP struct {
	dialer *Dialer
	token  string
}

// NewHTTP speaks for the owner of the token; with "" only anonymous commands work.
func NewHTTP(d *Dialer, token string) *HTTP { return &HTTP{dialer: d, token: token} }

// callTimeout bounds a command whose context has no deadline of its own.
const callTimeout = 60 * time.Second

// Do implements Caller. It never tries twice.
func (h *HTTP) Do(ctx context.Context, c Info, req, resp proto.Message) error {
	withKey(req)
	body, err := proto.Marshal(req)
	if err != nil {
		return fmt.Errorf("encode %s: %w", c.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := h.request(ctx, c.Name, body)
	if err != nil {
		return err
	}
	answer, err := h.dialer.http.Do(r)
	if err != nil {
		return &Unreachable{URL: h.dialer.URL, Err: err}
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, MaxFrame))
	if err != nil {
		return &Unreachable{URL: h.dialer.URL, Err: err}
	}
	if answer.StatusCode != http.StatusOK {
		return h.refused(answer.StatusCode, raw)
	}
	if err := proto.Unmarshal(raw, resp); err != nil {
		return fmt.Errorf("decode answer to %s: %w", c.Name, err)
	}
	return nil
}

func (h *HTTP) request(ctx context.Context, name string, body []byte) (*http.Request, error) {
	url := h.dialer.URL + "/hearth.client.v1.Client/" + name
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request %s: %w", name, err)
	}
	r.Header.Set("Content-Type", "application/proto")
	r.Header.Set("Connect-Protocol-Version", "1")
	r.Header.Set("User-Agent", Version)
	if h.token != "" {
		r.Header.Set("Authorization", "Bearer "+h.token)
	}
	return r, nil
}

// connectError is Connect's JSON of an error; Hearth's own Error is among its details.
type connectError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"details"`
}

func (h *HTTP) refused(status int, raw []byte) error {
	var e connectError
	if json.Unmarshal(raw, &e) != nil || e.Code == "" {
		err := fmt.Errorf("answered HTTP %d without an error of Hearth's", status)
		return &Unreachable{URL: h.dialer.URL, Err: err}
	}
	for _, d := range e.Details {
		if d.Type != "hearth.client.v1.Error" {
			continue
		}
		value, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(d.Value, "="))
		own := new(pb.Error)
		if err == nil && proto.Unmarshal(value, own) == nil && own.Code != "" {
			return refusal(own)
		}
	}
	return &Error{Code: e.Code, Message: e.Message}
}
