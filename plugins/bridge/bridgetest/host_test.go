package bridgetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/bridge/bridgetest"
	"hearth/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// parrot says everything back, and does what it is told by words.
type parrot struct {
	mu   sync.Mutex
	seen []string
}

func (*parrot) Describe() *pb.Description { return &pb.Description{Kind: "parrot"} }

func (p *parrot) Run(ctx context.Context, h *bridge.Host) error {
	h.Status(&pb.Status{State: "connected"})
	for e := range h.Events() {
		d, ok := e.(*pb.Delivery)
		if !ok {
			continue
		}
		p.mu.Lock()
		p.seen = append(p.seen, d.Text)
		p.mu.Unlock()
		switch d.Text {
		case "silence":
		case "panic":
			panic("as told")
		case "fail":
			return errors.New("as told")
		default:
			h.PostLater(&pb.Entry{Key: d.Id, Channel: d.Channel, Kind: "text", Text: d.Text, Ghost: &pb.Ghost{Id: "p", Name: "Parrot"}})
			h.Done(d, "r"+d.Id)
		}
	}
	return nil
}

func garden() *pb.Open {
	return &pb.Open{Links: []*pb.Link{{Channel: "#garden", Confirmed: true}}}
}

func say(text string) *pb.Delivery {
	return &pb.Delivery{Channel: "#garden", Kind: "text", Text: text}
}

func TestOrderIsKeptThroughAgain(t *testing.T) {
	h := bridgetest.Start(t, &parrot{}, garden())
	h.Status("", "connected")
	const n = 200
	for i := range n {
		if i%50 == 10 {
			h.Again(2)
		}
		h.Deliver(say(fmt.Sprint(i)))
	}
	for i := range n {
		if e := h.Entry(); e.Text != fmt.Sprint(i) {
			t.Fatalf("entry %d is %q", i, e.Text)
		}
	}
	if got := h.Outcome("1").Remote; len(got) != 1 || got[0] != "r1" {
		t.Fatalf("outcome: %v", got)
	}
}

func TestWhatWasNotAnsweredComesAgain(t *testing.T) {
	p := &parrot{}
	h := bridgetest.Start(t, p, garden())
	h.Outcome(h.Deliver(say("one")))
	h.Deliver(say("silence"))
	h.Outcome(h.Deliver(say("two")))
	h.Restart()
	h.Outcome(h.Deliver(say("three")))
	if got := strings.Join(p.seen, " "); got != "one silence two silence three" {
		t.Fatalf("seen: %s", got)
	}
	for _, want := range []string{"one", "two", "three"} {
		if e := h.Entry(); e.Text != want {
			t.Fatalf("%q, not %q", e.Text, want)
		}
	}
}

