package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"

	client "hearth/clients/go"
	"hearth/storage"
	"hearth/transport"
)

// operator is whoever has the node's data folder: it speaks to the running node through
// the socket in the folder, or, when no node runs, works on the store itself.
type operator interface {
	client.Caller
	// backup writes everything the node has to w.
	backup(ctx context.Context, w io.Writer) error
	Close() error
}

// openOperator finds out which. The folder's lock decides: who holds it is the node.
func openOperator(ctx context.Context, data string) (operator, error) {
	if o, err := dialOperator(ctx, data); !errors.Is(err, fs.ErrNotExist) {
		return o, err
	}
	o, err := openDirect(data)
	if !errors.Is(err, storage.ErrLocked) {
		return o, err
	}
	// A node that is just starting has the lock before it has the socket.
	if o, again := dialOperator(ctx, data); again == nil {
		return o, nil
	}
	return nil, err
}

// remoteOperator speaks to the running node.
type remoteOperator struct {
	*client.HTTP
	dialer *client.Dialer
}

func dialOperator(ctx context.Context, data string) (operator, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return nil, fmt.Errorf("find data folder: %w", err)
	}
	c, err := transport.DialOperator(ctx, data)
	if err != nil {
		return nil, err
	}
	c.Close() // it answers; each request dials for itself
	d := client.NewLocalDialer(func(ctx context.Context) (net.Conn, error) { return transport.DialOperator(ctx, data) })
	return &remoteOperator{HTTP: client.NewHTTP(d, ""), dialer: d}, nil
}

func (o *remoteOperator) Close() error {
	o.dialer.Close()
	return nil
}

// backupPath is the operator's door to the backup of a running node.
const backupPath = "/backup"

func (o *remoteOperator) backup(ctx context.Context, w io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.dialer.URL+backupPath, nil)
	if err != nil {
		return fmt.Errorf("ask for a backup: %w", err)
	}
	resp, err := o.dialer.HTTP().Do(req)
	if err != nil {
		return &client.Unreachable{URL: o.dialer.URL, Err: err}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("the node made no backup: %s", text)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("receive the backup: %w", err)
	}
	if failed := resp.Trailer.Get(backupFailed); failed != "" {
		return fmt.Errorf("the node could not finish the backup: %s", failed)
	}
	return nil
}

// backupFailed is the trailer that tells of what went wrong after the first byte.
const backupFailed = "Hearth-Backup-Failed"

// backups answers GET /backup on the operator's socket.
func (m *Main) backups() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", backupFailed)
		w.Header().Set("Content-Type", "application/octet-stream")
		// A large folder takes longer than any command may.
		_ = http.NewResponseController(w).SetWriteDeadline(noDeadline)
		if err := writeBackup(r.Context(), m.store, m.config.Data, w); err != nil {
			m.log.Error("backup failed", "error", err)
			w.Header().Set(backupFailed, err.Error())
		}
	})
}
