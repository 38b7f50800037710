#!/usr/bin/env bash
# Builds each mutant of mutants.txt and runs the quick matrix on it: a mutant that passes is a hole
# in the matrix, and fails this test.
set -u
cd "$(dirname "$0")/../.." || exit 1
survived=0 total=0
while read -r name what; do
  case "$name" in ''|'#'*) continue ;; esac
  total=$((total + 1))
  build=build/mutant-$name; mkdir -p build  # as the release build: ccache has all but the kernels
  if ! { cmake --preset release -B "$build" -DKILOTOKEN_MUTANT="$name" &&
         cmake --build "$build" --target kt_golden; } >"$build.log" 2>&1; then
    echo "$name: does not build, see $build.log"; survived=$((survived + 1)); continue
  fi
  # The first cell that catches it is enough.
  caught=$("$build/tests/golden/kt_golden" quick |
           grep -m1 'FAILED: .*\(logits differ\|tokens differ\|logits changed\)')
  if [ -n "$caught" ]; then
    echo "$name ($what): caught"; echo "$caught"
  else
    echo "$name ($what): NOT caught"; survived=$((survived + 1))
  fi
done <tests/golden/mutants.txt
echo "$((total - survived)) of $total mutants caught"
[ "$survived" -eq 0 ]
