// Package blob keeps files that people upload, in a folder, each under the hash of its bytes.
//
//	blobs/ab/cdef...   SHA-256 in lower-case hexadecimal, its first byte the folder
//
// A file appears whole or not at all: it is written without a name (O_TMPFILE), synced, linked to its
// name, and the folder is synced; only then does the store get to know it. Two uploads of the same
// bytes are one file. So far files are avatars of people and rooms, re-encoded from what was uploaded.
package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"hearth/node/room"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// Limits of uploads; a zero field means its default.
type Limits struct {
	AvatarBytes int64            // of an uploaded picture before it is made smaller; default 10 MiB
	UserBytes   int64            // of all files of one user as they are stored; default 64 MiB
	Now         func() time.Time // default time.Now
}

func (l Limits) withDefaults() Limits {
	if l.AvatarBytes == 0 {
		l.AvatarBytes = 10 << 20
	}
	if l.UserBytes == 0 {
		l.UserBytes = 64 << 20
	}
	if l.Now == nil {
		l.Now = time.Now
	}
	return l
}

// Store is an open folder of files. Any goroutine may call its methods. It keeps nothing open, so it
// needs no closing.
type Store struct {
	dir    string
	meta   *storage.Store
	limits Limits

	// memory is shared out among the decoders by the bytes each will take, at least half of it each:
	// so at most two run at a time, and never two large ones.
	memory *semaphore.Weighted
	places chan struct{} // uploads being read or waiting for memory

	quota sync.Mutex // held from looking at a quota until the file counts
}

// waiting is how many uploads may be under way: each holds at most AvatarBytes.
const waiting = 8

// Open opens the folder dir, which is made if need be; what is known of its files is in meta.
func Open(dir string, meta *storage.Store, l Limits) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open blobs %s: %w", dir, err)
	}
	return &Store{
		dir:    dir,
		meta:   meta,
		limits: l.withDefaults(),
		memory: semaphore.NewWeighted(maxDecode),
		places: make(chan struct{}, waiting),
	}, nil
}

// Limits are the ones in force.
func (s *Store) Limits() Limits { return s.limits }

// PutAvatar reads a picture and keeps it as an avatar: square, at most 256 pixels, nothing else of the
// file left. It counts against owner's quota. Refusals: bad_request when it is no picture that can be
// read, too_large, limited when the quota is used up, busy.
func (s *Store) PutAvatar(ctx context.Context, owner room.User, r io.Reader) (room.Hash, error) {
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		return room.Hash{}, room.Errorf(room.Busy, "Many pictures are being uploaded. Try again in a moment.")
	}
	raw, err := s.read(r)
	if err != nil {
		return room.Hash{}, err
	}
	data, mime, err := s.avatar(ctx, raw)
	if err != nil {
		return room.Hash{}, err
	}
	return s.put(owner, data, mime)
}

func (s *Store) read(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, s.limits.AvatarBytes+1))
	if err != nil {
		return nil, room.Errorf(room.BadRequest, "The upload broke off.")
	}
	if int64(len(raw)) > s.limits.AvatarBytes {
		return nil, room.Errorf(room.TooLarge, "A picture has at most %d MB.", s.limits.AvatarBytes>>20)
	}
	return raw, nil
}

func (s *Store) avatar(ctx context.Context, raw []byte) (data []byte, mime string, err error) {
	p, err := inspect(raw)
	if err != nil {
		return nil, "", err
	}
	share := max(p.cost, maxDecode/2)
	if err := s.memory.Acquire(ctx, share); err != nil {
		return nil, "", room.Errorf(room.Busy, "Many pictures are being uploaded. Try again in a moment.")
	}
	defer s.memory.Release(share)
	return p.square()
}

func (s *Store) put(owner room.User, data []byte, mime string) (room.Hash, error) {
	id := room.Hash(sha256.Sum256(data))
	s.quota.Lock()
	defer s.quota.Unlock()
	known, err := s.meta.Blob(id)
	if err != nil {
		return room.Hash{}, fmt.Errorf("put blob %s: %w", id, err)
	}
	if known == nil {
		if err := s.checkQuota(owner, int64(len(data))); err != nil {
			return room.Hash{}, err
		}
	}
	// Known or not, the file is made sure of: a restored backup may lack it.
	if err := s.write(id, data); err != nil {
		return room.Hash{}, fmt.Errorf("put blob %s: %w", id, err)
	}
	if known != nil {
		return id, nil
	}
	return id, s.meta.PutBlob(&storagepb.Blob{
		Id: id.Bytes(), Type: mime, Size: int64(len(data)), Owner: owner.Local(), Created: s.limits.Now().UnixMilli(),
	})
}

