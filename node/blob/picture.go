package blob

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"hearth/node/room"
)

// Bounds of a picture that somebody uploads.
const (
	maxPixels = 40_000_000
	maxSide   = 20_000
	maxFrames = 500
	maxDecode = 224 << 20 // bytes of memory that all decoders together may take
	avatar    = 256       // pixels a side
)

// format is a kind of picture that is let in. There is no other way in: image.RegisterFormat is
// process-wide, any import could add to it.
type format struct {
	magic  string // "?" matches any byte
	mime   string
	config func([]byte) (image.Config, error)
	decode func([]byte) (image.Image, error)
	cost   func([]byte, image.Config) int64 // bytes of memory that decode takes
	frames func([]byte) int
}

// formats, asked in this order.
func formats() []format {
	one := func([]byte) int { return 1 }
	return []format{
		{"\x89PNG\r\n\x1a\n", "image/png", reading(png.DecodeConfig), reading(png.Decode), costPNG, one},
		{"\xff\xd8\xff", "image/jpeg", reading(jpeg.DecodeConfig), reading(jpeg.Decode), costJPEG, one},
		{"GIF8?a", "image/gif", reading(gif.DecodeConfig), reading(gif.Decode), costPlain, countFrames},
		{"RIFF????WEBPVP8", "image/webp", reading(webp.DecodeConfig), reading(webp.Decode), costWebP, one},
	}
}

// picture is an uploaded file whose header was found acceptable. Nothing of it is decoded yet.
type picture struct {
	format
	raw           []byte
	cost          int64
	width, height int // as it is shown, upright
}

// inspect reads the header only: its work does not depend on the size that the header claims.
func inspect(raw []byte) (picture, error) {
	for _, f := range formats() {
		if matches(raw, f.magic) {
			return f.inspect(raw)
		}
	}
	return picture{}, room.Errorf(room.BadRequest, "That is not a PNG, JPEG, GIF or WebP picture.")
}

// pictureType is the kind of picture that begins so; "" when it is none that is let in.
func pictureType(head []byte) string {
	for _, f := range formats() {
		if matches(head, f.magic) {
			return f.mime
		}
	}
	return ""
}

func matches(raw []byte, magic string) bool {
	if len(raw) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != raw[i] {
			return false
		}
	}
	return true
}

func (f format) inspect(raw []byte) (picture, error) {
	c, err := f.config(raw)
	if err != nil {
		return picture{}, broken(err)
	}
	if c.Width < 1 || c.Height < 1 {
		return picture{}, room.Errorf(room.BadRequest, "That picture is empty.")
	}
	if c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > maxPixels {
		return picture{}, room.Errorf(room.TooLarge, "That picture has %d x %d pixels; at most %d million are accepted.", c.Width, c.Height, maxPixels/1_000_000)
	}
	if f.frames(raw) > maxFrames {
		return picture{}, room.Errorf(room.TooLarge, "That animation has more than %d frames.", maxFrames)
	}
	cost := f.cost(raw, c) + scratch(min(c.Width, c.Height))
	if cost > maxDecode {
		return picture{}, room.Errorf(room.TooLarge, "That picture has %d x %d pixels, too many for its kind: make it smaller.", c.Width, c.Height)
	}
	if orientation(raw) >= 5 { // lies on its side
		c.Width, c.Height = c.Height, c.Width
	}
	return picture{f, raw, cost, c.Width, c.Height}, nil
}

// square decodes the picture and makes it an avatar: upright, cut to its middle square, at most 256
// pixels a side, without whatever else the file carried. Of an animation it takes the first frame.
func (p picture) square() (data []byte, mime string, err error) {
	img, err := p.decode(p.raw)
	if err != nil {
		return nil, "", broken(err)
	}
	return encode(upright(shrink(img), orientation(p.raw)))
}

func shrink(img image.Image) *image.NRGBA {
	b := img.Bounds()
	side := min(b.Dx(), b.Dy())
	middle := image.Rect(0, 0, side, side).Add(b.Min).Add(image.Pt((b.Dx()-side)/2, (b.Dy()-side)/2))
	out := image.NewNRGBA(image.Rect(0, 0, min(side, avatar), min(side, avatar)))
	draw.CatmullRom.Scale(out, out.Bounds(), img, middle, draw.Src, nil)
	return out
}

// scratch is the memory that shrinking takes: x/image/draw keeps four float64 for each column of the
// result and row of the source.
func scratch(side int) int64 { return 4 * 8 * avatar * int64(side) }

// encode writes JPEG where there is no transparency, PNG otherwise.
func encode(img *image.NRGBA) ([]byte, string, error) {
	var out bytes.Buffer
	mime, err := "image/jpeg", error(nil)
	if img.Opaque() {
		err = jpeg.Encode(&out, img, &jpeg.Options{Quality: 88})
	} else {
		mime, err = "image/png", png.Encode(&out, img)
	}
	if err != nil {
		return nil, "", fmt.Errorf("encode avatar: %w", err)
	}
	return out.Bytes(), mime, nil
}

// reading makes a decoder of bytes of a decoder of a stream. These decoders read what strangers made:
// should one of them panic, the file is broken, and the node is not.
func reading[T any](decode func(io.Reader) (T, error)) func([]byte) (T, error) {
	return func(raw []byte) (out T, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("decoder panicked: %v", p)
			}
		}()
		return decode(bytes.NewReader(raw))
	}
}

func broken(err error) error {
	return room.Errorf(room.BadRequest, "That picture cannot be read: %v.", err)
}

// costPlain is the memory of the pixels as the decoder will hold them.
func costPlain(_ []byte, c image.Config) int64 {
	return int64(c.Width) * int64(c.Height) * depth(c.ColorModel)
}

// depth is bytes a pixel.
func depth(m color.Model) int64 {
	switch m {
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	case color.GrayModel, color.AlphaModel:
		return 1
	case color.Gray16Model, color.Alpha16Model:
		return 2
	}
	if _, ok := m.(color.Palette); ok {
		return 1
	}
	return 4
}

// costPNG: an interlaced one is decoded pass by pass, each into a picture of its own, the largest half
// the size of the whole.
func costPNG(raw []byte, c image.Config) int64 {
	cost := costPlain(raw, c)
	if len(raw) > 28 && raw[28] != 0 { // IHDR: signature 8, length 4, type 4, then 12 bytes before the interlace method
		cost += cost / 2
	}
	return cost
}

// costWebP: the lossless decoder holds the pixels twice.
func costWebP(raw []byte, c image.Config) int64 { return 2 * costPlain(raw, c) }
