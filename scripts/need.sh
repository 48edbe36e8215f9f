#!/bin/bash
# Makes sure that the named tools are there: need.sh go cc node chromium protoc irc. What apt can
# install it installs when it is missing (with sudo unless root), and only then.
set -euo pipefail

say() { echo "need.sh: $*" >&2; }

root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_install() {
  command -v apt-get >/dev/null || { say "please install: $*"; exit 1; }
  say "installing $*"
  root apt-get update -qq
  # A machine that has just started may be at its own updates.
  root env DEBIAN_FRONTEND=noninteractive RUNLEVEL="${RUNLEVEL:-}" apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@" >/dev/null
}

# browser prints the Chromium to use. Ubuntu's own package is a snap, which does not run
# in containers; there Playwright's build is taken instead.
browser() {
  local b
  for b in "${CHROMIUM:-}" chromium chromium-browser google-chrome \
           "$HOME"/.cache/ms-playwright/chromium-*/chrome-linux*/chrome; do
    if [ -n "$b" ] && command -v "$b" >/dev/null && "$b" --version >/dev/null 2>&1; then
      command -v "$b"
      return
    fi
  done
  return 1
}

need_chromium() {
  browser >/dev/null && return
  if grep -qs '^ID=ubuntu' /etc/os-release; then
    say "installing Playwright's Chromium"
    (cd "$(dirname "$0")/../clients/web" && root_for_deps && npx playwright-core install chromium)
  else
    apt_install chromium fonts-liberation
  fi
  browser >/dev/null || { say "Chromium cannot be started; set CHROMIUM=/path/to/chromium"; exit 1; }
}

root_for_deps() { root npx playwright-core install-deps chromium; }

# Servers for the tests of the IRC bridge. They are not to run as services here.
need_irc() {
  PATH=$PATH:/usr/sbin
  if command -v ngircd >/dev/null && command -v inspircd >/dev/null; then return; fi
  RUNLEVEL=1 apt_install ngircd inspircd
  if command -v systemctl >/dev/null; then root systemctl disable --now ngircd inspircd >/dev/null 2>&1 || true; fi
}

need_protoc() { command -v protoc >/dev/null || apt_install protobuf-compiler; }

need_go() {
  command -v go >/dev/null || { say "Go is missing: https://go.dev/dl (the version in go.mod, or any since 1.21, which fetches it)"; exit 1; }
}

# The race detector is linked by a C compiler.
need_cc() { command -v "$(go env CC)" >/dev/null || apt_install gcc libc6-dev; }

need_node() {
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null ||
    { say "Node.js 20.19 or later is needed: https://nodejs.org"; exit 1; }
}

need_git() { command -v git >/dev/null || apt_install git; }

for tool in "$@"; do
  case $tool in
    browser) browser ;; # prints where it is
    *) "need_$tool" ;;
  esac
done
