#!/bin/sh
# Makes .venv with what the torch engine needs. TORCH names another torch than the newest, such as torch==2.11.0.
set -eu
cd "$(dirname "$0")/.."
python3 -m venv .venv
.venv/bin/pip install --quiet ${TORCH:-torch} -r scripts/train/engines/torch/requirements.txt
