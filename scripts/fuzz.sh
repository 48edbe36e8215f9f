#!/bin/bash
# Runs every fuzz target of the repository for the given time (go test fuzzes one at a time).
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-30s}
grep -rl --include='*_test.go' '^func Fuzz' . | grep -v node_modules | xargs -n1 dirname | sort -u | while read -r dir; do
  grep -h '^func Fuzz' "$dir"/*_test.go | sed 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/' | sort -u | while read -r target; do
    echo "== $dir $target ($time)"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$dir"
  done
done
