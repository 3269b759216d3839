"""Scores one shard of s3://$BUCKET/$PREFIX through the server at $MIEN, as a child of an AWS Batch array job.

Child I of N, as many as the job was submitted with, takes the keys I, I+N, I+2N, ... and writes them by the thousand, a
part each: a line of JSON a picture, {"key", "status", "answer"}, in s3://$BUCKET/$OUT<job>/. A part that is there is not
made again, so a child that lost its Spot instance goes on. A picture that the server refuses is a line as well, and so is
one of more bytes than it takes, which is not even fetched; a server that is away fails the job.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from itertools import islice

# The AWS command line's own library: what fetches a picture is a call here, and there a process that takes 0.7 s to start.
import botocore.session
from botocore.config import Config

BUCKET, PREFIX, MIEN = os.environ["BUCKET"], os.environ["PREFIX"], os.environ["MIEN"]
PARALLEL = int(os.environ.get("PARALLEL", 8))
PART = int(os.environ.get("PART", 1000))
RETRIES = int(os.environ.get("RETRIES", 5))
# The server's own limit, in bytes. On a much larger body it hangs up, which looks from here as if it were away.
LARGEST = int(os.environ["MAX_BODY_BYTES"])
SHARD = int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", 0))
# Batch tells the children; a job that is not an array has all keys.
SHARDS = int(os.environ.get("AWS_BATCH_JOB_ARRAY_SIZE", 1))
# Children have their parent's id and their own number, and an attempt has the id of the one before.
OUT = os.environ["OUT"] + os.environ.get("AWS_BATCH_JOB_ID", "job").split(":")[0] + "/"
# What another try may answer otherwise: the server is busy.
BUSY = {408, 429, 500, 502, 503, 504}

s3 = botocore.session.get_session().create_client("s3", config=Config(max_pool_connections=PARALLEL))


def objects_below(prefix):
    """Their keys and sizes, in bytes."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield entry["Key"], entry["Size"]


def ask(request):
    """The server's status and answer, to whatever it is asked."""
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def is_ready():
    try:
        return ask(f"{MIEN}/readyz")[0] == 200
    except OSError:
        return False


def wait_until_ready():
    for _ in range(int(os.environ.get("READY_TRIES", 300))):
        if is_ready():
            return
        time.sleep(2)
    sys.exit(f"error: {MIEN} is not ready")


def post(picture):
    """Tries six times in half a minute. No answer at all is the server's fault: the job fails and is tried again."""
    request = urllib.request.Request(f"{MIEN}/v1/expressions", picture, {"content-type": "application/octet-stream"})
    for attempt in range(RETRIES):
        try:
            status, answer = ask(request)
            if status not in BUSY:
                return status, answer
        except (OSError, HTTPException):
            pass
        time.sleep(2**attempt)
    return ask(request)


def too_large():
    error = {"code": "body_too_large", "message": f"The body is larger than {LARGEST} bytes."}
    return 413, json.dumps({"error": error})


def score(picture):
    key, size = picture
    status, answer = too_large() if size > LARGEST else post(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    return {"key": key, "status": status, "answer": json.loads(answer)}


def main():
    wait_until_ready()
    pictures = (picture for picture in objects_below(PREFIX) if not picture[0].endswith("/"))
    pictures = list(islice(pictures, SHARD, None, SHARDS))
    parts = {key for key, _ in objects_below(OUT)}
    scored = refused = 0
    with ThreadPoolExecutor(PARALLEL) as pool:
        for number, start in enumerate(range(0, len(pictures), PART)):
            part = f"{OUT}part-{SHARD:05d}-{number:05d}.jsonl"
            if part in parts:
                continue
            lines = list(pool.map(score, pictures[start : start + PART]))
            s3.put_object(Bucket=BUCKET, Key=part, Body="".join(json.dumps(line) + "\n" for line in lines).encode())
            refusals = sum(line["status"] != 200 for line in lines)
            refused += refusals
            scored += len(lines) - refusals
    before = len(pictures) - scored - refused
    print(
        f"scored {scored} of {len(pictures)} pictures"
        + (f", refused {refused}" if refused else "")
        + (f"; {before} were done before" if before else "")
    )


if __name__ == "__main__":
    main()
