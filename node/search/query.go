package search

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"

	"hearth/node/room"
)

// Bounds of a query.
const (
	MaxQuery  = 256    // characters
	MaxTerms  = 16     // words and phrases
	MaxLimit  = 100    // hits a page
	MaxOffset = 10_000 // hits skipped
)

// Query is what somebody looks for.
type Query struct {
	Text   string    // words, all of which must be there, and "phrases"; never a query language
	Rooms  []room.ID // where to look; none: nowhere
	Author room.User // empty: anybody
	Limit  int       // 0: MaxLimit
	Offset int
}

// Found is a page of hits, newest first, and how many there are in all.
type Found struct {
	Hits  []Ref
	Total uint64
}

// Query finds messages. A message deleted since the follower last ran is still among the hits, and one
// edited may have other words now: the caller reads each hit from the store before showing it.
func (x *Index) Query(ctx context.Context, q Query) (Found, error) {
	if err := q.check(); err != nil {
		return Found{}, err
	}
	terms := x.terms(q.Text)
	if len(terms) > MaxTerms {
		return Found{}, room.Errorf(room.BadRequest, "Search for at most %d words at once.", MaxTerms)
	}
	if len(terms) == 0 || len(q.Rooms) == 0 {
		return Found{}, nil
	}
	req := bleve.NewSearchRequestOptions(query.NewConjunctionQuery(append(terms, q.filters()...)), q.limit(), q.Offset, false)
	req.Score = "none" // newest first needs no relevance
	req.Sort = search.SortOrder{&search.SortField{Field: fieldOrder, Desc: true, Type: search.SortFieldAsString}}
	res, err := x.bleve.SearchInContext(ctx, req)
	if err != nil {
		return Found{}, fmt.Errorf("search: %w", err)
	}
	return found(res), nil
}

func found(res *bleve.SearchResult) Found {
	f := Found{Total: res.Total, Hits: make([]Ref, 0, len(res.Hits))}
	for _, h := range res.Hits {
		if ref, ok := parseRef(h.ID); ok {
			f.Hits = append(f.Hits, ref)
		}
	}
	return f
}

func (q Query) check() error {
	switch {
	case utf8.RuneCountInString(q.Text) > MaxQuery:
		return room.Errorf(room.BadRequest, "A search has at most %d characters.", MaxQuery)
	case q.Limit < 0 || q.Limit > MaxLimit:
		return room.Errorf(room.BadRequest, "A page of a search has at most %d hits.", MaxLimit)
	case q.Offset < 0 || q.Offset > MaxOffset:
		return room.Errorf(room.BadRequest, "A search goes back at most %d hits: add a word to narrow it.", MaxOffset)
	}
	return nil
}

func (q Query) limit() int {
	if q.Limit == 0 {
		return MaxLimit
	}
	return q.Limit
}

// filters are the conditions that are not words.
func (q Query) filters() []query.Query {
	rooms := make([]query.Query, len(q.Rooms))
	for i, r := range q.Rooms {
		rooms[i] = term(fieldRoom, string(r[:]))
	}
	filters := []query.Query{query.NewDisjunctionQuery(rooms)}
	if q.Author != "" {
		filters = append(filters, term(fieldAuthor, string(q.Author)))
	}
	return filters
}

// terms are the words and phrases of text, each one a query. What has no letters or digits is left out.
func (x *Index) terms(text string) []query.Query {
	var terms []query.Query
	for _, piece := range pieces(text) {
		switch words := x.words.phrase(piece); len(words) {
		case 0:
		case 1:
			terms = append(terms, term(fieldText, words[0]))
		default:
			terms = append(terms, query.NewPhraseQuery(words, fieldText))
		}
	}
	return terms
}

func term(field, value string) query.Query {
	q := query.NewTermQuery(value)
	q.SetField(field)
	return q
}

// pieces splits text at spaces, except inside quotes of any kind. A quote that is never closed reaches to
// the end.
func pieces(text string) []string {
	var out []string
	for quoted := false; text != ""; quoted = !quoted {
		part, rest := cutQuote(text)
		if quoted {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
		text = rest
	}
	return out
}

const quotes = "\"\u201c\u201d\u201e\u201f\u00ab\u00bb\u300c\u300d\u300e\u300f\uff02"

func cutQuote(text string) (before, after string) {
	i := strings.IndexAny(text, quotes)
	if i < 0 {
		return text, ""
	}
	_, size := utf8.DecodeRuneInString(text[i:])
	return text[:i], text[i+size:]
}
