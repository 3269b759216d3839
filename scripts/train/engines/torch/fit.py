"""As many epochs as fit into a given time, for a machine that is rented by the minute."""

import copy
import time

import torch

from files import Fault

# Steps that warm up, and that are taken between two looks at the clock, for which a GPU has to be waited for.
WARM_UP, AT_ONCE = 3, 5
TRIAL = 4.0
# Other work on the machine, files that are written.
SPARED = 0.05


def wait_for(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def step_seconds(training, stage):
    """Seconds a step, after a few that compile and warm up, and which leave traces in the training."""
    order, batch = training.order(0), stage["batch"]

    def take(step):
        at = step % (len(order) // batch) * batch
        training.take_step(order[at : at + batch], stage["side"])

    for step in range(WARM_UP):
        take(step)
    wait_for(training.device)
    start, steps = time.monotonic(), 0
    while time.monotonic() - start < TRIAL:
        for _ in range(AT_ONCE):
            take(steps)
            steps += 1
        wait_for(training.device)
    return (time.monotonic() - start) / steps


def look_seconds(training, side):
    """Seconds of what follows an epoch: batch norms counted anew, two measurements."""
    # The first look warms up.
    for _ in range(2):
        start = time.monotonic()
        training.settle(side)
        for images, labels in (training.public, training.known):
            training.measure(images, labels, side)
        wait_for(training.device)
    return time.monotonic() - start


def epochs_within(training, until):
    """How many epochs of the run's only stage end before `until` (time.monotonic()). The training is as it was before."""
    if len(training.config["stages"]) > 1:
        raise Fault("only the epochs of a run of one stage can be fitted to a time")
    if training.processes.count > 1:
        raise Fault("the epochs of one process alone can be fitted to a time")
    stage, before = training.config["stages"][0], copy.deepcopy(training.state())
    step, look = step_seconds(training, stage), look_seconds(training, stage["side"])
    training.load_state(before)
    epoch = step * training.schedule.per_epoch[0] + look / training.config["measureEvery"]
    return max(1, int((until - time.monotonic()) * (1 - SPARED) / epoch))
