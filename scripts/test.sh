#!/bin/bash
# make test: everything that can fail, in the order in which it fails soonest. Each step
# says how long it took; the last line says what was run and what failed.
set -uo pipefail
cd "$(dirname "$0")/.."
began=$SECONDS
passed="" failed="" flaky=""
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
# nothing: the pure ones, and tests that do one thing after the other, many times.
pure='/(node/room|node/steward|federation/link|transport/session)(/|$)'
alone='^(TestPowerCut|TestPowerCutWhileAFolderIsBroughtUp|TestEveryOperationFails|TestFaultsChild|TestBitRot|TestVerifyFindsWhatDoesNotFit|TestRights|TestBombs)$'
go_tests() {
  local race plain bad=0
  race=$(go list ./node/... ./transport/... ./storage/... ./clients/go/... ./federation/... ./plugins/... | grep -Ev "$pure")
  plain=$(comm -23 <(go list ./... | sort) <(echo "$race" | sort))
  go_suite race -race -skip "$alone" $race
  go_suite alone -run "$alone" ./storage ./node ./node/blob ./transport
  go_suite plain -parallel 4 $plain # these wait, for processes and their networks, more than they compute
  go_again race -race -skip "$alone" || bad=1
  go_again alone || bad=1
  go_again plain -parallel 4 || bad=1
  return $bad
}

# What has failed in a suite goes into its file: the package, and its tests that did.
failures=$(mktemp -d)
trap 'rm -rf "$failures"' EXIT
go_suite() {
  local suite=$1
  shift
  go test -timeout 10m "$@" 2>&1 | tee "$failures/log"
  [ "${PIPESTATUS[0]}" = 0 ] && return
  awk -F'\t' '
    /^(WARNING: DATA RACE|panic: |fatal error: )/ { sure = 1 }
    /^--- FAIL: / { split($0, w, " "); tests = tests (tests == "" ? "" : "|") w[3] }
    /^FAIL$/ { all = 1 } # have run: it has not crashed
    /^FAIL\t/ { print $2 "\t" (sure || $2 ~ / / ? "!" : all ? tests : "") }
    /^(ok|\?|FAIL)[ \t]/ { tests = ""; sure = all = 0 }' "$failures/log" > "$failures/$suite"
  [ -s "$failures/$suite" ] || echo "the $suite tests" > "$failures/$suite"
}

# Tests that failed run once more, one package after the other. Which then pass are told at the end
# and fail nobody's work; each is a fault to mend all the same. A data race, a panic and a hang stay failures.
go_again() {
  local suite=$1 bad=0 package tests
  shift
  [ -s "$failures/$suite" ] || return 0
  while IFS=$'\t' read -r package tests; do
    if [ "$tests" != "!" ] && [[ $package == hearth/* ]] &&
      echo "== once more: $package ${tests:-(all)}" && go test -timeout 10m -count=1 "$@" ${tests:+-run "^($tests)\$"} "$package" < /dev/null; then
      flaky+="${flaky:+, }$package ${tests:-(all)}"
    else
      bad=1
    fi
  done < "$failures/$suite"
  return $bad
}

# The same for the browser: files of tests that failed run once more.
browser_tests() {
  local report=$failures/browser.json files
  make --no-print-directory e2e ARGS="--reporter=verbose --reporter=json --outputFile.json=$report" && return
  files=$(node -e '
    const failed = JSON.parse(require("fs").readFileSync(process.argv[1])).testResults.filter((f) => f.status !== "passed");
    console.log(failed.map((f) => require("path").basename(f.name)).join(" "))' "$report") && [ -n "$files" ] || return 1
  echo "== once more: $files"
  make --no-print-directory e2e ARGS="$files" && flaky+="${flaky:+, }$files"
}

scripts/need.sh git go cc node chromium protoc irc || exit 1
make --no-print-directory web || exit 1
step "check" scripts/check.sh
step "page tests" npm --prefix clients/web run --silent test
step "go tests" go_tests
step "browser tests" browser_tests

if [ -n "$flaky" ]; then
  echo "FLAKY: failed, and passed on the second try: $flaky"
  echo "FLAKY: each of them is a fault, of the test or of what it tests. Mend it."
fi
if [ -n "$failed" ]; then
  echo "FAIL after $((SECONDS - began)) s: $failed${passed:+ (passed: $passed)}"
  exit 1
fi
echo "PASS in $((SECONDS - began)) s: $passed"
