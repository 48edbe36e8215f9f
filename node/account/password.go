package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"hearth/node/room"
)

// Bounds of a password, in bytes. The upper one is only there so that nobody makes us hash a book.
const (
	MinPassword = 8
	MaxPassword = 1024
)

// common are the passwords that guessers try first, of those that are long enough. The limit on guesses
// does the rest: a hundred an hour will not get through a longer list.
const common = " password 12345678 123456789 1234567890 0123456789 qwertyuiop 11111111 00000000 88888888 87654321 " +
	" iloveyou 1q2w3e4r 1qaz2wsx qwerty123 asdfghjkl "

// CheckPassword says what is wrong with a password for that username, or nil.
func CheckPassword(local, password string) error {
	switch folded := strings.ToLower(password); {
	case len(password) < MinPassword:
		return room.Errorf(room.BadRequest, "A password has at least %d characters.", MinPassword)
	case len(password) > MaxPassword:
		return room.Errorf(room.BadRequest, "A password has at most %d bytes.", MaxPassword)
	case folded == strings.ToLower(local):
		return room.Errorf(room.BadRequest, "A password must not be the username.")
	case !strings.Contains(folded, " ") && strings.Contains(common, " "+folded+" "):
		return room.Errorf(room.BadRequest, "That is one of the passwords everybody tries first. Choose another.")
	case strings.TrimSpace(password) == "":
		return room.Errorf(room.BadRequest, "A password is more than spaces.")
	}
	return nil
}

// phc is a password's hash and how it was made: $argon2id$v=19$m=...,t=...,p=...$salt$hash, the PHC string
// format. Parameters are bounded, so that a tampered backup cannot make a login take all memory.
type phc struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
	salt    []byte
	hash    []byte
}

var phcShape = regexp.MustCompile(`^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$`)

func parsePHC(s string) (phc, error) {
	m := phcShape.FindStringSubmatch(s)
	if m == nil {
		return phc{}, fmt.Errorf("parse password hash: not an argon2id PHC string")
	}
	memory, _ := strconv.Atoi(m[1])
	time, _ := strconv.Atoi(m[2])
	threads, _ := strconv.Atoi(m[3])
	if memory < 8*threads || memory > 256<<10 || time < 1 || time > 16 || threads < 1 || threads > 8 {
		return phc{}, fmt.Errorf("parse password hash: parameters m=%d,t=%d,p=%d are out of bounds", memory, time, threads)
	}
	salt, err := base64.RawStdEncoding.DecodeString(m[4])
	if err != nil {
		return phc{}, fmt.Errorf("parse password hash: salt: %w", err)
	}
	hash, err := base64.RawStdEncoding.DecodeString(m[5])
	if err != nil {
		return phc{}, fmt.Errorf("parse password hash: %w", err)
	}
	return phc{uint32(memory), uint32(time), uint8(threads), salt, hash}, nil
}

func (p phc) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.memory, p.time, p.threads, b64(p.salt), b64(p.hash))
}

// key hashes a password as p says. It takes p.memory KiB and tens of milliseconds. Composed and
// decomposed accents are the same password (RFC 8265, section 4.2: OpaqueString).
func (p phc) key(password string) []byte {
	return argon2.IDKey([]byte(norm.NFC.String(password)), p.salt, p.time, p.memory, p.threads, uint32(len(p.hash)))
}

func (p phc) matches(password string) bool {
	return subtle.ConstantTimeCompare(p.key(password), p.hash) == 1
}

// random is n bytes nobody can guess.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand)
	return b
}
