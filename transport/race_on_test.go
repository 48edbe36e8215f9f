//go:build race

package transport

// slowdown is what the race detector makes of a piece of work, at most.
const slowdown = 10
