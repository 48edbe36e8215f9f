package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"hearth/node/room/roompb"
)

// Upload stores a file for a message: name it in SendRequest.Files. What the node says of it, its
// type above all, is found out by the node itself.
func (h *HTTP) Upload(ctx context.Context, name string, body io.Reader) (*roompb.File, error) {
	answer, err := h.raw(ctx, http.MethodPost, "/file?name="+url.QueryEscape(name), body)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	f := new(roompb.File)
	if err := json.NewDecoder(io.LimitReader(answer, 64<<10)).Decode(f); err != nil {
		return nil, fmt.Errorf("decode what the node says of %s: %w", name, err)
	}
	return f, nil
}

// Download reads a file by its blob id; close it.
func (h *HTTP) Download(ctx context.Context, blob string) (io.ReadCloser, error) {
	return h.raw(ctx, http.MethodGet, "/blob/"+url.PathEscape(blob), nil)
}

// raw makes a request outside the table of commands.
func (h *HTTP) raw(ctx context.Context, method, path string, body io.Reader) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, method, h.dialer.URL+path, body)
	if err != nil {
		return nil, fmt.Errorf("make request %s: %w", path, err)
	}
	r.Header.Set("User-Agent", Version)
	if h.token != "" {
		r.Header.Set("Authorization", "Bearer "+h.token)
	}
	answer, err := h.dialer.http.Do(r)
	if err != nil {
		return nil, &Unreachable{URL: h.dialer.URL, Err: err}
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	why, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return nil, &Unreachable{URL: h.dialer.URL, Err: err}
	}
	return nil, h.refused(answer.StatusCode, why)
}
