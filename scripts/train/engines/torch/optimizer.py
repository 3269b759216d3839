"""The optimiser of a recipe, and the climb of sharpness-aware minimisation (Foret et al. 2021)."""

import torch
from torch import nn

from muon import Muon


def parameter_groups(module, decay):
    """Weight decay is for kernels: not for biases and the two vectors of a batch norm."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    kernels = [p for p in parameters if p.ndim > 1]
    vectors = [p for p in parameters if p.ndim <= 1]
    return [{"params": kernels, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def optimizer_of(module, options):
    return Muon(module, options) if options["kind"] == "muon" else sgd(module, options)


def sgd(module, options):
    return torch.optim.SGD(
        parameter_groups(module, options["weightDecay"]), lr=options["learningRate"],
        momentum=options["momentum"], nesterov=options["nesterov"], fused=True,
    )


class Sharpness:
    """Takes the gradient not where the weights are, but `radius` away, where the loss is highest (equation 2).

    `climb()` goes there by the gradients at hand and clears them; `back()` returns, and the gradients found there stay.
    The batch norms' running statistics follow only the pass before the climb.
    """

    def __init__(self, module, radius):
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        self.norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        self.radius = radius

    @torch.no_grad()
    def climb(self):
        gradients = [p.grad for p in self.parameters]
        length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        self.before = [p.clone() for p in self.parameters]
        torch._foreach_add_(self.parameters, torch._foreach_mul(gradients, self.radius / (length + 1e-12)))
        for parameter in self.parameters:
            parameter.grad = None
        self.momenta = [norm.momentum for norm in self.norms]
        for norm in self.norms:
            norm.momentum = 0.0

    @torch.no_grad()
    def back(self):
        torch._foreach_copy_(self.parameters, self.before)
        for norm, momentum in zip(self.norms, self.momenta):
            norm.momentum = momentum
        self.before = None
