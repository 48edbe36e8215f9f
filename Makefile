# Hearth. `make run` and `make test` do everything on a fresh Debian or Ubuntu machine that
# has Go and Node.js; what else a target needs it installs (scripts/need.sh).
#
#   make run     build the page and the binary, start a node in ./data on port 8443
#   make test    everything that can fail: check, Go (race detector), page, real browser
#   make build   bin/hearth with the page inside, and the plugins of bridges in bin/plugins
#   make web     the page alone
#   make check   formatting, vet, generated code, import rules, TypeScript's types
#   make race    all Go tests with the race detector         make fuzz    30 s a decoder (FUZZTIME=)
#   make e2e     the browser tests                           make bench   the figures, JSON lines
#   make sim      the simulated federation (SEEDS=1000)
#   make fmt     format Go code                              make proto   generate code from .proto

SHELL := /bin/bash
WEB := clients/web
FUZZTIME ?= 30s
ARGS ?=
SEEDS ?= 1000
BRIDGES := $(patsubst plugins/%/main.go,%,$(wildcard plugins/irc/main.go plugins/slack/main.go))

.PHONY: run test build web check race fuzz sim e2e bench bench-irc bench-slack fmt proto clean
.DEFAULT_GOAL := build

run: build
	exec bin/hearth serve $(ARGS)

build: web
	@scripts/need.sh go
	go build -trimpath -o bin/hearth ./cmd/node
	@for kind in $(BRIDGES); do go build -trimpath -o bin/plugins/hearth-bridge-$$kind ./plugins/$$kind || exit 1; done

# The page is built anew when a file of it is newer than the last build.
web: $(WEB)/dist/index.html

$(WEB)/dist/index.html: $(WEB)/node_modules/.package-lock.json $(shell find $(WEB) -type f \
		-not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/e2e/*' 2>/dev/null)
	cd $(WEB) && npm run --silent build
	@touch $@

$(WEB)/node_modules/.package-lock.json: $(WEB)/package.json $(WEB)/package-lock.json
	@scripts/need.sh node
	cd $(WEB) && npm ci --no-audit --no-fund
	@touch $@

test:
	@scripts/test.sh

check: $(WEB)/node_modules/.package-lock.json
	@scripts/check.sh

race:
	@scripts/need.sh go cc
	go test -race -timeout 15m ./...

fuzz:
	@scripts/fuzz.sh $(FUZZTIME)

sim:
	@scripts/need.sh go
	@scripts/sim.sh $(SEEDS)

e2e: build
	@scripts/need.sh chromium
	cd $(WEB) && npx vitest run --config e2e/vitest.config.ts $(ARGS)

bench: build
	@scripts/bench.sh $(ARGS)
	@$(MAKE) --no-print-directory bench-irc bench-slack

# Lines per second through the IRC bridge, beside a bare client on the same servers.
bench-irc:
	@scripts/need.sh go irc
	go test -run '^$$' -bench BenchmarkServers -benchtime 20000x ./plugins/irc/relay 2>/dev/null

# Messages per second through the Slack bridge, beside slack-go's client on the same double of Slack.
bench-slack:
	@scripts/need.sh go
	go test -run '^$$' -bench BenchmarkSlack -benchtime 20000x ./plugins/slack/relay 2>/dev/null

fmt:
	gofmt -l -w $$(git ls-files '*.go')

proto: $(WEB)/node_modules/.package-lock.json
	@scripts/need.sh protoc
	scripts/proto.sh
	cd $(WEB) && npm run --silent proto

clean:
	rm -rf bin $(WEB)/node_modules test-results
	find $(WEB)/dist -mindepth 1 -not -name .gitkeep -delete
