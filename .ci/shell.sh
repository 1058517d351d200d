# shellcheck shell=bash
# What the scripts in this folder share: where they are, how they speak, how they
# install a Debian package. To be sourced.
set -euo pipefail
shopt -s inherit_errexit # or a failure inside $(...) goes unnoticed

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BUILD=$CHECKOUT/.build
mkdir -p "$BUILD"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

fail() { # MESSAGE [EXIT_STATUS]
  say "$1"
  exit "${2:-1}"
}

can_apt() { [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

# The lists' lock is not covered by DPkg::Lock::Timeout, hence the retries.
apt_update() {
  local pause
  for pause in 1 2 4 8 16; do
    apt-get update -qq >"$BUILD/apt.log" 2>&1 </dev/null && return
    sleep "$pause"
  done
  tail -n 5 "$BUILD/apt.log" >&2
  fail "apt-get update failed: does this machine reach its Debian mirror?"
}

APT_UPDATED=
apt_install() { # PACKAGE...
  [[ $APT_UPDATED ]] || apt_update
  APT_UPDATED=1
  # Installing must not start a package's own service: what runs here is what
  # these scripts start, and can stop again.
  local policy=/usr/sbin/policy-rc.d ours='' status=0
  if [[ ! -e $policy ]]; then
    ours=1
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "$@" >"$BUILD/apt.log" 2>&1 </dev/null || status=$?
  [[ -z $ours ]] || rm -f "$policy"
  [[ $status -ne 0 ]] || return 0
  tail -n 5 "$BUILD/apt.log" >&2
  fail "apt-get could not install: $*"
}
