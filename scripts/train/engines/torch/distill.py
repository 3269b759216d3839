"""Learning from trained networks (Hinton, Vinyals and Dean 2015, section 2)."""

import torch
import torch.nn.functional as F

from build import load
from network import enlarge


class Teachers:
    """The networks of a run's `teachers` folder; they see the very pictures, augmented, that the pupil sees."""

    def __init__(self, folder, options, device):
        self.temperature, self.weight = options["temperature"], options["weight"]
        self.networks = [
            load(teacher / "architecture.json", teacher / "weights.safetensors").to(device, memory_format=torch.channels_last)
            for teacher in sorted(folder.iterdir())
        ]

    @torch.no_grad()
    def targets(self, pictures):
        """The mean of the teachers' softened probabilities: float32 [n, 7]."""
        logits = [network.classify(enlarge(pictures, network.side))[0] for network in self.networks]
        return torch.stack([(l.float() / self.temperature).softmax(1) for l in logits]).mean(0)

    def mixed(self, loss, logits, targets):
        """`loss`, of the labels, and the cross-entropy with the targets, by `weight`; T² keeps the gradients' size."""
        of_targets = F.cross_entropy(logits / self.temperature, targets) * self.temperature**2
        return (1 - self.weight) * loss + self.weight * of_targets
