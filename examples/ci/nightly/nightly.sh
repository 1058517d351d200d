#!/usr/bin/env bash
# Every night: is all that the runs need still to be had, and do they still come out the same?
#
#   17 3 * * *  nightly.sh /srv/project >>/var/log/repro-nightly.log 2>&1
#
# nightly.sh FOLDER [RUN..]: FOLDER is a clone with a store; without RUN its baselines. Ends with the worse of the two exit codes.
# REPRO_OPTIONS: more words for `repro verify`. The reports are in FOLDER/repro-reports.
set -uo pipefail

folder=${1:?usage: nightly.sh FOLDER [RUN..]}
shift
cd "$folder" || exit 2
read -r -d '' -a options <<<"${REPRO_OPTIONS:-}" || true
reports=repro-reports
mkdir -p "$reports"

# one night at a time: the one before may still be at work
exec 9>"$reports/.lock"
if ! flock -n 9; then
  echo "the nightly verification before this one is still at work" >&2
  exit 3
fi

echo "== $(date -u +%FT%TZ) check"
repro check -- "$@"
checked=$?
echo "== $(date -u +%FT%TZ) verify"
repro verify --within 5h --junit "$reports/junit.xml" --markdown "$reports/report.md" \
  "${options[@]}" -- "$@"
verified=$?
for run in "$@"; do
  repro history "$run"
done
exit $((verified > checked ? verified : checked))