func (s *Store) checkQuota(owner room.User, size int64) error {
	used, err := s.meta.BlobBytesOf(owner.Local())
	if err != nil {
		return fmt.Errorf("read quota of %s: %w", owner, err)
	}
	if used+size > s.limits.UserBytes {
		return room.Errorf(room.Limited, "Your files take %d of the %d MB you may use.", used>>20, s.limits.UserBytes>>20)
	}
	return nil
}

// write makes sure that the file of id is there, whole and synced.
func (s *Store) write(id room.Hash, data []byte) error {
	path := s.path(id)
	if old, err := os.ReadFile(path); err == nil && room.Hash(sha256.Sum256(old)) == id {
		return nil
	} else if err == nil {
		if err := os.Remove(path); err != nil { // damaged: the upload heals it
			return err
		}
	}
	dir := filepath.Dir(path)
	if err := makeFolder(dir); err != nil {
		return err
	}
	if err := writeLinked(dir, path, data); err != nil {
		return err
	}
	return syncFolder(dir)
}

func (s *Store) path(id room.Hash) string {
	name := hex.EncodeToString(id[:])
	return filepath.Join(s.dir, name[:2], name[2:])
}

// Open reads a file and what is known of it. The bytes are compared with the hash: one that was damaged
// on disk is an error, never shown. Refused as not_found when there is no such file.
func (s *Store) Open(id room.Hash) (io.ReadSeekCloser, *storagepb.Blob, error) {
	meta, err := s.meta.Blob(id)
	if err != nil {
		return nil, nil, fmt.Errorf("open blob %s: %w", id, err)
	}
	if meta == nil {
		return nil, nil, notFound()
	}
	data, err := s.sound(id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, notFound()
	}
	if err != nil {
		return nil, nil, err
	}
	return &file{bytes.NewReader(data)}, meta, nil
}

func notFound() error { return room.Errorf(room.NotFound, "There is no such file.") }

// sound reads a file whole. Avatars are some tens of kilobytes, hashed in as many microseconds.
func (s *Store) sound(id room.Hash) ([]byte, error) {
	data, err := os.ReadFile(s.path(id))
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", id, err)
	}
	if room.Hash(sha256.Sum256(data)) != id {
		return nil, fmt.Errorf("open blob %s: it is damaged on disk", id)
	}
	return data, nil
}

// Verify reads every file that is known and calls bad for each that is missing or damaged.
func (s *Store) Verify(ctx context.Context, bad func(id room.Hash, err error)) (files int, err error) {
	err = s.meta.Blobs(func(m *storagepb.Blob) error {
		id, err := room.HashFromBytes(m.GetId())
		if err == nil {
			_, err = s.sound(id)
		}
		if err != nil {
			bad(id, err)
		}
		files++
		return ctx.Err()
	})
	return files, err
}

// file is an open blob.
type file struct{ *bytes.Reader }

func (*file) Close() error { return nil }

// foreignTypes are what another node's file may be: pictures, as PutAvatar makes them.
var foreignTypes = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true}

// PutForeign keeps a file that another node sent for an id: one that does not hash to it
// is refused. It counts against nobody's quota.
func (s *Store) PutForeign(id room.Hash, data []byte, mime string) error {
	if !foreignTypes[mime] {
		return room.Errorf(room.BadRequest, "A file of type %.40q is not taken from other nodes.", mime)
	}
	if sha256.Sum256(data) != id {
		return room.Errorf(room.BadRequest, "The file is not the one that its name says.")
	}
	if err := s.write(id, data); err != nil {
		return err
	}
	return s.meta.PutBlob(&storagepb.Blob{Id: id.Bytes(), Type: mime, Size: int64(len(data)), Created: s.limits.Now().UnixMilli()})
}
