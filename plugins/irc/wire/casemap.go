package wire

import "strings"

// Casemap says which names are the same: a server's CASEMAPPING.
type Casemap string

const (
	ASCII         Casemap = "ascii"
	RFC1459       Casemap = "rfc1459"        // {}|~ are the small letters of []\^
	StrictRFC1459 Casemap = "strict-rfc1459" // without ~ and ^
	RFC7613       Casemap = "rfc7613"        // Unicode: Ergo
)

// Fold is name as it is compared. An unknown mapping is taken for RFC1459, which servers that say nothing have.
func (c Casemap) Fold(name string) string {
	if c == RFC7613 || c == "precis" {
		return strings.ToLower(name)
	}
	last := byte('^')
	switch c {
	case ASCII:
		last = 'Z'
	case StrictRFC1459:
		last = ']'
	}
	folded := []byte(name)
	for i, b := range folded {
		if b >= 'A' && b <= last {
			folded[i] = b + 0x20
		}
	}
	return string(folded)
}
