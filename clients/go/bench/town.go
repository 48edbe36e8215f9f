package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

// town is a fresh node with accounts and rooms.
type town struct {
	*process
	dir    string
	dialer *client.Dialer
	tokens []string
	rooms  []string
	pprof  string // address of its profiles
	place         // where it stands
}

// place is where a node stands.
type place struct {
	name      string
	listen    string
	advertise string                  // to other nodes; "": where it listens
	prepare   func(data string) error // fills the data folder before the node first runs; nil: nothing
}

// alone is the place of a node that nobody but its clients need to find.
var alone = place{name: "bench.example", listen: "127.0.0.1:0"}

const password = "correct horse battery staple"

func newTown(p *plan, accounts, rooms int) (t *town, err error) {
	return newTownAt(p, alone, accounts, rooms)
}

func newTownAt(p *plan, at place, accounts, rooms int) (made *town, err error) {
	dir, err := os.MkdirTemp("", "hearth-bench-")
	if err != nil {
		return nil, err
	}
	t := &town{dir: dir, place: at}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if t.pprof, err = freeAddress(); err != nil {
		return nil, err
	}
	if at.prepare != nil {
		if err = at.prepare(t.data()); err != nil {
			return nil, err
		}
	}
	if err = t.begin(p); err != nil {
		return nil, err
	}
	if err = t.settle(p, accounts); err != nil {
		return nil, err
	}
	for i := range rooms {
		if err = t.found(i); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *town) begin(p *plan) (err error) {
	args := []string{"serve", "--pprof", t.pprof, "--data", t.data(), "--listen", t.listen, "--name", t.name,
		"--send-rate", "0", "--request-rate", "0", "--sessions-per-account", "0", "--connections-per-address", "0", "--log-level", "warn"}
	if t.advertise != "" {
		args = append(args, "--advertise", t.advertise)
	}
	if t.process, err = start(p.hearth, args...); err != nil {
		return err
	}
	t.dialer, err = client.NewDialer(t.url, client.NewTrust(t.url, "", true))
	return err
}

func (t *town) data() string { return filepath.Join(t.dir, "data") }

// again stops the node and starts it on the same data: logins stay good, and what making
// the accounts took of memory (an argon2id each) is gone.
func (t *town) again(p *plan) error {
	t.stop()
	return t.begin(p)
}

func (t *town) close() {
	if t.process != nil {
		t.stop()
	}
	os.RemoveAll(t.dir)
}

// settle makes the accounts and logs them in, two at a time: each costs an argon2id.
func (t *town) settle(p *plan, accounts int) error {
	pw := filepath.Join(t.dir, "pw")
	if err := os.WriteFile(pw, []byte(password), 0o600); err != nil {
		return err
	}
	add := exec.Command(p.hearth, "user", "add", "user0", "--admin", "--data", t.data(), "--password-file", pw)
	if out, err := add.CombinedOutput(); err != nil {
		return fmt.Errorf("add the first account: %s", out)
	}
	t.tokens = make([]string, accounts)
	if err := t.login(0); err != nil {
		return err
	}
	admin := client.NewHTTP(t.dialer, t.tokens[0])
	return each(accounts-1, 2, func(i int) error {
		_, err := client.Insist(context.Background(), retrying{admin}, client.AdminUserAdd,
			&pb.AdminUserAddRequest{Username: fmt.Sprintf("user%d", i+1), Password: password})
		if err != nil && client.Code(err) != "taken" {
			return err
		}
		return t.login(i + 1)
	})
}

// retrying is a Caller for the bench: a busy node is asked again.
type retrying struct{ client.Caller }

func (t *town) login(i int) error {
	l, err := client.Call(context.Background(), client.NewHTTP(t.dialer, ""), client.Login,
		&pb.LoginRequest{Username: fmt.Sprintf("user%d", i), Password: password})
	if err != nil {
		return fmt.Errorf("log user%d in: %w", i, err)
	}
	t.tokens[i] = l.Token
	return nil
}

// found makes a public room; everybody joins the first, user i (and user 0) room i.
func (t *town) found(i int) error {
	ctx := context.Background()
	made, err := client.Call(ctx, client.NewHTTP(t.dialer, t.tokens[0]), client.RoomCreate,
		&pb.RoomCreateRequest{Alias: fmt.Sprintf("room%d", i), Public: true})
	if err != nil {
		return fmt.Errorf("make a room: %w", err)
	}
	t.rooms = append(t.rooms, made.Room)
	if i > 0 {
		return t.join(made.Room, i%len(t.tokens))
	}
	return each(len(t.tokens)-1, 8, func(k int) error { return t.join(made.Room, k+1) })
}

// caller is the account's way to the node.
func (t *town) caller(account int) client.Caller { return client.NewHTTP(t.dialer, t.tokens[account]) }

func (t *town) join(room string, user int) error {
	_, err := client.Call(context.Background(), client.NewHTTP(t.dialer, t.tokens[user]), client.RoomJoin, &pb.RoomRequest{Room: room})
	if err != nil && !strings.Contains(err.Error(), "already") {
		return fmt.Errorf("join: %w", err)
	}
	return nil
}

// each does n things, `at` of them at a time; the first error ends it.
func each(n, at int, do func(int) error) error {
	var wg sync.WaitGroup
	next := make(chan int)
	failed := make(chan error, at)
	for range at {
		wg.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var err error
	for i := 0; i < n && err == nil; i++ {
		select {
		case next <- i:
		case err = <-failed:
		}
	}
	close(next)
	wg.Wait()
	select {
	case e := <-failed:
		if err == nil {
			err = e
		}
	default:
	}
	return err
}
