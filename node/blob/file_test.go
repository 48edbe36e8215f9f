package blob

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"os"
	"strings"
	"testing"

	"hearth/node/room"
)

func putFile(t testing.TB, s *Store, owner room.User, name string, raw []byte) room.Hash {
	t.Helper()
	f, err := s.PutFile(ctx, owner, name, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	id, err := room.ParseHash(f.GetBlob())
	if err != nil || f.GetSize() == 0 {
		t.Fatalf("%v, %v", f, err)
	}
	return id
}

func whole(t testing.TB, s *Store, id room.Hash) []byte {
	t.Helper()
	f, _, err := s.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil || room.Hash(sha256.Sum256(b)) != id {
		t.Fatalf("read %d bytes of another hash (%v)", len(b), err)
	}
	return b
}

func TestFiles(t *testing.T) {
	s := fresh(t, Limits{FileBytes: 3 << 20})
	for name, c := range map[string]struct {
		raw  []byte
		kind string
	}{
		"notes.txt":  {[]byte("water the beans"), "text/plain"},
		"page.html":  {[]byte("<!DOCTYPE html><script>alert(1)</script>"), "text/html"},
		"zeros":      {make([]byte, 3<<20), octets},
		"cat.png":    {asPNG(t, quarters(30, 20, 255)), "image/png"},
		"bomb.png":   {pngHeader(16_000, 16_000, 8, 6, 0), octets},
		"not.png":    {[]byte("\x89PNG\r\n\x1a\nrubbish"), octets},
		"trick.jpeg": {[]byte("%PDF-1.7 hello"), "application/pdf"},
	} {
		f, err := s.PutFile(ctx, alice, name, bytes.NewReader(c.raw))
		if err != nil || f.GetType() != c.kind || f.GetName() != name || f.GetSize() != uint64(len(c.raw)) {
			t.Errorf("%s: %v, %v", name, f, err)
			continue
		}
		id, _ := room.ParseHash(f.GetBlob())
		if !bytes.Equal(whole(t, s, id), c.raw) {
			t.Errorf("%s came back otherwise", name)
		}
	}
	if left := filesIn(t, s.dir); len(left) != 7 {
		t.Errorf("files %v", left)
	}
}

func TestFileRefusals(t *testing.T) {
	s := fresh(t, Limits{FileBytes: 1 << 20, UserBytes: 1 << 20})
	for what, c := range map[string]struct {
		name string
		r    io.Reader
		want room.Code
	}{
		"empty":      {"x", strings.NewReader(""), room.BadRequest},
		"too large":  {"x", io.LimitReader(zeros{}, 1<<20+1), room.TooLarge},
		"endless":    {"x", zeros{}, room.TooLarge},
		"odd name":   {"a\nb", strings.NewReader("x"), room.BadRequest},
		"turned":     {"gpj.\u202eexe", strings.NewReader("x"), room.BadRequest},
		"quota":      {"x", io.LimitReader(zeros{}, 1<<20), ""},
		"over quota": {"x", strings.NewReader("one more"), room.Limited},
	} {
		if what == "over quota" || what == "quota" {
			continue
		}
		if _, err := s.PutFile(ctx, alice, c.name, c.r); room.CodeOf(err) != c.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	putFile(t, s, alice, "all of it", make([]byte, 1<<20))
	if _, err := s.PutFile(ctx, alice, "x", strings.NewReader("one more")); room.CodeOf(err) != room.Limited {
		t.Errorf("over the quota: %v", err)
	}
	if left := filesIn(t, s.dir); len(left) != 1 {
		t.Errorf("refused files stay: %v", left)
	}
}

// A picture tells nobody where its taker lives, and still stands upright.
func TestPicturesLoseWhatTheyTell(t *testing.T) {
	s := fresh(t, Limits{})
	plain := asJPEG(t, quarters(40, 20, 255))
	told := withExif(plain, 6, binary.LittleEndian, "II")
	told = append(append(append([]byte{}, told[:2]...), "\xff\xe1\x00\x16http://ns.adobe.com/"...), told[2:]...)
	f, err := s.PutFile(ctx, alice, "cat.jpg", bytes.NewReader(told))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := room.ParseHash(f.GetBlob())
	raw := whole(t, s, id)
	if bytes.Contains(raw, []byte("adobe")) || len(raw) > len(plain)+40 {
		t.Errorf("%d bytes are left of %d; the bare picture has %d", len(raw), len(told), len(plain))
	}
	if orientation(raw) != 6 || f.GetWidth() != 20 || f.GetHeight() != 40 {
		t.Errorf("turned %d, %d x %d", orientation(raw), f.GetWidth(), f.GetHeight())
	}
	if _, _, err := image.Decode(bytes.NewReader(raw)); err != nil {
		t.Error(err)
	}

	png := asPNG(t, quarters(8, 8, 255))
	secret := "tEXtAuthor\x00Alice of Elm Street 5"
	chunk := append(binary.BigEndian.AppendUint32(nil, uint32(len(secret)-4)), secret+"crc?"...)
	end := len(png) - 12
	told = append(append(append([]byte{}, png[:end]...), chunk...), png[end:]...)
	if got := whole(t, s, putFile(t, s, alice, "x.png", told)); !bytes.Equal(got, png) {
		t.Errorf("a PNG of %d bytes became %d; without its text it has %d", len(told), len(got), len(png))
	}

	exif := append(append([]byte{}, webpPixel...), "EXIF\x04\x00\x00\x00home"...)
	binary.LittleEndian.PutUint32(exif[4:], uint32(len(exif)-8))
	if got := stripWebP(exif); !bytes.Equal(got, webpPixel) {
		t.Errorf("%q", got)
	}
}

func TestForeignFiles(t *testing.T) {
	s := fresh(t, Limits{ForeignBytes: 2500})
	var ids []room.Hash
	for i := range 3 {
		data := bytes.Repeat([]byte{byte('a' + i)}, 1000)
		ids = append(ids, sha256.Sum256(data))
		if err := s.PutForeign(ids[i], true, bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Open(ids[0]); room.CodeOf(err) != room.NotFound {
		t.Errorf("the oldest did not make way: %v", err)
	}
	if m := whole(t, s, ids[2]); m[0] != 'c' {
		t.Error("the newest is another")
	}
	if err := s.PutForeign(room.Hash{1}, true, strings.NewReader("something else")); !errors.Is(err, ErrOther) {
		t.Errorf("another file was taken: %v", err)
	}
	// A picture is not touched: its name is the hash of all of it.
	told := withExif(asJPEG(t, quarters(8, 8, 255)), 6, binary.LittleEndian, "II")
	if err := s.PutForeign(sha256.Sum256(told), false, bytes.NewReader(told)); err != nil {
		t.Error(err)
	}
}

func TestRemove(t *testing.T) {
	s := fresh(t, Limits{UserBytes: 1000})
	id := putFile(t, s, alice, "x", make([]byte, 900))
	for range 2 {
		if err := s.Remove(id); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Open(id); room.CodeOf(err) != room.NotFound {
		t.Error(err)
	}
	if _, err := os.Stat(s.path(id)); !os.IsNotExist(err) {
		t.Error(err)
	}
	putFile(t, s, alice, "y", make([]byte, 800)) // the quota is free again
}

func FuzzStrip(f *testing.F) {
	f.Add(withExif(asJPEG(f, quarters(8, 8, 255)), 6, binary.LittleEndian, "II"))
	f.Add(asPNG(f, quarters(8, 8, 255)))
	f.Add(webpPixel)
	f.Fuzz(func(t *testing.T, raw []byte) {
		kind := pictureType(raw)
		if kind == "" {
			return
		}
		if out := strip(kind, raw); len(out) > len(raw)+40 {
			t.Fatalf("%d bytes became %d", len(raw), len(out))
		}
	})
}
