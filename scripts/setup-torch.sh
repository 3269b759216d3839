#!/bin/sh
# Makes .venv with what the torch engine needs. torch's CPU build is taken where the index has one for TORCH_VERSION.
set -eu
cd "$(dirname "$0")/.."
python3 -m venv .venv
.venv/bin/pip install --quiet ${TORCH:-torch} -r scripts/train/engines/torch/requirements.txt
