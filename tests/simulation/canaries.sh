#!/usr/bin/env bash
# canaries.sh BUILD_FOLDER: builds a simulation with each fault of canaries/, and sees whether it is
# found within 1,000 seeds, again in a second run of that seed, and cut down to a few requests. One
# that is not is a hole in the simulation, and fails this test.
set -u
build=$1 here=$(dirname "$0")
most_requests=20
cmake --build "$build" -j "${KILOTOKEN_JOBS:-$(nproc)}" --target kt_canaries -- -k 0 \
  >"$build/canaries.log" 2>&1

# catch NAME: prints what became of it; fails if it was not caught.
catch() {
  local program=$build/tests/simulation/kt_canary_$1 found seed again requests
  if [[ ! -x $program || $program -ot $here/canaries/$1.txt ]]; then
    echo "does not build: $(grep -A5 -F "$1" "$build/canaries.log" |
      grep -m 1 -E 'error|bring the canary')"
    return 1
  fi
  found=$("$program" hunt 1000)
  if [[ $? -ne 3 ]]; then
    echo "NOT caught: $found"
    return 1
  fi
  seed=$(sed -E 's/^seed ([0-9]+) .*/\1/' <<<"$found")
  again=$("$program" seed "$seed")
  if ! grep -qxF "$found" <<<"$again"; then
    echo "NOT found again: $found"
    return 1
  fi
  requests=$(sed -n '/^shrunk/,$p' <<<"$again" | grep -c '^  request ')
  echo "caught, shrunk to $requests requests: $found"
  ((requests >= 1 && requests <= most_requests))
}

caught=0 total=0
for canary in "$here"/canaries/*.txt; do
  name=$(basename "$canary" .txt)
  total=$((total + 1))
  if outcome=$(catch "$name"); then caught=$((caught + 1)); else outcome="FAILED: $outcome"; fi
  echo "$name: $outcome"
done
echo "$caught of $total canaries caught"
[[ $total -ge 10 && $caught -eq $total ]]
