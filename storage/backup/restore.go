package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"hearth/storage"
)

// maxList bounds the list of a stream: some 250,000 files.
const maxList = 64 << 20

// Restore makes dir of a backup. dir must not exist, or be empty (ErrNotEmpty). All is
// unpacked beside it, compared with the list of hashes and opened once, before the folder
// gets its name; so dir is there whole, or not at all. A stream that is not what Write wrote
// is refused with ErrDamaged, and cannot reach outside of dir.
func Restore(ctx context.Context, r io.Reader, dir string) error {
	if err := restore(ctx, r, filepath.Clean(dir)); err != nil {
		return fmt.Errorf("restore to %s: %w", dir, err)
	}
	return nil
}

func restore(ctx context.Context, r io.Reader, dir string) (err error) {
	if err := mustBeEmpty(dir); err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+"-restoring-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if err := unpack(until{ctx, r}, scratch); err != nil {
		return err
	}
	if err := opens(filepath.Join(scratch, storeFolder)); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(scratch, dir); err != nil {
		return err
	}
	return syncFolder(parent)
}

func mustBeEmpty(dir string) error {
	names, err := os.ReadDir(dir)
	if err == nil && len(names) > 0 {
		return ErrNotEmpty
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// opens looks whether the store is one that this version can use.
func opens(dir string) error {
	s, err := storage.Open(dir, storage.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	return s.Close()
}

// unpacking is a stream being read.
type unpacking struct {
	root    *os.Root // nothing is written outside, whatever the names say
	folders map[string]bool
	files   map[string]file
	listed  bool
}

func unpack(r io.Reader, dir string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	u := &unpacking{root: root, folders: map[string]bool{".": true}, files: map[string]file{}}
	t := tar.NewReader(r)
	if err := checkHead(t); err != nil {
		return err
	}
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return damagedBy(err)
		}
		if err := u.entry(h, t); err != nil {
			return err
		}
	}
	if !u.listed {
		return fmt.Errorf("%w: it was cut short", ErrDamaged)
	}
	return u.sync(dir)
}

func checkHead(t *tar.Reader) error {
	h, err := t.Next()
	if err != nil {
		return damagedBy(err)
	}
	text, err := io.ReadAll(io.LimitReader(t, int64(len(headText))+1))
	if err != nil {
		return damagedBy(err)
	}
	if h.Name != headName || string(text) != headText {
		return fmt.Errorf("%w: it is not a backup of Hearth, or one of a later version", ErrDamaged)
	}
	return nil
}

// damagedBy is err, as damage when it came from the stream's form and not from its source.
func damagedBy(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, tar.ErrInsecurePath) || errors.Is(err, tar.ErrFieldTooLong) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

func (u *unpacking) entry(h *tar.Header, r io.Reader) error {
	if u.listed {
		return fmt.Errorf("%w: something follows its list", ErrDamaged)
	}
	if h.Typeflag != tar.TypeReg {
		return fmt.Errorf("%w: %q is not a file", ErrDamaged, h.Name)
	}
	if h.Name == listName {
		u.listed = true
		return u.compare(r)
	}
	_, twice := u.files[h.Name]
	if twice || !wanted(h.Name) {
		return fmt.Errorf("%w: %q does not belong in it", ErrDamaged, h.Name)
	}
	return u.write(h.Name, r)
}

func (u *unpacking) write(name string, r io.Reader) (err error) {
	if err := u.makeFolder(path.Dir(name)); err != nil {
		return err
	}
	f, err := u.root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, hash), r)
	if err != nil {
		return damagedBy(err)
	}
	u.files[name] = file{name, size, hex.EncodeToString(hash.Sum(nil))}
	return f.Sync()
}

func (u *unpacking) makeFolder(name string) error {
	if u.folders[name] {
		return nil
	}
	if err := u.makeFolder(path.Dir(name)); err != nil {
		return err
	}
	u.folders[name] = true
	return u.root.Mkdir(filepath.FromSlash(name), 0o700)
}

// compare holds what was unpacked against the list: all of it, and nothing more.
func (u *unpacking) compare(r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxList))
	if err != nil {
		return damagedBy(err)
	}
	var l list
	if err := json.Unmarshal(data, &l); err != nil {
		return fmt.Errorf("%w: its list: %w", ErrDamaged, err)
	}
	listed := map[string]bool{}
	for _, want := range l.Files {
		if u.files[want.Path] != want {
			return fmt.Errorf("%w: %q is not what was backed up", ErrDamaged, want.Path)
		}
		listed[want.Path] = true
	}
	if len(listed) != len(u.files) {
		return fmt.Errorf("%w: it holds files that are not in its list", ErrDamaged)
	}
	return nil
}

// sync puts the names of files and folders on disk, as their content is already.
func (u *unpacking) sync(dir string) error {
	for name := range u.folders {
		if err := syncFolder(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
