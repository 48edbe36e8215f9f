package main

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

// A file of several megabytes is fetched by the other node when somebody there looks, and is
// gone from it, as from its own, when the message is.
func TestFilesTravel(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	one, two := h.station("d1").start(), h.station("d2").start()
	aliceFile, bobFile := one.person("alice"), two.person("bob")
	two.must("join", one.invite(), "--data", two.folder)
	ref := "#garden@" + one.node
	h.must("room", "create", "garden", "--public", "--profile", aliceFile)
	h.must("room", "join", ref, "--profile", bobFile)

	data := make([]byte, 5<<20+12345)
	rand.Read(data)
	path := filepath.Join(t.TempDir(), "harvest plan.bin")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	event := h.must("send", ref, "--file", path, "--profile", aliceFile, "--json").json("event")[0]["event"].(string)
	var file map[string]any
	within(t, "bob sees it", func() bool {
		for _, e := range h.must("history", ref, "--profile", bobFile, "--json").json("event") {
			if files, ok := e["files"].([]any); ok && e["event"] == event {
				file = files[0].(map[string]any)
			}
		}
		return file != nil
	})
	if file["name"] != "harvest plan.bin" || file["size"] != float64(len(data)) {
		t.Errorf("bob sees %v", file)
	}
	got := filepath.Join(t.TempDir(), "got")
	h.must("file", file["blob"].(string), "--out", got, "--profile", bobFile)
	if back, err := os.ReadFile(got); err != nil || !bytes.Equal(back, data) {
		t.Fatalf("bob got %d bytes (%v)", len(back), err)
	}
	if r := h.run("file", file["blob"].(string), "--out", got, "--profile", bobFile); r.code != exitUsage {
		t.Errorf("a file that was there is written over: %+v", r)
	}

	alice, _, _ := h.as(aliceFile)
	ask(t, alice, client.Delete, &pb.TargetRequest{Room: ref, Event: event})
	for _, profile := range []string{aliceFile, bobFile} {
		within(t, "the file is gone for "+profile, func() bool {
			return h.run("file", file["blob"].(string), "--profile", profile).code == exitRefused
		})
	}
}
