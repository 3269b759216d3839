"""Probabilities of crops by the torch network, for comparing runtimes.

    python classify.py --architecture FILE --weights FILE < crops > probabilities

Reads uint8 [n, 48, 48] from standard input, writes float32 [n, 7] to standard output; float32 on the CPU.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from network import Network, load_tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", required=True)
    parser.add_argument("--weights", required=True)
    arguments = parser.parse_args()
    network = Network(json.loads(Path(arguments.architecture).read_text())).eval()
    with torch.no_grad():
        load_tensors(network, load_file(arguments.weights))
        crops = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(-1, 1, 48, 48)
        batches = torch.from_numpy(crops.copy()).float().split(32)
        probabilities = torch.cat([network(batch).softmax(1) for batch in batches])
    sys.stdout.buffer.write(probabilities.numpy().tobytes())


if __name__ == "__main__":
    main()
