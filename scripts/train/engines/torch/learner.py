"""What is learned, and the loss that it learns by."""

import torch
import torch.nn.functional as F
from torch import nn


class Learner(nn.Module):
    """A network and, beside it, FER+'s own classifier on its features, which is left behind when weights are written."""

    def __init__(self, network, votes):
        super().__init__()
        self.network = network
        self.votes = nn.Linear(network.features, 10) if votes else None

    def forward(self, pictures):
        """float [n, 1, s, s] -> logits float32 [n, 7], and [n, 10] of the votes or None."""
        logits, features = self.network.classify(pictures)
        return logits, self.votes(features) if self.votes else None


def targets_of(labels, smoothing):
    """int64 [n] -> float32 [n, 7]."""
    return F.one_hot(labels, 7).float() * (1 - smoothing) + smoothing / 7


class Losses:
    """The labels' loss and what is added to it, as a run's configuration says.

    `adjustment` times the logarithm of the classes' shares is added to the logits in training alone, so that a rare
    class has to win by more (logit adjustment, Menon et al. 2021, equation 10). The teachers' targets, who know the
    classes as frequent as they are, are learned with it too.
    """

    def __init__(self, options, labels, teachers):
        self.ferplus, self.teachers = options["ferplus"], teachers
        shares = torch.bincount(labels, minlength=7).clamp(min=1) / len(labels)
        self.offsets = options["adjustment"] * shares.log()

    def __call__(self, outputs, targets, votes, taught):
        """(the labels' loss, the total) of a batch; votes are FER+'s shares [n, 10], taught the teachers' [n, 7] or None."""
        logits, vote_logits = outputs
        adjusted = logits + self.offsets
        loss = total = F.cross_entropy(adjusted, targets)
        if taught is not None:
            total = self.teachers.mixed(loss, adjusted, taught)
        if vote_logits is not None:
            extra = -(votes * F.log_softmax(vote_logits.float(), 1)).sum(1).mean()
            total = total + self.ferplus * extra
        return loss, total
