package node

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// PublicationLife is how long a link works.
const PublicationLife = 30 * 24 * time.Hour

// MaxPublished is the longest text that a link shows, in bytes.
const MaxPublished = 64 << 10

// Publication is something that anybody may see who has its link: a file of a message, or a page
// of plain text. Networks without files get such links.
type Publication struct {
	Owner room.User    // who makes it: a bridge's bot
	Blob  room.Hash    // the file, or
	Text  string       // the page
	Name  string       // file name
	Event room.EventID // the message that it is of: the link ends when that is deleted
	Key   string       // the same key gives the same link
}

// Publish makes a link and returns its path: /m/SECRET/NAME. The secret follows from the node's
// key, so that asking again, after whatever kill, gives the same one.
func (n *Node) Publish(p Publication) (path string, err error) {
	if len(p.Text) > MaxPublished {
		return "", room.Errorf(room.TooLarge, "A page has at most %d KB.", MaxPublished>>10)
	}
	m := &storagepb.Publication{
		Text: p.Text, Name: p.Name, Owner: p.Owner.Local(),
		Event: p.Event.Bytes(), Expires: n.now().Add(PublicationLife).UnixMilli(),
	}
	if !p.Blob.IsZero() {
		m.Blob = p.Blob.Bytes() // it may be on another node until somebody opens the link
	}
	secret := n.linkSecret(p)
	if err := n.store.PutPublication(sha256.Sum256([]byte(secret)), m); err != nil {
		return "", err
	}
	return "/m/" + secret + "/" + cmp.Or(SafeName(p.Name), "text.txt"), nil
}

func (n *Node) linkSecret(p Publication) string {
	mac := hmac.New(sha256.New, n.key.Seed())
	for _, part := range []string{"hearth link 1", string(p.Owner), p.Key, p.Event.String(), p.Blob.String(), p.Text} {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}

// Published is what a link shows; Gone when it has ended, NotFound when there never was one.
func (n *Node) Published(secret string) (*storagepb.Publication, error) {
	if len(secret) != base64.RawURLEncoding.EncodedLen(18) {
		return nil, noSuchFile()
	}
	m, err := n.store.Publication(sha256.Sum256([]byte(secret)))
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		return nil, noSuchFile()
	case m.GetExpires() <= n.millis():
		return nil, room.Errorf(room.Gone, "This link has ended.")
	}
	return m, nil
}

// Unpublish ends the links to what a message had.
func (n *Node) Unpublish(e room.EventID) error {
	links, err := n.store.PublicationsOf(e)
	return errors.Join(err, n.endLinks(links))
}

func (n *Node) endLinks(secretHashes [][32]byte) (err error) {
	for _, hash := range secretHashes {
		err = errors.Join(err, n.store.PutPublication(hash, nil))
	}
	return err
}

// endPublications forgets links a while after they ended: until then they say so.
func (n *Node) endPublications() error {
	before := n.now().Add(-PublicationLife).UnixMilli()
	var ended [][32]byte
	err := n.store.Publications(func(hash [32]byte, m *storagepb.Publication) error {
		if m.GetExpires() < before {
			ended = append(ended, hash)
		}
		return nil
	})
	return errors.Join(err, n.endLinks(ended))
}

const maxSafeName = 100 // of a longer one the end stays

// SafeName is a file's name that is safe in a link, in a header and on any disk; what it ends in still tells
// people what it is. Empty when nothing of the name is left.
func SafeName(name string) string {
	safe := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' {
			return c
		}
		return '_'
	}, name)
	safe = safe[max(0, len(safe)-maxSafeName):]
	if strings.Trim(safe, "._-") == "" {
		return ""
	}
	return strings.TrimLeft(safe, ".")
}
