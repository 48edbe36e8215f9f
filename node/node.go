// Package node is one Hearth node without its doors: rooms, each run by one loop;
// followers, which read rooms with a cursor; accounts, blobs and search.
//
// Data flows one way (docs/architecture.md): a door makes a draft, Submit hands it to
// its room's loop, the loop checks and appends a batch to the store, and only after
// the batch is synced marks the room dirty in its followers, who come and read.
package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"hearth/node/account"
	"hearth/node/blob"
	"hearth/node/channel"
	"hearth/node/limit"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/search"
	"hearth/storage"
)

// Caller is who asks, as a door has established it.
type Caller = account.Caller

// Config is what a node needs to know. Name and Dir are required.
type Config struct {
	Name         string // node.example or localhost:8443; never changes once the folder is made
	Dir          string // data folder; "" keeps blobs and search out (tests)
	Version      string
	Registration string           // open, invite (default), closed
	Now          func() time.Time // nil: time.Now
	Log          *slog.Logger     // nil: slog.Default
	Account      account.Config   // Node, Registration and Now are filled in
	Blob         blob.Limits
}

// Node is a running node. All methods may be called from any goroutine.
type Node struct {
	Accounts *account.Accounts
	Blobs    *blob.Store

	name        string
	version     string
	key         ed25519.PrivateKey
	incarnation atomic.Uint32
	reborn      sync.Mutex // held while a new incarnation begins
	now         func() time.Time
	log         *slog.Logger
	store       *storage.Store
	started     time.Time

	Bridges *channel.Book
	bots    sync.Mutex // held from a bot's coming into a room until its link is written
	news    *bridgeNews

	Peers      *peer.Book
	courier    *PeerFollower
	errands    chan *Errand
	hasDoor    atomic.Bool
	foreign    *foreigners
	councils   *councils
	sending    *postman
	level      sync.Map  // names of peers that were found to have all
	entering   turnstile // to rooms of other nodes
	acquainted acquainted
	claims     claims
	inviteRate *limit.Table[string]
	life       context.Context // ends when Close begins
	endLife    context.CancelFunc

	rooms    *hall
	people   *people
	index    *indexer
	disk     *diskGauge
	creating sync.Mutex // one at a time: a room's alias and a 1:1 room's pair are taken once

	stop    context.CancelFunc
	running sync.WaitGroup
}

// Open starts a node on an open store. Close it before the store.
func Open(c Config, s *storage.Store) (*Node, error) {
	if err := room.CheckNodeName(c.Name); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	id, err := openIdentity(s, c.Name)
	if err != nil {
		return nil, err
	}
	c.Account.Node, c.Account.Registration, c.Account.Now = c.Name, c.Registration, c.Now
	accounts, err := account.Open(s, c.Account)
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	n := &Node{
		Accounts: accounts,
		name:     c.Name, version: c.Version, key: id.key,
		now: c.Now, log: c.Log, store: s, started: c.Now(), acquainted: acquainted{begun: time.Now()},
		disk: newDiskGauge(s),
	}
	n.incarnation.Store(id.incarnation)
	if n.Peers, err = peer.Open(s, peer.Config{Self: c.Name, Key: id.key, Now: c.Now, Log: c.Log}); err != nil {
		return nil, fmt.Errorf("open peers: %w", err)
	}
	n.news = newBridgeNews()
	n.Bridges, err = channel.Open(s, channel.Config{Node: c.Name, Key: id.key, Now: c.Now, Log: c.Log, Changed: n.news.mark})
	if err != nil {
		return nil, err
	}
	n.life, n.endLife = context.WithCancel(context.Background())
	n.inviteRate = limit.New[string](invitesFromNode, 1000)
	n.courier, n.errands = newPeerFollower(), make(chan *Errand, errandQueue)
	n.foreign, n.sending = newForeigners(n), newPostman(n)
	n.people, n.rooms, n.councils = newPeople(n), newHall(n), newCouncils(n)
	if err := n.openFolders(c); err != nil {
		return nil, err
	}
	n.begin()
	return n, nil
}

// begin starts what goes on beside the rooms, until Close.
func (n *Node) begin() {
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.running.Go(func() { n.disk.watch(ctx) })
	n.running.Go(func() { n.rooms.sweep(ctx) })
	n.running.Go(func() { n.foreign.run(ctx) })
	n.running.Go(func() { n.councils.resume(ctx) })
	n.running.Go(func() { n.sending.run(ctx) })
	n.running.Go(func() { n.settleBots(n.life) })
	n.running.Go(func() { n.tellOfBridges(ctx) })
	n.running.Go(func() { n.sweepFiles(ctx) })
	if n.index != nil {
		n.running.Go(func() { n.index.run(ctx) })
	}
}

func (n *Node) openFolders(c Config) error {
	if c.Dir == "" {
		return nil
	}
	blobs, err := blob.Open(filepath.Join(c.Dir, "blobs"), n.store, c.Blob)
	if err != nil {
		return fmt.Errorf("open blobs: %w", err)
	}
	ix, rebuilt, err := search.Open(filepath.Join(c.Dir, "search"), n.log)
	if err != nil {
		return fmt.Errorf("open search index: %w", err)
	}
	if rebuilt {
		n.log.Info("search index is being built anew")
	}
	n.Blobs, n.index = blobs, newIndexer(n, ix)
	return nil
}

// Close ends all followers, lets every room finish what it has begun, and stops. What
// was acknowledged is in the store by then; the store stays open.
func (n *Node) Close() error {
	n.people.endAll(room.Errorf(room.Unavailable, "The node is stopping."))
	n.endLife()
	n.rooms.close()
	n.stop()
	n.running.Wait()
	n.people.close()
	err := errors.Join(n.Accounts.Flush(), n.Bridges.Flush())
	if n.index != nil {
		err = errors.Join(err, n.index.close())
	}
	return err
}

// Name is the node's name.
func (n *Node) Name() string { return n.name }

// PublicKey is the key that this node's heads are signed by.
func (n *Node) PublicKey() ed25519.PublicKey { return n.key.Public().(ed25519.PublicKey) }

// PrivateKey is the node's identity, for the doors that prove it.
func (n *Node) PrivateKey() ed25519.PrivateKey { return n.key }

// Now is the node's clock.
func (n *Node) Now() time.Time { return n.now() }

// Store is the node's store, for the doors' own small values such as certificates.
func (n *Node) Store() *storage.Store { return n.store }

func (n *Node) millis() int64 { return n.now().UnixMilli() }
