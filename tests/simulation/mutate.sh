#!/usr/bin/env bash
# mutate.sh CANARY SOURCE OUTPUT: the source with one line replaced, as the canary says. Fails if
# the line is not there, or there twice.
set -euo pipefail
canary=$1 source=$2 output=$3
FIND=$(sed -n 's/^find: //p' "$canary")
WITH=$(sed -n 's/^with: //p' "$canary")
export FIND WITH
if [[ -z $FIND || -z $WITH ]]; then
  echo "$canary: needs the lines 'find: ...' and 'with: ...'" >&2
  exit 1
fi
found=$(awk '{ sub(/^ +/, "") }
             $0 == ENVIRON["FIND"] { found++ }
             END { print found + 0 }' "$source")
if [[ $found -ne 1 ]]; then
  echo "$canary: its line is there $found times, not once: bring the canary up to date" >&2
  exit 1
fi
awk '{ line = $0; sub(/^ +/, "", line) }
     line == ENVIRON["FIND"] { print ENVIRON["WITH"]; next }
     { print }' "$source" >"$output"
