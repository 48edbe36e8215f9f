package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"hearth/node"
	"hearth/storage"
	"hearth/storage/backup"
)

var noDeadline time.Time

func writeBackup(ctx context.Context, s *storage.Store, data string, w io.Writer) error {
	return backup.Write(ctx, s, data, w)
}

type backupVerb struct {
	Data string `required:"" help:"The node's data folder." placeholder:"DIR" env:"HEARTH_DATA" type:"path"`
	To   string `required:"" help:"File to write; '-' is standard output." placeholder:"FILE"`
}

func (v *backupVerb) Run(ctx context.Context, r *run) error {
	if _, err := os.Stat(storeDir(v.Data)); err != nil {
		return misuse("data folder: %v", err)
	}
	o, err := openOperator(ctx, v.Data)
	if err != nil {
		return err
	}
	defer o.Close()
	if v.To == "-" {
		return o.backup(ctx, r.out)
	}
	size, err := replaceFile(v.To, func(w io.Writer) error { return o.backup(ctx, w) })
	if err != nil {
		return err
	}
	return r.print(map[string]any{"file": v.To, "bytes": size}, "%s: %d bytes", v.To, size)
}

// replaceFile writes path as a whole or not at all, and returns only when it is on disk.
// A backup holds everybody's messages and password hashes: only its owner may read it.
func replaceFile(path string, write func(io.Writer) error) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".hearth-backup-*") // mode 0600
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err = errors.Join(write(f), f.Sync()); err != nil {
		return 0, errors.Join(err, f.Close())
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, fmt.Errorf("write %s: %w", path, err)
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return 0, fmt.Errorf("write %s: %w", path, err)
	}
	return info.Size(), nil
}

type restoreVerb struct {
	From string `required:"" help:"The backup; '-' is standard input." placeholder:"FILE"`
	Data string `required:"" help:"Folder to make; it must not hold a node yet." placeholder:"DIR" env:"HEARTH_DATA" type:"path"`
}

func (v *restoreVerb) Run(ctx context.Context, r *run) error {
	if _, err := os.Stat(storeDir(v.Data)); err == nil {
		return fmt.Errorf("%s holds a node already: restore into a new folder", v.Data)
	}
	in := r.in
	if v.From != "-" {
		f, err := os.Open(v.From)
		if err != nil {
			return misuse("read backup: %v", err)
		}
		defer f.Close()
		in = f
	}
	if err := backup.Restore(ctx, in, v.Data); err != nil {
		return err
	}
	// What the node wrote after the backup may be known elsewhere: it goes on with new
	// logs, so that no number is ever used twice.
	s, err := openStore(v.Data, storage.Options{})
	if err != nil {
		return err
	}
	name, err := node.StoredName(s)
	if err = errors.Join(err, node.Reincarnate(s), s.Close()); err != nil {
		return err
	}
	return r.print(map[string]any{"data": v.Data, "node": name}, "%s: node %s is restored; start it with: hearth serve --data %s", v.Data, name, v.Data)
}

type verifyVerb struct {
	Data string `required:"" help:"The data folder of a node that does not run." placeholder:"DIR" env:"HEARTH_DATA" type:"path"`
}

func (v *verifyVerb) Run(ctx context.Context, r *run) error {
	if _, err := os.Stat(storeDir(v.Data)); err != nil {
		return misuse("data folder: %v", err)
	}
	s, err := openStore(v.Data, storage.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer s.Close()
	name, err := node.StoredName(s)
	if err != nil {
		return err
	}
	key, err := node.StoredKey(s)
	if err != nil {
		return err
	}
	problems := 0
	keyOf := func(origin string) ed25519.PublicKey {
		if origin == name {
			return key
		}
		return nil
	}
	report, err := s.Verify(ctx, keyOf, func(p storage.Problem) {
		problems++
		r.note("%v", p)
	})
	if err != nil {
		return err
	}
	if err := r.print(map[string]any{
		"node": name, "ok": problems == 0, "problems": problems,
		"rooms": report.Rooms, "events": report.Events, "erased": report.Erased, "chains": report.Chains, "heads": report.Heads,
	}, "node %s: %d rooms, %d events (%d erased), %d chains, %d signed heads: %d problems",
		name, report.Rooms, report.Events, report.Erased, report.Chains, report.Heads, problems); err != nil {
		return err
	}
	if problems > 0 {
		return fmt.Errorf("%d problems were found", problems)
	}
	return nil
}
