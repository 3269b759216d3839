"""Learning from trained networks (Hinton, Vinyals and Dean 2015, section 2)."""

import os
import shutil
from pathlib import Path

import torch
import torch.nn.functional as F

from build import load
from files import CHECKPOINT, Fault
from network import enlarge

TEACHER = ("architecture.json", "best.safetensors")
PUBLISHED = ("architecture.json", "weights.safetensors")


def collect(run, folders, processes):
    """Copies the teachers, runs or published models, into the run's own folder, which then needs nothing else, and says
    where they are. One process does, and the others wait."""
    places = [run / "teachers" / str(i) for i in range(len(folders))]
    if processes.first:
        begun = (run / CHECKPOINT).exists()
        for place, folder in zip(places, map(Path, folders)):
            # Until it has learned from them the configuration may name others; but they may be here alone.
            if not (has(place, TEACHER) and (begun or not has(folder, names_in(folder)))):
                copy(folder, place)
    processes.wait()
    return places


def has(folder, names):
    return all((folder / name).exists() for name in names)


def names_in(folder):
    """What the files of a teacher, a published model or a run, are called."""
    return PUBLISHED if (folder / PUBLISHED[1]).exists() else TEACHER


def copy(folder, place):
    """Copies a teacher beside, then renames: it is there whole or not at all."""
    beside = place.with_name(place.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        for name, own in zip(names_in(folder), TEACHER):
            shutil.copyfile(folder / name, beside / own)
        shutil.rmtree(place, ignore_errors=True)
        os.replace(beside, place)
    except OSError as error:
        raise Fault(f"the teacher {folder} is neither a finished run nor a model: {error}") from error


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
