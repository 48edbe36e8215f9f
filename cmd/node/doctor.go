package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	client "hearth/clients/go"
)

type doctorVerb struct {
	URL  string `arg:"" optional:"" help:"Address of the node; default: the profile's."`
	Data string `help:"The node's data folder, when it is on this machine: looks at the disk and the store too." placeholder:"DIR" env:"HEARTH_DATA" type:"path"`
}

// The three things a check can find.
const (
	fine    = "ok"
	warning = "warning"
	failed  = "failed"
)

// finding is one line of the doctor's report.
type finding struct {
	Check  string `json:"check"`
	State  string `json:"state"`
	Detail string `json:"detail"`
	Advice string `json:"advice,omitempty"` // what to do, where something is wrong
}

func (f finding) String() string {
	text := fmt.Sprintf("%-8s %-13s %s", f.State, f.Check, f.Detail)
	if f.Advice != "" {
		text += "\n" + strings.Repeat(" ", 23) + f.Advice
	}
	return text
}

// patient is what the checks look at.
type patient struct {
	url    string
	trust  *client.Trust
	dialer *client.Dialer
	token  string
	data   string
	now    func() time.Time
	down   error // why nothing behind it needs to be tried
}

// checks in their order; one that has nothing to say finds nothing.
var checks = []func(context.Context, *patient) []finding{
	checkTCP, checkTLS, checkAPI, checkWebSocket, checkWebTransport, checkUDP, checkLogin, checkDisk, checkStore, checkPeers, checkBridges,
}

// checkWithin bounds one check: a firewall that swallows packets says nothing, for ever.
const checkWithin = 8 * time.Second

func (v *doctorVerb) Run(ctx context.Context, r *run) error {
	p, err := v.patient(r)
	if err != nil {
		return err
	}
	bad := 0
	for _, check := range checks {
		within, cancel := context.WithTimeout(ctx, checkWithin)
		findings := check(within, p)
		cancel()
		for _, f := range findings {
			if f.State == failed {
				bad++
			}
			if err := r.print(f, "%s", f); err != nil {
				return err
			}
		}
	}
	if p.down != nil {
		return p.down
	}
	if bad > 0 {
		return fmt.Errorf("%d checks failed", bad)
	}
	return nil
}

// patient takes the address from the command line, the profile or the data folder.
func (v *doctorVerb) patient(r *run) (*patient, error) {
	p := &patient{url: v.URL, data: v.Data, now: time.Now}
	pin := ""
	if l, err := r.login(); err == nil && (v.URL == "" || v.URL == l.URL) && (v.Data == "" || v.URL != "") {
		p.url, p.token, pin = l.URL, l.Token, l.Pin
	}
	if p.url == "" && p.data == "" {
		return nil, misuse("which node? Give its address, --data, or a --profile")
	}
	if p.url == "" {
		return p, nil
	}
	p.trust = client.NewTrust(p.url, pin, pin == "")
	d, err := client.NewDialer(p.url, p.trust)
	if err != nil {
		return nil, misuse("%v", err)
	}
	p.url, p.dialer = d.URL, d
	return p, nil
}

// reachable says whether checks of the node's doors make sense.
func (p *patient) reachable() bool { return p.dialer != nil && p.down == nil }

func (p *patient) fail(check string, err error, advice string) []finding {
	if e, ok := errors.AsType[*client.Unreachable](err); ok {
		err = e.Err
	}
	return []finding{{check, failed, err.Error(), advice}}
}
