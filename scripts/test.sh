#!/bin/bash
# make test: everything that can fail, in the order in which it fails soonest. Each step
# says how long it took; the last line says what was run and what failed.
set -uo pipefail
cd "$(dirname "$0")/.."
began=$SECONDS
passed="" failed=""
# As make build does, so that what it compiles is compiled once.
export GOFLAGS="$(go env GOFLAGS) -trimpath"

step() {
  local name=$1 start=$SECONDS
  shift
  echo "== $name"
  if "$@"; then
    passed+="${passed:+, }$name $((SECONDS - start)) s"
  else
    failed+="${failed:+, }$name"
    echo "== $name FAILED" >&2
  fi
}

# Packages with goroutines run under the race detector; it slows the others down for
# nothing: the pure ones, and the storage tests that run through seeds, one after the other.
pure='/(node/room|node/steward|federation/link|transport/session)(/|$)'
seeded='^(TestPowerCut|TestEveryOperationFails|TestFaultsChild|TestBitRot)$'
go_tests() {
  local race plain bad=0
  race=$(go list ./node/... ./transport/... ./storage/... ./clients/go/... ./federation/... ./plugins/... | grep -Ev "$pure")
  plain=$(comm -23 <(go list ./... | sort) <(echo "$race" | sort))
  go test -race -timeout 10m -skip "$seeded" $race || bad=1
  go test -timeout 10m -run "$seeded" ./storage || bad=1
  go test -timeout 10m $plain || bad=1
  return $bad
}

scripts/need.sh git go node chromium protoc irc || exit 1
make --no-print-directory web || exit 1
step "check" scripts/check.sh
step "page tests" npm --prefix clients/web run --silent test
step "go tests" go_tests
step "browser tests" make --no-print-directory e2e

if [ -n "$failed" ]; then
  echo "FAIL after $((SECONDS - began)) s: $failed${passed:+ (passed: $passed)}"
  exit 1
fi
echo "PASS in $((SECONDS - began)) s: $passed"
