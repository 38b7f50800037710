#!/usr/bin/env bash
# The whole way of the demo model in small, from a fresh checkout: text, tokenizer, three minutes
# of training that is killed on the way and resumed, export, and a first sentence from kilotoken.
# And what must be refused: going on from a checkpoint that is cut short, or of another shape or
# optimizer. For developers; needs what README.md lists.
#
# usage: tools/demo_model/try.sh FOLDER [KILOTOKEN]
#   FOLDER     for what is made
#   KILOTOKEN  the program, where it is built
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=$(mkdir -p "${1:?usage: try.sh FOLDER [KILOTOKEN]}" && cd "$1" && pwd)
program=${2:-}
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1

fail() { printf 'try.sh: FAILED: %s\n' "$*" >&2; exit 1; }

# refused REASON COMMAND...: fails, with one line on standard error that has the reason, its numbers
# included.
refused() {
  local reason=$1 said
  shift
  if said=$("$@" 2>&1 >/dev/null); then fail "accepted: $*"; fi
  [[ $(wc -l <<<"$said") == 1 ]] || fail "more than one line: $said"
  [[ $said == *"$reason"* ]] || fail "no \"$reason\" in: $said"
  printf 'refused as it should be: %s\n' "$said"
}

python3 generate.py --out "$out/world" --documents 4000 >/dev/null
python3 make_tokenizer.py --data "$out/world" --size 1024 --out "$out/tokenizer"
train=(python3 train.py --data "$out/world" --tokenizer "$out/tokenizer")
train+=(--minutes 3 --batch 2048 --save-every 0.5)

rm -rf "$out/run"
"${train[@]}" --out "$out/run" &
trained=$!
until [[ -s $out/run/log.jsonl ]]; do
  kill -0 "$trained" || fail "training ended by itself"
  sleep 0.5
done
kill -KILL "$trained"
wait "$trained" 2>/dev/null || true
[[ -s $out/run/checkpoint.pt ]] || fail "no checkpoint when it was killed"

head -c 100000 "$out/run/checkpoint.pt" >"$out/cut.pt"
mkdir -p "$out/damaged" && cp "$out/cut.pt" "$out/damaged/checkpoint.pt"
refused "damaged or truncated (100000 bytes)" "${train[@]}" --out "$out/damaged" --resume
cp "$out/run/checkpoint.pt" "$out/damaged/checkpoint.pt"
refused "hidden_size 256 instead of 128" "${train[@]}" --out "$out/damaged" --resume --model draft
refused "no checkpoint at" "${train[@]}" --out "$out/none" --resume
refused "was trained with muon" "${train[@]}" --out "$out/run" --resume --optimizer adamw
refused "damaged or truncated (100000 bytes)" python3 export.py --checkpoint "$out/cut.pt" \
  --tokenizer "$out/tokenizer" --out "$out/model"

before=$(tail -n 1 "$out/run/log.jsonl")
"${train[@]}" --out "$out/run" --resume | tee "$out/resumed.log"
grep -q 'step 0$' "$out/resumed.log" && fail "it began anew instead of going on from $before"
python3 export.py --checkpoint "$out/run/weights.pt" --tokenizer "$out/tokenizer" \
  --out "$out/model"
if [[ -n $program ]]; then
  "$program" generate "$out/model" --prompt "Once upon a time" --temperature 0 --max-tokens 30
fi
printf 'try.sh: all of it worked\n'
