package room

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

var (
	update = flag.Bool("update", false, "write testdata/corpus.json anew from the story in this file")
	roots  = flag.Bool("roots", false, "write the roots in testdata/corpus.json anew; what the entries mean must be as it was")
)

const corpusFile = "testdata/corpus.json"

// corpusLine is an entry of the state log, with the room's root after it, or a message,
// with its verdict at the end of the story.
type corpusLine struct {
	What    string `json:"what"` // for people
	Header  []byte `json:"header"`
	Body    []byte `json:"body"`
	Refused Code   `json:"refused,omitempty"`
	Stands  string `json:"stands,omitempty"` // who stands how after the entry: its meaning, whatever a root is made of
	Root    string `json:"root,omitempty"`
	Verdict string `json:"verdict,omitempty"`
}

var outcomeNames = map[Outcome]string{Valid: "valid", Void: "void", Wait: "wait"}

// TestCorpusKeepsItsMeaning: bytes that were once signed fold to the same roots and get the
// same verdicts for ever. A change that fails here splits rooms between old and new nodes:
// it needs a new room version, not a new corpus.
func TestCorpusKeepsItsMeaning(t *testing.T) {
	if *update {
		writeCorpus(t)
	}
	raw, err := os.ReadFile(corpusFile)
	must(t, err)
	var lines []corpusLine
	must(t, json.Unmarshal(raw, &lines))
	s := NewState()
	for i, l := range lines {
		e, err := DecodeEvent(l.Header, l.Body)
		must(t, err)
		got := meaning(s, e, l.What)
		if got.Refused != l.Refused || got.Stands != l.Stands || got.Verdict != l.Verdict {
			t.Errorf("line %d, %s: meant %q %s%s, means %q %s%s", i, l.What, l.Refused, l.Stands, l.Verdict, got.Refused, got.Stands, got.Verdict)
		}
		if *roots {
			lines[i].Root = got.Root
		} else if got.Root != l.Root {
			t.Errorf("line %d, %s: the root was %s, is %s", i, l.What, l.Root, got.Root)
		}
	}
	if *roots {
		writeLines(t, lines)
	}
	if s.Index < 15 || len(lines) < 30 {
		t.Errorf("the corpus has shrunk to %d lines", len(lines))
	}
}

func meaning(s *State, e *Event, what string) corpusLine {
	l := corpusLine{What: what, Header: e.RawHeader, Body: e.RawBody}
	if e.Header.GetLog() == roompb.Log_LOG_STATE {
		l.Refused = CodeOf(s.Apply(e))
		l.Root, l.Stands = s.Root().String(), standings(s)
		return l
	}
	l.Verdict = outcomeNames[s.Judge(e).Outcome]
	return l
}

