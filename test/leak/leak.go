// Package leak fails the tests of a package that leave goroutines behind.
package leak

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// within is how long goroutines may take to end after the last test: some do by a timer of their own (memberlist's
// last probes: nine seconds at most), and on a busy machine none do at once.
const within = 20 * time.Second

// Main is a package's TestMain.
func Main(m *testing.M, but ...goleak.Option) {
	code := m.Run()
	if code == 0 {
		if err := Find(but...); err != nil {
			fmt.Fprintln(os.Stderr, "tests have left goroutines behind:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// Find tells which goroutines have not ended.
func Find(but ...goleak.Option) error {
	err := goleak.Find(but...) // takes half a second to say that there are some
	for end := time.Now().Add(within); err != nil && time.Now().Before(end); {
		err = goleak.Find(but...)
	}
	return err
}
