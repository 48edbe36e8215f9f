package storage

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

func (s *shadow) applyLogs(a *Append) {
	for _, pos := range a.Void {
		s.void[pos] = true
	}
	for _, h := range a.Heads {
		s.heads[fmt.Sprint(h.Log, h.Origin)] = h
		if h.Log == roompb.Log_LOG_STATE {
			s.stateHead[h.Seq] = h
		}
	}
	for _, h := range a.DropChains {
		delete(s.chains, chainName(h))
	}
	for _, c := range a.Chains {
		s.chains[chainName(c.Head)] = c
	}
}

// chainName sorts as the store does.
func chainName(h *roompb.Head) string {
	if h.Log == roompb.Log_LOG_STATE {
		return "1"
	}
	return fmt.Sprintf("%d %s %08d", h.Log, h.Origin, h.Incarnation)
}

func (s *shadow) applyNodes(a *Append) {
	for _, p := range a.Pasts {
		s.pasts[p.User] = p
		if len(p.Standings) == 0 {
			delete(s.pasts, p.User)
		}
	}
	for _, n := range a.Nodes {
		s.nodes[n.Node] = n.Here
	}
	for _, o := range a.Outbox {
		if s.outbox[o.Node] == nil {
			s.outbox[o.Node] = map[[16]byte]string{}
		}
		s.outbox[o.Node][o.ID] = string(o.Bytes)
		if o.Bytes == nil {
			delete(s.outbox[o.Node], o.ID)
		}
	}
}

func (want *shadow) checkAbout(r *testRoom, s *Store) error {
	about := map[room.EventID][]Record{}
	for _, rec := range want.records {
		about[rec.Event.ID] = nil // nothing, unless
	}
	for _, rec := range want.records {
		target, ok := rec.Event.Target()
		if ok && !want.void[rec.Pos] && !rec.Void && !want.erased[rec.Pos] {
			about[target] = append(about[target], rec)
		}
	}
	for target, records := range about {
		got, err := s.About(r.id, target)
		if err != nil {
			return err
		}
		if len(got) != len(records) {
			return differ("%d events about %s, want %d", len(got), target, len(records))
		}
		for i, rec := range records {
			if err := want.same(got[i], rec); err != nil {
				return err
			}
		}
	}
	return want.checkEarly(r, s, about)
}

// checkEarly asks for all at once.
func (want *shadow) checkEarly(r *testRoom, s *Store, about map[room.EventID][]Record) error {
	got, err := s.Early(r.id, slices.Collect(maps.Keys(about)))
	if err != nil {
		return err
	}
	replies := map[room.EventID]int{}
	for _, rec := range want.records {
		if thread := threadOf(&rec); !thread.IsZero() && !rec.Void && !want.void[rec.Pos] {
			replies[thread]++
		}
	}
	for target, records := range about {
		early, ok := got[target]
		if ok != (len(records)+replies[target] > 0) || len(early.About) != len(records) || early.Replies != replies[target] {
			return differ("%d events about %s and %d replies, want %d and %d", len(early.About), target, early.Replies, len(records), replies[target])
		}
		for i, rec := range records {
			if err := want.same(early.About[i], rec); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkLogs asks for each log from each of its entries on, and for the room's chains.
func (want *shadow) checkLogs(r *testRoom, s *Store) error {
	logs := map[logName]map[uint64]Record{}
	for _, rec := range want.records {
		h := rec.Event.Header
		name := logName{h.Log, h.Origin, h.Incarnation}
		if h.Log == roompb.Log_LOG_STATE {
			name = logName{log: h.Log}
		}
		if logs[name] == nil {
			logs[name] = map[uint64]Record{}
		}
		logs[name][h.Seq] = rec
	}
	for name, entries := range logs {
		for _, limit := range []int{3, 1000} {
			if err := want.checkLog(r, s, name, entries, limit); err != nil {
				return fmt.Errorf("log %v: %w", name, err)
			}
		}
	}
	chains, err := s.Chains(r.id)
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(want.chains))
	if len(chains) != len(names) {
		return differ("%d chains, want %d", len(chains), len(names))
	}
	for i, name := range names {
		if !proto.Equal(chains[i], want.chains[name]) {
			return differ("chain %v, want %v", chains[i], want.chains[name])
		}
	}
	return nil
}

// checkLog goes along a log from the beginning: to the end of each stretch, then to the next.
func (want *shadow) checkLog(r *testRoom, s *Store, name logName, entries map[uint64]Record, limit int) error {
	read := 0
	for seq := range slices.Max(slices.Collect(maps.Keys(entries))) {
		seq++
		_, before := entries[seq-1]
		_, here := entries[seq]
		if before && (here || seq%2 == 0) { // from the beginning of a stretch; a gap is asked for now and then
			continue
		}
		for from := seq; ; {
			got, err := s.Log(r.id, name.log, name.origin, name.incarnation, from, 0, limit, 1<<20)
			if err != nil {
				return err
			}
			for _, rec := range got {
				if err := want.same(rec, entries[from]); err != nil {
					return err
				}
				from++
			}
			read += len(got)
			if _, more := entries[from]; len(got) < limit && more {
				return differ("it stops before entry %d", from)
			} else if len(got) == 0 || !more {
				break
			}
		}
	}
	if read != len(entries) {
		return differ("%d entries, want %d", read, len(entries))
	}
	return nil
}

func (want *shadow) checkNodes(r *testRoom, s *Store) error {
	n := 0
	err := s.Pasts(r.id, func(u room.User, standings []*roompb.PastStanding) error {
		n++
		if !proto.Equal(&storagepb.Past{Standings: standings}, &storagepb.Past{Standings: want.pasts[u].Standings}) {
			return differ("past of %s is %v, want %v", u, standings, want.pasts[u])
		}
		return nil
	})
	if err == nil && n != len(want.pasts) {
		err = differ("%d pasts, want %d", n, len(want.pasts))
	}
	if err != nil {
		return err
	}
	for _, node := range []string{testNode, "peer.example", "second.example", farNode} {
		rooms, err := s.PeerRooms(node)
		if err != nil {
			return err
		}
		if slices.Contains(rooms, r.id) != want.nodes[node] {
			return differ("the room is one of %s: %v", node, !want.nodes[node])
		}
	}
	return want.checkOutbox(r, s)
}

func (want *shadow) checkOutbox(r *testRoom, s *Store) error {
	for node, items := range want.outbox {
		all, err := s.Outbox(node)
		if err != nil {
			return err
		}
		n := 0
		for i, o := range all {
			if i > 0 && bytes.Compare(all[i-1].ID[:], o.ID[:]) >= 0 {
				return differ("the outbox for %s is out of order", node)
			}
			if !bytes.Equal(o.ID[:8], r.id[:8]) {
				continue
			}
			if n++; items[o.ID] != string(o.Bytes) || o.Node != node {
				return differ("in the outbox for %s is %q, want %q", node, o.Bytes, items[o.ID])
			}
		}
		if n != len(items) {
			return differ("%d in the outbox for %s, want %d", n, node, len(items))
		}
	}
	return nil
}