func writeCorpus(t *testing.T) {
	s := NewState()
	var lines []corpusLine
	tell := func(author User, k Kind, b *roompb.Body) {
		e := entry(t, s, author, k, b)
		lines = append(lines, meaning(s, e, fmt.Sprintf("entry %d: %s by %s", s.Index+1, k, author)))
	}
	ann, ben, eve, olga := user("ann"), User("ben@far.test"), User("eve@near.test"), user("olga")
	tell(olga, KindCreate, &roompb.Body{Version: 1, NodeKey: publicOf(testNode), Settings: &roompb.Settings{
		Alias: proto.String("garden"), Name: proto.String("Garden"), Public: proto.Bool(true)}})
	tell(ann, KindJoin, nil)
	tell(ben, KindJoin, nil) // without its node's key: refused
	tell(ben, KindJoin, joinOf(ben))
	tell(eve, KindJoin, joinOf(eve))
	tell(olga, KindRole, &roompb.Body{Subject: string(ben), Role: "moderator", Cuts: cutAt("far.test", 4)})
	tell(ben, KindKick, &roompb.Body{Subject: string(eve), Reason: "noise", Cuts: cutAt("near.test", 3)})
	tell(eve, KindJoin, nil)
	tell(ben, KindRole, &roompb.Body{Subject: string(ann), Role: "moderator"}) // refused
	tell(ann, KindLeave, &roompb.Body{Cuts: cutAt(testNode, 50)})
	tell(ben, KindBan, &roompb.Body{Subject: string(ann), Cuts: cutAt(testNode, 5)})
	tell(olga, KindRole, &roompb.Body{Subject: string(ben), Role: "administrator", Cuts: cutAt("far.test", 8)})
	tell(ben, KindStewards, &roompb.Body{Stewards: []string{testNode, "far.test"}})
	tell(ben, KindSettings, &roompb.Body{Settings: &roompb.Settings{Topic: proto.String("weeds")}})
	tell(ben, KindNodeBan, &roompb.Body{Node: "near.test", Cuts: append(cutAt("near.test", 9), &roompb.Cut{Origin: "near.test", Incarnation: 2, Seq: 2})})
	tell(olga, KindUnban, &roompb.Body{Subject: string(ann)})
	tell(olga, KindRole, &roompb.Body{Subject: string(ben), Role: "readonly", Cuts: cutAt("far.test", 20)})
	for _, m := range []struct {
		author           User
		kind             Kind
		index, seq, life uint64
	}{
		{ann, KindText, 2, 5, 1}, {ann, KindText, 2, 6, 1}, {ann, KindText, 16, 4, 1}, {ann, KindText, 1, 1, 1},
		{ben, KindText, 3, 1, 1}, {ben, KindText, 4, 1, 1}, {ben, KindPin, 4, 1, 1}, {ben, KindPin, 6, 20, 1}, {ben, KindPin, 6, 21, 1},
		{ben, KindDelete, 17, 30, 1}, {ben, KindReact, 17, 30, 1}, {ben, KindText, 18, 30, 1},
		{eve, KindText, 5, 3, 1}, {eve, KindText, 5, 4, 1}, {eve, KindText, 8, 9, 1}, {eve, KindEmote, 8, 10, 1},
		{eve, KindText, 8, 2, 2}, {eve, KindText, 8, 3, 2}, {eve, KindText, 8, 1, 3}, {eve, KindText, 15, 1, 1},
	} {
		h := &roompb.Header{
			Room: s.ID.Bytes(), Log: roompb.Log_LOG_MESSAGES, Origin: m.author.Node(), Incarnation: uint32(m.life), Seq: m.seq,
			Time: m.seq << 16, StateIndex: m.index, Author: string(m.author), Kind: string(m.kind),
		}
		if m.seq > 1 {
			h.Prev = s.ID.Bytes()
		}
		b := &roompb.Body{Salt: []byte("salt"), Text: "hello", Emoji: "👍", Target: s.ID.Bytes()}
		e, err := Seal(h, b)
		must(t, err)
		lines = append(lines, meaning(s, e, fmt.Sprintf("%s by %s under entry %d, seq %d of life %d", m.kind, m.author, m.index, m.seq, m.life)))
	}
	writeLines(t, lines)
}

// standings is who may do what in a room, in words.
func standings(s *State) string {
	var out []string
	for _, u := range slices.Sorted(maps.Keys(s.Members)) {
		out = append(out, fmt.Sprintf("%s %s %s", u, s.Member(u).Membership, s.Role(u)))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Nodes)) {
		n := s.Nodes[name]
		out = append(out, fmt.Sprintf("%s joined %d banned %v", name, n.Joined, n.Banned))
	}
	return strings.Join(append(out, fmt.Sprintf("home %s of %v", s.Home, s.Stewards)), ", ")
}

func writeLines(t *testing.T, lines []corpusLine) {
	raw, err := json.MarshalIndent(lines, "", " ")
	must(t, err)
	must(t, os.MkdirAll("testdata", 0o755))
	must(t, os.WriteFile(corpusFile, append(raw, '\n'), 0o644))
}
