package node

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
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
	return "/m/" + secret + "/" + safeName(p.Name), nil
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

// Unpublish ends the links of which which says so.
func (n *Node) Unpublish(which func(*storagepb.Publication) bool) error {
	var ended [][32]byte
	err := n.store.Publications(func(hash [32]byte, m *storagepb.Publication) error {
		if which(m) {
			ended = append(ended, hash)
		}
		return nil
	})
	for _, hash := range ended {
		err = errors.Join(err, n.store.PutPublication(hash, nil))
	}
	return err
}

// endPublications forgets links a while after they ended: until then they say so.
func (n *Node) endPublications() error {
	before := n.now().Add(-PublicationLife).UnixMilli()
	return n.Unpublish(func(m *storagepb.Publication) bool { return m.GetExpires() < before })
}

// safeName is a name as it stands in a link: what it ends in tells people what they will see.
func safeName(name string) string {
	safe := []byte(clip(name, 60))
	for i, c := range safe {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-') {
			safe[i] = '_'
		}
	}
	if len(safe) == 0 {
		return "text.txt"
	}
	return string(safe)
}
