package search

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"hearth/node/room"
)

const victimDir = "HEARTH_SEARCH_VICTIM"

// victim is this test program as a process of its own: it adds messages one by one, says which are in,
// and goes on until it is killed.
func victim(dir string) {
	x, rebuilt, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil || rebuilt {
		fmt.Fprintln(os.Stderr, "rebuilt", rebuilt, err)
		os.Exit(1)
	}
	pos, err := x.Cursor(garden)
	for err == nil {
		pos++
		doc := Doc{Ref: Ref{garden, pos}, Author: "alice@n", Time: room.Time(pos), Text: "word"}
		if err = x.Apply(Batch{Put: []Doc{doc}, Cursors: map[room.ID]uint64{garden: pos}}); err == nil {
			fmt.Println(pos)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Killed at any moment, the index opens as it is, with all that was acknowledged, and its cursor says
// exactly what is in it.
func TestKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "search")
	for round := range 4 {
		acked := runAndKill(t, dir, 5+14*round)
		x, rebuilt := open(t, dir)
		cursor, err := x.Cursor(garden)
		if err != nil {
			t.Fatal(err)
		}
		f, err := x.Query(t.Context(), Query{Text: "word", Rooms: []room.ID{garden}})
		if rebuilt || err != nil || cursor < acked || f.Total != cursor {
			t.Errorf("round %d: rebuilt %v, acknowledged %d, cursor %d, %d hits, %v", round, rebuilt, acked, cursor, f.Total, err)
		}
		x.Close()
	}
}

// runAndKill lets a victim acknowledge n batches and returns the last.
func runAndKill(t *testing.T, dir string, n int) (acked uint64) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), victimDir+"="+dir)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for ; n > 0 && lines.Scan(); n-- {
		if acked, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // killed: that is the point
	if n > 0 {
		t.Fatalf("the victim ended %d batches early", n)
	}
	return acked
}
