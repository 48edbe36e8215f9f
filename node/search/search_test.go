package search

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"hearth/node/room"
	"hearth/test/leak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		victim(dir)
	}
	// Bleve's analysis workers live as long as the process.
	leak.Main(m, goleak.IgnoreAnyFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker"))
}

var (
	garden  = room.ID(sha256.Sum256([]byte("garden")))
	kitchen = room.ID(sha256.Sum256([]byte("kitchen")))
)

func open(t testing.TB, dir string) (*Index, bool) {
	t.Helper()
	x, rebuilt, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return x, rebuilt
}

func fresh(t testing.TB) *Index {
	t.Helper()
	x, _ := open(t, filepath.Join(t.TempDir(), "search"))
	t.Cleanup(func() { x.Close() })
	return x
}

func apply(t testing.TB, x *Index, b Batch) {
	t.Helper()
	if err := x.Apply(b); err != nil {
		t.Fatal(err)
	}
}

// say makes documents at positions 1, 2, ... of room r, each later than the one before.
func say(r room.ID, author room.User, texts ...string) []Doc {
	docs := make([]Doc, len(texts))
	for i, text := range texts {
		docs[i] = Doc{Ref: Ref{r, uint64(i + 1)}, Author: author, Time: room.Time(uint64(1_800_000_000_000+i) << 16), Text: text}
	}
	return docs
}

// at returns the positions that a query finds, newest first.
func at(t testing.TB, x *Index, q Query) []uint64 {
	t.Helper()
	if q.Rooms == nil {
		q.Rooms = []room.ID{garden, kitchen}
	}
	f, err := x.Query(context.Background(), q)
	if err != nil {
		t.Fatalf("query %q: %v", q.Text, err)
	}
	pos := []uint64{}
	for _, h := range f.Hits {
		pos = append(pos, h.Pos)
	}
	return pos
}

func TestQueries(t *testing.T) {
	x := fresh(t)
	apply(t, x, Batch{Put: say(garden, "alice@n",
		"The quick brown fox jumps",                 // 1
		"A brown quick bread, see node.example:443", // 2
		"我们今天去公园看猫",                                 // 3
		"公园里没有狗",                                    // 4
		"カタカナとひらがなのテスト",                             // 5
		"안녕하세요 여러분",                                 // 6
		"CAFÉ Ⅷ ｆｕｌｌｗｉｄｔｈ",                          // 7
		"cafe\u0301 snake_case_word don't",          // 8
		"iPhone手机很好",                                // 9
		"naïve +foo -bar title:quick ~2 *",          // 10
		strings.Repeat("x", 64<<10),                 // 11
		"\x00\xff\xfe broken bytes",                 // 12
	)})
	for query, want := range map[string][]uint64{
		"quick":                  {10, 2, 1},
		"QUICK Brown":            {2, 1},
		`"quick brown"`:          {1},
		"\u201cbrown quick":      {2},
		`"quick brown" jumps`:    {1},
		"quick absent":           {},
		"example":                {2},
		"node.example":           {2},
		"example.node":           {},
		"node.example:443":       {2},
		"公园":                     {4, 3},
		"公园看猫":                   {3},
		"猫":                      {3},
		"园公":                     {},
		"狗":                      {4},
		"今天 猫":                   {3},
		"「去公园」":                  {3},
		"カタカナ":                   {5},
		"ひらがな":                   {5},
		"ﾃｽﾄ":                    {5},
		"안녕":                     {6},
		"여러분":                    {6},
		"café":                   {8, 7},
		"fullwidth":              {7},
		"viii":                   {7},
		"snake":                  {8},
		"don't":                  {8},
		"iphone手机":               {9},
		`"手机很"`:                  {9},
		`"机很好"`:                  {9},
		"手机很好":                   {9},
		"foo":                    {10},
		"title:quick":            {10},
		"-bar":                   {10},
		"*":                      {},
		"":                       {},
		`""`:                     {},
		"xxxx":                   {},
		"broken":                 {12},
		strings.Repeat("x", 200): {11},
	} {
		if got := at(t, x, Query{Text: query}); !reflect.DeepEqual(got, want) {
			t.Errorf("query %q finds %v, want %v (words %q)", query, got, want, pieces(query))
		}
	}
}

