package gossip

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"hearth/node/room/roompb"
)

// What a hostile member sends, written as memberlist 0.7.0 does (its net.go).
type (
	alive struct {
		Incarnation uint32
		Node        string
		Addr        []byte
		Port        uint16
		Meta        []byte
		Vsn         []uint8
	}
	listed struct {
		Name        string
		Addr        []byte
		Port        uint16
		Meta        []byte
		Incarnation uint32
		State       int
		Vsn         []uint8
	}
	listHeader struct {
		Nodes        int
		UserStateLen int
		Join         bool
	}
)

var speaking = []uint8{1, 5, 2, 0, 0, 0}

func pack(kind byte, values ...any) []byte {
	b := bytes.NewBuffer([]byte{kind})
	e := codec.NewEncoder(b, &codec.MsgpackHandle{})
	for _, v := range values {
		if err := e.Encode(v); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// claim is an alive message as an honest node of that name and key would have sent it.
func claim(name string) alive {
	key := keyOf(name)
	id := nameOf(key.Public().(ed25519Public))
	return alive{Incarnation: 7, Node: id, Addr: addressOf(id), Port: port,
		Meta: sign(key, &roompb.Record{Name: name}), Vsn: slices.Clone(speaking)}
}

// A member whose link is in order sends what is not. None of it may get into a's list.
var poison = []struct {
	what string
	bad  func() alive
	err  error
}{
	{"no record", func() alive { c := claim("x"); c.Meta = nil; return c }, errMeta},
	{"a record of 513 bytes", func() alive {
		c := claim("x")
		c.Meta = sign(keyOf("x"), &roompb.Record{Name: "x", Version: strings.Repeat("v", 513-len(c.Meta)-2)})
		return c
	}, errMeta},
	{"noise", func() alive { c := claim("x"); c.Meta = bytes.Repeat([]byte{0xa5}, 300); return c }, nil},
	{"a bad signature", func() alive { c := claim("x"); c.Meta[len(c.Meta)-1] ^= 1; return c }, errSignature},
	{"a record signed by another key", func() alive {
		c := claim("x")
		c.Meta = sign(keyOf("y"), &roompb.Record{Name: "x", Key: keyOf("x").Public().(ed25519Public)})
		return c
	}, errSignature},
	{"somebody else's record", func() alive { c := claim("x"); c.Meta = claim("y").Meta; return c }, errKey},
	{"an expired record", func() alive {
		c := claim("x")
		c.Meta = sign(keyOf("x"), &roompb.Record{Name: "x", Expires: time.Now().UnixMilli() - 1})
		return c
	}, errExpired},
	{"the name of a, by another key", func() alive {
		c := claim("x")
		c.Meta = sign(keyOf("x"), &roompb.Record{Name: "a"})
		return c
	}, errOtherKey},
	{"the name of b, by another key", func() alive {
		c := claim("x")
		c.Meta = sign(keyOf("x"), &roompb.Record{Name: "b"})
		return c
	}, errOtherKey},
	{"a false address", func() alive { c := claim("x"); c.Addr = net.IPv4(10, 0, 0, 1).To4(); return c }, errAddress},
	{"no address", func() alive { c := claim("x"); c.Addr = nil; return c }, errAddress},
	{"another version", func() alive { c := claim("x"); c.Vsn[2] = 5; return c }, errVersion},
	{"a version that fits nobody", func() alive { c := claim("x"); c.Vsn[0] = 3; return c }, errVersion},
	{"a delegate of its own", func() alive { c := claim("x"); c.Vsn[5] = 9; return c }, errVersion},
	{"no version", func() alive { c := claim("x"); c.Vsn = nil; return c }, nil},
	{"a name that is no key", func() alive {
		c := claim("x")
		c.Node = "x"
		c.Addr = addressOf("x")
		return c
	}, errKey},
}

func TestPoisonIsRefused(t *testing.T) {
	for _, p := range poison {
		t.Run(p.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := chain(t)
				defer w.close()
				w.until(found, five...)
				a, c := w.nodes["a"], p.bad()
				a.mu.Lock()
				a.pins["a"] = Peer{Name: "a", Key: keyOf("a").Public().(ed25519Public)}
				a.mu.Unlock()
				w.nodes["b"].SendPacket("a", pack(msgAlive, &c)) // in b's name: a link that is in order
				w.push("b", "a", listed{c.Node, c.Addr, c.Port, c.Meta, c.Incarnation, 0, c.Vsn})
				time.Sleep(2 * time.Minute)
				w.until(0, five...)
				a.mu.Lock()
				alarms := len(a.alarms)
				a.mu.Unlock()
				if p.err == errOtherKey && alarms == 0 {
					t.Error("nobody was alarmed")
				}
				if p.err == nil {
					return
				}
				d := delegate{self: a.self, cfg: &a.cfg, roster: a.roster}
				if got := d.admit(nodeOf(p.bad())); got != p.err {
					t.Errorf("%v, not %v", got, p.err)
				}
			})
		})
	}
}

