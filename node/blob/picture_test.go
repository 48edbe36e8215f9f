package blob

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"runtime"
	"syscall"
	"testing"
	"time"

	"hearth/node/room"
)

// quarters is a picture with a colour of its own in each quarter, so that a turn can be seen.
func quarters(w, h int, alpha uint8) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	colours := []color.NRGBA{{255, 0, 0, alpha}, {0, 255, 0, alpha}, {0, 0, 255, alpha}, {255, 255, 0, alpha}}
	for y := range h {
		for x := range w {
			if y == 0 || y == (h+1)/2 {
				img.SetNRGBA(x, y, colours[x*2/w+y*2/h*2])
			}
		}
		if y > 0 && y != (h+1)/2 {
			copy(img.Pix[y*img.Stride:(y+1)*img.Stride], img.Pix[(y-1)*img.Stride:])
		}
	}
	return img
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pngHeader is a PNG that claims a size and holds nothing.
func pngHeader(w, h uint32, depth, kind, interlace byte) []byte {
	b := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	ihdr := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)...)
	ihdr = append(ihdr, depth, kind, 0, 0, interlace)
	b = append(b, ihdr...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(ihdr))
}

// gifOf repeats one frame of 1 x 1.
func gifOf(frames int) []byte {
	b := append([]byte("GIF89a"), 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255)
	for range frames {
		b = append(b, 0x21, 0xf9, 4, 0, 1, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0)
	}
	return append(b, 0x3b)
}

// withExif puts an orientation into a JPEG, in either byte order.
func withExif(raw []byte, turn uint16, order binary.AppendByteOrder, mark string) []byte {
	tiff := order.AppendUint32(order.AppendUint16([]byte(mark), 42), 8)
	tiff = order.AppendUint16(tiff, 2)
	tiff = append(order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, 0x0100), 4), 1), 0, 0, 0, 9)
	tiff = order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, 0x0112), 3), 1)
	tiff = append(order.AppendUint16(tiff, turn), 0, 0, 0, 0, 0, 0)
	body := append([]byte("Exif\x00\x00"), tiff...)
	body = append(body, "GPS: the author's home"...)
	segment := append([]byte{0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(body)+2))...)
	return append(append(append([]byte{}, raw[:2]...), append(segment, body...)...), raw[2:]...)
}

func squareOf(t testing.TB, raw []byte) (image.Image, []byte, string) {
	t.Helper()
	p, err := inspect(raw)
	if err != nil {
		t.Fatal(err)
	}
	data, mime, err := p.square()
	if err != nil {
		t.Fatal(err)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img, data, mime
}

// A lossless WebP of one pixel (RFC 9649's example shape) as browsers write it.
var webpPixel = []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00")

func TestAvatarsAreSquareAndSmall(t *testing.T) {
	for name, c := range map[string]struct {
		raw  []byte
		side int
		mime string
	}{
		"opaque png":      {asPNG(t, quarters(300, 280, 255)), 256, "image/jpeg"},
		"transparent png": {asPNG(t, quarters(300, 280, 128)), 256, "image/png"},
		"small png":       {asPNG(t, quarters(40, 60, 255)), 40, "image/jpeg"},
		"jpeg":            {asJPEG(t, quarters(300, 900, 255)), 256, "image/jpeg"},
		"gif":             {gifOf(maxFrames), 1, "image/jpeg"},
		"webp":            {webpPixel, 1, "image/png"},
		"16 bit png":      {asPNG(t, image.NewNRGBA64(image.Rect(0, 0, 300, 300))), 256, "image/png"},
	} {
		t.Run(name, func(t *testing.T) {
			img, _, mime := squareOf(t, c.raw)
			if got := img.Bounds().Size(); got != image.Pt(c.side, c.side) || mime != c.mime {
				t.Errorf("%v %s, want %d %s", got, mime, c.side, c.mime)
			}
		})
	}
}

func TestNothingOfTheFileIsKept(t *testing.T) {
	raw := withExif(asJPEG(t, quarters(300, 300, 255)), 1, binary.BigEndian, "MM")
	if !bytes.Contains(raw, []byte("GPS")) {
		t.Fatal("the test's own file has no Exif")
	}
	_, data, _ := squareOf(t, append(raw, "<script>trailing"...))
	for _, s := range []string{"Exif", "GPS", "script"} {
		if bytes.Contains(data, []byte(s)) {
			t.Errorf("the avatar still holds %q", s)
		}
	}
}

// The corners of the upright picture, clockwise from the top left, for each orientation of Exif 2.32
// (table 6 of 4.6.4), when the file's own corners are red, green, yellow, blue.
func TestOrientation(t *testing.T) {
	want := map[uint16]string{1: "rgyb", 2: "grby", 3: "ybrg", 4: "bygr", 5: "rbyg", 6: "brgy", 7: "ygrb", 8: "gybr"}
	for turn, corners := range want {
		for mark, order := range map[string]binary.AppendByteOrder{"MM": binary.BigEndian, "II": binary.LittleEndian} {
			raw := withExif(asJPEG(t, quarters(64, 64, 255)), turn, order, mark)
			img, _, _ := squareOf(t, raw)
			if got := cornersOf(img); got != corners {
				t.Errorf("orientation %d %s: corners %s, want %s", turn, mark, got, corners)
			}
		}
	}
}

func cornersOf(img image.Image) string {
	n := img.Bounds().Dx() - 1
	out := ""
	for _, p := range []image.Point{{9, 9}, {n - 9, 9}, {n - 9, n - 9}, {9, n - 9}} {
		r, g, b, _ := img.At(p.X, p.Y).RGBA()
		switch {
		case r > 0x8000 && g > 0x8000:
			out += "y"
		case r > 0x8000:
			out += "r"
		case g > 0x8000:
			out += "g"
		case b > 0x8000:
			out += "b"
		}
	}
	return out
}

// Reliability test 14, pictures: refused for what the header claims, before anything is decoded.
func TestBombs(t *testing.T) {
	jpegClaiming := asJPEG(t, quarters(8, 8, 255))
	sof := bytes.Index(jpegClaiming, []byte{0xff, 0xc0})
	copy(jpegClaiming[sof+5:], []byte{0xff, 0xff, 0xff, 0xff})
	for name, c := range map[string]struct {
		raw  []byte
		code room.Code
	}{
		"16k x 16k png":           {pngHeader(16_000, 16_000, 8, 6, 0), room.TooLarge},
		"2^31 png":                {pngHeader(1<<31-1, 1<<31-1, 8, 6, 0), room.BadRequest},
		"2^32 png":                {pngHeader(1<<32-1, 1<<32-1, 8, 6, 0), room.BadRequest},
		"long thin png":           {pngHeader(30_000, 1_000, 1, 0, 0), room.TooLarge},
		"deep png under 40 Mpx":   {pngHeader(6_000, 6_000, 16, 6, 0), room.TooLarge},
		"interlaced png":          {pngHeader(6_300, 6_300, 8, 6, 1), room.TooLarge},
		"10,000-frame gif":        {gifOf(10_000), room.TooLarge},
		"64k x 64k jpeg":          {jpegClaiming, room.TooLarge},
		"gif, no frame":           {gifOf(0)[:13], room.BadRequest},
		"svg":                     {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), room.BadRequest},
		"html":                    {[]byte("<!doctype html>"), room.BadRequest},
		"bmp":                     {[]byte("BM\x00\x00\x00\x00"), room.BadRequest},
		"empty":                   {nil, room.BadRequest},
		"png signature alone":     {[]byte("\x89PNG\r\n\x1a\n"), room.BadRequest},
		"gif that never ends":     {append(gifOf(1)[:30], bytes.Repeat([]byte{255}, 1<<20)...), ""},
		"jpeg of segments only":   {append([]byte{0xff, 0xd8}, bytes.Repeat([]byte{0xff, 0xe0, 0, 2}, 1<<18)...), room.BadRequest},
		"webp with absurd canvas": {append([]byte("RIFF\xff\xff\xff\xffWEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00"), 255, 255, 255, 255, 255, 255), room.BadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			var cpu time.Duration
			var mem uint64
			for range 5 { // the least of them: what else the process does is counted with it
				cpu, mem = spent(func() {
					_, err := inspect(c.raw)
					if room.CodeOf(err) != c.code {
						t.Errorf("code %q, want %q: %v", room.CodeOf(err), c.code, err)
					}
				})
				if cpu <= 100*time.Millisecond && mem <= 32<<20 {
					return
				}
			}
			t.Errorf("took %v CPU and %d bytes, bounds 100ms and 32 MiB", cpu, mem)
		})
	}
}

