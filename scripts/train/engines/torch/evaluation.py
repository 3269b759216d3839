"""How well a network does on a split."""

import torch
import torch.nn.functional as F

from network import enlarge

BATCH = 256


@torch.no_grad()
def measure(network, images, labels, side, processes, autocast):
    """(accuracy, macro recall, loss) at a side, the same in every process; each scores its share of the images."""
    logits = torch.zeros(len(images), 7, device=images.device)
    own = torch.arange(processes.rank, len(images), processes.count, device=images.device)
    for rows in own.split(BATCH):
        with autocast():
            logits[rows] = network.classify(enlarge(images[rows].float(), side))[0].float()
    processes.total(logits)
    right = (logits.argmax(1) == labels).float()
    found = torch.zeros(7, device=images.device).index_add_(0, labels, right)
    count = torch.bincount(labels, minlength=7)
    recall = (found / count)[count > 0].mean()
    return right.mean().item(), recall.item(), F.cross_entropy(logits, labels).item()
