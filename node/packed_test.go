package node

import (
	"bytes"
	"compress/flate"
	"testing"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

func TestPackedStateComesOutAsItWas(t *testing.T) {
	dump := &roompb.StateDump{Version: 1, Home: "a.test", Members: []*roompb.MemberStanding{{User: "ann@a.test", Membership: "join"}}}
	s := &roompb.Snapshot{PackedState: packState(room.EncodeDump(dump))}
	if err := unpackState(s); err != nil || !proto.Equal(s.State, dump) || s.PackedState != nil {
		t.Fatalf("%v, %v", s, err)
	}
}

// TestPackedStateThatIsNone: what a peer packs may be anything.
func TestPackedStateThatIsNone(t *testing.T) {
	var bomb bytes.Buffer
	w, _ := flate.NewWriter(&bomb, flate.BestCompression)
	w.Write(make([]byte, maxDump+1))
	w.Close()
	for name, packed := range map[string][]byte{
		"noise": []byte("noise, not deflated"), "cut off": packState(make([]byte, 1000))[:5], "no dump": packState([]byte{0xff, 1, 2}), "a bomb": bomb.Bytes(),
	} {
		if err := unpackState(&roompb.Snapshot{PackedState: packed}); err != errState {
			t.Errorf("%s: %v", name, err)
		}
	}
}
