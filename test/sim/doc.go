// Package sim is a federation in one process: real nodes on real stores in memory, joined
// by real protocol machines (federation/link) over a network, a clock and disks that a
// seeded script breaks in every way that was thought of. After each script the network
// heals, and within a minute all honest nodes must hold the same rooms.
//
// Everything is in tests: go test ./test/sim runs the quick numbers, make sim SEEDS=1000
// the full ones. A failure prints its seed; SEED=n go test ./test/sim -run NAME runs that
// one again.
package sim
