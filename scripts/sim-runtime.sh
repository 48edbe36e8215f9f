#!/usr/bin/env bash
# sim-runtime.sh DIR writes DIR/overlay.json for `go build -overlay`: Go's runtime with every
# choice that it makes by chance (which goroutine is next, which case of a select, which of
# two timers, where a map's iteration begins) drawn from one generator of the synctest bubble,
# so that a simulation takes the same course each time. For one P and without collections:
# GOMAXPROCS=1 GOGC=off. Fails when this Go's runtime is not as it expects.
set -eu
dir=$1
src=$(go env GOROOT)/src
cd "$src"

# patch FILE PERL: edits a copy; each edit must change something.
patch() {
  local copy
  copy=$dir/$(echo "$1" | tr / _)
  [ -e "$copy" ] || cp "$1" "$copy"
  cp "$copy" "$copy.before"
  perl -0pi -e "$2" "$copy"
  if cmp -s "$copy" "$copy.before"; then
    echo "sim-runtime: $1 of $(go version) is not as it was: $2" >&2
    exit 1
  fi
  rm "$copy.before"
}

patch runtime/synctest.go 's/(type synctestBubble struct \{)/$1\n\tchoices uint64/'
patch runtime/synctest.go 's/\z/
\/\/ choose draws a number (wyrand) for a choice that is made in the bubble.
\/\/go:nosplit
func (b *synctestBubble) choose() uint32 {
	b.choices += 0xa0761d6478bd642f
	x, y := b.choices, b.choices^0xe7037ed1a0b428db
	x = (x ^ x>>32) * y
	x = (x ^ x>>29) * 0xa0761d6478bd642f
	return uint32(x >> 32)
}
/'
patch runtime/rand.go 's/(func rand\(\) uint64 \{)/$1\n\tif b := getg().bubble; b != nil {\n\t\treturn uint64(b.choose())<<32 | uint64(b.choose())\n\t}/'
patch runtime/rand.go 's/(\tglobalRand\.state\.Init\(\*seed\))/\tclear(seed[:])\n\tseed[0] = 1\n$1/' # hashes of maps
patch runtime/select.go 's/j := cheaprandn\(uint32\(norder \+ 1\)\)/j := cheaprandn(uint32(norder + 1))\n\t\tif gp.bubble != nil {\n\t\t\tj = gp.bubble.choose() % uint32(norder+1)\n\t\t}/'
patch runtime/time.go 's/t\.rand = cheaprand\(\)/t.rand = ts.bubbleOf().choose()/'
patch runtime/time.go 's/\z/
func (ts *timers) bubbleOf() *synctestBubble {
	return (*synctestBubble)(unsafe.Pointer(uintptr(unsafe.Pointer(ts)) - unsafe.Offsetof(synctestBubble{}.timers)))
}
/'
# Nothing is taken from a goroutine that runs for long, or is in a system call.
patch runtime/proc.go 's/(func retake\(now int64\) uint32 \{)/$1\n\tif true {\n\t\treturn 0\n\t}/'
patch runtime/proc.go 's/if randomizeScheduler && next && randn\(2\) == 0 \{/if next && gp.bubble != nil && gp.bubble.choose()&1 == 0 {/'
patch runtime/proc.go 's/(\t\tgp := pp\.runq\[h%uint32\(len\(pp\.runq\)\)\]\.ptr\(\)\n)(\t\tif atomic\.CasRel\(&pp\.runqhead, h, h\+1\) \{ \/\/ cas-release, commits consume\n\t\t\treturn gp, false)/$1\t\tif b := gp.bubble; b != nil {\n\t\t\tif at := (h + b.choose()%(t-h)) % uint32(len(pp.runq)); pp.runq[at].ptr().bubble == b {\n\t\t\t\tpp.runq[h%uint32(len(pp.runq))], pp.runq[at] = pp.runq[at], pp.runq[h%uint32(len(pp.runq))]\n\t\t\t\tgp = pp.runq[h%uint32(len(pp.runq))].ptr()\n\t\t\t}\n\t\t}\n$2/'
patch internal/sync/mutex.go 's/starvationThresholdNs = 1e6/starvationThresholdNs = 1e15/' # real time

{
  printf '{"Replace":{'
  comma=
  for f in runtime/{synctest,rand,select,time,proc}.go internal/sync/mutex.go; do
    printf '%s"%s":"%s"' "$comma" "$src/$f" "$dir/$(echo "$f" | tr / _)"
    comma=,
  done
  printf '}}\n'
} >"$dir/overlay.json"
