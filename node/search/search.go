// Package search finds messages by the words in them. The index (bleve's scorch) is disposable: it lives
// in a folder of its own, holds no text, and is built again from the store by per-room cursors whenever
// it is missing or damaged.
//
// A message is a document whose id is its room (32 bytes) and its position there (8 bytes, big-endian),
// so an index entry leads straight to its record. Its fields, none of them stored:
//
//	t  the words, with positions for phrases
//	r  the room's 32 bytes
//	a  the author
//	o  the hybrid time the timeline is sorted by, as a column
//
// A room's cursor is a document too, its id the room alone. Cursors are not bleve "internal" values: those
// are copied and rewritten as a whole by every batch, which costs as much as the node has rooms. A batch
// carries the documents and the cursors of what it covers and is applied and synced as one, so after any
// crash the cursors say exactly what is in the index.
package search

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/document"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/mapping"
	index "github.com/blevesearch/bleve_index_api"
	bolterrors "go.etcd.io/bbolt/errors"

	"hearth/node/room"
)

// MaxBatch is how many documents and deletions one batch may have. Bleve holds a batch in memory
// several times over.
const MaxBatch = 1000

// Ref is a message's place: the room and the position of the event that first said it.
type Ref struct {
	Room room.ID
	Pos  uint64
}

// Doc is a message as it is to be found.
type Doc struct {
	Ref
	Author room.User
	Time   room.Time // hits come newest first by it
	Text   string    // of the newest edit
}

// Batch is one step of the index: after a crash it is there as a whole or not at all.
type Batch struct {
	Put     []Doc              // replaces the document of the same Ref
	Delete  []Ref              // an absent one is no error
	Cursors map[room.ID]uint64 // how far the index has now read these rooms
}

// maxWeight is how many bytes of text one batch should have, of each message those that may become words:
// some 200 messages as people write them, or one of the longest.
const maxWeight = maxWords

// Full tells whether b is as large as a batch should be.
func (b *Batch) Full() bool {
	if len(b.Put)+len(b.Delete) >= MaxBatch/2 {
		return true
	}
	weight := 0
	for i := range b.Put {
		weight += min(len(b.Put[i].Text), maxWords)
	}
	return weight >= maxWeight
}

// Index answers queries while batches are applied. Any goroutine may call its methods, but batches
// should come from one: two at a time gain nothing.
type Index struct {
	bleve bleve.Index
	words *analyser
}

