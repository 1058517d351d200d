#!/usr/bin/env bash
# The steps of action.yml, which also work by hand: steps.sh fetch|keys|load|verify|save
# What they take comes from the environment; REPRO_RUNS, REPRO_PULL, REPRO_OPTIONS and
# REPRO_IMAGE_NAMES (the `images` of keys) are words.
set -euo pipefail

IMAGES=${REPRO_IMAGES:-.repro-images.tar}
read -r -d '' -a runs <<<"${REPRO_RUNS:-}" || true
read -r -d '' -a pull <<<"${REPRO_PULL:-}" || true
read -r -d '' -a images <<<"${REPRO_IMAGE_NAMES:-}" || true
read -r -d '' -a options <<<"${REPRO_OPTIONS:-}" || true

fetch() { # the runs that the store does not have yet
  local reference
  for reference in "${pull[@]}"; do
    repro pull "$reference"
  done
}

keys() { # name=value lines: what the caches are known by
  repro verify --cache-key -- "${runs[@]}"
}

in_docker() {
  [[ ${REPRO_ENGINE:-docker} == docker ]]
}

load() { # environments that an earlier job built
  in_docker && [[ -s $IMAGES ]] || return 0
  docker load --quiet --input "$IMAGES" || echo "the cached environments cannot be read: they are built again" >&2
}

save() { # those of the runs, once they are built
  in_docker && [[ ! -s $IMAGES ]] || return 0
  local name names=()
  for name in "${images[@]}"; do
    if docker image inspect "$name" >/dev/null 2>&1; then names+=("$name"); fi
  done
  [[ ${#names[@]} -gt 0 ]] || return 0
  docker save --output "$IMAGES.part" "${names[@]}"
  mv "$IMAGES.part" "$IMAGES"
}

verify() {
  local reports=${REPRO_REPORTS:-repro-reports}
  repro verify -n "${REPRO_REPLAYS:-1}" -j "${REPRO_JOBS:-1}" \
    --engine "${REPRO_ENGINE:-docker}" --within "${REPRO_WITHIN:-50m}" \
    --junit "$reports/junit.xml" --markdown "$reports/report.md" \
    "${options[@]}" -- "${runs[@]}"
}

case ${1:-} in
  fetch | keys | load | save | verify) "$1" ;;
  *) echo "usage: steps.sh fetch|keys|load|verify|save" >&2 && exit 2 ;;
esac
