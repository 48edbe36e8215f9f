// Command bench measures a node and prints JSON lines, each figure of Hearth beside that
// of a bare server (./baseline) measured in the same run. The servers are processes of
// their own, whose CPU time and memory are read from /proc; all clients live in this one.
//
//	make bench                          everything, about ten minutes
//	make bench ARGS='-only fanout'      figures whose name begins so
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
	"time"
)

// plan is what to measure, and how long.
type plan struct {
	hearth    string // binaries
	baseline  string
	generator string
	clients   int
	accounts  int
	rate      int
	seconds   time.Duration
	senders   int
	window    int
	rooms     int
	idle      string
	messages  int
	nations   string // numbers of nodes
	missed    int
	bigRoom   string
	profiles  string // folder for the node's CPU profiles, or ""
}

// figures in their order; each prints its lines.
var figures = []struct {
	name    string
	measure func(*plan, *report) error
}{
	{"idle", measureIdle},
	{"fanout-paced", measurePaced},
	{"fanout-saturated", measureSaturated},
	{"rooms", measureRooms},
	{"logins", measureLogins},
	{"history", measureHistory},
	{"federation-latency", measureNationLatency},
	{"federation-throughput", measureNationThroughput},
	{"federation-nodes", measureNations},
	{"federation-wire", measureNationWire},
	{"federation-catchup", measureCatchUp},
	{"federation-join", measureBigJoin},
}

func main() {
	log.SetFlags(log.Ltime)
	p := &plan{}
	flag.StringVar(&p.hearth, "hearth", "bin/hearth", "the node's binary")
	flag.StringVar(&p.baseline, "baseline", "bin/bench-baseline", "the bare server's binary")
	flag.StringVar(&p.generator, "bigroom", "bin/bench-bigroom", "the program that makes a big room")
	flag.IntVar(&p.clients, "clients", 200, "clients in the one room")
	flag.IntVar(&p.accounts, "accounts", 50, "accounts they share")
	flag.IntVar(&p.rate, "rate", 20, "messages a second in the paced fan-out")
	flag.DurationVar(&p.seconds, "for", 15*time.Second, "how long each load lasts")
	flag.IntVar(&p.senders, "senders", 8, "senders at saturation")
	flag.IntVar(&p.window, "window", 32, "messages each sender has under way at saturation")
	flag.IntVar(&p.rooms, "rooms", 100, "rooms, with a sender each")
	flag.StringVar(&p.idle, "idle", "1000,5000", "numbers of idle clients")
	flag.IntVar(&p.messages, "messages", 10_000, "messages to page through")
	flag.StringVar(&p.nations, "nations", "2,4,8,16", "numbers of nodes that share a room")
	flag.IntVar(&p.missed, "missed", 100_000, "messages that a node misses and catches up on")
	flag.StringVar(&p.bigRoom, "big-room", "10000,100000", "members and events of the room that is joined")
	flag.StringVar(&p.profiles, "profiles", "", "folder to write the node's CPU profiles to, one a figure (go tool pprof)")
	only := flag.String("only", "", "measure only what begins with one of these names (a,b)")
	flag.Parse()
	r := &report{out: os.Stdout}
	failed := false
	for _, f := range figures {
		if !wanted(*only, f.name) {
			continue
		}
		log.Printf("measuring %s", f.name)
		if err := f.measure(p, r); err != nil {
			log.Printf("%s: %v", f.name, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

func wanted(only, name string) bool {
	if only == "" {
		return true
	}
	for prefix := range strings.SplitSeq(only, ",") {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprint("bench: ", err)) // of things that cannot fail
	}
	return v
}