func TestFilters(t *testing.T) {
	x := fresh(t)
	apply(t, x, Batch{Put: append(say(garden, "alice@n", "tea", "tea"), say(kitchen, "bob@n", "tea", "tea", "tea")...)})
	for _, c := range []struct {
		q    Query
		hits int
	}{
		{Query{Rooms: []room.ID{garden}}, 2},
		{Query{Rooms: []room.ID{kitchen}}, 3},
		{Query{Rooms: []room.ID{garden, kitchen}}, 5},
		{Query{Rooms: []room.ID{}}, 0},
		{Query{Rooms: []room.ID{sha256.Sum256(nil)}}, 0},
		{Query{Author: "alice@n"}, 2},
		{Query{Author: "alice@n", Rooms: []room.ID{kitchen}}, 0},
		{Query{Author: "alice"}, 0},
	} {
		c.q.Text = "tea"
		if got := at(t, x, c.q); len(got) != c.hits {
			t.Errorf("%+v: %d hits, want %d", c.q, len(got), c.hits)
		}
	}
}

func TestPagesNewestFirst(t *testing.T) {
	x := fresh(t)
	texts := make([]string, 950)
	for i := range texts {
		texts[i] = fmt.Sprint("word ", i)
	}
	docs := say(garden, "alice@n", texts...)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
	for len(docs) > 0 {
		n := min(100, len(docs))
		apply(t, x, Batch{Put: docs[:n]})
		docs = docs[n:]
	}
	next := uint64(950)
	for offset := 0; next > 0; offset += 100 {
		page := at(t, x, Query{Text: "word", Offset: offset})
		for _, pos := range page {
			if pos != next {
				t.Fatalf("at offset %d: position %d, want %d", offset, pos, next)
			}
			next--
		}
		if len(page) == 0 {
			t.Fatalf("pages end with %d to come", next)
		}
	}
	f, err := x.Query(context.Background(), Query{Text: "word", Rooms: []room.ID{garden}, Limit: 1})
	if err != nil || f.Total != 950 || len(f.Hits) != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
}

func TestEditsAndDeletes(t *testing.T) {
	x := fresh(t)
	docs := say(garden, "alice@n", "apple", "pear")
	apply(t, x, Batch{Put: docs})
	docs[0].Text = "plum"
	apply(t, x, Batch{Put: docs[:1], Delete: []Ref{docs[1].Ref, {kitchen, 77}}})
	for query, want := range map[string]int{"apple": 0, "plum": 1, "pear": 0} {
		if got := at(t, x, Query{Text: query}); len(got) != want {
			t.Errorf("%q: %d hits, want %d", query, len(got), want)
		}
	}
}

func TestCursorsComeBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "search")
	x, rebuilt := open(t, dir)
	if rebuilt {
		t.Fatal("a new index says it was rebuilt")
	}
	apply(t, x, Batch{Put: say(garden, "alice@n", "one"), Cursors: map[room.ID]uint64{garden: 1}})
	apply(t, x, Batch{Cursors: map[room.ID]uint64{garden: 9, kitchen: 3}})
	x.Close()
	x, rebuilt = open(t, dir)
	defer x.Close()
	if rebuilt {
		t.Fatal("a sound index was rebuilt")
	}
	for r, want := range map[room.ID]uint64{garden: 9, kitchen: 3, room.ID(sha256.Sum256(nil)): 0} {
		if got, err := x.Cursor(r); err != nil || got != want {
			t.Errorf("cursor %d, %v, want %d", got, err, want)
		}
	}
	if got := at(t, x, Query{Text: "one"}); len(got) != 1 {
		t.Errorf("hits after reopening: %v", got)
	}
}

