"""What a network costs, counted from its description while it looks at one picture."""

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from build import build


class Counter(TorchFunctionMode):
    """Counts multiply-accumulates and the values that convolutions, pools, matrices and products write.

    Batch norm and ReLU are counted as done in place, as src/model/cost.ts does.
    """

    def __init__(self):
        super().__init__()
        self.macs = self.activations = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if function in (torch.conv2d, torch.conv_transpose2d):
            x, kernel = args[0], args[1]
            # A kernel works once for each cell of its output, a transposed one's once for each of its input.
            cells = min(x.shape[2] * x.shape[3], out.shape[2] * out.shape[3])
            self.macs += kernel.numel() * cells
            self.activations += out.numel()
        elif function is F.linear:
            self.macs += args[1].numel()
            self.activations += out.numel()
        elif function in (F.max_pool2d, torch.max_pool2d, torch.Tensor.mul):
            self.activations += out.numel()
        return out


def cost(description, side):
    """Parameters, multiply-accumulates and activations for one picture at a side."""
    # Computed, not on the "meta" device: that loads torch's compiler, which takes seconds.
    network = build(description).eval()
    with torch.no_grad(), Counter() as counter:
        network.classify(torch.zeros(1, 1, side, side))
    parameters = sum(p.numel() for p in network.parameters())
    return {"parameters": parameters, "macs": counter.macs, "activations": counter.activations}
