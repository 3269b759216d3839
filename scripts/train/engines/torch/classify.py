"""Probabilities of crops by the torch network, for comparing runtimes.

    python classify.py --architecture FILE --weights FILE < crops > probabilities

Reads uint8 [n, 48, 48] from standard input, writes float32 [n, 7] to standard output; float32 on the CPU.
"""

import argparse
import json
import sys

import numpy as np
import torch

from build import load
from files import Fault


def scores_of(logits, smoothing):
    """As scoresOf in src/model/scores.ts: logits [n, 7] to probabilities [n, 7]."""
    smooth = logits.double().softmax(1)
    scores = torch.maximum(smooth - smoothing / smooth.shape[1], 0.01 * smooth)
    return (scores / scores.sum(1, keepdim=True)).float()


def read_crops():
    """Of standard input: uint8 [n, 1, 48, 48]."""
    bytes_read = sys.stdin.buffer.read()
    if len(bytes_read) % 48**2 > 0:
        raise Fault(f"standard input has {len(bytes_read)} bytes, which are no crops of 48 x 48")
    return np.frombuffer(bytes_read, np.uint8).reshape(-1, 1, 48, 48)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", required=True)
    parser.add_argument("--weights", required=True)
    arguments = parser.parse_args()
    try:
        network = load(arguments.architecture, arguments.weights)
        crops = read_crops()
    except Fault as fault:
        print(f"error: {fault}", file=sys.stderr)
        sys.exit(1)
    with open(arguments.architecture) as file:
        smoothing = json.load(file).get("smoothing", 0)
    with torch.no_grad():
        batches = torch.from_numpy(crops.copy()).float().split(32)
        probabilities = torch.cat([scores_of(network(batch), smoothing) for batch in batches])
    sys.stdout.buffer.write(probabilities.numpy().tobytes())


if __name__ == "__main__":
    main()
