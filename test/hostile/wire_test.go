package hostile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/quic-go/quic-go"

	client "hearth/clients/go"
	"hearth/federation/link/linkpb"
	"hearth/node/room/roompb"
	"hearth/test/hostile/foe"
	pb "hearth/transport/session/clientpb"
)

// Attacks on links: who is let in, and what comes over the wire.
var onLinks = []attack{
	{name: "no certificate", run: func(s *stage) {
		c := s.TLS()
		c.Certificates = nil
		s.notGreeted(c)
	}},
	{name: "a certificate of another kind of key", run: func(s *stage) {
		key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			s.Fatal(err)
		}
		c := s.TLS()
		c.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
		s.notGreeted(c)
	}},
	{name: "another key for a name that is known", run: func(s *stage) {
		twin := foe.New(s.Foe.Name)
		s.refused(twin, twin.Hello(s.alice.secret), "other_key")
		s.alarmed(s.alice, s.Foe.Name, "key")
		s.mustStand(s.link)
	}},
	{name: "the name of the other honest node", run: func(s *stage) {
		twin := foe.New(s.carol.name)
		s.refused(twin, twin.Hello(s.alice.secret), "other_key")
		s.alarmed(s.alice, s.carol.name, "key")
	}},
	{name: "the name of the node itself", run: func(s *stage) {
		twin := foe.New(s.alice.name)
		s.refused(twin, twin.Hello(s.alice.secret), "")
	}},
	{name: "somebody else's record", run: func(s *stage) {
		h := s.Hello(s.alice.secret)
		h.Record = foe.New("other" + s.Foe.Name).Record(nil)
		s.refused(foe.New("x"+s.Foe.Name), h, "other_key")
	}},
	{name: "an expired record", run: func(s *stage) {
		s.badRecord(func(r *roompb.Record) { r.Expires = time.Now().Add(-time.Minute).UnixMilli() })
	}},
	{name: "a record of next week", run: func(s *stage) {
		s.badRecord(func(r *roompb.Record) { r.Issued = time.Now().Add(7 * 24 * time.Hour).UnixMilli() })
	}},
	{name: "a record with a name that is none", run: func(s *stage) {
		s.badRecord(func(r *roompb.Record) { r.Name = "evil\n\u202enode" })
	}},
	{name: "a record whose signature is another's", run: func(s *stage) {
		f := foe.New("y" + s.Foe.Name)
		h := f.Hello(s.alice.secret)
		h.Record.Signature = s.Record(nil).Signature
		s.refused(f, h, "")
	}},
	{name: "no invitation", most: 25, run: func(s *stage) {
		f := foe.New("z" + s.Foe.Name)
		s.refused(f, f.Hello(""), "forbidden")
		s.refused(f, f.Hello("AAAAAAAAAAAAAAAAAAAAAA"), "")
	}},
	{name: "version 99", run: func(s *stage) {
		h := s.Hello(s.alice.secret)
		h.Protocol = 99
		s.refused(s.Foe, h, "protocol")
	}},
	{name: "a hello twice", run: func(s *stage) {
		must(s, s.link.Send(&linkpb.Frame{What: &linkpb.Frame_Hello{Hello: s.Hello("")}}))
		s.mustEnd(s.link)
	}},
	{name: "a frame before the hello", run: func(s *stage) {
		conn, control := s.silent(s.Foe)
		_, _ = control.Write(frameOf(&linkpb.Frame{What: &linkpb.Frame_Ping{Ping: &linkpb.Ping{Id: 1}}}))
		mustClose(s, conn)
	}},
	{name: "lengths of 2^31", run: func(s *stage) {
		huge := binary.AppendUvarint(nil, 1<<31)
		for i, send := range []func(l *foe.Link) error{
			func(l *foe.Link) error { return l.Raw(huge) },
			func(l *foe.Link) error { return l.Raw(bytes.Repeat([]byte{0xff}, 11)) },
			func(l *foe.Link) error {
				_, err := l.Stream(cat([]byte{'r'}, make([]byte, 32), huge), false)
				return err
			},
			func(l *foe.Link) error { return bidi(l, cat([]byte{'q'}, huge)) },
		} {
			l := s.link
			if i > 0 {
				l = s.greet(s.alice)
			}
			must(s, send(l))
			s.mustEnd(l)
		}
	}},
	{name: "lengths that are never filled", run: func(s *stage) {
		for range 50 {
			if _, err := s.link.Stream(cat([]byte{'r'}, make([]byte, 32), binary.AppendUvarint(nil, 4<<20)), false); err != nil {
				s.Fatal(err)
			}
		}
		s.settled(s.link) // what they promise is taken on trust by nobody: look measures
	}},
	{name: "messages of many levels", run: func(s *stage) {
		for _, levels := range []int{5_000, 200_000} { // refused or passed over: it must cost nothing but the handshake
			deep := lengthBefore(nested(levels))
			for _, send := range []func(l *foe.Link) error{
				func(l *foe.Link) error { return l.Raw(deep) },
				func(l *foe.Link) error { return bidi(l, cat([]byte{'q'}, deep)) },
				func(l *foe.Link) error {
					_, err := l.Stream(cat([]byte{'r'}, make([]byte, 32), deep), false)
					return err
				},
				func(l *foe.Link) error { _, err := l.Stream(cat([]byte{'s'}, nested(levels)), true); return err },
			} {
				l := s.greet(s.alice)
				_ = send(l) // it may be cut off meanwhile
				s.settled(l)
				l.Close()
			}
		}
	}},
	{name: "a flood of pings", run: func(s *stage) {
		s.flood(slices.Repeat([]*linkpb.Frame{{What: &linkpb.Frame_Ping{Ping: &linkpb.Ping{Id: 7}}}}, 60_000))
	}},
	{name: "a flood of frontiers", room: true, run: func(s *stage) {
		var frames []*linkpb.Frame
		for i := range uint64(30_000) {
			f := &roompb.Frontier{Room: s.id, StateIndex: i, StateHash: make([]byte, 32)}
			if i%2 == 0 {
				f.Room = random(32)
			}
			frames = append(frames, &linkpb.Frame{What: &linkpb.Frame_Have{Have: &linkpb.Have{Frontier: f}}})
		}
		s.flood(frames)
	}},
	{name: "a flood of digests", room: true, run: func(s *stage) {
		d := &linkpb.Frame{What: &linkpb.Frame_Digest{Digest: &linkpb.Digest{All: random(16), Rooms: []*linkpb.RoomDigest{{Room: s.id, Sum: random(16)}}}}}
		s.flood(slices.Repeat([]*linkpb.Frame{d}, 30_000))
	}},
	{name: "acknowledgements of all there could be", room: true, run: func(s *stage) {
		for i := range 2_000 {
			a := &linkpb.Ack{Room: s.id, StateIndex: ^uint64(0)}
			for k := range 50 {
				a.Tops = append(a.Tops, &roompb.Top{Origin: s.alice.name, Incarnation: uint32(i*50 + k), Seq: ^uint64(0), Hash: random(32)})
			}
			must(s, s.link.Send(&linkpb.Frame{What: &linkpb.Frame_Ack{Ack: a}}))
		}
		s.settled(s.link)
	}},
	{name: "streams of rooms that nobody knows", run: func(s *stage) {
		for range 1_000 {
			id := random(32)
			l := s.Messages(id, 1)
			b := cat([]byte{'r'}, id, lengthBefore(foe.Encode(l.Parcel(l.Say(s.mallory, "nobody hears this")))))
			if _, err := s.link.Stream(b, true); err != nil {
				s.Fatal(err)
			}
		}
		s.settled(s.link)
		s.mustStand(s.link)
		for _, f := range s.link.Frames() {
			if f.GetHave() != nil || f.GetAck() != nil {
				s.Fatalf("the node speaks of a room that it does not know: %v", f)
			}
		}
	}},
	{name: "streams of kinds that there are not", run: func(s *stage) {
		for i := range 200 {
			if _, err := s.link.Stream(cat([]byte{byte(i)}, random(100)), true); err != nil {
				return // ended: as good
			}
		}
		s.settled(s.link)
	}},
	{name: "garbage in datagrams", run: func(s *stage) {
		for i := range 2_000 {
			kind := []byte("sgx")[i%3]
			if s.link.Datagram(cat([]byte{kind}, random(i%1000))) != nil {
				break
			}
		}
		s.settled(s.link)
	}},
	{name: "gossip from nobody", run: func(s *stage) {
		for i := range 500 { // message types of memberlist, with rubbish behind
			must(s, s.link.Datagram(cat([]byte{'g', byte(i % 16)}, random(200))))
		}
		for range 20 {
			_ = bidi(s.link, cat([]byte{'g'}, random(3000))) // the node may have stopped reading before their ends
			_, _ = s.link.Stream(cat([]byte{'g'}, random(60_000)), true)
		}
		s.settled(s.link)
		s.mustStand(s.link)
		for _, p := range do(s, s.alice, client.AdminPeers, &pb.Empty{}).Peers {
			if p.Name == s.Foe.Name && p.Gossip {
				s.Error("the foe is seen alive by gossip")
			}
		}
	}},
}

