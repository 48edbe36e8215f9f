package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

// The tide mark
//
// Pebble finds rot inside its tables (every block has a checksum) and inside its log (each
// chunk says how far the log had been synced before it). Two places are left, where rot looks
// exactly like a power cut and is taken for one:
//
//   - the end of the log: nothing comes after it that would say it was once longer;
//   - the MANIFEST, which Pebble reads up to the first record that does not check, and is
//     then content with an older state of the database. Worse: it deletes the tables that
//     this older state does not know.
//
// Both would lose acknowledged messages without a word. So the store keeps, in a file of its
// own, how far the log and the MANIFEST are known to have come, and refuses to open a
// database that has fallen behind it, before Pebble touches anything.
//
// The mark is a lower bound, taken only after a sync has succeeded. So it need not be synced
// itself: after a power cut an old mark is as true as a new one. It is written in place, two
// slots of it: the first at a clean close and synced, the second at every commit and not. The
// later one counts; a slot that does not check is passed over for the other.
//
// A log is removed when tables hold all of it and the MANIFEST says so. At an opening that may
// be the newest log, before the next is made: then nothing is asked of the log any more, and
// that does have to be synced, before the log is gone. (Found by test 2, operation 177.)
//
// Rejected: an own counter in the database (after rot the older counter is consistent with
// the older database), and closing with everything flushed (it does nothing for the MANIFEST,
// nor after a kill).
type mark struct {
	serial   uint64 // rises with each writing
	log      uint64 // number of Pebble's log when it was taken, or an older one; 0: none need be there
	seq      uint64 // sequence number of the last acknowledged batch; it is in that log or a later one
	manifest uint64 // number of the MANIFEST
	length   uint64 // of the MANIFEST that is synced
	sum      uint32 // CRC-32C of that length
}

const (
	slotSize = 4096 // far enough apart that one bad block does not take both
	markSize = 8 + 5*8 + 4 + 4
)

var (
	markMagic  = []byte("tide 1\n\x00")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func (m mark) append(b []byte) []byte {
	start := len(b)
	b = append(b, markMagic...)
	for _, x := range [...]uint64{m.serial, m.log, m.seq, m.manifest, m.length} {
		b = binary.BigEndian.AppendUint64(b, x)
	}
	b = binary.BigEndian.AppendUint32(b, m.sum)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func parseMark(b []byte) (mark, bool) {
	if len(b) < markSize || !bytes.HasPrefix(b, markMagic) {
		return mark{}, false
	}
	b = b[:markSize]
	if crc32.Checksum(b[:markSize-4], castagnoli) != binary.BigEndian.Uint32(b[markSize-4:]) {
		return mark{}, false
	}
	word := func(i int) uint64 { return binary.BigEndian.Uint64(b[8+8*i:]) }
	return mark{word(0), word(1), word(2), word(3), word(4), binary.BigEndian.Uint32(b[48:])}, true
}

// bothSlots is a whole file that says m twice.
func bothSlots(m mark) []byte {
	file := make([]byte, slotSize, slotSize+markSize)
	m.append(file[:0])
	return m.append(file[:slotSize])
}

// parseTide reads the later of the two slots.
func parseTide(file []byte) (mark, bool) {
	first, ok1 := parseMark(file)
	second, ok2 := parseMark(file[min(slotSize, len(file)):])
	if ok2 && (!ok1 || second.serial >= first.serial) {
		return second, true
	}
	return first, ok1
}

// tide keeps the mark of an open database. Its methods may be called from any goroutine.
type tide struct {
	file vfs.File // nil: read-only, or the mark cannot be kept
	log  *slog.Logger

	newest atomic.Uint64 // the log that Pebble is writing

	mu      sync.Mutex
	mark    mark
	lost    error     // why the mark is no longer kept
	reached uint64    // the highest sequence number that was acknowledged
	pending *manifest // synced, but not yet the one that counts
	buf     []byte
}

// openTide checks the database against its mark; it must come before Pebble opens it.
func openTide(fs vfs.FS, dir string, readOnly bool, log *slog.Logger) (*tide, error) {
	path := fs.PathJoin(dir, tideFile)
	m, err := checkTide(fs, path, fs.PathJoin(dir, dbFolder))
	if err != nil {
		return nil, err
	}
	t := &tide{log: log, mark: m, reached: m.seq}
	t.newest.Store(m.log)
	if readOnly {
		return t, nil
	}
	if t.file, err = fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified); err != nil {
		return nil, err
	}
	return t, nil
}

// checkTide compares a database with its mark. Without the file there is nothing to compare
// with: an operator may remove it to say "what is there will do".
func checkTide(fs vfs.FS, path, db string) (mark, error) {
	file, err := readFile(fs, path)
	if oserror.IsNotExist(err) {
		return survey(fs, db)
	}
	if err != nil {
		return mark{}, err
	}
	m, ok := parseTide(file)
	if !ok {
		return mark{}, fmt.Errorf("%s cannot be read (remove it to open without this check): %w", path, ErrCorrupt)
	}
	if err := checkManifest(fs, db, m); err != nil {
		return mark{}, err
	}
	return m, checkLog(fs, db, m)
}

func checkManifest(fs vfs.FS, db string, m mark) error {
	number, path, err := currentManifest(fs, db)
	if err != nil {
		return err
	}
	if number > m.manifest {
		return nil // begun after the mark was taken, from all that the older one held
	}
	data, err := readFile(fs, path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if number < m.manifest || uint64(len(data)) < m.length || crc32.Checksum(data[:m.length], castagnoli) != m.sum {
		return fmt.Errorf("%s is not what was written: %w", path, ErrCorrupt)
	}
	return nil
}

func checkLog(fs vfs.FS, db string, m mark) error {
	end, err := lastLog(fs, db)
	if err != nil {
		return err
	}
	if end.log < m.log || end.log == m.log && end.seq < m.seq {
		return fmt.Errorf("the log ends at %d in file %d, but %d in file %d was acknowledged: %w", end.seq, end.log, m.seq, m.log, ErrCorrupt)
	}
	return nil
}

// survey takes the mark of a database that is not open, from its files.
func survey(fs vfs.FS, db string) (mark, error) {
	number, path, err := currentManifest(fs, db)
	if err != nil {
		return mark{}, err
	}
	data, err := readFile(fs, path)
	if err != nil {
		return mark{}, err
	}
	m, err := lastLog(fs, db)
	m.manifest, m.length, m.sum = number, uint64(len(data)), crc32.Checksum(data, castagnoli)
	return m, err
}

func currentManifest(fs vfs.FS, db string) (number uint64, path string, err error) {
	desc, err := pebble.Peek(db, fs)
	if err != nil {
		return 0, "", wrap(err)
	}
	if desc.FormatMajorVersion > pebbleFormat {
		return 0, "", fmt.Errorf("%w: the database's format is %d, this version knows %d", ErrNewer, desc.FormatMajorVersion, pebbleFormat)
	}
	number, ok := manifestNumber(fs.PathBase(desc.ManifestFilename))
	if !desc.Exists || !ok {
		return 0, "", fmt.Errorf("the database names no MANIFEST: %w", ErrCorrupt)
	}
	return number, fs.PathJoin(db, fs.PathBase(desc.ManifestFilename)), nil
}

func manifestNumber(name string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, "MANIFEST-")
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, ok && err == nil
}

// lastLog reads Pebble's newest log as Pebble would: its number, and the sequence number of
// its last batch (0: none).
func lastLog(fs vfs.FS, db string) (m mark, err error) {
	logs, err := wal.Scan(wal.Dir{FS: fs, Dirname: db})
	if err != nil || len(logs) == 0 {
		return mark{}, wrap(err)
	}
	last := logs[len(logs)-1]
	m.log = uint64(last.Num)
	r := last.OpenForRead()
	defer func() { err = errors.Join(err, r.Close()) }()
	var buf bytes.Buffer
	for {
		entry, _, err := r.NextRecord()
		if err == nil {
			buf.Reset()
			_, err = buf.ReadFrom(entry)
		}
		if err != nil {
			return m, endOfLog(last, err)
		}
		if header, ok := batchrepr.ReadHeader(buf.Bytes()); ok {
			m.seq = max(m.seq, uint64(header.SeqNum))
		}
	}
}

// endOfLog is nil when err is how a log may end: whole, or torn by a crash.
func endOfLog(l wal.LogicalLog, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, record.ErrUnexpectedEOF) {
		return nil
	}
	if errors.Is(err, record.ErrInvalidChunk) || errors.Is(err, record.ErrZeroedChunk) {
		return fmt.Errorf("log %s: %w: %w", l, ErrCorrupt, err)
	}
	return err
}

