#!/bin/sh
# every.sh SECONDS COMMAND [ARGUMENT ...]: run a command now, and again so long after each end; one that
# failed is tried again within an hour. /tmp/succeed-by is the time by which a run must have succeeded.
set -u
seconds=$1
shift
trap 'exit 0' TERM INT
while :; do
  if "$@"; then
    echo "$(($(date +%s) + 2 * seconds + 3600))" >"${SUCCEED_BY:-/tmp/succeed-by}"
    pause=$seconds
  else
    echo "every.sh: exit status $?: $*" >&2
    pause=$((seconds < 3600 ? seconds : 3600))
  fi
  # In the background, so that the trap runs at once.
  sleep "$pause" &
  wait "$!"
done
