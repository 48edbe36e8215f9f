package plugins

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/node/limit"
)

// What a plugin prints is read at 64 KB a second, in the long run: one that prints more waits.
var printing = limit.Rate{Burst: 64, Per: time.Second} // KB

const (
	maxPrinted = 4 << 10 // bytes of a line; the rest of a longer one is a line of its own
	lastLines  = 20      // kept for the notice of a crash
)

// sink takes what a plugin prints, line by line. Its writers wait when there is too much.
type sink struct {
	ctx  context.Context // nobody waits beyond its end
	keep func(line string)
	rate *limit.Table[struct{}]

	mu   sync.Mutex
	part []byte
	last []string
}

func newSink(ctx context.Context, keep func(string)) *sink {
	return &sink{ctx: ctx, keep: keep, rate: limit.New[struct{}](printing, 1)}
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for rest := p; len(rest) > 0; {
		piece := rest[:min(len(rest), 1<<10)]
		rest = rest[len(piece):]
		s.wait()
		s.take(piece)
	}
	return len(p), nil
}

// wait takes the token of a KB.
func (s *sink) wait() {
	for s.ctx.Err() == nil {
		d := s.rate.Take(struct{}{}, 1, time.Now())
		if d == 0 {
			return
		}
		select {
		case <-s.ctx.Done():
		case <-time.After(d):
		}
	}
}

func (s *sink) take(piece []byte) {
	s.part = append(s.part, piece...)
	for {
		i := bytes.IndexByte(s.part, '\n')
		switch {
		case i >= 0:
			s.line(string(s.part[:i]))
			s.part = s.part[i+1:]
		case len(s.part) > maxPrinted:
			s.line(string(s.part))
			s.part = nil
		default:
			return
		}
	}
}

func (s *sink) line(text string) {
	if text = readable(strings.TrimSpace(text)); text == "" {
		return
	}
	s.keep(text)
	if s.last = append(s.last, text); len(s.last) > lastLines {
		s.last = s.last[1:]
	}
}

// tail is the last lines.
func (s *sink) tail() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.last)
}

// readable turns a line of slog's JSON into words: "ERROR cannot join channel=#garden".
func readable(line string) string {
	var fields map[string]any
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &fields) != nil || fields["msg"] == nil {
		return line
	}
	words := []string{fmt.Sprint(fields["level"]), fmt.Sprint(fields["msg"])}
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		switch k {
		case "time", "level", "msg":
		default:
			words = append(words, fmt.Sprintf("%s=%v", k, fields[k]))
		}
	}
	return strings.Join(words, " ")
}
