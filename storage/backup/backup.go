// Package backup writes a node's data folder into one stream, while the node runs, and makes
// a folder of such a stream again.
//
// The stream is a tar archive (POSIX, regular files only), in this order:
//
//	hearth-backup          "hearth backup 1\n"
//	store/...              a checkpoint of the store
//	blobs/...              the files that people uploaded
//	hearth-backup.json     {"files": [{"path", "size", "sha256"}, ...]}: all of store/ and blobs/
//
// The list comes last, so that writing needs one pass; a stream without it was cut short, and
// is not restored.
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
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hearth/storage"
)

var (
	// ErrNotEmpty: there is something already where a backup is to be restored.
	ErrNotEmpty = errors.New("the folder is not empty")
	// ErrDamaged: the stream is not what Write wrote.
	ErrDamaged = errors.New("the backup is damaged")
)

// What a data folder holds that is worth keeping. The search index is made anew.
const (
	storeFolder = "store"
	blobFolder  = "blobs"
)

const (
	headName = "hearth-backup"
	headText = "hearth backup 1\n"
	listName = "hearth-backup.json"
)

type file struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

type list struct {
	Created string `json:"created"`
	Files   []file `json:"files"`
}

// Write writes a backup of a node's data folder to w. The store stays in use; the backup is
// of the moment of the call. It is verified first, event by event: a backup of damaged data
// is refused. It needs no room on the disk but for tables that are rewritten meanwhile.
func Write(ctx context.Context, s *storage.Store, dataDir string, w io.Writer) error {
	if err := write(ctx, s, dataDir, w); err != nil {
		return fmt.Errorf("back up %s: %w", dataDir, err)
	}
	return nil
}

func write(ctx context.Context, s *storage.Store, dataDir string, w io.Writer) (err error) {
	scratch, err := os.MkdirTemp(dataDir, ".backup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	checkpoint := filepath.Join(scratch, storeFolder)
	if err := s.Checkpoint(checkpoint); err != nil {
		return err
	}
	if err := verify(ctx, checkpoint); err != nil {
		return err
	}
	a := &archive{ctx: ctx, w: tar.NewWriter(w), list: list{Created: time.Now().UTC().Format(time.RFC3339)}}
	if err := a.bytes(headName, []byte(headText)); err != nil {
		return err
	}
	if err := a.folder(checkpoint, storeFolder); err != nil {
		return err
	}
	// Whatever the checkpoint names was there before it, so the files come second.
	if err := a.folder(filepath.Join(dataDir, blobFolder), blobFolder); err != nil {
		return err
	}
	return a.end()
}

// verify reads all of a checkpoint.
func verify(ctx context.Context, dir string) (err error) {
	s, err := storage.Open(dir, storage.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var first storage.Problem
	report, err := s.Verify(ctx, nil, func(p storage.Problem) {
		if first.What == "" {
			first = p
		}
	})
	if err == nil && report.Problems > 0 {
		err = fmt.Errorf("%w: %d problems, the first: %v", storage.ErrCorrupt, report.Problems, first)
	}
	return err
}

// archive is a stream being written.
type archive struct {
	ctx  context.Context
	w    *tar.Writer
	list list
}

func (a *archive) bytes(name string, data []byte) error {
	if err := a.w.WriteHeader(header(name, int64(len(data)))); err != nil {
		return err
	}
	_, err := a.w.Write(data)
	return err
}

func header(name string, size int64) *tar.Header {
	return &tar.Header{Name: name, Size: size, Mode: 0o600, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
}

// folder adds all regular files of dir, under a name. One that goes away meanwhile was
// deleted by somebody, and is left out.
func (a *archive) folder(dir, name string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() || unwanted[d.Name()] {
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return a.file(path, name+"/"+filepath.ToSlash(rel))
	})
}

// unwanted are files that mean something only where they are.
var unwanted = map[string]bool{"LOCK": true}

func (a *archive) file(path, name string) (err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := a.w.WriteHeader(header(name, info.Size())); err != nil {
		return err
	}
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(a.w, hash), io.LimitReader(until{a.ctx, f}, info.Size())); err != nil {
		return err
	}
	a.list.Files = append(a.list.Files, file{name, info.Size(), hex.EncodeToString(hash.Sum(nil))})
	return nil
}

func (a *archive) end() error {
	data, err := json.MarshalIndent(a.list, "", " ")
	if err != nil {
		return err
	}
	if err := a.bytes(listName, data); err != nil {
		return err
	}
	return a.w.Close()
}

// until is a reader that ends with its context.
type until struct {
	ctx context.Context
	r   io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// wanted tells whether a name of the stream may become a file of a data folder.
func wanted(name string) bool {
	inside := strings.HasPrefix(name, storeFolder+"/") || strings.HasPrefix(name, blobFolder+"/")
	return inside && filepath.IsLocal(filepath.FromSlash(name)) && !strings.ContainsAny(name, "\\\x00") &&
		filepath.ToSlash(filepath.Clean(filepath.FromSlash(name))) == name
}
