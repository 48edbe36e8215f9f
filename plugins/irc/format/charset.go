package format

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

// Charset reads text that may not be UTF-8. The zero Charset takes such text for Windows-1252, which has
// all that Latin-1 has.
type Charset struct{ legacy encoding.Encoding }

// NewCharset is by its name, as the web knows it: "iso-8859-15", "koi8-r", "shift_jis". "" is the zero Charset.
func NewCharset(name string) (Charset, error) {
	if name == "" {
		return Charset{}, nil
	}
	e, err := htmlindex.Get(name)
	return Charset{e}, err
}

// Decode is s in UTF-8: as it is when it is that already.
func (c Charset) Decode(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	legacy := c.legacy
	if legacy == nil {
		legacy, _ = htmlindex.Get("windows-1252")
	}
	text, err := legacy.NewDecoder().String(s)
	if err != nil {
		return Clean(s)
	}
	return text
}
