package search

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

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
	if err := checkSegments(dir); err != nil {
		return nil, err
	}
	if err := checkCatalogue(filepath.Join(dir, "store", "root.bolt")); err != nil {
		return nil, err
	}
	return bleve.OpenUsing(dir, settings())
}

// checkCatalogue reads every key and value of scorch's list of segments, and the free list.
func checkCatalogue(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true, Timeout: lockTimeout})
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	defer db.Close()
	read := 0
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return readThrough(b, &read) })
	})
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	return nil
}

func readThrough(b *bbolt.Bucket, read *int) error {
	return b.ForEach(func(k, v []byte) error {
		for _, c := range append(append([]byte{}, k...), v...) {
			*read += int(c)
		}
		if nested := b.Bucket(k); v == nil && nested != nil {
			return readThrough(nested, read)
		}
		return nil
	})
}

func checkSegments(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "store", "*.zap"))
	if err != nil {
		return fmt.Errorf("list segments in %s: %w", dir, err)
	}
	for _, f := range files {
		if err := checkSegment(f); err != nil {
			return err
		}
	}
	return nil
}

// checkSegment compares a segment with the CRC-32 (IEEE) in its last four bytes, which covers all
// before them (zapx/v16, write.go, persistFooter).
func checkSegment(path string) error {
	f, err := os.Open(path)
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
