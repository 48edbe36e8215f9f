#!/usr/bin/env bash
# The simulated federation (test/sim) and the stewards' (node/steward), over SEEDS seeds.
# Each seed of test/sim is a process of its own, on a runtime in which chance takes the same
# course each time (sim-runtime.sh): a seed that fails fails again. Prints progress, failures
# with their seeds, and how long each test took.
#
#   scripts/sim.sh 1000                               all tests, seeds 0 to 999
#   RUN=TestLiar FROM=1000 scripts/sim.sh 200         one test, seeds 1000 to 1199
#   RUN=TestLiar SEED=122 TRACE=1 scripts/sim.sh      one seed, with all that happens
set -u
cd "$(dirname "$0")/.."
seeds=${1:-1000}
tests=${RUN:-TestFederation TestLiar TestOldCopies TestClocks TestCrowds TestStewards}
from=${FROM:-0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
overlay=()
if bash scripts/sim-runtime.sh "$work"; then
  overlay=(-overlay "$work/overlay.json")
else
  echo "sim: on the usual runtime; a seed that fails may not fail again" >&2
fi
CGO_ENABLED=0 go test -c ${overlay[@]+"${overlay[@]}"} -o "$work/sim" ./test/sim || exit 1
cd test/sim
export GOMAXPROCS=1 GOGC=off SIM=$work/sim
unset SEEDS
if [ -n "${SEED:-}" ]; then
  "$SIM" -test.run "^($tests)\$" -test.v
  exit
fi

# one TEST SEED: prints what a failing seed says.
one() {
  SEED=$2 "$SIM" -test.run "^$1\$" -test.timeout 10m >"$SIM.$1.$2" 2>&1 || {
    echo "FAIL $1 seed $2"
    head -c 20000 "$SIM.$1.$2"
    echo "$2" >>"$SIM.$1.failed"
  }
  rm "$SIM.$1.$2"
}
export -f one

failed=0
begun=$SECONDS
for t in $tests; do
  since=$SECONDS
  n=$seeds
  [ -n "${RUN:-}" ] || [ "$t" != TestCrowds ] || n=$((seeds / 10 + 1)) # a thousand members each: ten times the work
  : >"$SIM.$t.failed"
  seq "$from" $((from + n - 1)) | xargs -P "$(nproc)" -I{} bash -c "one $t {}"
  lost=$(wc -l <"$SIM.$t.failed")
  echo "$t: $n seeds, $lost failed$([ "$lost" = 0 ] || echo " ($(sort -n "$SIM.$t.failed" | paste -sd ' '))"), $((SECONDS - since)) s"
  [ "$lost" = 0 ] || failed=1
done
if [ -z "${RUN:-}" ]; then
  (cd ../.. && unset GOMAXPROCS GOGC && go test ./node/steward -run Simulation -seeds "$seeds" -timeout 2h) || failed=1
fi
echo "sim: $seeds seeds a test, $((SECONDS - begun)) s, $([ $failed = 0 ] && echo all passed || echo FAILED)"
exit $failed
