package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/alecthomas/kong"

	client "hearth/clients/go"
	"hearth/node/room"
)

// Exit codes, as the README promises them to scripts.
const (
	exitDone        = 0
	exitRefused     = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitAtOnce      = 130
)

// program is one run of the command line, with everything it touches outside itself, so
// that a test can run it in its own process.
type program struct {
	args []string
	in   io.Reader
	out  io.Writer
	err  io.Writer
	env  func(name string) (string, bool)
}

// verbs is the grammar of the command line.
type verbs struct {
	Serve   serveVerb    `cmd:"" help:"Run a node."`
	User    userVerbs    `cmd:"" help:"The node's accounts (for administrators, or with --data on the node's machine)."`
	Invite  inviteVerb   `cmd:"" help:"Make a link by which somebody can make an account, or, with --node, by which another node can join yours."`
	Join    joinVerb     `cmd:"" help:"Join another node, by its invite link: from then on the two can share rooms."`
	Bridge  bridgeVerbs  `cmd:"" help:"Bridges to other networks, such as IRC and Slack (for administrators, or with --data on the node's machine)."`
	Peers   peersVerbs   `cmd:"" help:"The other nodes: who is up, how far each has got."`
	Login   loginVerb    `cmd:"" help:"Log in and keep the login in a profile."`
	Logout  logoutVerb   `cmd:"" help:"End the profile's login and remove the profile."`
	Send    sendVerb     `cmd:"" help:"Say something in a room; '-' says every line of standard input."`
	Tail    tailVerb     `cmd:"" help:"Print what is said in rooms as it arrives, until stopped."`
	History historyVerb  `cmd:"" help:"Print what was said in a room, oldest first."`
	File    fileVerb     `cmd:"" help:"Fetch a file that somebody attached to a message."`
	Room    roomVerbs    `cmd:"" help:"Make, find, join and look after rooms."`
	Block   blockVerb    `cmd:"" help:"Hide a user, or a whole node, from yourself; without an argument: whom you have blocked."`
	Unblock unblockVerb  `cmd:"" help:"Take a block back."`
	Reports reportsVerbs `cmd:"" help:"What people have reported (for administrators)."`
	Backup  backupVerb   `cmd:"" help:"Write a node's data to one file, also while it runs."`
	Restore restoreVerb  `cmd:"" help:"Make a data folder from a backup."`
	Verify  verifyVerb   `cmd:"" help:"Check everything in a data folder: hashes, chains, signatures, indexes."`
	Doctor  doctorVerb   `cmd:"" help:"Look for what is wrong with a node, and say what to do."`
	Version versionVerb  `cmd:"" help:"Print the version."`

	JSON    bool   `help:"Print JSON, one object a line." env:"HEARTH_JSON"`
	Profile string `help:"File with the login (default: $$XDG_CONFIG_HOME/hearth/profile.json)." placeholder:"FILE" env:"HEARTH_PROFILE" type:"path"`
}

// exit is panicked through kong where it wants to end the process (after --help).
type exit int

// newParser reads command lines into v.
func newParser(v *verbs, out, errs io.Writer) *kong.Kong {
	return kong.Must(v,
		kong.Name("hearth"),
		kong.Description("Hearth: federated chat. `hearth serve` runs a node; the other verbs talk to one."),
		kong.Writers(out, errs),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.KindMapper(reflect.String, kong.MapperFunc(takeString)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
}

func (p *program) run(ctx context.Context) (code int) {
	defer func() {
		if r := recover(); r != nil {
			e, ours := r.(exit)
			if !ours {
				panic(r)
			}
			code = int(e)
		}
	}()
	v := new(verbs)
	parsed, err := newParser(v, p.out, p.err).Parse(markIDs(p.args))
	if err != nil {
		fmt.Fprintf(p.err, "hearth: %v\nTry: hearth --help\n", err)
		return exitUsage
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return p.finish(parsed.Run(&run{program: p, verbs: v, parsed: parsed}))
}

// finish says on standard error what went wrong and turns it into the exit code.
func (p *program) finish(err error) int {
	if err == nil {
		return exitDone
	}
	code, text := exitRefused, err.Error()
	if _, ok := errors.AsType[*usageError](err); ok {
		code = exitUsage
	} else if _, ok := errors.AsType[*client.Unreachable](err); ok {
		code = exitUnreachable
	} else if e, ok := errors.AsType[*client.Error](err); ok {
		text = e.Error()
	} else if e, ok := errors.AsType[*room.Error](err); ok {
		text = fmt.Sprintf("%s: %s", e.Code, e.Message)
	}
	fmt.Fprintln(p.err, "hearth:", text)
	return code
}

// usageError: the words fit the grammar, but not each other.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func misuse(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// run is what a verb's Run gets.
type run struct {
	*program
	verbs  *verbs
	parsed *kong.Context
}