// push sends a list of nodes in somebody's name, as an anti-entropy exchange does.
func (w *world) push(from, to string, nodes ...any) {
	c, err := w.nodes[from].OpenStream(context.Background(), to)
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	go io.Copy(io.Discard, c)
	c.SetDeadline(time.Now().Add(time.Second))
	c.Write(pack(msgPushPull, append([]any{&listHeader{Nodes: len(nodes)}}, nodes...)...))
	time.Sleep(2 * time.Second)
}

// A replay of an old record must not bring back the old addresses.
func TestAnOldRecordDoesNotReplaceANewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chain(t)
		defer w.close()
		old := claim("e")
		time.Sleep(time.Second)
		e := w.nodes["e"]
		e.issue(&roompb.Record{Name: "e"})
		time.Sleep(time.Minute)
		w.until(found, five...)
		a := w.nodes["a"]
		d := delegate{self: a.self, cfg: &a.cfg, roster: a.roster}
		if err := d.admit(nodeOf(old)); err != errReplay {
			t.Errorf("%v", err)
		}
		old.Incarnation = 1 << 20
		w.nodes["b"].SendPacket("a", pack(msgAlive, &old))
		time.Sleep(2 * time.Minute)
		w.until(0, five...)
	})
}

// Anybody can say of anybody that it is dead; the node objects, and stays in the list or comes back.
func TestARumourOfDeathIsRefuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chain(t)
		defer w.close()
		w.until(found, five...)
		b, e := w.nodes["b"], w.nodes["e"]
		type death struct {
			Incarnation uint32
			Node, From  string
		}
		for range 10 {
			b.SendPacket("a", pack(msgDead, &death{5, e.self, b.self}))
			time.Sleep(time.Second)
		}
		t.Logf("refuted after %v", w.until(found, five...))
	})
}

func TestMoreNodesThanTheLimitAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.prepare("a", keyOf("a"))
		g, err := Open(Config{Key: a.key.Public().(ed25519Public), Record: a.own, Verify: a.verify, Peers: a.peers,
			Carrier: a, Log: slog.New(slog.DiscardHandler), Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { g.Close(t.Context()); time.Sleep(time.Minute) }()
		for i := range 1000 {
			c := claim("n" + string(rune('a'+i%26)) + string(rune('a'+i/26)))
			g.Packet("b", pack(msgAlive, &c))
			time.Sleep(10 * time.Millisecond)
		}
		if n := len(g.Alive()); n != 10 {
			t.Errorf("%d nodes", n)
		}
	})
}

func TestPackets(t *testing.T) {
	c := claim("x")
	good := pack(msgAlive, &c)
	for _, p := range []struct {
		what string
		b    []byte
		fine bool
	}{
		{"alive", good, true},
		{"with a checksum", append([]byte{msgChecksum, 1, 2, 3, 4}, good...), true},
		{"two", compound(good, []byte{msgPing, 0x80}), true},
		{"empty", nil, false},
		{"a type alone", []byte{msgAlive}, false},
		{"compressed", append([]byte{9}, good...), false},
		{"compressed, with a checksum", append([]byte{msgChecksum, 1, 2, 3, 4, 9}, good...), false},
		{"compressed, in two", compound(good, append([]byte{9}, good...)), false},
		{"two in two", compound(compound(good, good)), false},
		{"checksums in one another", append([]byte{msgChecksum, 1, 2, 3, 4, msgChecksum, 1, 2, 3, 4}, good...), false},
		{"of the application", append([]byte{8}, good...), false},
		{"encrypted", append([]byte{10}, good...), false},
		{"labelled", append([]byte{244, 1, 'x'}, good...), false},
		{"cut", compound(good)[:20], false},
		{"lengths missing", []byte{msgCompound, 200, 0, 1}, false},
		{"an empty part", compound(nil), false},
	} {
		if got := packetIsFine(p.b); got != p.fine {
			t.Errorf("%s: %v", p.what, got)
		}
	}
}

func compound(parts ...[]byte) []byte {
	b := []byte{msgCompound, byte(len(parts))}
	for _, p := range parts {
		b = binary.BigEndian.AppendUint16(b, uint16(len(p)))
	}
	return append(b, bytes.Join(parts, nil)...)
}