// slowly are those that need time more than anything: they run side by side.
var slowly = []attack{
	{name: "a hundred connections without a hello", most: 3, run: func(s *stage) {
		var conns []*quic.Conn
		for i := range 100 {
			conn, control := s.silent(foe.New("half" + s.Foe.Name))
			if i%2 == 0 { // half of one
				_, _ = control.Write(binary.AppendUvarint(nil, 300))
			}
			conns = append(conns, conn)
		}
		for _, c := range conns {
			mustClose(s, c)
		}
	}},
	{name: "a byte a second", most: 3, room: true, run: func(s *stage) {
		p := lengthBefore(foe.Encode(s.log.Parcel(s.log.Say(s.mallory, "slowly"))))
		uni, err := s.link.Stream(cat([]byte{'r'}, s.id), false)
		must(s, err)
		ask, err := s.link.Conn.OpenStreamSync(s.ctx)
		must(s, err)
		_, _ = ask.Write([]byte{'q'})
		least := patience
		for i := range 4 {
			_, _ = uni.Write(p[i : i+1])
			_, _ = ask.Write([]byte{200})
			began := time.Now()
			s.ask(s.link, &roompb.Ask{What: &roompb.Ask_Frontier{Frontier: &roompb.FrontierAsk{Room: s.id}}})
			least = min(least, time.Since(began))
			time.Sleep(time.Second) // the attack itself
		}
		if least > answersWithin {
			s.Errorf("an ask beside the slow ones was answered after %v at the soonest", least)
		}
	}},
	{name: "a byte a second until it is cut off", most: 1, long: true, room: true, run: func(s *stage) {
		p := lengthBefore(foe.Encode(s.log.Parcel(s.log.Say(s.mallory, "slowly"))))
		uni, err := s.link.Stream(cat([]byte{'r'}, s.id), false)
		must(s, err)
		for i := range p {
			if _, err := uni.Write(p[i : i+1]); err != nil {
				return
			}
			if time.Sleep(time.Second); i > 45 {
				s.Fatal("a parcel may take its time for ever")
			}
		}
	}},
	{name: "reads nothing", most: 3, room: true, run: func(s *stage) {
		s.link.Deaf.Store(true)
		text := strings.Repeat("a long text ", 5_000)
		for range 40 { // 2.4 MB for the foe
			began, stood := time.Now(), !s.ended(s.link)
			s.say(s.alice, text)
			// Had she been kept waiting by the foe, she would have been until its link was ended.
			if took := time.Since(began); took > 2*time.Second && stood && s.ended(s.link) {
				s.Errorf("what alice said was answered after %v, when the foe's link had ended", took)
			}
		}
		for range 200 { // and asks whose answers it does not read
			if bidi(s.link, cat([]byte{'q'}, lengthBefore(foe.Encode(&roompb.Ask{What: &roompb.Ask_Page{Page: &roompb.PageAsk{
				Room: s.id, Origin: s.alice.name, Incarnation: 1, Below: 140, Limit: 100,
			}}})))) != nil {
				break
			}
		}
		if full() {
			s.mustEnd(s.link)
		}
	}},
}

