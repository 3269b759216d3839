"""What a recipe makes of the device it runs on: images a second, the shares of its roofs, where the time goes."""

import re
import time

import torch

from clock import Clock
from cost import cost
from files import Fault

WARM_UP = 3

# Dense bfloat16 matrix units (T4: float16, it has no other) in TFLOP/s and memory in GB/s, by the makers' data sheets.
ROOFS = {
    "H200": (989, 4800),
    "H100 NVL": (835, 3900),
    "H100 PCIe": (756, 2000),
    "H100": (989, 3350),
    "A100-SXM4-80GB": (312, 2039),
    "A100 80GB PCIe": (312, 1935),
    "A100": (312, 1555),
    "L4": (121, 300),
    "A10G": (70, 600),
    "T4": (65, 320),
}

# Forward once, backward twice: for the inputs and for the kernels.
PASSES = 3
# The least that must go through memory of each activation, every kernel between convolutions fused: forward it is
# written and read; backward it is read again, and its gradient written and read for the inputs and for the kernels.
MOVES = 6


def fastest(work, device, times=5):
    """Seconds of the fastest of some calls."""
    def once():
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    return min(once() for _ in range(times + 1))


def measured_roofs(device, dtype):
    """FLOP/s of a large matrix product and bytes/s of a copy, as this device does them now."""
    side, length = (8192, 2**29) if device.type == "cuda" else (1024, 2**26)
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    source, target = (torch.zeros(length, dtype=torch.uint8, device=device) for _ in range(2))
    flops = 2 * side**3 / fastest(lambda: torch.mm(a, b), device)
    return flops, 2 * length / fastest(lambda: target.copy_(source), device)


def roofs(device, dtype):
    """[(whose, FLOP/s, bytes/s)]: the data sheet's where the device is known, and those measured here."""
    found = [("measured", *measured_roofs(device, dtype))]
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    for known, (tera, giga) in ROOFS.items():
        if re.search(rf"\b{known}\b", name):
            return [(f"{known}'s data sheet", tera * 1e12, giga * 1e9), *found]
    return found


def profile(training, steps):
    """Prints a table for each stage; nothing is written."""
    if training.processes.count > 1:
        raise Fault("a profile is of one process")
    dtype = torch.bfloat16 if training.config["precision"] == "bfloat16" else torch.float32
    limits = roofs(training.device, dtype)
    for name, flops, rate in limits:
        print(f"roofs, {name}: {flops / 1e12:.2f} TFLOP/s, {rate / 1e9:.0f} GB/s")
    for stage in training.config["stages"]:
        speed, seconds = timed(training, stage, steps)
        counted = cost(training.architecture, stage["side"])
        report(stage, counted, speed, seconds, steps, limits, dtype.itemsize)


def timed(training, stage, steps):
    """(images a second, seconds by part) of some steps of a stage."""
    order, batch = training.order(0), stage["batch"]
    rows = [order.roll(-batch * i)[:batch] for i in range(WARM_UP + steps)]
    for chosen in rows[:WARM_UP]:
        training.take_step(chosen, stage["side"])
    training.clock = clock = Clock(training.device)
    start = time.perf_counter()
    for chosen in rows[WARM_UP:]:
        training.take_step(chosen, stage["side"])
    seconds = clock.seconds()
    return batch * steps / (time.perf_counter() - start), seconds


def report(stage, counted, speed, seconds, steps, limits, size):
    flops, moved = 2 * PASSES * counted["macs"], MOVES * size * counted["activations"]
    total = sum(seconds.values())
    print(f"side {stage['side']}, batch {stage['batch']}: {speed:.0f} images/s")
    print(f"  an image: {flops / 1e9:.3f} GFLOP, at least {moved / 1e6:.1f} MB of activations ({size} bytes a value)")
    for name, roof, rate in limits:
        print(f"  of the roofs, {name}: matrices {speed * flops / roof:.1%}, memory at least {speed * moved / rate:.1%}")
    for part, spent in seconds.items():
        print(f"  {part:12} {1000 * spent / steps:9.2f} ms a step {spent / total:6.1%}")
