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
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(s.GetPackedState())), maxDump+1))
	if err != nil || len(raw) > maxDump {
		return errState
	}
	dump := &roompb.StateDump{}
	if err := proto.Unmarshal(raw, dump); err != nil {
		return errState
	}
	s.State, s.PackedState = dump, nil
	return nil
}
