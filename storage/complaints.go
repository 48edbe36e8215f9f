package storage

import (
	"hearth/storage/storagepb"
)

// PutBlock says whether a local user blocks a user (alice@node) or a node.
func (s *Store) PutBlock(local, what string, on bool) error {
	return s.write(func(w *writer) error {
		if err := checkWord("name", local); err != nil {
			return err
		}
		key := append(appendOwned(nil, spaceBlock, local), what...)
		if !on {
			return w.delete(key)
		}
		return w.set(key, nil)
	}, "put block of %s by %s", what, local)
}

// Blocks reads whom a local user blocks, users and nodes, by name.
func (s *Store) Blocks(local string) (blocked []string, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	prefix := appendOwned(nil, spaceBlock, local)
	err = s.scan(prefix, nil, func(key, _ []byte) error {
		blocked = append(blocked, string(key[len(prefix):]))
		return nil
	})
	return blocked, wrapf(err, "read blocks of %s", local)
}

// Blocked tells whether a local user blocks any of these users and nodes.
func (s *Store) Blocked(local string, what ...string) (bool, error) {
	if err := s.enter(); err != nil {
		return false, err
	}
	defer s.leave()
	for _, name := range what {
		key := append(appendOwned(nil, spaceBlock, local), name...)
		if ok, err := s.get(key, func([]byte) error { return nil }); ok || err != nil {
			return ok, wrapf(err, "read block of %s by %s", name, local)
		}
	}
	return false, nil
}

// PutReport keeps what a user told the administrators.
func (s *Store) PutReport(m *storagepb.Report) error {
	return s.write(func(w *writer) error { return w.proto(appendName(nil, spaceReport, m.GetId()), m) }, "put report %s", m.GetId())
}

// Reports reads at most limit reports, newest first.
func (s *Store) Reports(limit int) (reports []*storagepb.Report, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	it, err := s.db.NewIter(prefixBounds(appendSpace(nil, spaceReport)))
	if err != nil {
		return nil, wrapf(wrap(err), "read reports")
	}
	defer it.Close()
	for ok := it.Last(); ok && len(reports) < limit; ok = it.Prev() {
		value, err := it.ValueAndErr()
		m := new(storagepb.Report)
		if err == nil {
			err = decode(value, m)
		}
		if err != nil {
			return nil, wrapf(wrap(err), "read reports")
		}
		reports = append(reports, m)
	}
	return reports, wrapf(wrap(it.Error()), "read reports")
}

// DeleteReport forgets a report; nothing happens when it is not there.
func (s *Store) DeleteReport(id string) error {
	return s.write(func(w *writer) error { return w.delete(appendName(nil, spaceReport, id)) }, "delete report %s", id)
}
