"""A network of ours from its description, architecture.json: the paper's, or one that it is compared with."""

from baselines import Baseline
from files import load_weights, read_json
from network import Network


def build(description):
    return Baseline(description) if "baseline" in description else Network(description)


def load(architecture, weights):
    """The network of two files, for inference."""
    network = build(read_json(architecture))
    load_weights(network, weights)
    return network.eval().requires_grad_(False)
