// Package program is the hearth program as tests start it.
package program

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Main runs tests with the program that HEARTH_BIN names, or with one that it builds, and puts its path into binary.
func Main(m *testing.M, binary *string) int {
	if *binary = os.Getenv("HEARTH_BIN"); *binary != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "hearth-program-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	*binary = filepath.Join(dir, "hearth")
	build := exec.Command("go", "build", "-trimpath", "-o", *binary, "hearth/cmd/node")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build hearth:", err)
		return 1
	}
	return m.Run()
}

// Environment is the test's without what would change hearth's defaults.
func Environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "HEARTH_") {
			env = append(env, e)
		}
	}
	return env
}

// Log keeps what a node wrote, across its restarts.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Tail is the end of it.
func (l *Log) Tail(lines int) string {
	all := strings.SplitAfter(l.String(), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}
