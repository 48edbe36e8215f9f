package relay

import (
	"fmt"
	"testing"
	"time"

	"hearth/plugins/irc/ircreal"
)

// Lines per second through the bridge each way, beside a bare client that sends to another on the same server. Flood
// control is off on both sides. The bridge's figures include its journal and a node that answers at once.
func BenchmarkServers(b *testing.B) {
	for _, kind := range ircreal.Kinds {
		b.Run(kind+"/bare", func(b *testing.B) {
			s := ircreal.Start(b, kind, "", "")
			from, to := s.Connect("from", garden), s.Connect("to", garden)
			from.Expect("JOIN")
			go from.Drain()
			measure(b, func() {
				window := say(from, b.N)
				for range b.N {
					to.Expect("of the bench.")
					<-window
				}
			})
		})
		b.Run(kind+"/out", func(b *testing.B) {
			s := ircreal.Start(b, kind, "", "")
			bob := s.Connect("bob", garden)
			h := real(b, s.Addr, nil)
			h.WaitRoster(garden, "bob")
			measure(b, func() {
				go func() {
					for i := range b.N {
						h.Deliver(alice(fmt.Sprintf("line %d of the bench.", i)))
					}
				}()
				for range b.N {
					bob.Expect("of the bench.")
				}
			})
		})
		b.Run(kind+"/in", func(b *testing.B) {
			s := ircreal.Start(b, kind, "", "")
			bob := s.Connect("bob", garden)
			h := real(b, s.Addr, nil)
			h.WaitRoster(garden, "bob")
			go bob.Drain()
			measure(b, func() {
				window := say(bob, b.N)
				for range b.N {
					h.Entry()
					<-window
				}
			})
		})
	}
}

func measure(b *testing.B, f func()) {
	b.ResetTimer()
	began := time.Now()
	f()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "lines/s")
}

// say lets a client talk with at most 500 lines that were not heard yet; whoever hears one takes it from the channel. InspIRCd
// spends time as the square of what it has not read.
func say(c *ircreal.Client, n int) <-chan bool {
	window := make(chan bool, 500)
	go func() {
		for i := range n {
			window <- true
			c.Say(garden, fmt.Sprintf("line %d of the bench.", i))
		}
	}()
	return window
}
