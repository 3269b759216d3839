"""Precise batch norm (Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3)."""

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from network import enlarge

BATCH = 64


@torch.no_grad()
def count_anew(network, images, side, processes, autocast):
    """Makes the running statistics the mean of those of batches of images, uint8 [n, 1, h, h], taken as they are; each process
    takes its share of every batch. Without images they stay.

    Those that training leaves are of augmented and mixed pictures, and by weights that were not the averaged ones.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    batches = -(-len(images) // BATCH)
    for norm in norms:
        norm.train()
    for at in range(batches):
        for norm in norms:
            norm.momentum = 1 / (at + 1)
        # Every batch is spread over all of the data set, whatever its order.
        with autocast():
            own = images[at + processes.rank * batches :: batches * processes.count]
            network.classify(enlarge(own.float(), side))
    for norm, momentum in zip(norms, momenta):
        norm.eval()
        norm.momentum = momentum
