package account

import (
	"net/netip"
	"time"

	"hearth/node/limit"
	"hearth/node/room"
)

// network is what an address counts as: limit.Network.
type network = netip.Prefix

// Guesses bounds wrong passwords. A bucket that refills its burst in an hour lets through at most twice
// the burst in any hour, so the three of an account add up to at most 2 x (22 + 18 + 8) = 96 (reliability
// test 19 says 100). They are apart so that strangers who use up theirs do not lock out the owner, who
// comes from a network that a device of the account has come from.
type Guesses struct {
	Strangers limit.Rate // for an account, from all networks that it does not know; default 22 an hour
	Known     limit.Rate // for an account, from the networks it knows; default 18 an hour
	Signed    limit.Rate // for an account, by its own devices changing the password; default 8 an hour
	Network   limit.Rate // from a network, whatever the account; default 200 an hour: more than can wait for a hash at once
}

func (g Guesses) withDefaults() Guesses {
	set := func(r *limit.Rate, burst int) {
		if *r == (limit.Rate{}) {
			*r = limit.Rate{Burst: burst, Per: time.Hour}
		}
	}
	set(&g.Strangers, 22)
	set(&g.Known, 18)
	set(&g.Signed, 8)
	set(&g.Network, 200)
	return g
}

// guesses are the buckets.
type guesses struct {
	strangers, known, signed *limit.Table[string] // by local name; "" for names that cannot be
	networks                 *limit.Table[network]
}

// buckets is how many accounts, and networks, are remembered: about 10 MB each at most.
const buckets = 65_536

func newGuesses(g Guesses) *guesses {
	return &guesses{
		strangers: limit.New[string](g.Strangers, buckets),
		known:     limit.New[string](g.Known, buckets),
		signed:    limit.New[string](g.Signed, buckets),
		networks:  limit.New[network](g.Network, buckets),
	}
}

// login counts an attempt before it is made, so that many at once do not slip through; undo takes it
// back when it turns out to have been no wrong guess.
func (g *guesses) login(local string, from network, known bool, now time.Time) (undo func(), err error) {
	account := g.strangers
	if known {
		account = g.known
	}
	if wait := g.networks.Take(from, 1, now); wait > 0 {
		return nil, tooMany(wait)
	}
	if wait := account.Take(local, 1, now); wait > 0 {
		g.networks.Return(from, 1, now)
		return nil, tooMany(wait)
	}
	return func() {
		account.Return(local, 1, now)
		g.networks.Return(from, 1, now)
	}, nil
}

// own counts an attempt by somebody who is signed in.
func (g *guesses) own(local string, now time.Time) (undo func(), err error) {
	if wait := g.signed.Take(local, 1, now); wait > 0 {
		return nil, tooMany(wait)
	}
	return func() { g.signed.Return(local, 1, now) }, nil
}

func tooMany(wait time.Duration) error {
	e := room.Errorf(room.Limited, "Too many wrong passwords. Try again in %d minutes.", int(wait/time.Minute)+1)
	e.RetryAfter = wait
	return e
}
