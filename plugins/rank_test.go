package plugins

import (
	"strings"
	"testing"

	"hearth/node/channel"
	"hearth/node/room/roompb"
	pb "hearth/plugins/bridge/bridgepb"
)

// What somebody is over there is shown in the roster, and nowhere else; what an author is here, the plugin is told.
func TestRanksAndRoles(t *testing.T) {
	w := newWorld(t)
	w.n.Bridges.SetKinds([]channel.Kind{{Kind: "chaos"}})
	w.bridge("chaos", "pit", "#pit", nil)
	l, end := w.lifeOf(&script{})
	defer end()
	if err := l.take(&pb.PluginFrame{Frame: &pb.PluginFrame_Roster{Roster: &pb.Roster{Channel: "#pit", Here: []*pb.Ghost{
		{Id: "a", Name: "Ann", Rank: "operator", Away: "lunch", RealName: "Ann Lee"}, {Id: "b", Name: "Bob", Rank: strings.Repeat("x", 31), Away: strings.Repeat("x", 101)},
		{Id: "c", Name: "Cem", Rank: "two\nlines", RealName: "two\nlines"},
	}}}}); err != nil {
		t.Fatal(err)
	}
	var ranks []string
	for _, g := range w.n.Bridges.Roster("pit", w.room) {
		ranks = append(ranks, strings.Join([]string{g.GetName(), g.GetRank(), g.GetAway(), g.GetRealName()}, " "))
	}
	if got := strings.Join(ranks, ","); got != "Ann operator lunch Ann Lee,Bob   ,Cem   " {
		t.Errorf("the roster: %q", got)
	}
	a := l.lane("#pit")
	d, err := l.draft(a, &pb.Entry{Key: "k", Channel: "#pit", Kind: "text", Text: "hi", Ghost: &pb.Ghost{Id: "a", Name: "Ann", Rank: "operator", Away: "lunch", RealName: "Ann Lee"}})
	if err != nil || d.Body.Ghost.GetRank()+d.Body.Ghost.GetAway()+d.Body.Ghost.GetRealName() != "" {
		t.Errorf("an event with a rank: %v, %v", d, err)
	}
	w.say("hello")
	owner := w.messages()[0].GetAuthor()
	if role := l.delivery(a, &roompb.Event{Author: owner}).GetAuthor().GetRole(); role != "owner" {
		t.Errorf("the owner is %q", role)
	}
	if role := l.delivery(a, &roompb.Event{Author: owner, Ghost: &roompb.Ghost{Id: "a"}}).GetAuthor().GetRole(); role != "" {
		t.Errorf("a ghost is %q", role)
	}
}
