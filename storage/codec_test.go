package storage

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// word draws what may be a name in a key: anything without a zero byte.
func word(t *rapid.T, label string) string {
	return strings.ReplaceAll(rapid.StringN(0, 20, 60).Draw(t, label), "\x00", "")
}

func hash(t *rapid.T, label string) room.Hash {
	return room.Hash(rapid.SliceOfN(rapid.Byte(), hashLen, hashLen).Draw(t, label))
}

// What a key is made of is what it is taken apart into.
func TestKeysRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, u := hash(t, "room"), word(t, "user")
		pos, inc := rapid.Uint64().Draw(t, "pos"), rapid.Uint32().Draw(t, "incarnation")
		c := cutKey(appendLog(nil, r, roompb.Log_LOG_STATE, u, inc, pos), spaceLog)
		if c.hash() != r || c.u8() != byte(roompb.Log_LOG_STATE) || c.word() != u || c.u32() != inc || c.u64() != pos || c.done() != nil {
			t.Fatal("log")
		}
		c = cutKey(appendMention(nil, r, room.User(u), pos), spaceMention)
		if c.hash() != r || c.word() != u || c.u64() != pos || c.done() != nil {
			t.Fatal("mention")
		}
		c = cutKey(append(appendUserRoom(nil, spaceKey, room.User(u), r), "key"...), spaceKey)
		if c.word() != u || c.hash() != r || c.tail() != "key" || c.done() != nil {
			t.Fatal("key")
		}
		p := place{room.Time(pos), u, pos + 1, roompb.Log_LOG_MESSAGES, inc}
		c = cutKey(appendPlace(appendRow(nil, r, room.EventID{}), p), spaceTimeline)
		if c.hash() != r || cutPlace(c) != p || c.done() != nil {
			t.Fatal("place")
		}
	})
}

// Keys of a timeline sort as the events do: by order, then origin, then seq.
func TestPlacesSortAsEventsDo(t *testing.T) {
	draw := func(t *rapid.T, label string) place {
		return place{
			order:  room.Time(rapid.Uint64Range(0, 3).Draw(t, label+" order")),
			origin: rapid.SampledFrom([]string{"a", "ab", "a.b", "b", "a-", "ä"}).Draw(t, label+" origin"),
			seq:    rapid.Uint64Range(1, 300).Draw(t, label+" seq"),
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		want := cmp.Or(cmp.Compare(a.order, b.order), strings.Compare(a.origin, b.origin), cmp.Compare(a.seq, b.seq))
		if got := bytes.Compare(appendPlace(nil, a), appendPlace(nil, b)); got != want {
			t.Fatalf("%v and %v compare as %d, want %d", a, b, got, want)
		}
	})
}

func TestSuccessorEndsAPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0xfe, 0xff}), 1, 5).Draw(t, "prefix")
		tail := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0xff}), 0, 5).Draw(t, "tail")
		end := successor(prefix)
		key := append(bytes.Clone(prefix), tail...)
		if end != nil && bytes.Compare(key, end) >= 0 {
			t.Fatalf("%x begins with %x and is not before %x", key, prefix, end)
		}
		if end != nil && bytes.HasPrefix(end, prefix) {
			t.Fatalf("%x is said to come after all that begin with %x", end, prefix)
		}
	})
}

func drawFrame(t *rapid.T) frame {
	f := frame{
		erased:  rapid.Bool().Draw(t, "erased"),
		void:    rapid.Bool().Draw(t, "void"),
		old:     rapid.Bool().Draw(t, "old"),
		counted: rapid.Uint64().Draw(t, "counted"),
		header:  rapid.SliceOf(rapid.Byte()).Draw(t, "header"),
	}
	if !f.erased {
		f.body = rapid.SliceOf(rapid.Byte()).Draw(t, "body")
	} else if rapid.Bool().Draw(t, "threaded") {
		f.thread = hash(t, "thread")
	}
	return f
}

func TestFramesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFrame(t)
		v := f.append(nil)
		if len(v) != f.size() {
			t.Fatalf("%d bytes, said to be %d", len(v), f.size())
		}
		got, err := parseFrame(v)
		if err != nil {
			t.Fatal(err)
		}
		if got.erased != f.erased || got.void != f.void || got.old != f.old || got.counted != f.counted || got.thread != f.thread ||
			!bytes.Equal(got.header, f.header) || !bytes.Equal(got.body, f.body) || (got.body == nil) != f.erased {
			t.Fatalf("%v came back as %v", f, got)
		}
	})
}

func TestMarksRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.Uint64()
		m := mark{word.Draw(t, "serial"), word.Draw(t, "log"), word.Draw(t, "seq"), word.Draw(t, "manifest"), word.Draw(t, "length"), rapid.Uint32().Draw(t, "sum")}
		file := bothSlots(m)
		// Any one damaged byte leaves the mark as it was.
		file[rapid.IntRange(0, len(file)-1).Draw(t, "at")] ^= rapid.ByteRange(1, 255).Draw(t, "by")
		if got, ok := parseTide(file); !ok || got != m {
			t.Fatalf("%v came back as %v, %v", m, got, ok)
		}
	})
}

// docs/storage.md has the key table as it is.
func TestDocsHaveTheKeyTable(t *testing.T) {
	doc, err := os.ReadFile("../docs/storage.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(.)` \\| (.*?) \\| (.*?) \\| (.*?) \\|$").FindAllStringSubmatch(string(doc), -1)
	if len(rows) != len(spaceTable) {
		t.Fatalf("docs/storage.md has %d rows, keys.go has %d", len(rows), len(spaceTable))
	}
	for i, row := range spaceTable {
		if got := rows[i]; got[1] != string(row.space) || got[2] != row.key || got[3] != cmp.Or(row.value, "nothing") || got[4] != row.what {
			t.Errorf("docs/storage.md says %q, keys.go %c %q %q %q", got[0], row.space, row.key, row.value, row.what)
		}
	}
}

// corrupt fails unless err is nil or says that what was stored is damaged.
func corrupt(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, ErrCorrupt) {
		t.Fatalf("not a clear error: %v", err)
	}
}

func FuzzRecord(f *testing.F) {
	w := newWorld(5, 1)
	w.plan(20)
	for _, a := range w.rooms[0].turns {
		for _, rec := range a.Records {
			f.Add(frameOf(&rec).append(nil))
			rec = rec.erased()
			f.Add(frameOf(&rec).append(nil))
		}
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		frame, err := parseFrame(v)
		corrupt(t, err)
		rec, err := decodeRecord(7, v)
		corrupt(t, err)
		if err == nil && (rec.Event.RawBody == nil) != frame.erased {
			t.Fatal("a body comes from nowhere")
		}
	})
}

func FuzzKey(f *testing.F) {
	r := room.ID{1}
	f.Add(appendLog(nil, r, roompb.Log_LOG_STATE, "n", 0, 1))
	f.Add(appendPlace(appendRow(nil, r, r), place{origin: "n"}))
	f.Add(appendMention(nil, r, "a@n", 9))
	f.Add(appendUserRoom(nil, spaceSetting, "a@n", r))
	f.Fuzz(func(t *testing.T, key []byte) {
		for _, row := range spaceTable {
			c := cutKey(key, row.space)
			_, _, _, _, _, _, _ = c.hash(), c.u8(), c.word(), c.u32(), c.u64(), cutPlace(c), c.tail()
			if c.done() == nil && len(key) < 1+hashLen {
				t.Fatalf("%x holds more than it has", key)
			}
		}
		_, err := posOfKey(key, spaceRecord)
		corrupt(t, err)
	})
}

func FuzzValues(f *testing.F) {
	f.Add(appendSpot(nil, room.ID{1}, 300))
	f.Add(appendPosValue(nil, 1<<40))
	f.Fuzz(func(t *testing.T, v []byte) {
		_, err := parsePosValue(v)
		corrupt(t, err)
		_, _, err = parseSpot(v)
		corrupt(t, err)
	})
}

func FuzzTide(f *testing.F) {
	f.Add(bothSlots(mark{1, 2, 3, 4, 5, 6}))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, ok := parseTide(file)
		if again, ok2 := parseTide(bothSlots(m)); ok && (!ok2 || again != m) {
			t.Fatalf("%v came back as %v", m, again)
		}
	})
}

func FuzzFormat(f *testing.F) {
	f.Add("hearth store 1\n")
	f.Add("hearth store 2\n")
	f.Fuzz(func(t *testing.T, line string) {
		if _, err := parseFormat(line); err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNewer) {
			t.Fatalf("not a clear error: %v", err)
		}
	})
}

func cutPlace(c *cut) place {
	return place{room.Time(c.u64()), c.word(), c.u64(), roompb.Log(c.u8()), c.u32()}
}
