package federation

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"hearth/guard"
	"hearth/node/peer"
	"hearth/node/room"
)

// finder asks https://NAME/.well-known/hearth, which the web's certificate authorities
// vouch for, where a node is and which key it has.
type finder struct{ http *http.Client }

const (
	findWithin = 5 * time.Second
	findBytes  = 64 << 10
)

func newFinder(roots *x509.CertPool) *finder {
	return &finder{guard.Guard{Within: findWithin, Limit: findBytes, Roots: roots, Near: true}.Client()}
}

// found is what a node says of itself there.
type found struct {
	Name      string            `json:"name"`
	Key       ed25519.PublicKey `json:"-"`
	Encoded   string            `json:"key"`
	Addresses []string          `json:"addresses"`
}

func (f *finder) find(ctx context.Context, name string) (found, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+name+"/.well-known/hearth", nil)
	if err != nil {
		return found{}, fmt.Errorf("find %s: %w", name, err)
	}
	w, err := f.http.Do(r)
	if err != nil {
		return found{}, fmt.Errorf("find %s: %w", name, err)
	}
	defer w.Body.Close()
	if w.StatusCode != http.StatusOK {
		return found{}, room.Errorf(room.NotFound, "https://%s answers %s: there seems to be no Hearth node.", name, w.Status)
	}
	raw, err := io.ReadAll(w.Body)
	if _, large := errors.AsType[*http.MaxBytesError](err); err != nil && !large {
		return found{}, fmt.Errorf("find %s: %w", name, err)
	}
	return readFound(name, raw)
}

func readFound(name string, raw []byte) (found, error) {
	var out found
	if err := json.Unmarshal(raw, &out); err != nil {
		return found{}, room.Errorf(room.NotFound, "https://%s does not describe a Hearth node.", name)
	}
	key, err := base64.RawURLEncoding.DecodeString(out.Encoded)
	switch {
	case err != nil || len(key) != ed25519.PublicKeySize:
		return found{}, room.Errorf(room.NotFound, "https://%s names no key of a Hearth node.", name)
	case out.Name != name:
		return found{}, room.Errorf(room.Conflict, "The node at https://%s is called %q.", name, out.Name[:min(len(out.Name), 80)])
	case len(out.Addresses) == 0 || len(out.Addresses) > 16:
		return found{}, room.Errorf(room.NotFound, "https://%s names no address of its node.", name)
	}
	for i, a := range out.Addresses {
		if _, _, err := net.SplitHostPort(a); err != nil {
			out.Addresses[i] = net.JoinHostPort(strings.Trim(a, "[]"), "443")
		}
		if err := peer.CheckAddress(out.Addresses[i]); err != nil {
			return found{}, err
		}
	}
	out.Key = key
	return out, nil
}
