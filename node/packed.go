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
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxDump+1))
	if err != nil || len(raw) > maxDump {
		return nil, errState
	}
	d := new(roompb.StateDump)
	if err := proto.Unmarshal(raw, d); err != nil {
		return nil, errState
	}
	return d, nil
}
