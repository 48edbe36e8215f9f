package relay

import (
	"fmt"
	"strings"
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
				go func() {
					for i := range b.N {
						from.Say(garden, fmt.Sprintf("line %d of the bench.", i))
					}
				}()
				until(to, b.N)
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
				until(bob, b.N)
			})
		})
		b.Run(kind+"/in", func(b *testing.B) {
			s := ircreal.Start(b, kind, "", "")
			bob := s.Connect("bob", garden)
			h := real(b, s.Addr, nil)
			h.WaitRoster(garden, "bob")
			go bob.Drain()
			measure(b, func() {
				go func() {
					for i := range b.N {
						bob.Say(garden, fmt.Sprintf("line %d of the bench.", i))
					}
				}()
				for range b.N {
					h.Entry()
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

// until reads n lines of the bench.
func until(c *ircreal.Client, n int) {
	for n > 0 {
		if strings.Contains(c.Next(), "of the bench.") {
			n--
		}
	}
}
