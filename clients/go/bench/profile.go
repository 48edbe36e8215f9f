package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// freeAddress is one for the node to show its profiles at.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// profile takes a CPU profile of the node while a load runs, and waits for it.
func (t *town) profile(p *plan, name string) (wait func()) {
	if p.profiles == "" {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := t.writeProfile(filepath.Join(p.profiles, name+".pprof"), p.seconds-time.Second); err != nil {
			log.Print(err)
		}
	}()
	return func() { <-done }
}

func (t *town) writeProfile(path string, howLong time.Duration) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", t.pprof, max(int(howLong.Seconds()), 1))
	resp, err := http.Get(url)
	if err != nil {
		return fmt.Errorf("take a profile: %w", err)
	}
	defer resp.Body.Close()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, resp.Body)
	return err
}