func TestStreams(t *testing.T) {
	list := pack(msgPushPull, &listHeader{Nodes: 1}, &listed{Name: strings.Repeat("a", 64), Meta: make([]byte, 500)})
	for _, p := range []struct {
		what string
		b    []byte
		way  direction
		err  error
	}{
		{"a list", list, inbound, nil},
		{"a list for answer", list, outbound, nil},
		{"a ping", pack(msgPing, map[string]any{"SeqNo": 1, "Node": "x"}), inbound, nil},
		{"an ack", pack(msgAck, map[string]any{"SeqNo": 1}), outbound, nil},
		{"an ack that nobody asked for", pack(msgAck, map[string]any{"SeqNo": 1}), inbound, errMessage},
		{"a million nodes", pack(msgPushPull, &listHeader{Nodes: 1 << 20}), inbound, errClaim},
		{"less than none", pack(msgPushPull, &listHeader{Nodes: -1}), inbound, errClaim},
		{"an application's state", pack(msgPushPull, &listHeader{Nodes: 1, UserStateLen: 1 << 20}), outbound, errClaim},
		{"compressed", append([]byte{9}, list...), inbound, errMessage},
		{"of the application", append([]byte{8}, list...), inbound, errMessage},
		{"encrypted", append([]byte{10}, list...), outbound, errMessage},
	} {
		here, there := net.Pipe()
		go func() { there.Write(p.b); there.Close() }()
		s := guard(here, "b", p.way, 100, func(*stream) {})
		got, err := io.ReadAll(s)
		if err != p.err || err == nil && !bytes.Equal(got, p.b) {
			t.Errorf("%s: %v, %d of %d bytes", p.what, err, len(got), len(p.b))
		}
		s.Close()
	}
}

// A list may be as long as its header says, with room for records of the full length; then it ends.
func TestAStreamEnds(t *testing.T) {
	here, there := net.Pipe()
	go func() {
		there.Write(pack(msgPushPull, &listHeader{Nodes: 3}))
		for {
			if _, err := there.Write(make([]byte, 1000)); err != nil {
				return
			}
		}
	}()
	s := guard(here, "b", inbound, 100, func(*stream) {})
	defer s.Close()
	if got, err := io.ReadAll(s); err != nil || len(got) > 5*nodeBytes {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// One peer has a few streams at a time: it cannot take all there are.
func TestAPeerHasFewStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chain(t)
		defer w.close()
		w.until(found, five...)
		a := w.nodes["a"]
		refused := 0
		for range 3 * streamsOfPeer {
			here, there := net.Pipe()
			defer here.Close()
			go a.Accept("b", there)
			synctest.Wait()
			here.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := here.Read(make([]byte, 1)); err == io.EOF {
				refused++
			}
		}
		if refused != 2*streamsOfPeer {
			t.Errorf("%d refused", refused)
		}
		time.Sleep(20 * time.Second) // silent streams end by memberlist's deadline
		w.push("b", "a", listed{})
		w.until(found, five...)
	})
}

func FuzzPacket(f *testing.F) {
	c := claim("x")
	f.Add(pack(msgAlive, &c))
	f.Add(compound(pack(msgAlive, &c), []byte{msgPing, 0x80}))
	f.Add(append([]byte{msgChecksum, 0, 0, 0, 0}, compound([]byte{msgDead, 0x80})...))
	f.Fuzz(func(t *testing.T, b []byte) { packetIsFine(b) })
}

func FuzzStream(f *testing.F) {
	f.Add(pack(msgPushPull, &listHeader{Nodes: 1}, &listed{Name: "x"}), true)
	f.Add(pack(msgPing, map[string]any{"SeqNo": 1}), true)
	f.Fuzz(func(t *testing.T, b []byte, in bool) {
		way := outbound
		if in {
			way = inbound
		}
		here, there := net.Pipe()
		go func() { there.Write(b); there.Close() }()
		s := guard(here, "b", way, 100, func(*stream) {})
		defer s.Close()
		if got, err := io.ReadAll(s); err == nil && !bytes.HasPrefix(b, got) {
			t.Error("not what was sent")
		}
	})
}

// FuzzMeta: whatever a member's meta and address are, nobody gets in but by a record of its own key.
func FuzzMeta(f *testing.F) {
	for _, p := range poison {
		c := p.bad()
		f.Add(c.Node, c.Addr, c.Meta)
	}
	c := claim("x")
	f.Add(c.Node, c.Addr, c.Meta)
	n := newWorld(&testing.T{}).prepare("a", keyOf("a"))
	cfg := Config{Verify: n.verify}
	f.Fuzz(func(t *testing.T, name string, addr, meta []byte) {
		d := delegate{self: "self", cfg: &cfg, roster: newRoster(10)}
		member := nodeOf(alive{Node: name, Addr: addr, Port: port, Meta: meta, Vsn: speaking})
		if d.admit(member) != nil {
			return
		}
		if r, err := open(meta); err != nil || nameOf(r.Key) != name || d.roster.name(name) != r.Name {
			t.Errorf("%q got in: %v", name, err)
		}
	})
}
