// Package picture fetches small pictures from addresses that strangers name, and looks at the bytes for what they are.
package picture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"hearth/guard"
)

const (
	// Limit is how large a picture may be, in bytes.
	Limit      = 512 << 10
	maxAddress = 1000 // bytes of a URL
)

// kinds are those that every browser shows and none runs.
var kinds = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// Public is a client that reaches public addresses alone.
var Public = guard.Guard{Within: 15 * time.Second, Limit: Limit}.Client()

// Fetch is the picture at an address and its type, by a client such as Public.
func Fetch(ctx context.Context, client *http.Client, address string) (b []byte, kind string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(address) > maxAddress {
		return nil, "", errors.New("a picture is at an https address")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, "", err
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, "", errors.New("the answer is " + answer.Status)
	}
	b, err = io.ReadAll(answer.Body)
	if large, is := errors.AsType[*http.MaxBytesError](err); is {
		return nil, "", fmt.Errorf("the picture is larger than %d KB", large.Limit>>10)
	}
	if err != nil {
		return nil, "", err
	}
	if kind = http.DetectContentType(b); !slices.Contains(kinds, kind) {
		return nil, "", fmt.Errorf("it is no picture, but %s", kind)
	}
	return b, kind, nil
}
