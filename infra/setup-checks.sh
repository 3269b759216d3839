#!/bin/sh
# Makes .venv with what the tests check with. uv, since pip computes for a minute where that takes ten seconds.
set -eu
cd "$(dirname "$0")"
python3 -m venv .venv
.venv/bin/pip install --quiet uv==0.13.9
.venv/bin/uv pip install --quiet --system-certs --python .venv/bin/python -r requirements.txt
