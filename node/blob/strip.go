package blob

import (
	"encoding/binary"
)

// strip takes out of a picture what is not the picture: where it was taken, when, by whom, with what. The
// pixels stay as they are, to the bit. What breaks off is copied as far as it goes.
func strip(kind string, raw []byte) []byte {
	switch kind {
	case "image/jpeg":
		return stripJPEG(raw)
	case "image/png":
		return stripPNG(raw)
	case "image/webp":
		return stripWebP(raw)
	}
	return raw
}

// stripJPEG keeps of the application segments those that decoding needs: JFIF (APP0), the colour profile
// (APP2), Adobe's (APP14). How the picture is to be turned is said anew.
func stripJPEG(raw []byte) []byte {
	out, turn := append(make([]byte, 0, len(raw)), raw[:2]...), orientation(raw)
	jpegSegments(raw, func(marker byte, body []byte) bool {
		app := marker >= 0xe0 && marker <= 0xef
		if turn != 1 && marker != 0xe0 { // JFIF comes first
			out, turn = append(out, turned(turn)...), 1
		}
		if !app && marker != 0xfe || marker == 0xe0 || marker == 0xe2 || marker == 0xee {
			out = binary.BigEndian.AppendUint16(append(out, 0xff, marker), uint16(len(body)+2))
			out = append(out, body...)
		}
		return true
	})
	return append(out, raw[endOfSegments(raw):]...)
}

// endOfSegments is where the segments that jpegSegments visits end.
func endOfSegments(raw []byte) int {
	at := 2
	for at+4 <= len(raw) && raw[at] == 0xff {
		if raw[at+1] == 0xff {
			at++
			continue
		}
		length := int(binary.BigEndian.Uint16(raw[at+2:]))
		if length < 2 || at+2+length > len(raw) || raw[at+1] == 0xda {
			break
		}
		at += 2 + length
	}
	return at
}

// turned is a segment with nothing in it but an orientation (Exif 2.32, tag 0x0112).
func turned(turn int) []byte {
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")
	tiff[19] = byte(turn)
	body := append([]byte("Exif\x00\x00"), tiff...)
	return append(binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2)), body...)
}

// tellTales are the PNG chunks that say something of the file and not of the picture (PNG, section 11.3.4, 11.3.6).
var tellTales = map[string]bool{"tEXt": true, "zTXt": true, "iTXt": true, "eXIf": true, "tIME": true}

func stripPNG(raw []byte) []byte {
	out, at := append(make([]byte, 0, len(raw)), raw[:8]...), 8
	for at+12 <= len(raw) {
		end := at + 12 + int(binary.BigEndian.Uint32(raw[at:]))
		if end > len(raw) || end < at {
			break
		}
		if !tellTales[string(raw[at+4:at+8])] {
			out = append(out, raw[at:end]...)
		}
		at = end
	}
	return append(out, raw[at:]...)
}

// stripWebP takes the chunks EXIF and XMP out of the container, and their flags (RFC 9649, section 2.7).
func stripWebP(raw []byte) []byte {
	out, at := append(make([]byte, 0, len(raw)), raw[:12]...), 12
	for at+8 <= len(raw) {
		size := int(binary.LittleEndian.Uint32(raw[at+4:]))
		end := at + 8 + size + size&1
		if end > len(raw) || end < at {
			break
		}
		name := string(raw[at : at+4])
		if name != "EXIF" && name != "XMP " {
			out = append(out, raw[at:end]...)
		}
		if name == "VP8X" && size > 0 {
			out[len(out)-(end-at)+8] &^= 0x08 | 0x04
		}
		at = end
	}
	out = append(out, raw[at:]...)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}
