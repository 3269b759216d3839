"""Trains the network of a run folder: architecture.json and config.json in; history.jsonl, checkpoint.pt, engine.json,
last.safetensors and best.safetensors (best on PublicTest, averaged weights) out.

    python train.py --run runs/NAME --data data/fer2013 [--resume] [--seconds N] [--steps N] [--profile]
    torchrun --nproc-per-node 8 -- train.py …

On CUDA or the CPU, whichever is there. On the CPU a run that is killed and resumed ends with the weights of one that
was not; on CUDA, where cuDNN chooses its algorithms by their speed, rounding differs and what grows from it.
"""

import time

START = time.monotonic()  # what --seconds is counted from: importing torch takes some of them

import interrupt

if __name__ == "__main__":
    interrupt.catch()  # importing torch can be interrupted too

import argparse
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save

from cost import cost
from files import CHECKPOINT, Fault, load_state, read_json, save_state, write
from fit import epochs_within
from profiling import profile
from progress import Progress
from schedule import Schedule
from training import Training


class Run:
    """A training and its folder."""

    def __init__(self, folder, data):
        self.folder = Path(folder)
        self.training = Training(self.folder, data)
        self.side, self.first = self.training.architecture["side"], self.training.processes.first
        self.checkpoint = self.folder / CHECKPOINT
        self.best, self.history = 0.0, []
        # Since the last measurement.
        self.loss_sum, self.seconds = torch.zeros((), dtype=torch.float64, device=self.training.device), 0.0

    def write(self, name, content):
        if self.first:
            write(self.folder / name, content)

    def save(self):
        if self.first:
            own = {"best": self.best, "loss_sum": self.loss_sum, "seconds": self.seconds}
            save_state(self.checkpoint, self.training.state() | own)

    def refuse_other_data(self):
        """Other splits would measure by what has taught. Of older runs only some is known."""
        engine = self.folder / "engine.json"
        known = read_json(engine) if engine.exists() else {}
        if any(known.get(name, own) != own for name, own in self.training.digests.items()):
            raise Fault(f"{self.folder} has learned from another data set: --data names that one, or train anew")

    def resume(self):
        self.refuse_other_data()
        state = load_state(self.checkpoint, self.training.device)
        try:
            self.training.load_state(state)
            self.best, self.loss_sum, self.seconds = state["best"], state["loss_sum"], state["seconds"]
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise Fault(f"{self.checkpoint} is not a checkpoint of this run: {error}") from error
        # Epochs that ended after the checkpoint are trained again.
        history = self.folder / "history.jsonl"
        rows = history.read_text().splitlines() if history.exists() else []
        self.history = [row for row in map(json.loads, rows) if row["step"] <= self.training.step]

    def fit(self, seconds):
        """Gives the run the epochs that fit into so many seconds from the program's start, in config.json too."""
        training, config = self.training, self.training.config
        config["stages"][0]["epochs"] = epochs = epochs_within(training, START + seconds)
        training.schedule = Schedule(config["stages"], len(training.images), config["optimizer"])
        self.write("config.json", json.dumps(config, indent=2) + "\n")
        print(f"{epochs} epochs fit into {seconds:.0f} s", flush=True)

    def write_engine(self):
        """What trains: for the record beside the weights."""
        device = self.training.device
        self.write("engine.json", json.dumps({
            "engine": "torch", "version": torch.__version__, "processes": self.training.processes.count,
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "dataName": self.training.data_name, **self.training.digests,
            **cost(self.training.architecture, self.side),
        }, indent=1) + "\n")

    def refuse_divergence(self):
        """Before anything is written: weights that are no numbers any more would replace those that are."""
        if not torch.isfinite(self.loss_sum).all():
            raise Fault(f"the loss is no finite number at step {self.training.step}: lower optimizer.learningRate")

    def end_epoch(self, epoch, side):
        self.refuse_divergence()
        steps = self.training.step - (self.history[-1]["step"] if self.history else 0)
        self.training.settle(side)
        accuracy, recall, loss = self.training.measure(*self.training.public, side)
        known, _, _ = self.training.measure(*self.training.known, side)
        step = self.training.step
        self.history.append({
            "epoch": epoch + 1, "step": step, "side": side, "rate": self.training.schedule.rate(step - 1),
            "loss": self.loss_sum.item() / steps, "trainAccuracy": known, "publicAccuracy": accuracy,
            "publicRecall": recall, "publicLoss": loss, "seconds": round(self.seconds + self.lap(), 3),
        })
        self.loss_sum, self.seconds = torch.zeros_like(self.loss_sum), 0.0
        self.write("last.safetensors", save(self.training.weights()))
        # Only weights for the side that is served can be chosen.
        if side == self.side and accuracy >= self.best:
            self.best = accuracy
            self.write("best.safetensors", save(self.training.weights()))
        # After the weights: whoever sees the last epoch there takes the run for finished.
        self.write("history.jsonl", "".join(json.dumps(row) + "\n" for row in self.history))
        self.save()
        if self.first:
            print(f"epoch {epoch + 1}: loss {self.history[-1]['loss']:.4f}, PublicTest {accuracy:.4f}", flush=True)

    def lap(self):
        """Seconds since the last lap."""
        now = time.monotonic()
        passed, self.lapped = now - self.lapped, now
        return passed

    def train(self, limit, checkpoint_seconds):
        training, schedule = self.training, self.training.schedule
        self.write_engine()
        self.lapped = saved = time.monotonic()
        progress = Progress(schedule, training.step)
        epoch, order = -1, None
        while training.step < min(schedule.steps, limit or schedule.steps):
            index, now, batch = schedule.at(training.step)
            stage = schedule.stages[index]
            if now != epoch:
                epoch, order = now, training.order(now)
            rows = order[batch * stage["batch"] : (batch + 1) * stage["batch"]]
            loss = training.take_step(rows, stage["side"])
            self.loss_sum += loss
            if schedule.ends_with(training.step - 1, training.config["measureEvery"]):
                self.end_epoch(epoch, stage["side"])
                saved = time.monotonic()
            elif time.monotonic() - saved >= checkpoint_seconds:
                self.seconds += self.lap()
                self.refuse_divergence()
                self.save()
                saved = time.monotonic()
            if self.first:
                progress.show(training.step, epoch, stage["side"], loss)
        self.seconds += self.lap()
        self.refuse_divergence()
        self.save()
        # An epoch's end has written its own.
        if not self.history or self.history[-1]["step"] < training.step:
            training.settle(self.side)
            self.write("last.safetensors", save(training.weights()))


