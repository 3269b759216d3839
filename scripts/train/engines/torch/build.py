"""A network of ours from its description, architecture.json: the paper's, or one that it is compared with."""

import json
from pathlib import Path

from safetensors.torch import load_file

from baselines import Baseline
from network import Network, load_tensors


def build(description):
    return Baseline(description) if "baseline" in description else Network(description)


def load(architecture, weights):
    """The network of two files, for inference."""
    network = build(json.loads(Path(architecture).read_text()))
    load_tensors(network, load_file(weights))
    return network.eval().requires_grad_(False)
