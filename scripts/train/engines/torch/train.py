"""Trains the network of a run folder: architecture.json and config.json in; history.jsonl, checkpoint.pt,
last.safetensors and best.safetensors (best on PublicTest, averaged weights) out.

    python train.py --run runs/NAME --data data/fer2013 [--resume] [--steps N]

On CUDA or the CPU, whichever is there. A run that is killed and resumed ends with the weights of one that was not:
every step seeds its own draws, so the state is the networks, the optimiser and the number of the step.
"""

import argparse
import copy
import json
import os
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save

import augment
import data
from build import build
from distill import Teachers
from network import enlarge, load_tensors, tensors_of
from schedule import Schedule

CHECKPOINT_SECONDS = 60


def write(file, content):
    """Writes beside, then renames: a reader sees the old file or the new one."""
    beside = file.with_name(file.name + ".part")
    beside.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.replace(beside, file)


def parameter_groups(modules, decay):
    """Weight decay is for kernels: not for biases and the two vectors of a batch norm."""
    parameters = [p for module in modules for p in module.parameters()]
    kernels = [p for p in parameters if p.ndim > 1]
    vectors = [p for p in parameters if p.ndim <= 1]
    return [{"params": kernels, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def tensors_in_place(network):
    """Parameters and running statistics, but not the batch norms' counters."""
    return (t for t in network.state_dict().values() if t.is_floating_point())


class Training:
    def __init__(self, run, folder):
        self.run = Path(run)
        self.config = json.loads((self.run / "config.json").read_text())
        architecture = json.loads((self.run / "architecture.json").read_text())
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(self.config["seed"])
        self.side = architecture["side"]
        self.network = build(architecture).to(self.device, memory_format=torch.channels_last)
        if self.config["init"]:
            load_tensors(self.network, load_file(self.run / "init.safetensors"))
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        # The tensors themselves, averaged and live: collecting them at every step would cost more than averaging.
        self.averaged = [list(tensors_in_place(network)) for network in (self.average, self.network)]
        features = self.network.head.in_features if self.network.head else 0
        # FER+ has its own classifier on the same features, which is left behind when the weights are written.
        self.votes = torch.nn.Linear(features, 10).to(self.device) if self.config["labels"]["ferplus"] else None
        distillation = self.config["distillation"]
        self.teachers = Teachers(self.run / "teachers", distillation, self.device) if distillation else None
        options = self.config["optimizer"]
        modules = [self.network] + ([self.votes] if self.votes else [])
        self.optimizer = torch.optim.SGD(
            parameter_groups(modules, options["weightDecay"]), lr=options["learningRate"],
            momentum=options["momentum"], nesterov=options["nesterov"], fused=True,
        )
        self.images, self.labels, self.shares = (t.to(self.device) for t in data.read(folder, "Training"))
        self.public = [t.to(self.device) for t in data.read(folder, "PublicTest")[:2]]
        self.schedule = Schedule(self.config["stages"], len(self.images), options)
        self.step, self.best = 0, 0.0
        self.forward = torch.compile(self.network.classify, dynamic=False) if self.config["compile"] else self.network.classify

    def autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config["precision"] == "bfloat16")

    def order(self, epoch):
        generator = torch.Generator().manual_seed(self.config["seed"] * 1_000_003 + epoch)
        return torch.randperm(len(self.images), generator=generator).to(self.device)

    def loss(self, rows, side):
        options, smoothing = self.config["augmentation"], self.config["labels"]["smoothing"]
        target = F.one_hot(self.labels[rows], 7).float() * (1 - smoothing) + smoothing / 7
        pictures = augment.augment(self.images[rows], side, options)
        pictures, (target, shares) = augment.mixup(pictures, [target, self.shares[rows]], options["mixup"])
        with self.autocast():
            logits, features = self.forward(pictures)
            taught = self.teachers.targets(pictures) if self.teachers else None
        loss = total = F.cross_entropy(logits, target)
        if self.teachers:
            total = self.teachers.mixed(loss, logits, taught)
        if self.votes:
            extra = -(shares * F.log_softmax(self.votes(features), 1)).sum(1).mean()
            total = total + self.config["labels"]["ferplus"] * extra
        return loss, total

    def take_step(self, rows, side):
        torch.manual_seed(self.config["seed"] * 1_000_003 + self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(self.step)
        loss, total = self.loss(rows, side)
        total.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.update_average()
        self.step += 1
        return loss.detach()

    def update_average(self):
        # The average follows quickly while there is little to average.
        decay = min(self.config["average"], (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(*self.averaged, 1 - decay)

    @torch.no_grad()
    def accuracy(self, side):
        """Accuracy and loss of the averaged weights on PublicTest, at the side being trained."""
        images, labels = self.public
        logits = []
        for batch in images.split(256):
            with self.autocast():
                logits.append(self.average.classify(enlarge(batch.float(), side))[0])
        logits = torch.cat(logits)
        return (logits.argmax(1) == labels).float().mean().item(), F.cross_entropy(logits, labels).item()

    def state(self):
        votes = self.votes.state_dict() if self.votes else None
        return {
            "network": self.network.state_dict(), "average": self.average.state_dict(), "votes": votes,
            "optimizer": self.optimizer.state_dict(), "step": self.step, "best": self.best,
        }

    def save(self):
        beside = self.run / "checkpoint.pt.part"
        torch.save(self.state(), beside)
        os.replace(beside, self.run / "checkpoint.pt")

    def resume(self):
        state = torch.load(self.run / "checkpoint.pt", map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        if self.votes:
            self.votes.load_state_dict(state["votes"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.best = state["step"], state["best"]
        history = self.run / "history.jsonl"
        rows = history.read_text().splitlines() if history.exists() else []
        write(history, "".join(f"{row}\n" for row in rows if json.loads(row)["step"] <= self.step))

    def weights(self, name):
        write(self.run / name, save(tensors_of(self.average)))

    def end_epoch(self, epoch, side, loss):
        accuracy, public_loss = self.accuracy(side)
        row = {
            "epoch": epoch + 1, "step": self.step, "side": side, "rate": self.schedule.rate(self.step - 1),
            "loss": loss, "publicAccuracy": accuracy, "publicLoss": public_loss,
        }
        with open(self.run / "history.jsonl", "a") as history:
            history.write(json.dumps(row) + "\n")
        self.weights("last.safetensors")
        # Only weights for the side that is served can be chosen.
        if side == self.side and accuracy >= self.best:
            self.best = accuracy
            self.weights("best.safetensors")
        self.save()
        print(f"epoch {epoch + 1}: loss {loss:.4f}, PublicTest {accuracy:.4f}", flush=True)

    def train(self, limit):
        last, losses, epoch, order = time.monotonic(), [], -1, None
        start, start_seen, shown = time.monotonic(), self.schedule.seen(self.step), 0.0
        end = min(self.schedule.steps, limit or self.schedule.steps)
        while self.step < end:
            index, now, batch = self.schedule.at(self.step)
            stage = self.config["stages"][index]
            if now != epoch:
                epoch, order, losses = now, self.order(now), []
            self.network.train()
            losses.append(self.take_step(order[batch * stage["batch"] : (batch + 1) * stage["batch"]], stage["side"]))
            if batch + 1 == self.schedule.per_epoch[index]:
                self.end_epoch(epoch, stage["side"], torch.stack(losses).mean().item())
            elif time.monotonic() - last > CHECKPOINT_SECONDS:
                self.save()
                last = time.monotonic()
            if time.monotonic() - shown > (0.5 if sys.stderr.isatty() else 15):
                shown = time.monotonic()
                speed = (self.schedule.seen(self.step) - start_seen) / (shown - start)
                left = (self.schedule.images - self.schedule.seen(self.step)) / speed
                line = (f"step {self.step}/{self.schedule.steps}, epoch {epoch + 1}, side {stage['side']}, "
                        f"loss {losses[-1].item():.4f}, {speed:.0f} images/s, {left / 60:.0f} min left")
                print(f"\r\x1b[K{line}" if sys.stderr.isatty() else line, end="" if sys.stderr.isatty() else "\n",
                      file=sys.stderr, flush=True)
        self.save()
        self.weights("last.safetensors")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True, help="folder with architecture.json and config.json")
    parser.add_argument("--data", required=True, help="packed data set")
    parser.add_argument("--resume", action="store_true", help="go on from checkpoint.pt")
    parser.add_argument("--steps", type=int, help="stop after so many steps")
    arguments = parser.parse_args()
    training = Training(arguments.run, arguments.data)
    if arguments.resume and (training.run / "checkpoint.pt").exists():
        training.resume()
    print(f"{training.device}: {training.schedule.steps} steps, {training.schedule.images} images", flush=True)
    training.train(arguments.steps)


if __name__ == "__main__":
    main()
