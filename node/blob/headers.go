package blob

import (
	"encoding/binary"
	"image"
)

// countFrames walks the blocks of a GIF (GIF89a, appendix B) without decompressing them, and stops above
// maxFrames. What is not a GIF to the end counts up to where it breaks off.
func countFrames(raw []byte) (frames int) {
	at := 13 // signature and logical screen descriptor
	if len(raw) < at {
		return 0
	}
	at += colourTable(raw[10])
	for at < len(raw) && frames <= maxFrames {
		switch raw[at] {
		case 0x2c: // image descriptor: ten bytes, a table, one byte of code size
			if at+10 > len(raw) {
				return frames
			}
			frames++
			at = skipBlocks(raw, at+11+colourTable(raw[at+9]))
		case 0x21: // extension and its label
			at = skipBlocks(raw, at+2)
		default: // trailer, or rubbish
			return frames
		}
	}
	return frames
}

func colourTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// skipBlocks steps over data sub-blocks up to and with their terminator.
func skipBlocks(raw []byte, at int) int {
	for at < len(raw) && raw[at] != 0 {
		at += 1 + int(raw[at])
	}
	return at + 1
}

// jpegSegments calls visit with each marker segment before the picture's data (ITU-T T.81, annex B)
// until it returns false.
func jpegSegments(raw []byte, visit func(marker byte, body []byte) bool) {
	at := 2
	for at+4 <= len(raw) && raw[at] == 0xff {
		marker := raw[at+1]
		if marker == 0xff { // fill byte
			at++
			continue
		}
		length := int(binary.BigEndian.Uint16(raw[at+2:]))
		if length < 2 || at+2+length > len(raw) || marker == 0xda || !visit(marker, raw[at+4:at+2+length]) {
			return
		}
		at += 2 + length
	}
}

// costJPEG: the samples of each component and, when the file is progressive, four bytes for each
// sample's coefficient, all held until the end.
func costJPEG(raw []byte, c image.Config) int64 {
	pixels := int64(c.Width) * int64(c.Height)
	cost := 4 * 5 * pixels // as if progressive and four components, should the frame header be unreadable
	jpegSegments(raw, func(marker byte, body []byte) bool {
		if marker < 0xc0 || marker > 0xc2 { // SOF0 to SOF2, the ones image/jpeg reads
			return true
		}
		cost = pixels * samples(body) / 256
		if marker == 0xc2 {
			cost *= 5
		}
		return false
	})
	return cost
}

// samples is how many samples a pixel has, in 256ths, by a frame header's sampling factors.
func samples(frame []byte) int64 {
	var total, most int64
	for at := 6; at+3 <= len(frame); at += 3 {
		area := int64(frame[at+1]>>4) * int64(frame[at+1]&15)
		total += area
		most = max(most, area)
	}
	if most == 0 {
		return 4 * 256
	}
	return max(total*256/most, 256)
}

// orientation is how a JPEG's Exif block says the picture is to be turned (tag 0x0112, 1 to 8), 1 when
// it does not say. Phones store every picture as the sensor lay; without this they would lie on their side.
func orientation(raw []byte) int {
	if len(raw) < 2 || raw[0] != 0xff || raw[1] != 0xd8 {
		return 1
	}
	turn := 1
	jpegSegments(raw, func(marker byte, body []byte) bool {
		const exif = "Exif\x00\x00"
		if marker != 0xe1 || len(body) < len(exif) || string(body[:len(exif)]) != exif {
			return true
		}
		turn = tiffOrientation(body[len(exif):])
		return false
	})
	return turn
}

func tiffOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if v := order.Uint16(entries[8:]); order.Uint16(entries) == 0x0112 && v >= 1 && v <= 8 {
			return int(v)
		}
		entries = entries[12:]
	}
	return 1
}

// upright turns a square picture as an Exif orientation says. The table gives, for the pixel at (x, y)
// of the result, where it comes from; n is the last index.
func upright(img *image.NRGBA, turn int) *image.NRGBA {
	if turn < 2 || turn > 8 {
		return img
	}
	from := [...]func(x, y, n int) (int, int){
		2: func(x, y, n int) (int, int) { return n - x, y },
		3: func(x, y, n int) (int, int) { return n - x, n - y },
		4: func(x, y, n int) (int, int) { return x, n - y },
		5: func(x, y, n int) (int, int) { return y, x },
		6: func(x, y, n int) (int, int) { return y, n - x },
		7: func(x, y, n int) (int, int) { return n - y, n - x },
		8: func(x, y, n int) (int, int) { return n - y, x },
	}[turn]
	side := img.Rect.Dx()
	out := image.NewNRGBA(img.Rect)
	for y := range side {
		for x := range side {
			fx, fy := from(x, y, side-1)
			out.SetNRGBA(x, y, img.NRGBAAt(fx, fy))
		}
	}
	return out
}