def refuse_seconds(arguments):
    """Where it would change nothing."""
    if arguments.profile:
        raise Fault("--seconds fits epochs to a run; --profile trains none")
    if arguments.resume and (Path(arguments.run) / CHECKPOINT).exists():
        raise Fault(f"--seconds fits only a run that has not begun: without it {arguments.run} goes on")


def work(arguments):
    if arguments.seconds:
        refuse_seconds(arguments)
    run = Run(arguments.run, arguments.data)
    training = run.training
    if arguments.profile:
        return profile(training, arguments.steps or 20)
    if run.checkpoint.exists():
        if not arguments.resume:
            raise Fault(f"{run.folder} holds a run: --resume goes on with it, --run names another")
        run.resume()
    elif (run.folder / "history.jsonl").exists():
        raise Fault(f"{run.folder} holds a run without its checkpoint")
    elif arguments.seconds:
        run.fit(arguments.seconds)
    if run.first:
        print(f"{training.device}: {training.schedule.steps} steps, {training.schedule.images} images", flush=True)
    run.train(arguments.steps, arguments.checkpoint_seconds)
    training.processes.end()


def positive(kind):
    """An argument's type: a number of a kind, above 0."""

    def read(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return read


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True, help="folder with architecture.json and config.json")
    parser.add_argument("--data", required=True, help="packed data set")
    parser.add_argument("--resume", action="store_true", help="go on from checkpoint.pt")
    parser.add_argument("--seconds", type=positive(float), help="train as many epochs as fit, whatever config.json says")
    parser.add_argument("--steps", type=positive(int), help="stop after so many steps")
    parser.add_argument("--profile", action="store_true", help="measure some steps of each stage, and write nothing")
    parser.add_argument("--checkpoint-seconds", type=float, default=60, help="longest time between two checkpoints")
    try:
        work(parser.parse_args())
    except Fault as fault:
        print(f"error: {fault}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
