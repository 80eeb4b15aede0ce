#!/usr/bin/env bash
# From a blank machine to an adapter with its card: data → adapter → evaluation → card. Hours on two CPU cores.
#   training/run.sh [CASES] [NAME]
set -eu
cd "$(dirname "$0")/.."
cases=${1:-20000} name=${2:-embedded}
python=.venv/bin/python
make --no-print-directory .venv/dev
mkdir -p data
$python -m training synthesize data/synthetic-train.jsonl --cases "$cases" --seed 1 --choose-one 0.3
$python -m training synthesize data/synthetic-validation.jsonl --cases 200 --seed 2
$python -m training synthesize data/synthetic-test.jsonl --cases 400 --seed 3 --split test
$python -m training preview --config training/configs/embedded.yaml
$python -m training finetune --config training/configs/embedded.yaml
$python -m training export --config training/configs/embedded.yaml --name "$name"
$python -m medassist evaluate cases tests/data/vignettes_en.jsonl --adapter "$name" --shuffle-candidates 1 --json > runs/metrics.json
$python -m training export --config training/configs/embedded.yaml --name "$name" --metrics runs/metrics.json
