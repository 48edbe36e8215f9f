package bridge

import (
	"os"
	"syscall"
)

// divertStdout makes whatever is written to file descriptor 1, by whomever, go to stderr. It returns
// the stdout that was.
func divertStdout() *os.File {
	kept, err := syscall.Dup(1)
	if err != nil {
		return os.Stdout
	}
	syscall.CloseOnExec(kept)
	if err := syscall.Dup3(2, 1, 0); err != nil {
		return os.Stdout
	}
	return os.NewFile(uintptr(kept), "/dev/stdout")
}
