package wire

import (
	"bufio"
	"errors"
	"io"
)

// maxRead is the longest line that is read: tags of both kinds and a body as long as any LINELEN in use.
const maxRead = MaxTags + MaxOwnTags + 4096

// Lines reads lines from a connection with a fixed buffer. A longer line is skipped and counted.
type Lines struct {
	r       *bufio.Reader
	Skipped int
}

// NewLines reads from r.
func NewLines(r io.Reader) *Lines { return &Lines{r: bufio.NewReaderSize(r, maxRead)} }

// Next is the next line without CR LF, never empty; an error is the connection's.
func (l *Lines) Next() (string, error) {
	for {
		line, err := l.r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			l.Skipped++
			err = l.skip()
			line = nil
		}
		if err != nil {
			return "", err
		}
		if line = trimEnd(line); len(line) > 0 {
			return string(line), nil
		}
	}
}

// Waiting tells whether more has been read already than was handed out.
func (l *Lines) Waiting() bool { return l.r.Buffered() > 0 }

func (l *Lines) skip() error {
	for {
		if _, err := l.r.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func trimEnd(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}
