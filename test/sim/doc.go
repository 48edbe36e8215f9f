// Package sim is a federation in one process: real nodes on real stores in memory, joined
// by real protocol machines (federation/link) over a network, a clock and disks that a
// seeded script breaks in every way that was thought of. After each script the network
// heals, and within a minute all honest nodes must hold the same rooms.
//
// Everything is in tests: go test ./test/sim runs the quick numbers, make sim SEEDS=1000
// the full ones. A failure prints its seed.
//
// # Repeating a seed
//
//	RUN=TestLiar SEED=122 TRACE=1 scripts/sim.sh
//
// runs one seed again, the same as make sim ran it to the last step, and shows all that
// happens. The script draws from the seed; time and what is random in cryptography are the
// bubble's (testing/synctest, testing/cryptotest). What is left to chance is Go's scheduler,
// select, and the order of maps: scripts/sim-runtime.sh builds the tests on a runtime that draws
// those from a generator of the bubble, on one processor, without the garbage collector,
// a process a seed. Two runs print the same trace, with the same event ids. go test runs the
// same script on the usual runtime: there a seed that fails need not fail again.
//
// world.note and a plain print that are put in for a look do not change the course; what draws
// from the world's generator, makes or walks a map (t.Log does), starts a goroutine, or waits, does.
package sim
