//go:build race

package main

// raceDetector: times mean nothing under it.
const raceDetector = true
