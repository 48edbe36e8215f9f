#!/usr/bin/env bash
# The simulated federation (test/sim) and the stewards' (node/steward), over SEEDS seeds: a
# process a core, each with its share of the seeds. Prints progress, failures with their
# seeds, and how long each test took. RUN=TestLiar runs one test alone.
set -u
cd "$(dirname "$0")/.."
seeds=${1:-1000}
run=${RUN:-'TestFederation|TestLiar|TestOldCopies|TestClocks'}
shards=${SHARDS:-$(nproc)}
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go test -c -o "$bin/sim" ./test/sim || exit 1
begun=$SECONDS
pids=()
for ((i = 0; i < shards; i++)); do
  (cd test/sim && SEEDS=$seeds SHARD=$i/$shards GOMAXPROCS=2 "$bin/sim" -test.run "^($run)\$" -test.timeout 2h) &
  pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do
  wait "$pid" || failed=1
done
if [ -z "${RUN:-}" ]; then
  go test ./node/steward -run Simulation -seeds "$seeds" -timeout 2h || failed=1
fi
echo "sim: $seeds seeds a test, $((SECONDS - begun)) s, $([ $failed = 0 ] && echo all passed || echo FAILED)"
exit $failed
