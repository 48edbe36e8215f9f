package search

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/blevesearch/bleve/v2"
)

// openSound opens an existing index, or says why it should be thrown away. Scorch maps its segments into
// memory without looking at their checksums, and reads a damaged one as nonsense or with a panic in a
// goroutine of its own, where nobody could catch it: so they are checked first.
func openSound(dir string) (b bleve.Index, err error) {
	defer func() {
		if p := recover(); p != nil { // bolt panics at pages it cannot read
			b, err = nil, fmt.Errorf("open search index %s: %v", dir, p)
		}
	}()
	if err := checkSegments(dir); err != nil {
		return nil, err
	}
	return bleve.OpenUsing(dir, settings())
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
