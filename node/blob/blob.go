// Package blob keeps files that people upload, in a folder, each under the hash of its bytes.
//
//	blobs/ab/cdef...   SHA-256 in lower-case hexadecimal, its first byte the folder
//
// A file appears whole or not at all: it is written without a name (O_TMPFILE), synced, linked to its
// name, and the folder is synced; only then does the store get to know it. Two uploads of the same
// bytes are one file. Avatars of people and rooms are re-encoded from what was uploaded; files attached to
// messages are kept as they came, but for what pictures tell of their taker.
package blob

import (
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
	AvatarBytes  int64            // of an uploaded picture before it is made smaller; default 10 MiB
	FileBytes    int64            // of a file attached to a message; default 50 MiB
	UserBytes    int64            // of all files of one user as they are stored; default 1 GiB
	ForeignBytes int64            // of all files of other nodes that are kept here; default 4 GiB
	Now          func() time.Time // default time.Now
}

func (l Limits) withDefaults() Limits {
	if l.AvatarBytes == 0 {
		l.AvatarBytes = 10 << 20
	}
	if l.FileBytes == 0 {
		l.FileBytes = 50 << 20
	}
	if l.UserBytes == 0 {
		l.UserBytes = 1 << 30
	}
	if l.ForeignBytes == 0 {
		l.ForeignBytes = 4 << 30
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
	m := &storagepb.Blob{
		Id: id.Bytes(), Type: mime, Size: int64(len(data)), Owner: owner.Local(), Created: s.limits.Now().UnixMilli(),
	}
	may := func(room.Hash) error { return s.checkQuota(owner, m.Size) }
	return id, s.admit(id, m, may, func() error { return s.write(id, data) })
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
	f, err := s.sound(id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, notFound()
	}
	if err != nil {
		return nil, nil, err
	}
	return f, meta, nil
}

func notFound() error { return room.Errorf(room.NotFound, "There is no such file.") }

// sound opens a file after comparing all of it with its hash: 1 ms a megabyte.
func (s *Store) sound(id room.Hash) (*os.File, error) {
	f, err := os.Open(s.path(id))
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", id, err)
	}
	sum := sha256.New()
	if _, err = io.Copy(sum, f); err == nil && room.Hash(sum.Sum(nil)) != id {
		err = errors.New("it is damaged on disk")
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open blob %s: %w", id, err), f.Close())
	}
	return f, nil
}

// Verify reads every file that is known and calls bad for each that is missing or damaged.
func (s *Store) Verify(ctx context.Context, bad func(id room.Hash, err error)) (files int, err error) {
	err = s.meta.Blobs(func(m *storagepb.Blob) error {
		id, err := room.HashFromBytes(m.GetId())
		if err == nil {
			var f *os.File
			if f, err = s.sound(id); err == nil {
				err = f.Close()
			}
		}
		if err != nil {
			bad(id, err)
		}
		files++
		return ctx.Err()
	})
	return files, err
}
