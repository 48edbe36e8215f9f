// Command hearth runs a node, and is the command line of one. `hearth help` lists the verbs;
// README.md and docs/operator.md explain them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	go endOnSignal(stop)
	p := &program{
		args: os.Args[1:],
		in:   os.Stdin,
		out:  os.Stdout,
		err:  os.Stderr,
		env:  os.LookupEnv,
	}
	os.Exit(p.run(ctx))
}

// endOnSignal: the first signal asks to end, the second does not ask.
func endOnSignal(stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	stop()
	<-signals
	os.Exit(exitAtOnce)
}
