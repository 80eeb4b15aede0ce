#!/usr/bin/env bash
# From a blank machine to an adapter with its card: data → adapter → evaluation → card. An hour on two CPU cores.
#   training/run.sh [NAME]
set -eu
cd "$(dirname "$0")/.."
name=${1:-embedded-points}
python=.venv/bin/python
make --no-print-directory .venv/dev
mkdir -p data runs
$python -m training synthesize data/synthetic-train.jsonl --cases 480 --seed 1 --choose-one 0.2
$python -m training synthesize data/synthetic-validation.jsonl --cases 6 --seed 2
$python -m training synthesize data/synthetic-test.jsonl --cases 200 --seed 3 --split test --withheld 0
$python -m training preview --config training/configs/embedded.yaml
$python -m training finetune --config training/configs/embedded.yaml
$python -m training export --config training/configs/embedded.yaml --name "$name"
$python -m medassist evaluate cases data/synthetic-test.jsonl --adapter "$name" --json > runs/metrics.json
$python -m training export --config training/configs/embedded.yaml --name "$name" --metrics runs/metrics.json
