package peer

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// Names of the values that the book keeps beside the peers.
const (
	valuePolicy  = "peer/policy"
	valueListed  = "peer/listed"
	valueAlarms  = "peer/alarms"
	valuePending = "peer/pending"
	valueSelf    = "peer/self"
)

// Alarm is something an administrator should see.
type Alarm struct {
	Time time.Time
	Peer string
	Text string
}

const (
	maxAlarms  = 100
	maxOfPeer  = 10        // so that nobody hides what others did behind alarms of its own
	alarmEvery = time.Hour // the same alarm is not raised more often
)

func (b *Book) openValues() error {
	policy, err := b.store.Value(valuePolicy)
	if err != nil {
		return err
	}
	if b.policy, err = ParsePolicy(string(policy)); err != nil {
		b.policy = PolicyInvite
	}
	listed, err := b.store.Value(valueListed)
	if err != nil {
		return err
	}
	b.listed = map[string]bool{}
	for _, name := range lines(listed) {
		b.listed[name] = true
	}
	return b.openOwn()
}

func (b *Book) openOwn() error {
	alarms, err := b.store.Value(valueAlarms)
	if err != nil {
		return err
	}
	if len(alarms) > 0 && json.Unmarshal(alarms, &b.alarms) != nil {
		b.alarms = nil // old news: not worth a start
	}
	raw, err := b.store.Value(valueSelf)
	if err != nil || raw == nil {
		return err
	}
	own := new(roompb.SignedRecord)
	if proto.Unmarshal(raw, own) != nil {
		return nil
	}
	if r, err := readSigned(own); err == nil && r.GetName() == b.self {
		b.own, b.reach = own, r.GetAddresses()
	}
	return nil
}

func lines(b []byte) []string {
	if len(b) == 0 {
		return nil
	}
	return strings.Split(string(b), "\n")
}

// Renew signs the own record anew; what others are to dial comes with it.
func (b *Book) Renew(addresses []string, version string) (*roompb.SignedRecord, error) {
	own, err := NewRecord(b.self, b.key, addresses, version, b.now())
	if err != nil {
		return nil, err
	}
	raw, err := proto.Marshal(own)
	if err != nil {
		return nil, fmt.Errorf("encode own record: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.store.PutValue(valueSelf, raw); err != nil {
		return nil, err
	}
	b.own, b.reach = own, addresses
	return own, nil
}

// Own is the own record as it was last signed; nil before the first start.
func (b *Book) Own() *roompb.SignedRecord {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.own
}

// Addresses are where others reach this node, as it last told them.
func (b *Book) Addresses() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.reach)
}

// InviteLink is a secret of MakeInvite as a link.
func (b *Book) InviteLink(secret string) (string, error) {
	addresses := b.Addresses()
	if len(addresses) == 0 {
		return "", room.Errorf(room.Conflict, "The node has not been started yet, so nobody can tell where it is reached: start it once, or tell it by --advertise.")
	}
	return Link{Address: addresses[0], Name: b.self, Fingerprint: Fingerprint(b.key.Public().(ed25519.PublicKey)), Secret: secret}.String(), nil
}

// Raise tells the administrators something. The same of the same peer is told once an hour.
func (b *Book) Raise(name, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alarm(name, text)
}

func (b *Book) alarm(name, text string) {
	now := b.now()
	for _, a := range b.alarms {
		if a.Peer == name && a.Text == text && now.Sub(a.Time).Abs() < alarmEvery {
			return
		}
	}
	b.log.Warn("federation alarm", "peer", name, "alarm", text)
	b.thin(name)
	b.alarms = append(b.alarms, Alarm{Time: now, Peer: name, Text: text})
	b.alarms = b.alarms[max(0, len(b.alarms)-maxAlarms):]
	raw, err := json.Marshal(b.alarms)
	if err == nil {
		err = b.store.PutValue(valueAlarms, raw)
	}
	if err != nil {
		b.log.Warn("keep federation alarm", "error", err)
	}
}

// thin drops the oldest alarm about a peer of which there are enough.
func (b *Book) thin(name string) {
	oldest, n := -1, 0
	for i, a := range b.alarms {
		if a.Peer != name {
			continue
		}
		if n++; oldest < 0 {
			oldest = i
		}
	}
	if n >= maxOfPeer {
		b.alarms = slices.Delete(b.alarms, oldest, oldest+1)
	}
}

// Alarms are what was raised, newest first.
func (b *Book) Alarms() []Alarm {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Clone(b.alarms)
	slices.Reverse(out)
	return out
}

// maxPending bounds the joins that wait for the node's next start.
const maxPending = 100

// PutPendingJoin notes, in a store whose node does not run, that it shall join another at
// its next start: an invite link, a name, or host:port.
func PutPendingJoin(s *storage.Store, link string) error {
	if IsLink(link) {
		if _, err := ParseLink(link); err != nil {
			return err
		}
	}
	if strings.ContainsAny(link, "\n\r") || link == "" || len(link) > 1000 {
		return room.Errorf(room.BadRequest, "That is no node's invite link, name or address.")
	}
	pending, err := pendingJoins(s)
	if err != nil || slices.Contains(pending, link) {
		return err
	}
	if len(pending) >= maxPending {
		return room.Errorf(room.Limited, "%d joins are waiting already: start the node.", maxPending)
	}
	return s.PutValue(valuePending, []byte(strings.Join(append(pending, link), "\n")))
}

func pendingJoins(s *storage.Store) ([]string, error) {
	raw, err := s.Value(valuePending)
	return lines(raw), err
}

// PendingJoins are the joins that were asked for while the node did not run.
func (b *Book) PendingJoins() ([]string, error) { return pendingJoins(b.store) }

// DonePendingJoin takes a join out that has succeeded, or that never can.
func (b *Book) DonePendingJoin(link string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	pending, err := pendingJoins(b.store)
	if err != nil {
		return err
	}
	pending = slices.DeleteFunc(pending, func(p string) bool { return p == link })
	if len(pending) == 0 {
		return b.store.PutValue(valuePending, nil)
	}
	return b.store.PutValue(valuePending, []byte(strings.Join(pending, "\n")))
}
