"""Where a step's time goes, on the GPU's clock where there is one."""

import time

import torch


class Clock:
    """Adds up the time between marks by the name of the mark that ends it."""

    def __init__(self, device):
        self.cuda = device.type == "cuda"
        self.marks = [(None, self.now())]

    def now(self):
        if not self.cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def mark(self, name):
        self.marks.append((name, self.now()))

    def seconds(self):
        """Seconds by name; waits for the GPU."""
        if self.cuda:
            torch.cuda.synchronize()
        total = {}
        for (_, start), (name, end) in zip(self.marks, self.marks[1:]):
            seconds = start.elapsed_time(end) / 1000 if self.cuda else end - start
            total[name] = total.get(name, 0.0) + seconds
        return total


class NoClock:
    def mark(self, name):
        pass
