"""The processes of a run: one, or those that torchrun started, a GPU each or all on the CPU.

Each takes its share of every batch. Gradients and batch norms' statistics are those of the whole batch, so a run of
several processes learns what one would, but for the order of additions, and for dropout and stochastic depth, which
each process draws for itself.
"""

import os

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from files import Fault


class Processes:
    def __init__(self):
        self.count, self.rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
        cuda = torch.cuda.is_available()
        self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
        if cuda:
            torch.cuda.set_device(self.device)
        if self.count > 1:
            distributed.init_process_group("nccl" if cuda else "gloo", device_id=self.device if cuda else None)

    @property
    def first(self):
        """Whether this is the process that writes."""
        return self.rank == 0

    def refuse_batches(self, batches):
        """Those that cannot be shared: pairs of rows stay together, since mixup and cutmix mix them."""
        for batch in batches:
            if self.count > 1 and batch % (2 * self.count):
                raise Fault(f"a batch of {batch} cannot be shared in pairs by {self.count} processes")

    def share(self, batch):
        """This process's part of a batch, a slice of its rows."""
        size = batch // self.count
        return slice(self.rank * size, (self.rank + 1) * size)

    def synchronise(self, network):
        """The network with batch norms that take the whole batch's statistics."""
        if self.count == 1:
            return network
        if self.device.type == "cuda":
            return nn.SyncBatchNorm.convert_sync_batchnorm(network)
        for module in network.modules():
            if type(module) is nn.BatchNorm2d:
                module.__class__ = SharedNorm
        return network

    def wrap(self, learner):
        """The learner with gradients averaged over the processes."""
        if self.count == 1:
            return learner
        places = [self.device] if self.device.type == "cuda" else None
        # The batch norms' statistics are alike everywhere already.
        return DistributedDataParallel(learner, device_ids=places, broadcast_buffers=False)

    def total(self, values):
        """The sum of a tensor over all processes, in place."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values

    def mean(self, values):
        """The mean of a tensor over all processes, in place."""
        return self.total(values).div_(self.count)

    def wait(self):
        """Until all processes are here."""
        if self.count > 1:
            distributed.barrier()

    def end(self):
        if self.count > 1:
            distributed.destroy_process_group()


class Total(torch.autograd.Function):
    """The sum of a tensor over all processes; so is its gradient."""

    @staticmethod
    def forward(context, values):
        values = values.clone()
        distributed.all_reduce(values)
        return values

    @staticmethod
    def backward(context, gradient):
        return Total.forward(context, gradient)


class SharedNorm(nn.BatchNorm2d):
    """nn.SyncBatchNorm for the CPU, for which torch has none."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        values = x.float()
        # With the number of values: shares may be a picture apart.
        own = values.new_tensor([x.numel() / x.shape[1]])
        totals = Total.apply(torch.cat([values.sum((0, 2, 3)), own]))
        size = totals[-1]
        centre = totals[:-1] / size
        centred = values - centre.view(1, -1, 1, 1)
        variance = Total.apply(centred.square().sum((0, 2, 3))) / size
        with torch.no_grad():
            self.running_mean.lerp_(centre, self.momentum)
            self.running_var.lerp_(variance * size / (size - 1), self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)).to(x.dtype)
