"""Muon: momentum, orthogonalised (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon)."""

import torch
from torch import nn

# The quintic of the iteration, which brings every singular value near 1, and how often it is applied.
QUINTIC, ITERATIONS = (3.4445, -4.7750, 2.0315), 5
# Biases, and the two vectors of a batch norm, take plain steps of so many times the kernels' rate.
VECTORS = 2.5


def orthogonalised(matrices):
    """float32 [n, r, c] -> the same, all singular values between about 0.7 and 1.2, by Newton and Schulz."""
    tall = matrices.size(1) > matrices.size(2)
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Kernel:
    """A layer's kernel as the matrices that it multiplies by: one a group, [outputs, inputs x taps]."""

    def __init__(self, layer):
        self.parameter, self.groups = layer.weight, getattr(layer, "groups", 1)
        self.transposed = isinstance(layer, nn.ConvTranspose2d)
        self.turned = self.turn(self.parameter).shape
        self.shape = tuple(self.matrices(self.parameter).shape[1:])

    def turn(self, tensor):
        return tensor.transpose(0, 1) if self.transposed else tensor

    def matrices(self, tensor):
        return self.turn(tensor).reshape(self.groups, self.turned[0] // self.groups, -1)

    def tensor(self, matrices):
        return self.turn(matrices.reshape(self.turned))


class Muon:
    """Every kernel moves equally far in all directions that its momentum has, however weak they are: deep chains of
    grouped 3x1 and 1x3 convolutions learn by it where SGD hardly moves. A kernel with more outputs than inputs moves by
    the square root of their ratio more. Weight decay is apart from the gradient, as AdamW's, and for kernels alone.

    No torch.optim.Optimizer, but alike as far as a training asks: torch's own load its compiler, which takes seconds.
    """

    def __init__(self, module, options):
        layers = [m for m in module.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear))]
        # Kernels of one shape lie together and are turned at once: a hundred small products cost more than a large one.
        kernels = sorted((Kernel(l) for l in layers if l.weight.requires_grad), key=lambda kernel: kernel.shape)
        self.stacks = {}
        for kernel in kernels:
            self.stacks.setdefault(kernel.shape, []).append(kernel)
        vectors = [p for p in module.parameters() if p.requires_grad and p.ndim == 1]
        groups = [[kernel.parameter for kernel in kernels], vectors]
        self.param_groups = [{"params": group, "lr": options["learningRate"]} for group in groups]
        self.momenta = {parameter: torch.zeros_like(parameter) for group in groups for parameter in group}
        self.momentum, self.nesterov, self.decay = options["momentum"], options["nesterov"], options["weightDecay"]

    def directions(self, parameters):
        """The momenta after this step's gradients, or where Nesterov's look ahead to."""
        gradients, momenta = [p.grad for p in parameters], [self.momenta[p] for p in parameters]
        torch._foreach_mul_(momenta, self.momentum)
        torch._foreach_add_(momenta, gradients)
        return torch._foreach_add(gradients, momenta, alpha=self.momentum) if self.nesterov else momenta

    def moves(self, directions):
        """What each kernel's direction comes to, in the kernels' order."""
        directions = iter(directions)
        for (outputs, inputs), stack in self.stacks.items():
            turned = orthogonalised(torch.cat([kernel.matrices(next(directions)) for kernel in stack]))
            turned *= max(1, outputs / inputs) ** 0.5
            parts = turned.split([kernel.groups for kernel in stack])
            yield from (kernel.tensor(part) for kernel, part in zip(stack, parts))

    @torch.no_grad()
    def step(self):
        kernels, vectors = self.param_groups
        moves = list(self.moves(self.directions(kernels["params"])))
        torch._foreach_mul_(kernels["params"], 1 - kernels["lr"] * self.decay)
        torch._foreach_add_(kernels["params"], moves, alpha=-kernels["lr"])
        torch._foreach_add_(vectors["params"], self.directions(vectors["params"]), alpha=-VECTORS * vectors["lr"])

    def state_dict(self):
        return {"state": {i: {"momentum": momentum} for i, momentum in enumerate(self.momenta.values())}}

    def load_state_dict(self, given):
        for i, momentum in enumerate(self.momenta.values()):
            momentum.copy_(given["state"][i]["momentum"])
