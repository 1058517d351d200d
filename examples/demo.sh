#!/usr/bin/env bash
# The main job of repro, on a real training: record a run, replay it in Docker, read the verdict; then
# change one byte of the data, record again, and see it named. `make demo` sets up and calls this.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=$HERE/../.build/demo
PYTHON=${PYTHON:-python3}
ENGINE=docker
[[ ${REPRO_TEST_ENGINE:-docker} == none ]] && ENGINE=venv

if [[ -t 1 ]]; then BOLD=$(printf '\033[1m') PLAIN=$(printf '\033[0m'); else BOLD='' PLAIN=''; fi
say() { printf '\n%s# %s%s\n' "$BOLD" "$*" "$PLAIN"; }
show() { printf '%s$ %s%s\n' "$BOLD" "$*" "$PLAIN"; "$@"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

rm -rf "$BUILD/project" "$BUILD/project-remote"
mkdir -p "$BUILD"

say 'a training project: a git repository, data in DVC, a virtual environment with scikit-learn'
if ! cmp -s "$HERE/breast-cancer/requirements.lock" "$BUILD/venv/installed.lock"; then
  rm -rf "$BUILD/venv"
  uv venv -q --python "$(command -v "$PYTHON")" "$BUILD/venv"
  find_links=${PIP_FIND_LINKS:-}
  uv pip install -q --python "$BUILD/venv/bin/python" ${find_links:+--find-links "$find_links"} \
    --require-hashes -r "$HERE/breast-cancer/requirements.lock"
  cp "$HERE/breast-cancer/requirements.lock" "$BUILD/venv/installed.lock"
fi
"$HERE/prepare.sh" breast-cancer "$BUILD/project"
cd "$BUILD/project"
PATH=$(cd "$BUILD/venv/bin" && pwd):$PATH
export PATH

say 'record a run'
show repro run --name first -- python train.py

say "replay it: restore source and data, rebuild the environment, run it again ($ENGINE)"
if [[ $ENGINE == venv ]]; then
  echo 'There is no Docker Engine here. The venv engine replays without isolation: the system libraries,'
  echo 'files and network of this machine show through, and the verdict says "not isolated".'
fi
show repro replay first --engine "$ENGINE" || fail 'the replay should have come out identical'

say 'change one byte of the data (the label of the first patient), and record again'
sed -i '2s/0$/1/' data/breast_cancer.csv
show repro run --name second -- python train.py

say 'what is different, and because of what?'
code=0
show repro diff first second || code=$?
[[ $code == 1 ]] || fail "the difference should have been red (exit code 1), it was $code"

say "done. The project is in $PWD: cd there, and try \`repro show first\` or \`repro list\`"