// Reliability test 3 for the index: damage anywhere in it is noticed, or does no harm; nothing panics or
// faults, and no cursor is without the documents before it.
func TestDamagedIndexIsRebuilt(t *testing.T) {
	pristine := filepath.Join(t.TempDir(), "search")
	x, _ := open(t, pristine)
	for i := range 5 {
		apply(t, x, Batch{Put: say(garden, "alice@n", fmt.Sprint("word ", i), "word"), Cursors: map[room.ID]uint64{garden: 2}})
	}
	x.Close()
	rng := rand.New(rand.NewPCG(3, 4))
	rebuilds := 0
	for seed := range 40 {
		dir := filepath.Join(t.TempDir(), "search")
		if err := os.CopyFS(dir, os.DirFS(pristine)); err != nil {
			t.Fatal(err)
		}
		what, checked := damage(t, dir, rng)
		x, rebuilt := open(t, dir)
		cursor, err := x.Cursor(garden)
		if err != nil {
			t.Fatal(err)
		}
		hits := at(t, x, Query{Text: "word"})
		if rebuilt {
			rebuilds++
		}
		if checked && (rebuilt != (cursor == 0) || len(hits) != int(cursor)) {
			t.Errorf("seed %d, %s: rebuilt %v, cursor %d, hits %v", seed, what, rebuilt, cursor, hits)
		}
		apply(t, x, Batch{Put: say(kitchen, "alice@n", "later")})
		if got := at(t, x, Query{Text: "later"}); len(got) != 1 {
			t.Errorf("seed %d, %s: not usable afterwards", seed, what)
		}
		x.Close()
	}
	if rebuilds == 0 {
		t.Error("no damage was noticed")
	}
}

// damage flips a bit in a segment, cuts or removes any file, or flips a bit in the list of segments,
// which is not checked against a checksum.
func damage(t *testing.T, dir string, rng *rand.Rand) (what string, checked bool) {
	segments, _ := filepath.Glob(filepath.Join(dir, "store", "*.zap"))
	list := filepath.Join(dir, "store", "root.bolt")
	all := append(segments, list, filepath.Join(dir, "index_meta.json"))
	kind := rng.IntN(4)
	path := all[rng.IntN(len(all))]
	switch kind {
	case 0:
		path = segments[rng.IntN(len(segments))]
	case 3:
		path = list
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := rng.IntN(len(b))
	switch kind {
	case 0, 3:
		b[at] ^= 1 << rng.IntN(8)
		err = os.WriteFile(path, b, 0o600)
	case 1:
		err = os.WriteFile(path, b[:at], 0o600)
	case 2:
		err = os.Remove(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint([]string{"flip ", "cut ", "remove ", "flip "}[kind], filepath.Base(path), " ", at), kind != 3
}

// An index that somebody else has open is not damaged.
func TestOpenTwice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "search")
	x, _ := open(t, dir)
	defer x.Close()
	apply(t, x, Batch{Put: say(garden, "alice@n", "mine")})
	if _, _, err := Open(dir, slog.New(slog.DiscardHandler)); err == nil {
		t.Fatal("opened twice")
	}
	if got := at(t, x, Query{Text: "mine"}); len(got) != 1 {
		t.Error("the second took it away from the first")
	}
}

// A disk that refuses writes (here: the folder is gone) makes Apply fail, costs no core, and is forgotten
// once it works again. Reliability test 23.
func TestDiskRefusesWrites(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "search")
	x, _ := open(t, dir)
	apply(t, x, Batch{Put: say(garden, "alice@n", "before")})
	store := filepath.Join(dir, "store")
	if err := os.Rename(store, store+".away"); err != nil {
		t.Fatal(err)
	}
	batch := Batch{Put: say(kitchen, "alice@n", "after"), Cursors: map[room.ID]uint64{kitchen: 1}}
	for range 2 {
		if err := x.Apply(batch); err == nil {
			t.Fatal("acknowledged what is not on disk")
		}
	}
	if got := at(t, x, Query{Text: "before"}); len(got) != 1 {
		t.Error("no answers meanwhile")
	}
	if n := x.bleve.StatsMap()["index"].(map[string]any)["TotPersistLoopErr"].(uint64); n > 4 {
		t.Errorf("tried %d times", n)
	}
	if err := os.Rename(store+".away", store); err != nil {
		t.Fatal(err)
	}
	apply(t, x, batch)
	x.Close()
	x, rebuilt := open(t, dir)
	defer x.Close()
	if got := at(t, x, Query{Text: "after"}); rebuilt || len(got) != 1 {
		t.Errorf("rebuilt %v, hits %v", rebuilt, got)
	}
}

