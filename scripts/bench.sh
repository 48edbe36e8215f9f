#!/bin/bash
# make bench: builds the driver, the bare server and the maker of big rooms, and measures the bare server
# and bin/hearth.
set -euo pipefail
cd "$(dirname "$0")/.."
go build -o bin/bench ./clients/go/bench
go build -o bin/bench-baseline ./clients/go/bench/baseline
go build -o bin/bench-bigroom ./test/bigroom
exec bin/bench -hearth bin/hearth -baseline bin/bench-baseline -bigroom bin/bench-bigroom "$@"
