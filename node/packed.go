package node

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"

	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

// maxDump bounds the state of a room on its way to another node: as large as an answer.
const maxDump = 16 << 20

// packState deflates an encoded state: the names and times of many members are much alike.
func packState(dump []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestSpeed) // of a level that there is
	_, _ = w.Write(dump)                         // into memory
	_ = w.Close()
	return b.Bytes()
}

var errState = errors.New("its state cannot be read")

// unpackState puts the state where it is when it comes unpacked.
func unpackState(s *roompb.Snapshot) error {
	if len(s.GetPackedState()) == 0 {
		return nil
	}
	d, err := unpackDump(s.GetPackedState())
	if err == nil {
		s.State, s.PackedState = d, nil
	}
	return err
}

func unpackDump(packed []byte) (*roompb.StateDump, error) {
	raw, err := inflate(packed)
	if err != nil {
		return nil, errState
	}
	d := new(roompb.StateDump)
	if err := proto.Unmarshal(raw, d); err != nil {
		return nil, errState
	}
	return d, nil
}

// inflate takes no more memory than what comes out, twice; io.ReadAll takes it five times.
func inflate(packed []byte) ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(packed))
	var parts [][]byte
	for size := int64(0); size <= maxDump; {
		const step = 256 << 10
		part := bytes.NewBuffer(make([]byte, 0, step+bytes.MinRead))
		n, err := io.CopyN(part, r, step)
		size, parts = size+n, append(parts, part.Bytes())
		switch {
		case err == io.EOF && size <= maxDump:
			return bytes.Join(parts, nil), nil
		case err != nil:
			return nil, err
		}
	}
	return nil, errState
}
