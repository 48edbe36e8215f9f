//go:build !race

package transport

const slowdown = 1
