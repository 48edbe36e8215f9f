package conn

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// scram is SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding: the password is never sent, and the server must prove
// that it knows it.
type scram struct {
	user, password string
	nonce          string
	bare           string // client-first-message-bare
	signature      []byte // that the server must show
	steps          int
	proven         bool
}

// An honest server asks for 4,096 rounds or some more; a million would be an attack on our processor.
const maxRounds = 500_000

var errScram = errors.New("the server's SCRAM message is not one")

func newScram(user, password string) *scram {
	return &scram{user: user, password: password, nonce: rand.Text()}
}

func (c *scram) step(challenge []byte) ([]byte, error) {
	c.steps++
	switch c.steps {
	case 1:
		name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(c.user)
		c.bare = "n=" + name + ",r=" + c.nonce
		return []byte("n,," + c.bare), nil
	case 2:
		return c.prove(string(challenge))
	case 3:
		return nil, c.verify(string(challenge))
	}
	return nil, errScram
}

func (c *scram) prove(first string) ([]byte, error) {
	f := fields(first)
	salt, err := base64.StdEncoding.DecodeString(f["s"])
	rounds, err2 := strconv.Atoi(f["i"])
	if err != nil || err2 != nil || rounds < 1 || rounds > maxRounds || len(salt) == 0 ||
		!strings.HasPrefix(f["r"], c.nonce) || len(f["r"]) == len(c.nonce) || f["m"] != "" {
		return nil, errScram
	}
	salted, err := pbkdf2.Key(sha256.New, c.password, salt, rounds, sha256.Size)
	if err != nil {
		return nil, err
	}
	key := mac(salted, "Client Key")
	stored := sha256.Sum256(key)
	last := "c=biws,r=" + f["r"]
	auth := c.bare + "," + first + "," + last
	proof := make([]byte, len(key))
	subtle.XORBytes(proof, key, mac(stored[:], auth))
	c.signature = mac(mac(salted, "Server Key"), auth)
	return []byte(last + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

func (c *scram) verify(final string) error {
	signature, err := base64.StdEncoding.DecodeString(fields(final)["v"])
	if err != nil || !bytes.Equal(signature, c.signature) {
		return errScram
	}
	c.proven = true
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func fields(s string) map[string]string {
	out := map[string]string{}
	for _, each := range strings.Split(s, ",") {
		key, value, _ := strings.Cut(each, "=")
		out[key] = value
	}
	return out
}
