"""Learning from trained networks (Hinton, Vinyals and Dean 2015, section 2)."""

import shutil
from pathlib import Path

import torch
import torch.nn.functional as F

from build import load
from files import Fault
from network import enlarge

TEACHER = ("architecture.json", "best.safetensors")
PUBLISHED = ("architecture.json", "weights.safetensors")


def collect(run, folders):
    """Copies the teachers, runs or published models, into the run's own folder, which then needs nothing else, and says
    where they are."""
    places = [run / "teachers" / str(i) for i in range(len(folders))]
    for place, folder in zip(places, map(Path, folders)):
        if all((place / name).exists() for name in TEACHER):
            continue
        place.mkdir(parents=True, exist_ok=True)
        names = PUBLISHED if (folder / PUBLISHED[1]).exists() else TEACHER
        for name, own in zip(names, TEACHER):
            try:
                shutil.copyfile(folder / name, place / own)
            except OSError as error:
                raise Fault(f"the teacher {folder} is neither a finished run nor a model: {error}") from error
    return places


class Teachers:
    """The networks that teach a run; they see the very pictures, augmented, that the pupil sees."""

    def __init__(self, places, options, device):
        self.temperature, self.weight = options["temperature"], options["weight"]
        self.networks = [
            load(*(place / name for name in TEACHER)).to(device, memory_format=torch.channels_last) for place in places
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
