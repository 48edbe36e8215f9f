package plugins

import (
	"testing"

	"hearth/node/channel"
	pb "hearth/plugins/bridge/bridgepb"
)

// What a life says that ends, as its bridge is to start anew, is no news any more.
func TestAnOldLifesStateIsNoNews(t *testing.T) {
	w := newWorld(t)
	w.n.Bridges.SetKinds([]channel.Kind{{Kind: "chaos"}})
	w.bridge("chaos", "pit", "#pit", nil)
	l, end := w.lifeOf(&script{})
	defer end()
	connected := &pb.PluginFrame{Frame: &pb.PluginFrame_Status{Status: &pb.Status{State: channel.Connected}}}
	state := func() string {
		if err := l.take(connected); err != nil {
			t.Fatal(err)
		}
		return w.n.Bridges.StatusOf("pit").State
	}
	if s := state(); s != channel.Connected {
		t.Fatal(s)
	}
	if err := w.n.Bridges.Restart("pit"); err != nil {
		t.Fatal(err)
	}
	if s := state(); s != channel.Connecting {
		t.Error(s)
	}
}
