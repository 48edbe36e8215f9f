package room

import (
	"regexp"
	"strings"
)

// User is a person's full name, alice@node.example or alice@localhost:8443.
type User string

// MakeUser joins a local name and a node's name.
func MakeUser(local, node string) User { return User(local + "@" + node) }

// Local is the part before the @.
func (u User) Local() string {
	local, _, _ := strings.Cut(string(u), "@")
	return local
}

// Node is the part after the @.
func (u User) Node() string {
	_, node, _ := strings.Cut(string(u), "@")
	return node
}

// ParseUser checks a full name.
func ParseUser(s string) (User, error) {
	local, node, ok := strings.Cut(strings.TrimPrefix(s, "@"), "@")
	if !ok {
		return "", Errorf(BadRequest, "%q is not a full user name such as alice@node.example", clip(s, 80))
	}
	if err := CheckUsername(local); err != nil {
		return "", err
	}
	if err := CheckNodeName(node); err != nil {
		return "", err
	}
	return MakeUser(local, node), nil
}

// Lengths of a username, in characters.
const (
	MinUsername = 2
	MaxUsername = 32
)

// CheckUsername says what is wrong with a local name, or nil: 2 to 32 lower-case
// letters, digits and . _ -, with a letter or digit at both ends.
func CheckUsername(local string) error {
	switch {
	case len(local) < MinUsername:
		return Errorf(BadRequest, "A username has at least %d characters.", MinUsername)
	case len(local) > MaxUsername:
		return Errorf(BadRequest, "A username has at most %d characters.", MaxUsername)
	}
	if lower := strings.ToLower(local); lower != local && CheckUsername(lower) == nil {
		return Errorf(BadRequest, "A username has no capital letters: try %q.", lower)
	}
	for _, r := range local {
		if !isNameRune(r) {
			return Errorf(BadRequest, "A username has only lower-case letters, digits, and . _ - but not %q.", r)
		}
	}
	if strings.ContainsRune("._-", rune(local[0])) || strings.ContainsRune("._-", rune(local[len(local)-1])) {
		return Errorf(BadRequest, "A username begins and ends with a letter or a digit.")
	}
	return nil
}

func isNameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)
}

var nodeName = regexp.MustCompile(`^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:[0-9]{1,5})?$`)

// CheckNodeName says whether name can be a node's: a DNS name or an address in lower
// case, with a port where it is not the usual one; at most 200 bytes.
func CheckNodeName(name string) error {
	if len(name) > 200 || !nodeName.MatchString(name) {
		return Errorf(BadRequest, "%q is not a node name such as node.example or localhost:8443", clip(name, 80))
	}
	return nil
}

// CheckAlias says what is wrong with the local part of #alias@node, or nil: 1 to 64
// lower-case letters, digits, . _ - or letters of other scripts without case.
func CheckAlias(alias string) error {
	if n := len([]rune(alias)); n < 1 || n > 64 || len(alias) > 200 {
		return Errorf(BadRequest, "A room's address has 1 to 64 characters.")
	}
	for _, r := range alias {
		if r < 0x80 && !isNameRune(r) {
			return Errorf(BadRequest, "A room's address has only lower-case letters, digits, and . _ - but not %q.", r)
		}
		if r >= 0x80 && !isLetter(r) {
			return Errorf(BadRequest, "A room's address has letters and digits only, not %q.", r)
		}
	}
	return nil
}

// clip shortens foreign text for use in a sentence.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}
