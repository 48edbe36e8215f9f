package search

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/blevesearch/bleve/v2"
	"go.etcd.io/bbolt"
)

// openSound opens an existing index, or says why it should be thrown away. Scorch maps its files into
// memory and trusts them: it reads a damaged one as nonsense, or faults or panics in a goroutine of its
// own, where nobody could catch it. So they are read through first, here, where a fault is a panic and a
// panic an error. What stays unnoticed is a flipped bit in the list of deleted documents, which has no
// checksum; a hit too many is dropped by who reads the message, one too few is not noticed.
func openSound(dir string) (b bleve.Index, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			b, err = nil, fmt.Errorf("open search index %s: %v", dir, p)
		}
	}()
	store := filepath.Join(dir, "store")
	segments, err := listed(filepath.Join(store, "root.bolt"))
	if err != nil {
		return nil, err
	}
	for _, name := range segments {
		if err := checkSegment(filepath.Join(store, name)); err != nil {
			return nil, err
		}
	}
	return bleve.OpenUsing(dir, settings())
}

// listed reads every key and value of scorch's list of snapshots, and the free list, and returns the
// segments named there. Others are what a crash left half-written; scorch removes them.
func listed(path string) (segments []string, err error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true, Timeout: lockTimeout})
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", path, err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return readThrough(b, &segments) })
	})
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", path, err)
	}
	slices.Sort(segments)
	return slices.Compact(segments), nil
}

func readThrough(b *bbolt.Bucket, segments *[]string) error {
	return b.ForEach(func(k, v []byte) error {
		if nested := b.Bucket(k); v == nil && nested != nil {
			return readThrough(nested, segments)
		}
		if value := string(v); strings.HasSuffix(value, ".zap") { // the copy reads all of it
			*segments = append(*segments, filepath.Base(value))
		}
		return nil
	})
}

// checkSegment compares a segment with the CRC-32 (IEEE) in its last four bytes, which covers all
// before them (zapx/v16, write.go, persistFooter).
func checkSegment(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // scorch goes back to the snapshot before, if that is whole
	}
	if err != nil {
		return fmt.Errorf("check segment: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("check segment: %w", err)
	}
	body := info.Size() - 4
	if body < 0 {
		return fmt.Errorf("check segment %s: only %d bytes", path, info.Size())
	}
	sum := crc32.NewIEEE()
	if _, err := io.CopyN(sum, f, body); err != nil {
		return fmt.Errorf("check segment %s: %w", path, err)
	}
	var want [4]byte
	if _, err := io.ReadFull(f, want[:]); err != nil {
		return fmt.Errorf("check segment %s: %w", path, err)
	}
	if sum.Sum32() != binary.BigEndian.Uint32(want[:]) {
		return fmt.Errorf("check segment %s: its checksum is wrong", path)
	}
	return nil
}
