#!/usr/bin/env bash
# Scores one shard of s3://$BUCKET/$PREFIX through the server at $MIEN, as a child of an AWS Batch array job.
#
# Child I of N, as many as the job was submitted with, takes the keys I, I+N, I+2N, ... and writes one line of JSON a
# picture, {"key", "status", "answer"}, to s3://$BUCKET/$OUT. A picture that the server refuses is a line as well; a
# server that is away fails the job.
set -euo pipefail
shard=${AWS_BATCH_JOB_ARRAY_INDEX:-0}
# Batch tells the children; a job that is not an array has all keys.
shards=${AWS_BATCH_JOB_ARRAY_SIZE:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for _ in $(seq "${READY_TRIES:-300}"); do
  curl -fs "$MIEN/readyz" >/dev/null && break
  sleep 2
done
curl -fs "$MIEN/readyz" >/dev/null || { echo "error: $MIEN is not ready" >&2; exit 1; }

aws s3api list-objects-v2 --bucket "$BUCKET" --prefix "$PREFIX" --query 'Contents[].[Key]' --output text |
  awk -v shard="$shard" -v shards="$shards" '$0 != "None" && $0 !~ /\/$/ && (NR - 1) % shards == shard' >"$work/keys"

score() {
  local key=$1 name
  name=$(mktemp -p "$work" part.XXXXXXXX)
  aws s3 cp --only-show-errors "s3://$BUCKET/$key" "$name.in"
  local status
  # No answer at all (000) is the server's fault: the job fails and is tried again.
  status=$(curl -sS -o "$name.out" -w '%{http_code}' --retry 5 --retry-all-errors --max-time 60 \
    --data-binary "@$name.in" -H 'content-type: application/octet-stream' "$MIEN/v1/expressions") || return 1
  local quoted=${key//\\/\\\\}
  printf '{"key":"%s","status":%s,"answer":%s}\n' "${quoted//\"/\\\"}" "$status" "$(cat "$name.out")" >"$name.line"
  rm "$name" "$name.in" "$name.out"
}
export -f score
export work

tr '\n' '\0' <"$work/keys" | xargs -0 -r -n 1 -P "${PARALLEL:-8}" bash -c 'set -euo pipefail; score "$1"' _
find "$work" -name 'part.*.line' -exec cat {} + >"$work/scores"
aws s3 cp --only-show-errors "$work/scores" "s3://$BUCKET/${OUT}part-$(printf %05d "$shard").jsonl"
echo "scored $(wc -l <"$work/scores") of $(wc -l <"$work/keys") pictures"