// Open opens the index in folder dir, or makes it. A folder that bleve cannot read, or whose files do
// not have the checksums they were written with, is removed and made anew, all cursors at zero: rebuilt
// says so. Reading the checksums takes about a second a gigabyte, so open a large index in the background.
func Open(dir string, log *slog.Logger) (x *Index, rebuilt bool, err error) {
	found := exists(dir)
	if found {
		b, err := openSound(dir)
		if err == nil {
			return &Index{bleve: b, words: newAnalyser()}, false, nil
		}
		if errors.Is(err, bolterrors.ErrTimeout) {
			return nil, false, fmt.Errorf("open search index %s: another process has it open", dir)
		}
		log.Warn("search index is damaged, building it again", "dir", dir, "error", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, false, fmt.Errorf("remove search index %s: %w", dir, err)
	}
	b, err := bleve.NewUsing(dir, mapping.NewIndexMapping(), scorch.Name, scorch.Name, settings())
	if err != nil {
		return nil, false, fmt.Errorf("make search index %s: %w", dir, err)
	}
	return &Index{bleve: b, words: newAnalyser()}, found, nil
}

func exists(dir string) bool {
	_, err := os.Stat(dir)
	return err == nil
}

// lockTimeout is how long to wait for another process that has the index open.
const lockTimeout = time.Second / 2

// settings of scorch. Batches are safe (synced before Apply returns): unsafe ones are up to four times
// faster while they are small, but pile up in memory without bound while the disk is full.
func settings() map[string]any {
	return map[string]any{"bolt_timeout": lockTimeout.String(), "asyncErrorCallbackName": calm}
}

// calm names the callback by which scorch tells of an error in the background. Scorch would try again
// at once, for ever: on a full disk that takes a whole core. The callback is the only place to make it
// wait; its registry is global and, as bleve demands, written at init only.
const calm = "hearth/calm"

const retryAfter = time.Second / 2

func init() {
	scorch.RegistryAsyncErrorCallbacks[calm] = func(error, string) { time.Sleep(retryAfter) }
}

// Close waits for what is under way. The Index must not be used afterwards.
func (x *Index) Close() error {
	if err := x.bleve.Close(); err != nil {
		return fmt.Errorf("close search index: %w", err)
	}
	return nil
}

// Apply makes b part of the index and returns when it is synced. After an error it may be or may not: the
// same batch may be applied again.
func (x *Index) Apply(b Batch) error {
	if n := len(b.Put) + len(b.Delete); n > MaxBatch {
		return fmt.Errorf("apply search batch of %d: the bound is %d", n, MaxBatch)
	}
	batch := x.bleve.NewBatch()
	for i := range b.Put {
		if err := batch.IndexAdvanced(x.document(&b.Put[i])); err != nil {
			return fmt.Errorf("index message %s/%d: %w", b.Put[i].Room, b.Put[i].Pos, err)
		}
	}
	for _, r := range b.Delete {
		batch.Delete(r.id())
	}
	for r, pos := range b.Cursors {
		if err := batch.IndexAdvanced(cursorDocument(r, pos)); err != nil {
			return fmt.Errorf("index cursor of room %s: %w", r, err)
		}
	}
	if err := x.bleve.Batch(batch); err != nil {
		return fmt.Errorf("apply search batch: %w", err)
	}
	return nil
}

// Cursor is how far the index has read room r; zero when it has read nothing.
func (x *Index) Cursor(r room.ID) (uint64, error) {
	doc, err := x.bleve.Document(string(r[:]))
	if err != nil {
		return 0, fmt.Errorf("read search cursor of room %s: %w", r, err)
	}
	if doc == nil {
		return 0, nil
	}
	var pos uint64
	doc.VisitFields(func(f index.Field) {
		if f.Name() == fieldCursor && len(f.Value()) == 8 {
			pos = binary.BigEndian.Uint64(f.Value())
		}
	})
	return pos, nil
}

// Names of the fields.
const (
	fieldText   = "t"
	fieldRoom   = "r"
	fieldAuthor = "a"
	fieldOrder  = "o"
	fieldCursor = "c"
)

// What bleve keeps of a field: terms alone, terms with positions, a column to sort by.
const (
	termsOnly = index.IndexField | index.SkipFreqNorm
	positions = index.IndexField | index.IncludeTermVectors
	column    = index.IndexField | index.DocValues | index.SkipFreqNorm
)

func (x *Index) document(d *Doc) *document.Document {
	doc := document.NewDocument(d.id())
	doc.AddField(document.NewTextFieldCustom(fieldText, nil, []byte(d.Text), positions, x.words))
	doc.AddField(document.NewTextFieldCustom(fieldRoom, nil, d.Room[:], termsOnly, nil))
	doc.AddField(document.NewTextFieldCustom(fieldAuthor, nil, []byte(d.Author), termsOnly, nil))
	doc.AddField(document.NewTextFieldCustom(fieldOrder, nil, sortable(uint64(d.Time)), column, nil))
	return doc
}

func cursorDocument(r room.ID, pos uint64) *document.Document {
	doc := document.NewDocument(string(r[:]))
	value := binary.BigEndian.AppendUint64(nil, pos)
	doc.AddField(document.NewTextFieldCustom(fieldCursor, nil, value, index.StoreField, nil))
	return doc
}

func (r Ref) id() string {
	return string(binary.BigEndian.AppendUint64(r.Room[:len(r.Room):len(r.Room)], r.Pos))
}

func parseRef(id string) (r Ref, ok bool) {
	if len(id) != len(r.Room)+8 {
		return Ref{}, false
	}
	copy(r.Room[:], id)
	r.Pos = binary.BigEndian.Uint64([]byte(id[len(r.Room):]))
	return r, true
}

// sortable writes n so that the bytes sort as the numbers do. Seven bits a byte, because bleve separates
// the values of a column by the byte 0xff.
func sortable(n uint64) []byte {
	b := make([]byte, 10)
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte(n & 0x7f)
		n >>= 7
	}
	return b
}
