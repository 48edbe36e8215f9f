package plugins

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/plugins/bridge/bridgetest"
)

// jsFolder has the example in JavaScript, as an operator would install it: a script that runs node.
func jsFolder(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("there is no Node.js here")
	}
	example, err := filepath.Abs("example-js")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(example, "node_modules", "@grpc")); err != nil {
		npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		npm.Dir = example
		if out, err := npm.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec node --max-old-space-size=192 '%s/echo.js'\n", example)
	if err := os.WriteFile(filepath.Join(dir, "hearth-bridge-jsecho"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The protocol needs no Go: the example in JavaScript is found, linked, hears, says, is restarted, and ends with its host.
func TestAPluginInJavaScript(t *testing.T) {
	w := newWorld(t)
	w.folders = []string{jsFolder(t)}
	w.start()
	w.until("its description", func() bool {
		for _, k := range w.n.Bridges.Kinds() {
			if k.Kind == "jsecho" {
				return true
			}
		}
		return false
	})
	w.bridge("jsecho", "nymph", "cave", map[string]string{"voice": "Nymph"})
	w.waitState("nymph", channel.Connected)
	first := w.say("hello")
	echoes := func() (out []*roompb.Event) {
		for _, e := range w.messages() {
			if e.GetGhost().GetName() == "Nymph" {
				out = append(out, e)
			}
		}
		return out
	}
	w.until("the echo", func() bool { return len(echoes()) == 1 })
	if e := echoes()[0]; e.GetText() != "hello" || e.GetReplyTo() != first.String() {
		t.Errorf("the echo is %v", e)
	}
	if err := w.n.Bridges.Restart("nymph"); err != nil {
		t.Fatal(err)
	}
	w.do(room.KindEdit, &roompb.Body{Target: first.Bytes(), Text: "good night"})
	w.until("the echo's edit", func() bool { return w.now(echoes()[0]).GetText() == "good night" })
	w.until("its count", func() bool { return w.status("nymph").Received == 2 }) // a moment after it is in the room
	w.stop()
	if s := w.status("nymph"); s.Relayed != 2 || s.Received != 2 || len(s.Dropped) > 0 {
		t.Errorf("%+v", s)
	}
}

// The whole of `hearth bridge check` on it starts many processes of Node.js.
func TestAPluginInJavaScriptKeepsTheContract(t *testing.T) {
	if os.Getenv("HEARTH_FULL") == "" {
		t.Skip("takes half a minute: HEARTH_FULL=1")
	}
	path := filepath.Join(jsFolder(t), "hearth-bridge-jsecho")
	_, err := Check(t.Context(), path, map[string]string{"voice": "Nymph"}, "cave", func(f bridgetest.Finding) {
		if f.Verdict != "passed" {
			t.Errorf("%s: %s (%s)", f.Check, f.Verdict, f.Text)
		}
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
}
