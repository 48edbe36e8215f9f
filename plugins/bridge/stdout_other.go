//go:build !linux

package bridge

import "os"

// divertStdout makes what Go code prints go to stderr. It returns the stdout that was.
func divertStdout() *os.File {
	kept := os.Stdout
	os.Stdout = os.Stderr
	return kept
}
