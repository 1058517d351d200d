#!/usr/bin/env bash
# Turn one of the examples into a project as one meets it in the wild: a git repository with its
# data in DVC and pushed to a folder remote beside it, DEST-remote.
#
#   examples/prepare.sh EXAMPLE DEST
#
# Needs git and dvc, and no network. The same example, DEST name and dvc version give the same
# commit id each time: author, dates and configuration are fixed here, and the user's own git and
# dvc configuration stays out of it.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

fail() {
    echo "prepare.sh: $*" >&2
    exit 2
}

usage() {
    fail "usage: prepare.sh EXAMPLE DEST, where EXAMPLE is one of:" \
        "$(cd -- "$here" && printf '%s ' */ | tr -d /)"
}

[[ $# -eq 2 && -n $2 ]] || usage
example=$here/$1
[[ $1 =~ ^[a-z0-9-]+$ && -d $example ]] || usage
for tool in git dvc; do
    command -v "$tool" >/dev/null || fail "$tool is not on PATH"
done
mkdir -p -- "$(dirname -- "$2")"
dest=$(cd -- "$(dirname -- "$2")" && pwd)/$(basename -- "$2")
remote=$dest-remote
for path in "$dest" "$remote"; do
    [[ ! -e $path ]] || fail "$path is there already: name another DEST, or remove it first"
done

empty=$(mktemp -d)
clean_up() {
    local status=$?
    rm -rf -- "$empty"
    [[ $status -eq 0 ]] || rm -rf -- "$dest" "$remote" # ours: neither was there before
}
trap clean_up EXIT

unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_TEMPLATE_DIR
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_DATE='2026-01-15T12:00:00+0000' GIT_COMMITTER_DATE='2026-01-15T12:00:00+0000'
export GIT_AUTHOR_NAME='Example' GIT_AUTHOR_EMAIL='example@example.org'
export GIT_COMMITTER_NAME='Example' GIT_COMMITTER_EMAIL='example@example.org'
export DVC_NO_ANALYTICS=1 DVC_GLOBAL_CONFIG_DIR=$empty DVC_SYSTEM_CONFIG_DIR=$empty

umask 022
mkdir -p -- "$dest" "$remote"
# What a run in the example's own folder leaves behind does not belong to the project.
tar -C "$example" --exclude=__pycache__ --exclude=.venv --exclude='*.pkl' \
    --exclude=./metrics.json --exclude=./history.csv --exclude=./data/split -cf - . |
    tar -C "$dest" -xf -

cd -- "$dest"
git init --quiet --initial-branch=main .
git config user.name 'Example'
git config user.email 'example@example.org'
dvc init --quiet
dvc config core.analytics false
dvc config core.check_update false
dvc remote add --quiet --default storage "../$(basename -- "$remote")"
dvc add --quiet data/*.csv
dvc push --quiet
git add --all
git commit --quiet --no-verify --message "Add the $1 example"
echo "$dest: commit $(git rev-parse --short HEAD), data pushed to $remote"
