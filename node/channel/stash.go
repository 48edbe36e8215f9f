package channel

import (
	"slices"
	"strings"
	"sync"

	"hearth/node/room"
	"hearth/storage"
)

// Bounds of what a plugin keeps.
const (
	MaxStashKey   = 200      // bytes
	MaxStashValue = 64 << 10 // bytes
	MaxStashKeys  = 10_000
	MaxStash      = 16 << 20 // bytes of all values
)

// stash is a plugin's small store: the sizes are in memory so that its bounds hold, the values are not.
type stash struct {
	mu    sync.Mutex
	sizes map[string]int // nil: not read yet
	total int
}

func (k *stash) load(s *storage.Store, bridge string) error {
	if k.sizes != nil {
		return nil
	}
	sizes, err := s.StashSizes(bridge)
	if err != nil {
		return err
	}
	k.sizes = sizes
	for _, n := range sizes {
		k.total += n
	}
	return nil
}

// Get is what a plugin keeps under a key; false when nothing.
func (b *Book) Get(bridge, key string) ([]byte, bool, error) {
	if _, err := b.find(bridge); err != nil {
		return nil, false, err
	}
	v, err := b.store.Stash(bridge, key)
	return v, v != nil, err
}

// Put keeps a value under a key; it is durable when the call returns.
func (b *Book) Put(bridge, key string, value []byte) error {
	switch {
	case key == "" || len(key) > MaxStashKey:
		return room.Errorf(room.BadRequest, "A key has 1 to %d bytes, not %d.", MaxStashKey, len(key))
	case len(value) > MaxStashValue:
		return room.Errorf(room.TooLarge, "A value has at most %d KB, not %d.", MaxStashValue>>10, (len(value)+1023)>>10)
	}
	if value == nil {
		value = []byte{}
	}
	return b.stashed(bridge, func(k *stash) error {
		old, there := k.sizes[key]
		if !there && len(k.sizes) >= MaxStashKeys {
			return room.Errorf(room.Limited, "A bridge keeps at most %d values.", MaxStashKeys)
		}
		if k.total-old+len(value) > MaxStash {
			return room.Errorf(room.Limited, "A bridge keeps at most %d MB.", MaxStash>>20)
		}
		if err := b.store.PutStash(bridge, key, value); err != nil {
			return err
		}
		k.total += len(value) - old
		k.sizes[key] = len(value)
		return nil
	})
}

// Delete takes a value away; nothing happens when it is not there.
func (b *Book) Delete(bridge, key string) error {
	return b.stashed(bridge, func(k *stash) error {
		if err := b.store.PutStash(bridge, key, nil); err != nil {
			return err
		}
		k.total -= k.sizes[key]
		delete(k.sizes, key)
		return nil
	})
}

// List is the keys that begin so, sorted.
func (b *Book) List(bridge, prefix string) (keys []string, err error) {
	err = b.stashed(bridge, func(k *stash) error {
		for key := range k.sizes {
			if strings.HasPrefix(key, prefix) {
				keys = append(keys, key)
			}
		}
		return nil
	})
	slices.Sort(keys)
	return keys, err
}

// stashed calls fn with a bridge's stash, one call at a time. A bridge that was taken away meanwhile
// keeps nothing any more.
func (b *Book) stashed(bridge string, fn func(*stash) error) error {
	e, err := b.find(bridge)
	if err != nil {
		return err
	}
	e.change.Lock() // Remove waits
	defer e.change.Unlock()
	if now, err := b.find(bridge); err != nil || now != e {
		return noBridge(bridge)
	}
	e.stash.mu.Lock()
	defer e.stash.mu.Unlock()
	if err := e.stash.load(b.store, bridge); err != nil {
		return err
	}
	return fn(&e.stash)
}
