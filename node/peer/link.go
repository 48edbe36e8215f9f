package peer

import (
	"crypto/ed25519"
	"net/url"
	"strings"

	"hearth/node/room"
)

// Link is an invite link for nodes:
//
//	https://HOST:PORT/#/node/NAME/FINGERPRINT/SECRET
//
// HOST:PORT is where the node is reached, by QUIC and by HTTPS; NAME is percent-encoded.
// Nobody need believe what stands at the address: the fingerprint says who must be there.
type Link struct {
	Address     string // host:port
	Name        string
	Fingerprint string
	Secret      string
}

const linkPath = "/node/"

func (l Link) String() string {
	return "https://" + l.Address + "/#" + linkPath + url.PathEscape(l.Name) + "/" + l.Fingerprint + "/" + l.Secret
}

// IsLink tells whether s is meant as an invite link, rather than as a name or an address.
func IsLink(s string) bool { return strings.Contains(s, "://") || strings.Contains(s, "#") }

// ParseLink reads what String wrote.
func ParseLink(s string) (Link, error) {
	bad := func(why string) (Link, error) {
		return Link{}, room.Errorf(room.BadRequest, "That is not a node's invite link: %s. It looks like https://HOST:PORT/#/node/NAME/FINGERPRINT/SECRET.", why)
	}
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil:
		return bad("it cannot be read")
	case u.Scheme != "https" || u.Host == "":
		return bad("it does not begin with https://HOST:PORT")
	}
	parts := strings.Split(strings.TrimPrefix(u.EscapedFragment(), linkPath), "/")
	if !strings.HasPrefix(u.EscapedFragment(), linkPath) || len(parts) != 3 {
		return bad("what comes after # is not /node/NAME/FINGERPRINT/SECRET")
	}
	l := Link{Address: u.Host, Fingerprint: parts[1], Secret: parts[2]}
	if u.Port() == "" {
		l.Address += ":443"
	}
	if l.Name, err = url.PathUnescape(parts[0]); err != nil || room.CheckNodeName(l.Name) != nil {
		return bad("the node's name in it is not one")
	}
	if _, err := room.ParseHash(l.Fingerprint); err != nil {
		return bad("the fingerprint in it is not one")
	}
	if CheckAddress(l.Address) != nil || l.Secret == "" || len(l.Secret) > maxSecret {
		return bad("its address or its secret is not one")
	}
	return l, nil
}

// Proves tells whether key is the one that the link names.
func (l Link) Proves(key ed25519.PublicKey) bool { return l.Fingerprint == Fingerprint(key) }
