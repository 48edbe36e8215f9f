package gossip

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// debugLogger hands memberlist's lines to slog. All are for debugging, whatever memberlist calls them: a
// peer that does not answer is nobody's error, and what a peer sends must not fill an operator's log.
func debugLogger(l *slog.Logger) *log.Logger { return log.New(lines{l}, "", 0) }

type lines struct{ log *slog.Logger }

// longest line: memberlist prints whole records as lists of numbers.
const longest = 300

func (w lines) Write(b []byte) (int, error) {
	if w.log.Enabled(context.Background(), slog.LevelDebug) {
		_, line, found := bytes.Cut(bytes.TrimSpace(b), []byte("memberlist: "))
		if !found {
			line = bytes.TrimSpace(b)
		}
		w.log.Debug("memberlist", "says", string(line[:min(len(line), longest)]))
	}
	return len(b), nil
}
