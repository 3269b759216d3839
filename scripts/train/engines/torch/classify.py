"""Probabilities of crops by the torch network, for comparing runtimes.

    python classify.py --architecture FILE --weights FILE < crops > probabilities

Reads uint8 [n, 48, 48] from standard input, writes float32 [n, 7] to standard output; float32 on the CPU.
"""

import argparse
import sys

import numpy as np
import torch

from build import load
from files import Fault


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", required=True)
    parser.add_argument("--weights", required=True)
    arguments = parser.parse_args()
    try:
        network = load(arguments.architecture, arguments.weights)
    except Fault as fault:
        print(f"error: {fault}", file=sys.stderr)
        sys.exit(1)
    with torch.no_grad():
        crops = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(-1, 1, 48, 48)
        batches = torch.from_numpy(crops.copy()).float().split(32)
        probabilities = torch.cat([network(batch).softmax(1) for batch in batches])
    sys.stdout.buffer.write(probabilities.numpy().tobytes())


if __name__ == "__main__":
    main()