func TestHowARunEnds(t *testing.T) {
	for word, want := range map[string]string{"panic": "panic: as told", "fail": "as told"} {
		h := bridgetest.Start(t, &parrot{}, garden())
		h.Deliver(say(word))
		if err := h.End(); err == nil || err.Error() != want {
			t.Errorf("%s: %v", word, err)
		}
	}
	h := bridgetest.Start(t, &parrot{}, garden())
	if err := h.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// asker is a plugin that is one function.
type asker func(ctx context.Context, h *bridge.Host) error

func (asker) Describe() *pb.Description                       { return &pb.Description{Kind: "asker"} }
func (a asker) Run(ctx context.Context, h *bridge.Host) error { return a(ctx, h) }

func TestStoreAndFiles(t *testing.T) {
	picture := bytes.Repeat([]byte("pixels"), 50_000)
	h := bridgetest.Start(t, asker(func(ctx context.Context, h *bridge.Host) error {
		if _, ok, err := h.Get(ctx, "none"); ok || err != nil {
			return fmt.Errorf("get of nothing: %v %v", ok, err)
		}
		if err := h.Put(ctx, "a/b", []byte("value")); err != nil {
			return err
		}
		if keys, err := h.List(ctx, "a/"); err != nil || len(keys) != 1 {
			return fmt.Errorf("list: %v %v", keys, err)
		}
		if v, ok, err := h.Get(ctx, "a/b"); string(v) != "value" || !ok || err != nil {
			return fmt.Errorf("get: %q %v %v", v, ok, err)
		}
		handle, err := h.Store(ctx, &pb.Store{Name: "a.png"}, bytes.NewReader(picture))
		if err != nil {
			return err
		}
		f, r, err := h.Fetch(ctx, handle)
		if err != nil {
			return err
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(b, picture) || f.Name != "a.png" {
			return fmt.Errorf("fetched %d bytes of %s: %v", len(b), f.Name, err)
		}
		_, _, err = h.Fetch(ctx, "none")
		if refusal, ok := errors.AsType[*bridge.Error](err); !ok || refusal.Code != "not_found" {
			return fmt.Errorf("fetch of nothing: %v", err)
		}
		return h.Delete(ctx, "a/b")
	}), garden())
	if err := h.End(); err == nil || err.Error() != "the bridge ended though nobody asked it to" {
		t.Fatal(err)
	}
	if len(h.KV()) != 0 || len(h.Files()) != 1 {
		t.Fatalf("left: %v %v", h.KV(), h.Files())
	}
}

func TestPostSaysARefusal(t *testing.T) {
	got := make(chan *pb.Posted, 2)
	h := bridgetest.Start(t, asker(func(ctx context.Context, h *bridge.Host) error {
		for _, key := range []string{"a", "b"} {
			p, err := h.Post(ctx, &pb.Entry{Key: key, Channel: "#garden", Kind: "line", Text: "netsplit"})
			if err != nil {
				return err
			}
			got <- p
		}
		<-ctx.Done()
		return nil
	}), &pb.Open{Links: []*pb.Link{{Channel: "#garden"}}})
	if p := <-got; p.Code != "forbidden" {
		t.Fatalf("a link that is not confirmed: %v", p)
	}
	<-got
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
}

// The suite is quiet about a bridge that keeps the contract, and finds what one breaks.
func TestTheSuiteFindsWhatIsWrong(t *testing.T) {
	bridgetest.Conform(t, func() bridge.Plugin { return &good{} }, map[string]string{"server": "here"}, "#garden")
	for name, b := range map[string]struct {
		plugin bridge.Plugin
		check  string
	}{
		"nameless":  {&good{nameless: true}, "describes"},
		"fragile":   {&good{fragile: true}, "make no sense"},
		"deaf":      {&good{deaf: true}, "within the time"},
		"picky":     {&good{picky: true}, "every delivery"},
		"forgetful": {&good{forgetful: true}, "same answer"},
		"talkative": {&good{talkative: true}, "unconfirmed"},
	} {
		var failed []string
		s := &bridgetest.Suite{
			Describe: func(context.Context) (*pb.Description, error) { return b.plugin.Describe(), nil },
			Drive:    func(ctx context.Context, f bridge.Frames) error { return bridge.Drive(ctx, b.plugin, f) },
			Settings: map[string]string{"server": "here"}, Channel: "#garden",
			Say: func(f bridgetest.Finding) {
				if f.Verdict == "failed" {
					failed = append(failed, f.Check)
				}
			},
		}
		s.Run()
		if len(failed) == 0 || !strings.Contains(strings.Join(failed, "\n"), b.check) {
			t.Errorf("%s: failed %q", name, failed)
		}
	}
}

// good keeps the contract, but for what its fields say.
type good struct{ nameless, fragile, deaf, picky, forgetful, talkative bool }

func (g *good) Describe() *pb.Description {
	d := &pb.Description{Kind: "good", Title: "Good", Version: "1", Can: &pb.Capabilities{Edits: true, CatchesUp: true},
		Settings: []*pb.Setting{{Name: "server", Title: "Server", Help: "Where.", Type: "text", Required: true}}}
	if g.nameless {
		d.Kind = "Not A Word"
	}
	return d
}

func (g *good) Run(ctx context.Context, h *bridge.Host) error {
	if h.Open().GetSettings()["server"] != "here" {
		if g.fragile {
			return errors.New("no such server")
		}
		h.Status(&pb.Status{State: "down", Reason: "There is no such server."})
		<-ctx.Done()
		return nil
	}
	if g.talkative {
		h.PostLater(&pb.Entry{Key: "hello", Channel: "#garden", Kind: "line", Text: "I am here."})
	}
	h.Status(&pb.Status{State: "connected"})
	n := 0
	for e := range h.Events() {
		d, ok := e.(*pb.Delivery)
		switch n++; {
		case !ok:
		case g.picky && strings.Contains(d.Text, "\x00"):
			return errors.New("I cannot say that")
		case g.forgetful:
			h.Done(d, fmt.Sprint(n))
		default:
			h.Done(d, "r"+d.Id)
		}
	}
	if g.deaf && n == 0 {
		time.Sleep(3 * time.Second)
	}
	return nil
}