func TestRefusals(t *testing.T) {
	x := fresh(t)
	for _, q := range []Query{
		{Text: strings.Repeat("a", MaxQuery+1)},
		{Text: strings.Repeat("a ", MaxTerms+1)},
		{Text: "a", Limit: MaxLimit + 1},
		{Text: "a", Limit: -1},
		{Text: "a", Offset: MaxOffset + 1},
		{Text: "a", Offset: -1},
	} {
		q.Rooms = []room.ID{garden}
		if _, err := x.Query(context.Background(), q); room.CodeOf(err) != room.BadRequest {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if err := x.Apply(Batch{Put: make([]Doc, MaxBatch+1)}); err == nil {
		t.Error("a batch over the bound was applied")
	}
}

func FuzzQuery(f *testing.F) {
	x := fresh(f)
	apply(f, x, Batch{Put: say(garden, "alice@n", "the quick brown fox", "我们去公园")})
	for _, s := range []string{`"a b" c`, "公园 ", "\"", "“”", "\xff", "a:b~2^3 (c*) /d/", "ﷺ", "가나다"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := x.Query(context.Background(), Query{Text: text, Rooms: []room.ID{garden}})
		if err != nil && room.CodeOf(err) != room.BadRequest {
			t.Fatalf("%q: %v", text, err)
		}
		if len(got.Hits) > 2 {
			t.Fatalf("%q: %d hits of 2 messages", text, len(got.Hits))
		}
	})
}

// A message is found by any run of its own characters that is a word or a part of a CJK run.
func FuzzFindsItself(f *testing.F) {
	x := fresh(f)
	for _, s := range []string{"hello world", "我们去公园 hello", "don't node.example", "カナ漢字ひら", "가나 다라a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len([]rune(text)) > MaxQuery || strings.ContainsAny(text, quotes) {
			return
		}
		apply(t, x, Batch{Put: say(garden, "alice@n", text)})
		if len(x.terms(text)) == 0 || len(x.terms(text)) > MaxTerms {
			return
		}
		if got := at(t, x, Query{Text: text}); len(got) != 1 {
			t.Fatalf("%q does not find itself: words %q", text, x.words.phrase(text))
		}
		if got := at(t, x, Query{Text: `"` + text + `"`}); len(got) != 1 {
			t.Fatalf("%q does not find itself as a phrase: words %q", text, x.words.phrase(text))
		}
	})
}

// TestMostWords: of a message that becomes more words than any has, the first are found, and bleve's
// share of memory stays small, whatever the characters become when they are composed.
func TestMostWords(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	random := func() string {
		var b strings.Builder
		for b.Len() < room.MaxText-8 {
			b.WriteRune(rune(0x4e00 + rng.IntN(20_000)))
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"characters": random(), "letters": strings.Repeat("a ", room.MaxText/2), "long when composed": strings.Repeat("\ufdfa", room.MaxText/3),
		"many when composed": strings.Repeat("\u3316", room.MaxText/3), "one word": strings.Repeat("w", room.MaxText),
	} {
		if n := len(newAnalyser().Analyze([]byte(text))); n > maxWords {
			t.Errorf("%s: %d words", name, n)
		}
		var x *Index
		least := uint64(math.MaxUint64) // of a few tries: what else runs in this process is counted with it
		for range 4 {
			var before, after runtime.MemStats
			x = fresh(t)
			runtime.ReadMemStats(&before)
			apply(t, x, Batch{Put: []Doc{{Ref: Ref{garden, 1}, Text: "needle " + text}}})
			runtime.ReadMemStats(&after)
			if least = min(least, (after.TotalAlloc-before.TotalAlloc)>>20); least <= 48 {
				break
			}
		}
		if least > 48 {
			t.Errorf("%s: one message of 64 KB took %d MB to index", name, least)
		}
		if got, err := x.Query(t.Context(), Query{Text: "needle", Rooms: []room.ID{garden}}); err != nil || got.Total != 1 {
			t.Errorf("%s: its first word finds %v, %v", name, got, err)
		}
	}
}

// TestFull: a batch ends where it has enough, and one message is always enough.
func TestFull(t *testing.T) {
	var b Batch
	for n := 1; n <= MaxBatch; n++ {
		b.Put = append(b.Put, Doc{Text: strings.Repeat("x", 45)})
		if b.Full() {
			if n < 100 {
				t.Errorf("%d short messages are a batch", n)
			}
			break
		}
	}
	if long := (&Batch{Put: []Doc{{Text: strings.Repeat("x", room.MaxText)}}}); !b.Full() || !long.Full() {
		t.Error("a batch has no end")
	}
}
