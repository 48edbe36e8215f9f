#!/bin/bash
# make bench: builds the driver and the bare server, and runs the one on the other and on bin/hearth.
set -euo pipefail
cd "$(dirname "$0")/.."
go build -o bin/bench ./clients/go/bench
go build -o bin/bench-baseline ./clients/go/bench/baseline
exec bin/bench -hearth bin/hearth -baseline bin/bench-baseline "$@"
