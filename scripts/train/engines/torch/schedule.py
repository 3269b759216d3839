"""Learning rate and epochs as functions of the step alone, so that resuming needs no state."""

import math

from files import Fault


class Schedule:
    """Cuts a run of stages (each a side, a batch size and a number of epochs) into steps.

    `at(step)` says the stage, the epoch and the batch of a step; `rate(step)` its learning rate, which rises
    linearly over the first `warmup` share of all images and then stays ("constant") or falls to zero, in a line
    ("linear") or as a cosine ("cosine").
    """

    def __init__(self, stages, images, optimizer):
        self.stages = stages
        self.peak, self.warmup, self.decay = optimizer["learningRate"], optimizer["warmup"], optimizer["decay"]
        self.per_epoch = [images // stage["batch"] for stage in stages]
        self.ends, steps, seen = [], 0, 0
        for stage, per_epoch in zip(stages, self.per_epoch):
            if per_epoch == 0:
                raise Fault(f"a batch of {stage['batch']} is more than the {images} images: "
                            "it needs more of them, or a smaller batch")
            self.ends.append((steps, seen))
            steps += per_epoch * stage["epochs"]
            seen += per_epoch * stage["epochs"] * stage["batch"]
        self.steps, self.images = steps, seen

    def at(self, step):
        """(stage index, epoch counted over all stages, batch index within the epoch)."""
        index = max(i for i, (start, _) in enumerate(self.ends) if start <= step)
        epoch, batch = divmod(step - self.ends[index][0], self.per_epoch[index])
        return index, sum(stage["epochs"] for stage in self.stages[:index]) + epoch, batch

    def ends_with(self, step, epochs):
        """Whether so many epochs or a stage have ended with a step."""
        index, epoch, batch = self.at(step)
        past = sum(stage["epochs"] for stage in self.stages[: index + 1])
        return batch + 1 == self.per_epoch[index] and (epoch + 1 == past or (epoch + 1) % epochs == 0)

    def seen(self, step):
        """Images trained on before a step."""
        index = max(i for i, (start, _) in enumerate(self.ends) if start <= step)
        start, seen = self.ends[index]
        return seen + (step - start) * self.stages[index]["batch"]

    def rate(self, step):
        share = self.seen(step) / self.images
        if share < self.warmup:
            return self.peak * (share + 1 / self.steps) / (self.warmup + 1 / self.steps)
        if self.decay == "constant":
            return self.peak
        left = (1 - share) / (1 - self.warmup)
        return self.peak * (left if self.decay == "linear" else 0.5 * (1 - math.cos(math.pi * left)))
