#!/usr/bin/env bash
# Trains a run on all GPUs of one machine, as an AWS Batch job: train.sh RUN DATA, both prefixes of $BUCKET.
#
# RUN holds architecture.json and config.json (written by `npm run train -- --config FILE --dry-run`), and takes the
# checkpoints and weights. Teachers, if it has any, lie below runs/ or models/. A job that lost its Spot instance goes on
# from the last checkpoint.
set -euo pipefail
run=$1 data=$2
work=${WORK:-/tmp/mien}
quiet=--only-show-errors
mkdir -p "$work"
cd "$work"

aws s3 cp $quiet "$ENGINE" engine.zip
python3 -m zipfile -e engine.zip engine
python3 -m pip install --quiet --disable-pip-version-check -r engine/requirements-jobs.txt
aws s3 sync $quiet "s3://$BUCKET/$data" data
aws s3 sync $quiet "s3://$BUCKET/$run" run
if [ ! -f run/config.json ]; then
  echo "error: s3://$BUCKET/$run holds no config.json" >&2
  exit 2
fi

# Teachers have the same paths in the bucket as where the configuration was written; the engine copies them into the run,
# and refuses what is not there.
python3 -c '
import json
for teacher in (json.load(open("run/config.json")).get("distillation") or {}).get("teachers", []):
    if teacher.startswith(("models/", "runs/")):
        print(teacher)' |
  while IFS= read -r teacher; do
    aws s3 sync $quiet --exclude '*' --include architecture.json --include best.safetensors --include weights.safetensors \
      "s3://$BUCKET/$teacher" "$teacher"
  done

# Checkpoints leave the machine while it trains: a Spot instance gives two minutes' notice, or none.
# The sleep is ended with the loop, or whoever reads the job's output would wait for it.
(
  trap 'kill "$sleeping" 2>/dev/null; exit' TERM
  while sleep "${SYNC_SECONDS:-60}" & sleeping=$!; wait "$sleeping"; do
    aws s3 sync $quiet run "s3://$BUCKET/$run" || true
  done
) &
syncing=$!
stop() { kill "$syncing" 2>/dev/null || true; }
trap stop EXIT

# A process a GPU. Where torch sees none it says so and ends: a machine paid for its GPUs is not to train on its CPU.
status=0
# Without the two dashes torchrun takes --run for an option of its own.
torchrun --standalone --nproc_per_node="${PROCESSES:-gpu}" -- engine/train.py --run run --data data --resume || status=$?

stop
wait "$syncing" 2>/dev/null || true
aws s3 sync $quiet run "s3://$BUCKET/$run"
exit "$status"
