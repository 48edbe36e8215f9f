package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/analysis/lang/cjk"
	"github.com/blevesearch/bleve/v2/analysis/token/lowercase"
	segment "github.com/blevesearch/bleve/v2/analysis/tokenizer/unicode"
	"golang.org/x/text/unicode/norm"

	"hearth/node/room"
)

// maxWord is where longer words are cut, in bytes: a message of 64 KB without a space must not become a
// term of 64 KB.
const maxWord = 96

// maxWords is by how many words a message is found, the first ones: 50 KB of English, 4,096 characters of
// Chinese. Bleve takes up to 1.4 KB of memory and 3 us for a word that is new, so that 64 KB of random
// characters would cost it 58 MB and 120 ms; and one character may be composed of 18 (U+FDFA).
const maxWords = 8192

// analyser makes words of a text: NFKC (so that full-width letters and composed accents match), words by
// Unicode's rules (UAX #29), lower case. Chinese, Japanese and Korean text, which has no spaces or joins
// particles to words, becomes single characters and overlapping pairs, a pair at the position of its
// first character. Documents and queries go through the same analyser.
type analyser struct {
	split analysis.Tokenizer
	lower analysis.TokenFilter
	pairs analysis.TokenFilter
}

func newAnalyser() *analyser {
	return &analyser{
		split: segment.NewUnicodeTokenizer(),
		lower: lowercase.NewLowerCaseFilter(),
		pairs: cjk.NewCJKBigramFilter(true),
	}
}

// Analyze is called by bleve, from several goroutines at once.
func (a *analyser) Analyze(text []byte) analysis.TokenStream {
	tokens := first(a.split.Tokenize(prepare(text)))
	for _, t := range tokens {
		if isHangul(t.Term) {
			t.Type = analysis.Ideographic
		}
	}
	tokens = first(a.pairs.Filter(a.lower.Filter(tokens)))
	for _, t := range tokens {
		t.Term = clip(t.Term)
		t.Start, t.End = 0, 0 // nothing is highlighted by the server: two bytes less a word
	}
	return tokens
}

// prepare composes text and opens up what UAX #29 would keep together though people search for the
// parts: node.example, a_long_name, 12:30.
func prepare(text []byte) []byte {
	s := norm.NFKC.String(strings.ToValidUTF8(string(text), " "))
	s = joints.Replace(s)
	return []byte(s[:min(len(s), room.MaxText)]) // composing may have made it many times as long
}

func first(tokens analysis.TokenStream) analysis.TokenStream {
	return tokens[:min(len(tokens), maxWords)]
}

var joints = strings.NewReplacer(".", " ", ":", " ", "_", " ")

func isHangul(term []byte) bool {
	r, _ := utf8.DecodeRune(term)
	return unicode.Is(unicode.Hangul, r)
}

func clip(term []byte) []byte {
	if len(term) <= maxWord {
		return term
	}
	n := maxWord
	for n > 0 && !utf8.RuneStart(term[n]) {
		n--
	}
	return term[:n]
}

// phrase is the words of a text, in order, as a query has them: of a run of characters the pairs, the
// last character alone only where something follows it, because positions count characters.
func (a *analyser) phrase(text string) []string {
	var words []string
	last := analysis.Token{}
	for _, t := range a.Analyze([]byte(text)) {
		if t.Position == last.Position {
			words[len(words)-1] = string(t.Term) // the pair comes after the single at its position
		} else {
			words = append(words, string(t.Term))
		}
		last = *t
	}
	if n := len(words); n > 1 && last.Type == analysis.Single && strings.HasSuffix(words[n-2], words[n-1]) {
		words = words[:n-1]
	}
	return words
}
