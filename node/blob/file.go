package blob

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// maxPicture is up to where a file is looked at as a picture; what is larger is kept as it came.
const maxPicture = 20 << 20

// PutFile reads a file of any kind and keeps it for messages. Pictures lose what tells where and with
// what they were taken; all else is kept as it is. It counts against owner's quota. Refusals:
// bad_request when it is empty, too_large, limited when the quota is used up, busy.
func (s *Store) PutFile(ctx context.Context, owner room.User, name string, r io.Reader) (*roompb.File, error) {
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-ctx.Done():
		return nil, room.Errorf(room.Busy, "Many files are being uploaded. Try again in a moment.")
	}
	if name == "" {
		name = "file"
	}
	if err := room.CheckLine("file's name", name, room.MaxFileName); err != nil {
		return nil, err
	}
	in, m, err := s.look(r, true)
	if err != nil {
		return nil, err
	}
	m.Name, m.Owner, m.Created, m.Attached = name, owner.Local(), s.limits.Now().UnixMilli(), true
	id, err := s.takeIn(m, in, func(id room.Hash) error { return s.checkQuota(owner, m.Size) })
	if err != nil {
		return nil, err
	}
	return &roompb.File{Blob: id.String(), Name: name, Size: uint64(m.Size), Type: m.Type, Width: m.Width, Height: m.Height}, nil
}

// look finds out what a file is by its content alone; clean takes out of a picture what is not
// the picture.
func (s *Store) look(r io.Reader, clean bool) (io.Reader, *storagepb.Blob, error) {
	in := bufio.NewReaderSize(io.LimitReader(r, s.limits.FileBytes+1), 64<<10)
	head, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, brokeOff()
	}
	if len(head) == 0 {
		return nil, nil, room.Errorf(room.BadRequest, "The file is empty.")
	}
	kind := pictureType(head)
	if kind == "" {
		kind, _, _ = mime.ParseMediaType(http.DetectContentType(head))
		return in, &storagepb.Blob{Type: kind}, nil
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxPicture+1))
	if err != nil {
		return nil, nil, brokeOff()
	}
	whole := io.MultiReader(bytes.NewReader(raw), in)
	p, err := inspect(raw)
	if err != nil || len(raw) > maxPicture {
		return whole, &storagepb.Blob{Type: octets}, nil // no picture that anybody should try to show
	}
	if clean {
		raw = strip(kind, raw)
	}
	return bytes.NewReader(raw), &storagepb.Blob{Type: kind, Width: uint32(p.width), Height: uint32(p.height)}, nil
}

const octets = "application/octet-stream"

func brokeOff() error { return room.Errorf(room.BadRequest, "The upload broke off.") }

// ErrOther refuses a file that is another than was asked for.
var ErrOther = room.Errorf(room.BadRequest, "The file is not the one that its name says.")

// PutForeign keeps a file that another node sent for an id: one that does not hash to it is refused. It
// counts against nobody's quota; the oldest of other nodes' files make way for it, for they can be had again.
func (s *Store) PutForeign(id room.Hash, attached bool, r io.Reader) error {
	in, m, err := s.look(r, false)
	if err != nil {
		return err
	}
	m.Attached, m.Created = attached, s.limits.Now().UnixMilli()
	_, err = s.takeIn(m, in, func(got room.Hash) error {
		if got != id {
			return ErrOther
		}
		return s.makeWay(m.Size)
	})
	return err
}

// makeWay removes other nodes' files, the oldest first, until there is room for one more.
func (s *Store) makeWay(size int64) error {
	used, err := s.meta.BlobBytesOf("")
	if err != nil || used+size <= s.limits.ForeignBytes {
		return err
	}
	var old []*storagepb.Blob
	if err := s.meta.Blobs(func(m *storagepb.Blob) error {
		if m.GetOwner() == "" {
			old = append(old, m)
		}
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(old, func(a, b *storagepb.Blob) int { return cmp.Compare(a.GetCreated(), b.GetCreated()) })
	for ; len(old) > 0 && used+size > s.limits.ForeignBytes; old = old[1:] {
		if err := s.remove(room.Hash(old[0].GetId())); err != nil {
			return err
		}
		used -= old[0].GetSize()
	}
	return nil
}

// takeIn writes a file under the hash of its bytes, and fills in its id and size. A file that is not known
// yet is kept only when may says so.
func (s *Store) takeIn(m *storagepb.Blob, in io.Reader, may func(room.Hash) error) (room.Hash, error) {
	f, link, err := unnamed(s.dir)
	if err != nil {
		return room.Hash{}, fmt.Errorf("put file: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if m.Size, err = s.copy(f, sum, in); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return room.Hash{}, errors.Join(err, discard(f))
	}
	id := room.Hash(sum.Sum(nil))
	m.Id = id.Bytes()
	err = s.admit(id, m, may, func() error { return s.link(id, link) })
	return id, errors.Join(err, discard(f))
}

func (s *Store) copy(f *os.File, sum hash.Hash, in io.Reader) (int64, error) {
	n, err := io.Copy(io.MultiWriter(f, sum), in)
	switch {
	case n > s.limits.FileBytes:
		return n, room.Errorf(room.TooLarge, "A file has at most %d MB.", s.limits.FileBytes>>20)
	case err != nil && isPath(err):
		return n, fmt.Errorf("write file: %w", err)
	case err != nil:
		return n, brokeOff()
	}
	return n, nil
}

// isPath tells an error of this node's disk from one of the line that the file came by.
func isPath(err error) bool {
	var p *os.PathError
	return errors.As(err, &p)
}

// link gives a written file its name. One of that name that was damaged gives way.
func (s *Store) link(id room.Hash, link func(string) error) error {
	path := s.path(id)
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return err
	}
	if old, err := s.sound(id); err == nil {
		return old.Close()
	} else if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := link(path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// admit makes a file known once it has its place.
func (s *Store) admit(id room.Hash, m *storagepb.Blob, may func(room.Hash) error, place func() error) error {
	s.quota.Lock()
	defer s.quota.Unlock()
	known, err := s.meta.Blob(id)
	if err != nil {
		return fmt.Errorf("put blob %s: %w", id, err)
	}
	if known == nil {
		if err := may(id); err != nil {
			return err
		}
	}
	// Known or not, the file is made sure of: a restored backup may lack it.
	if err := place(); err != nil {
		return fmt.Errorf("put blob %s: %w", id, err)
	}
	if known == nil {
		return s.meta.PutBlob(m)
	}
	if known.GetAttached() && !m.GetAttached() { // an avatar now: it stays without a message
		known.Attached = false
		return s.meta.PutBlob(known)
	}
	return nil
}

// Remove deletes a file; nothing happens when there is none. What the store knows of it goes first: a file
// that nothing knows harms nobody.
func (s *Store) Remove(id room.Hash) error {
	s.quota.Lock()
	defer s.quota.Unlock()
	return s.remove(id)
}

func (s *Store) remove(id room.Hash) error {
	if err := s.meta.DeleteBlob(id); err != nil {
		return err
	}
	if err := os.Remove(s.path(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove blob %s: %w", id, err)
	}
	return nil
}
