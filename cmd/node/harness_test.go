package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// hearth runs one command line in this process, in a folder of its own.
type hearth struct {
	t   *testing.T
	dir string
}

func newHearth(t *testing.T) *hearth {
	h := &hearth{t: t, dir: t.TempDir()}
	h.write("pw", password+"\n")
	return h
}

const password = "correct horse battery staple"

func (h *hearth) path(name string) string { return filepath.Join(h.dir, name) }

func (h *hearth) write(name, text string) string {
	h.t.Helper()
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return h.path(name)
}

// result is what a command line left behind.
type result struct {
	t        *testing.T
	args     []string
	code     int
	out, err string
}

// files are arguments which name something in the test's folder.
func (h *hearth) args(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = strings.ReplaceAll(a, "@/", h.dir+"/")
	}
	return out
}

func (h *hearth) runWith(ctx context.Context, in io.Reader, args ...string) result {
	h.t.Helper()
	var out, errs bytes.Buffer
	p := &program{args: h.args(args), in: in, out: &out, err: &errs, env: noEnv}
	return result{h.t, args, p.run(ctx), out.String(), errs.String()}
}

func noEnv(string) (string, bool) { return "", false }

// run gives a command line and takes whatever comes of it.
func (h *hearth) run(args ...string) result {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	return h.runWith(ctx, strings.NewReader(""), args...)
}

// must gives one that has to be done.
func (h *hearth) must(args ...string) result {
	h.t.Helper()
	r := h.run(args...)
	r.want(exitDone)
	return r
}

func (r result) want(code int) {
	r.t.Helper()
	if r.code != code {
		r.t.Fatalf("hearth %s: exit code %d, want %d\n%s%s", strings.Join(r.args, " "), r.code, code, r.out, r.err)
	}
}

// refused wants exit code 1 and the refusal's code on standard error.
func (r result) refused(code string) {
	r.t.Helper()
	r.want(exitRefused)
	if !strings.Contains(r.err, code+": ") {
		r.t.Errorf("hearth %s: standard error is %q, want the code %s", strings.Join(r.args, " "), r.err, code)
	}
}

// json reads every line of the output, and wants these fields in each.
func (r result) json(fields ...string) []map[string]any {
	r.t.Helper()
	var rows []map[string]any
	for line := range strings.Lines(r.out) {
		rows = append(rows, parse(r.t, line, fields...))
	}
	return rows
}

func parse(t *testing.T, line string, fields ...string) map[string]any {
	t.Helper()
	row := map[string]any{}
	if err := json.Unmarshal([]byte(line), &row); err != nil {
		t.Fatalf("not a line of JSON: %q: %v", line, err)
	}
	for _, f := range fields {
		if _, has := row[f]; !has {
			t.Errorf("no field %q in %s", f, line)
		}
	}
	return row
}

// serving is a running `hearth serve`.
type serving struct {
	url    string
	banner []string // what it printed, up to the ready line
	stop   func() (code int, log string)
}

// serve starts a node on @/d (unless told otherwise) and waits until it is ready.
func (h *hearth) serve(args ...string) *serving {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	out, in := io.Pipe()
	log := &lockedBuffer{}
	p := &program{args: h.args(append([]string{"serve", "--data", "@/d"}, args...)), in: strings.NewReader(""), out: in, err: log, env: noEnv}
	code := make(chan int, 1)
	go func() { code <- p.run(ctx); in.Close() }()
	s := &serving{}
	s.stop = sync.OnceValues(func() (int, string) { cancel(); return <-code, log.String() })
	h.t.Cleanup(func() { s.stop() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		s.banner = append(s.banner, lines.Text())
		if url, ready := strings.CutPrefix(lines.Text(), "ready "); ready {
			s.url = url
			go io.Copy(io.Discard, out)
			return s
		}
	}
	h.t.Fatalf("hearth serve ended with %d before it was ready:\n%s", <-code, log)
	return nil
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// people makes accounts and logs them in: alice's profile is @/alice.json.
func (h *hearth) people(url string, names ...string) {
	h.t.Helper()
	for _, name := range names {
		h.must("user", "add", name, "--data", "@/d", "--password-file", "@/pw")
		h.must("login", url, "--user", name, "--password-file", "@/pw", "--profile", "@/"+name+".json")
	}
}

// tailing is a running `hearth tail --json`.
type tailing struct {
	t     *testing.T
	lines chan string
	stop  func() int
}

func (h *hearth) tail(args ...string) *tailing {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	out, in := io.Pipe()
	notes, notesIn := io.Pipe()
	p := &program{args: h.args(append([]string{"tail", "--json"}, args...)), in: strings.NewReader(""), out: in, err: notesIn, env: noEnv}
	code := make(chan int, 1)
	go func() { code <- p.run(ctx); in.Close(); notesIn.Close() }()
	t := &tailing{t: h.t, lines: make(chan string, 10_000)}
	t.stop = sync.OnceValue(func() int { cancel(); return <-code })
	h.t.Cleanup(func() { t.stop() })
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			t.lines <- s.Text()
		}
	}()
	first := bufio.NewScanner(notes)
	if !first.Scan() || !strings.HasPrefix(first.Text(), "following") {
		h.t.Fatalf("tail did not begin: %q", first.Text())
	}
	go io.Copy(io.Discard, notes)
	return t
}

// next is the next line it prints.
func (t *tailing) next() map[string]any {
	t.t.Helper()
	select {
	case line := <-t.lines:
		return parse(t.t, line, "event", "room", "author", "time", "kind", "text")
	case <-time.After(patience):
		t.t.Fatalf("tail printed nothing for %v", patience)
		return nil
	}
}