// notGreeted: nobody answers a hello on such a connection.
func (s *stage) notGreeted(c *tls.Config) {
	s.Helper()
	conn, err := s.Dial(s.ctx, s.alice.address, c)
	if err != nil {
		return
	}
	defer conn.CloseWithError(0, "")
	control, err := conn.OpenStream()
	if err == nil {
		_, err = control.Write(frameOf(&linkpb.Frame{What: &linkpb.Frame_Hello{Hello: s.Hello(s.alice.secret)}}))
	}
	if err != nil {
		return
	}
	_ = control.SetReadDeadline(time.Now().Add(patience))
	if n, err := control.Read(make([]byte, 100)); err == nil {
		s.Errorf("the node answers with %d bytes", n)
	}
	mustClose(s, conn)
}

// refused: a hello is answered by a refusal with that code ("": any), and the connection ends.
func (s *stage) refused(f *foe.Foe, h *linkpb.Hello, code string) {
	s.Helper()
	l, answer, err := f.Greet(s.ctx, s.alice.address, h)
	if err != nil {
		s.Errorf("greet: %v", err)
		return
	}
	if answer.GetRefused() == "" || code != "" && answer.Refused != code {
		s.Errorf("the node answers %v, want a refusal %q", answer, code)
	}
	s.mustEnd(l)
}

