package plugins

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearth/plugins/bridge/bridgetest"
)

// `hearth bridge check` on real binaries: the example passes, what is no plugin does not, and says so.
func TestCheck(t *testing.T) {
	verdicts := func(path string, settings map[string]string) (failed int, all []bridgetest.Finding) {
		failed, err := Check(t.Context(), path, settings, "cave", func(f bridgetest.Finding) { all = append(all, f) }, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		return failed, all
	}
	failed, all := verdicts(filepath.Join(pluginFolder(t), "hearth-bridge-echo"), map[string]string{})
	if failed != 0 || len(all) < 8 {
		t.Errorf("the example: %d failed of %v", failed, all)
	}
	for _, f := range all {
		if f.Verdict != "passed" {
			t.Errorf("%s: %s (%s)", f.Check, f.Verdict, f.Text)
		}
	}
	script := filepath.Join(t.TempDir(), "hearth-bridge-script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho hello\nsleep 5\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	failed, all = verdicts(script, nil)
	if failed != 1 || !strings.Contains(all[0].Text, "handshake") {
		t.Errorf("a script: %d failed of %v", failed, all)
	}

	// Who stops it does not wait for the rest, and no plugin goes on.
	ctx, stop := context.WithCancel(t.Context())
	all = nil
	_, err := Check(ctx, filepath.Join(pluginFolder(t), "hearth-bridge-echo"), map[string]string{}, "cave", func(f bridgetest.Finding) { all = append(all, f); stop() }, io.Discard)
	if !errors.Is(err, context.Canceled) || all[0].Verdict != "passed" || all[1].Verdict != "skipped" {
		t.Errorf("stopped after the first: %v %v", all, err)
	}
}
