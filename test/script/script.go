// Package script plays stories with golden output, as state machines are tested by.
//
// A story is a file testdata/*.txt of blocks: the lines of a step, "----", and what comes of it, up to an empty line.
// Lines before a step that are empty or begin with # are comments. `go test -update` writes what comes of the steps anew.
package script

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden output of testdata anew")

// Play plays all stories of the package, each with a machine of its own, which does a step and says what came of it.
func Play(t *testing.T, machine func() func(step string) string) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { playFile(t, file, machine()) })
	}
}

func playFile(t *testing.T, file string, do func(step string) string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, b := range read(string(raw)) {
		got := do(b.step)
		fmt.Fprintf(&out, "%s%s\n----\n%s\n", b.comment, b.step, got)
		if !*update && got != b.want {
			t.Errorf("line %d: %s\ngot:\n%swant:\n%s", b.line, b.step, got, b.want)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.TrimSuffix(out.String(), "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type block struct {
	line                int // of its "----"
	comment, step, want string
}

func read(story string) (blocks []block) {
	var b block
	answer, n := false, 0
	for line := range strings.Lines(story) {
		line = strings.TrimSuffix(line, "\n")
		n++
		switch {
		case line == "----":
			answer, b.line = true, n
		case answer && line != "":
			b.want += line + "\n"
		case answer:
			blocks = append(blocks, b)
			b, answer = block{}, false
		case strings.HasPrefix(line, "#"), line == "" && b.step == "":
			b.comment += line + "\n"
		case b.step == "":
			b.step = line
		default:
			b.step += "\n" + line
		}
	}
	if answer {
		blocks = append(blocks, b)
	}
	return blocks
}
