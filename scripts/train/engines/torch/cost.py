"""What a network costs, counted from its description: nothing is computed, tensors have shapes alone."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from build import build

aten = torch.ops.aten


class Counter(TorchDispatchMode):
    """Counts multiply-accumulates and the values that convolutions, pools, matrices and products write.

    Batch norm and ReLU are counted as done in place, as src/model/cost.ts does.
    """

    def __init__(self):
        super().__init__()
        self.macs = self.activations = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        operation = function.overloadpacket
        if operation is aten.convolution:
            x, kernel = args[0], args[1]
            # A kernel works once for each cell of its output, a transposed one's once for each of its input.
            cells = min(x.shape[2] * x.shape[3], out.shape[2] * out.shape[3])
            self.macs += kernel.numel() * cells
            self.activations += out.numel()
        elif operation in (aten.mm, aten.addmm):
            self.macs += args[-1].numel()
            self.activations += out.numel()
        elif operation is aten.max_pool2d_with_indices:
            self.activations += out[0].numel()
        elif operation is aten.mul:
            self.activations += out.numel()
        return out


def cost(description, side):
    """Parameters, multiply-accumulates and activations for one picture at a side."""
    with torch.device("meta"):
        network = build(description).eval()
        with torch.no_grad(), Counter() as counter:
            network.classify(torch.empty(1, 1, side, side))
    parameters = sum(p.numel() for p in network.parameters())
    return {"parameters": parameters, "macs": counter.macs, "activations": counter.activations}
