package account

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"hearth/node/limit"
	"hearth/node/room"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// NewID is a UUIDv7 (RFC 9562, section 5.7): what is named so sorts by when it was added.
func NewID(now time.Time) string {
	b := random(16)
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16|uint64(binary.BigEndian.Uint16(b[6:8])&0x0fff)|0x7000)
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Login is a new device and its token, which is shown once and never again.
type Login struct {
	Token string
	Caller
	Ended []string // devices that had to give way because the account had too many
}

// admit adds a device. The caller holds a.change and has checked who this is.
func (a *Accounts) admit(local, name, address string) (Login, error) {
	token, hash := newSecret()
	now := a.config.Now()
	d := &storagepb.Device{
		Id: NewID(now), User: local, TokenHash: hash[:], Name: deviceName(name),
		Created: now.UnixMilli(), Seen: now.UnixMilli(), Address: bounded(address),
	}
	if err := a.store.PutDevice(d); err != nil {
		return Login{}, err
	}
	ended, err := a.makeWay(local, d.GetId())
	if err != nil {
		return Login{}, err
	}
	caller := Caller{User: a.full(local), Device: d.GetId(), Admin: a.people.get(local).admin}
	return Login{Token: token, Caller: caller, Ended: ended}, nil
}

// makeWay ends the devices unused for longest while there are too many, but never the newest one.
func (a *Accounts) makeWay(local, newest string) ([]string, error) {
	devices, err := a.devices(local)
	if err != nil || len(devices) <= a.config.MaxDevices {
		return nil, err
	}
	devices = slices.DeleteFunc(devices, func(d *storagepb.Device) bool { return d.GetId() == newest })
	slices.SortFunc(devices, func(x, y *storagepb.Device) int { return int(min(max(x.GetSeen()-y.GetSeen(), -1), 1)) })
	return a.tokens.revoke(devices[:len(devices)+1-a.config.MaxDevices])
}

// devices reads an account's devices as they stand, what was seen a moment ago included.
func (a *Accounts) devices(local string) ([]*storagepb.Device, error) {
	if err := a.seen.flush(); err != nil {
		return nil, err
	}
	return a.store.Devices(local)
}

// Devices lists the caller's devices, oldest first.
func (a *Accounts) Devices(c Caller) ([]*storagepb.Device, error) {
	local, err := a.own(c)
	if err != nil {
		return nil, err
	}
	return a.devices(local)
}

// Logout ends the caller's own device.
func (a *Accounts) Logout(c Caller) error {
	ended, err := a.revoke(c, func(d *storagepb.Device) bool { return d.GetId() == c.Device })
	if err != nil || len(ended) == 0 {
		return err
	}
	a.change.Lock()
	defer a.change.Unlock()
	// A device takes the memory of when it was seen with it.
	return a.update(c.User.Local(), func(m *storagepb.Account) error { m.Seen = a.now(); return nil })
}

// Revoke ends one of the caller's devices; refused as not_found when it is not one of them.
func (a *Accounts) Revoke(c Caller, device string) error {
	ended, err := a.revoke(c, func(d *storagepb.Device) bool { return d.GetId() == device })
	if err == nil && len(ended) == 0 {
		return room.Errorf(room.NotFound, "You have no such device.")
	}
	return err
}

func (a *Accounts) revoke(c Caller, which func(*storagepb.Device) bool) ([]string, error) {
	local, err := a.own(c)
	if err != nil {
		return nil, err
	}
	a.change.Lock()
	defer a.change.Unlock()
	return a.revokeWhere(local, which)
}

// revokeWhere ends the devices of an account that which picks, and returns their ids. The caller holds a.change.
func (a *Accounts) revokeWhere(local string, which func(*storagepb.Device) bool) ([]string, error) {
	devices, err := a.store.Devices(local)
	if err != nil {
		return nil, err
	}
	devices = slices.DeleteFunc(devices, func(d *storagepb.Device) bool { return !which(d) })
	return a.tokens.revoke(devices)
}

func all(*storagepb.Device) bool { return true }

// knows tells whether a device of the account was last seen in that network.
func (a *Accounts) knows(local string, from network) (bool, error) {
	if !from.IsValid() {
		return false, nil
	}
	devices, err := a.devices(local)
	return slices.ContainsFunc(devices, func(d *storagepb.Device) bool {
		return limit.Network(d.GetAddress()) == from
	}), err
}

// Touch notes that the caller's device is in use, at that address. It is cheap: what was noted goes to
// the store once a minute at most, or by Flush.
func (a *Accounts) Touch(c Caller, address string) {
	now := a.now()
	if c.Device != "" && a.seen.note(storage.Touch{User: c.User.Local(), ID: c.Device, Seen: now, Address: bounded(address)}) {
		_ = a.seen.flush() // it stays noted; the next flush that somebody waits for tells of the error
	}
}

// Flush writes down when devices were last seen; to be called before the store is closed.
func (a *Accounts) Flush() error { return a.seen.flush() }

// seen gathers when devices were in use.
type seen struct {
	store *storage.Store

	mu      sync.Mutex
	waiting map[string]storage.Touch // by device
	oldest  int64                    // when the first of waiting was noted, ms
}

func newSeen(s *storage.Store) *seen {
	return &seen{store: s, waiting: make(map[string]storage.Touch)}
}

// note returns true when it is time to flush.
func (s *seen) note(t storage.Touch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		s.oldest = t.Seen
	}
	s.waiting[t.ID] = t
	return t.Seen-s.oldest >= time.Minute.Milliseconds()
}

func (s *seen) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return nil
	}
	touches := make([]storage.Touch, 0, len(s.waiting))
	for _, t := range s.waiting {
		touches = append(touches, t)
	}
	if err := s.store.TouchDevices(touches); err != nil {
		return err
	}
	clear(s.waiting)
	return nil
}

// bounded cuts an address to what a device record may hold.
func bounded(address string) string { return address[:min(len(address), 64)] }
