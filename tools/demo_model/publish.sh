#!/usr/bin/env bash
# From finished trainings to a model's folder: weights of the model and its draft, reference.json,
# and the card with the yardstick's table. Fails if the yardstick finds a bound broken (the folder
# is complete all the same).
#
# usage: tools/demo_model/publish.sh RUN DRAFT_RUN TOKENIZER MODEL HARDWARE
#   RUN, DRAFT_RUN  folders of train.py: weights.pt (else checkpoint.pt) and log.jsonl
#   TOKENIZER       folder of make_tokenizer.py
#   MODEL           the folder to write, models/demo for the built-in model
#   HARDWARE        what they were trained on, in words
# environment: PYTHON, a command that runs Python with torch (python3); OUTLIERS, the share of
# outlier channels (0.03)
set -euo pipefail
[[ $# == 5 ]] || { sed -n 's/^# \(usage.*\)/\1/p' "${BASH_SOURCE[0]}" >&2; exit 1; }
run=$(realpath "$1")
draft=$(realpath "$2")
tokenizer=$(realpath "$3")
model=$(realpath -m "$4")
hardware=$5
cd "$(dirname "${BASH_SOURCE[0]}")"
tools=$PWD
root=$(cd ../.. && pwd)
read -ra python <<<"${PYTHON:-python3}"
export OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1

weights_of() {
  if [[ -s $1/weights.pt ]]; then echo "$1/weights.pt"; else echo "$1/checkpoint.pt"; fi
}

"${python[@]}" "$tools/export.py" --checkpoint "$(weights_of "$run")" --tokenizer "$tokenizer" \
  --out "$model" --outliers "${OUTLIERS:-0.03}"
"${python[@]}" "$tools/export.py" --checkpoint "$(weights_of "$draft")" --tokenizer "$tokenizer" \
  --out "$model/draft" --draft
"${python[@]}" "$tools/make_reference.py" "$model"
if [[ ! -d $model/data ]]; then cp -r "$root/models/demo/data" "$model/data"; fi
(cd "$root" && ./dev build release && cmake --build --preset release -j 1 --target kt_yardstick) >&2
python3 make_card.py "$model" --run "$run" --draft-run "$draft" --hardware "$hardware"
