#!/bin/bash
# What can be said about the code without running it. Says all that is wrong, not only the first.
set -uo pipefail
cd "$(dirname "$0")/.."
bad=0
fail() { echo "check: $*" >&2; bad=1; }

unformatted=$(gofmt -l $(git ls-files --cached --others --exclude-standard '*.go'))
[ -z "$unformatted" ] || fail "not formatted (make fmt): $unformatted"

go vet ./... || fail "go vet"
go test -count=1 ./test/arch || fail "the import rules"
scripts/proto.sh --check || fail "generated code is not current (make proto)"
(cd clients/web && npm run --silent check && npx tsc -p e2e/tsconfig.json) || fail "TypeScript's types"
exit $bad