// spent measures what f costs the process: an upper bound of what it costs itself.
func spent(f func()) (cpu time.Duration, allocated uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuTime()
	f()
	cpu = cpuTime() - start
	runtime.ReadMemStats(&after)
	return cpu, after.TotalAlloc - before.TotalAlloc
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The estimate of a decode's memory must not be below what it takes, or the bound on all decoders is none.
func TestCostCoversTheDecode(t *testing.T) {
	for name, raw := range map[string][]byte{
		"png":        asPNG(t, quarters(700, 700, 255)),
		"png alpha":  asPNG(t, quarters(700, 700, 9)),
		"png 16 bit": asPNG(t, image.NewNRGBA64(image.Rect(0, 0, 700, 700))),
		"png grey":   asPNG(t, image.NewGray(image.Rect(0, 0, 700, 700))),
		"jpeg":       asJPEG(t, quarters(700, 700, 255)),
		"gif":        asGIF(t, 700),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := inspect(raw)
			if err != nil {
				t.Fatal(err)
			}
			_, took := spent(func() { p.decode(raw) })
			const fixed = 256 << 10 // readers, tables, the inflater's window
			if int64(took) > p.cost+fixed {
				t.Errorf("decoding took %d bytes, estimated %d", took, p.cost)
			}
		})
	}
}

func asGIF(t testing.TB, side int) []byte {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.Black, color.White})
	var b bytes.Buffer
	if err := gif.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func FuzzPicture(f *testing.F) {
	f.Add(asPNG(f, quarters(8, 8, 100)))
	f.Add(withExif(asJPEG(f, quarters(8, 8, 255)), 6, binary.LittleEndian, "II"))
	f.Add(gifOf(3))
	f.Add(webpPixel)
	f.Add(pngHeader(16_000, 16_000, 8, 6, 0))
	f.Fuzz(func(t *testing.T, raw []byte) {
		orientation(raw)
		if n := countFrames(raw); n < 0 || n > maxFrames+1 {
			t.Fatalf("%d frames", n)
		}
		p, err := inspect(raw)
		if err != nil {
			if room.CodeOf(err) == room.Internal {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if p.cost > 4<<20 {
			return // sound, but slow to fuzz
		}
		data, _, err := p.square()
		if err != nil && room.CodeOf(err) == room.Internal {
			t.Fatalf("not a refusal: %v", err)
		}
		if err == nil && len(data) == 0 {
			t.Fatal("an empty avatar")
		}
	})
}
