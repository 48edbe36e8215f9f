package relay

import (
	"cmp"
	"strings"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/format"
)

// clean makes an entry's texts what a frame may carry.
func clean(e *pb.Entry) {
	for _, s := range []*string{&e.Text, &e.Emoji} {
		*s = strings.ToValidUTF8(*s, "\uFFFD")
	}
	for _, f := range e.Files {
		f.Name = oneLine(f.Name, 200)
	}
	if e.Ghost != nil {
		e.Ghost.Name = oneLine(e.Ghost.Name, 100)
		if e.Ghost.Name == "" {
			e.Ghost.Name = e.Ghost.Id
		}
	}
}

// oneLine is s without control characters, at most n characters.
func oneLine(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F || r >= 0x80 && r < 0xA0 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if r := []rune(s); len(r) > n {
		s = string(r[:n-1]) + "…"
	}
	return strings.TrimSpace(s)
}

// words is what people read of a text, without its marks.
func words(blocks []format.Block) string {
	var b strings.Builder
	for _, block := range blocks {
		for _, run := range block.Runs {
			b.WriteString(cmp.Or(run.Text, run.URL))
		}
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String())
}