func (s *stage) badRecord(edit func(*roompb.Record)) {
	s.Helper()
	f := foe.New("w" + s.Foe.Name)
	h := f.Hello(s.alice.secret)
	h.Record = f.Record(edit)
	s.refused(f, h, "")
}

// silent is a connection on which nothing was said.
func (s *stage) silent(f *foe.Foe) (*quic.Conn, *quic.Stream) {
	s.Helper()
	conn, err := f.Dial(s.ctx, s.alice.address, nil)
	if err != nil {
		s.Fatal(err)
	}
	control, err := conn.OpenStream()
	if err != nil {
		s.Fatal(err)
	}
	return conn, control
}

// flood writes frames, again and again, as fast as they go: it must end the link, and raise an alarm. On a
// busy machine they may go so slowly at first that it is no flood.
func (s *stage) flood(frames []*linkpb.Frame) {
	s.Helper()
	for end, at := time.Now().Add(patience), 0; time.Now().Before(end); at = (at + 1000) % len(frames) {
		if s.link.Send(frames[at:min(at+1000, len(frames))]...) != nil {
			break
		}
	}
	s.mustEnd(s.link)
	s.alarmed(s.alice, s.Foe.Name, "Too much of what came was bad")
	s.refused(s.Foe, s.Hello(""), "charged")
}

// mustClose: half a minute is the most that anybody is waited for (test 12 of the reliability list).
func mustClose(s *stage, c *quic.Conn) {
	s.Helper()
	select {
	case <-c.Context().Done():
	case <-time.After(30 * time.Second):
		s.Error("after half a minute the connection still stands")
		_ = c.CloseWithError(0, "")
	}
}

// bidi opens a stream in both directions, writes to it, and leaves it.
func bidi(l *foe.Link, b []byte) error {
	foe.Sent.Add(1)
	st, err := l.Conn.OpenStreamSync(l.Conn.Context())
	if err == nil {
		_, err = st.Write(b)
	}
	return err
}

func lengthBefore(b []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(b))), b...) }

func frameOf(f *linkpb.Frame) []byte { return lengthBefore(foe.Encode(f)) }

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// nested is a group in a group in a group.
func nested(levels int) []byte {
	return cat(bytes.Repeat([]byte{15<<3 | 3}, levels), bytes.Repeat([]byte{15<<3 | 4}, levels))
}

func must(s *stage, err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}