// current is the number of a log that a batch committed from now on goes to, or a later one.
func (t *tide) current() uint64 { return t.newest.Load() }

// reach notes that a batch was synced: it went to the given log or a later one.
func (t *tide) reach(log, seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq > t.reached {
		t.reached = seq
		t.mark.log, t.mark.seq = log, seq
		t.write(slotSize)
	}
}

// retire is told that a log will be removed: tables hold all of it. An error means that the
// mark may still ask for that log, so that it must stay.
func (t *tide) retire(log uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if log < t.mark.log {
		return nil // a later one is asked for
	}
	if t.mark.log != 0 {
		t.mark.log, t.mark.seq = 0, 0
		t.write(slotSize)
		t.sync()
	}
	return t.lost
}

// write puts the mark into a slot. Should that fail the mark is given up, not the store: it
// is a guard, and an old one holds less but never lies.
func (t *tide) write(at int64) {
	if t.file == nil {
		return
	}
	t.mark.serial++
	t.buf = t.mark.append(t.buf[:0])
	if _, err := t.file.WriteAt(t.buf, at); err != nil {
		t.giveUp(err)
	}
}

func (t *tide) sync() {
	if t.file == nil {
		return
	}
	if err := t.file.Sync(); err != nil {
		t.giveUp(err)
	}
}

func (t *tide) giveUp(err error) {
	t.lost = fmt.Errorf("the tide mark could not be kept: %w", err)
	t.log.Error("storage goes on without its guard", "error", t.lost)
	_ = t.file.Close()
	t.file = nil
}

// close leaves the mark in both slots, synced.
func (t *tide) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.write(0)
	t.sync()
	if t.file != nil {
		_ = t.file.Close() // synced, or said not to be
		t.file = nil
	}
}

// manifestCreated is told by Pebble that a new MANIFEST is the one that counts.
func (t *tide) manifestCreated(i pebble.ManifestCreateInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.pending; i.Err == nil && p != nil && p.number == uint64(i.FileNum) {
		t.pending = nil
		t.adopt(p)
	}
}

// synced is told by a MANIFEST that it is on disk as far as it was written.
func (t *tide) synced(m *manifest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.number > t.mark.manifest {
		t.pending = m // it counts once Pebble has moved its marker to it
		return
	}
	t.adopt(m)
}

func (t *tide) adopt(m *manifest) {
	t.mark.manifest, t.mark.length, t.mark.sum = m.number, m.length, m.sum
	t.write(slotSize)
}
