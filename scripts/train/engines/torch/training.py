"""A run's networks, optimiser and data on their device, and one step of training."""

import copy

import torch

import augment
from build import build
from clock import NoClock
from data import DataSet, spread
from distill import Teachers, collect
from evaluation import measure
from files import Fault, load_weights, read_json
from hold import hold
from learner import Learner, Losses, targets_of
from network import skip_blocks, tensors_of
from optimizer import Sharpness, optimizer_of
from parallel import Processes
from precise_norm import count_anew
from schedule import Schedule


def tensors_in_place(network):
    """Parameters and running statistics, but not the batch norms' counters."""
    return (t for t in network.state_dict().values() if t.is_floating_point())


class Training:
    """All that changes from step to step is in `state()`; every step seeds its own draws by its number."""

    def __init__(self, run, folder):
        self.processes = Processes()
        self.held = hold(run) if self.processes.first else None
        self.config = config = read_json(run / "config.json")
        self.processes.refuse_batches(stage["batch"] for stage in config["stages"])
        self.architecture = read_json(run / "architecture.json")
        self.device = self.processes.device
        torch.backends.cudnn.benchmark = True  # every stage has one shape
        torch.backends.cuda.matmul.allow_tf32 = True  # Muon's products: their few digits are no matter to its iteration
        torch.manual_seed(config["seed"])
        network = build(self.architecture)
        if config["init"]:
            load_weights(network, run / "init.safetensors")
        skip_blocks(network, config["stochasticDepth"])
        network = self.processes.synchronise(network.to(self.device, memory_format=torch.channels_last))
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        # The tensors themselves, averaged and live: collecting them at every step would cost more than averaging.
        self.averaged = [list(tensors_in_place(each)) for each in (self.average, network)]
        self.learner = Learner(network, config["labels"]["ferplus"] > 0).to(self.device)
        self.optimizer = optimizer_of(self.learner, config["optimizer"])
        self.sharpness = Sharpness(self.learner, config["optimizer"]["sam"]) if config["optimizer"]["sam"] else None
        self.read_data(folder)
        self.teachers = None
        if config["distillation"]:
            places = collect(run, config["distillation"]["teachers"], self.processes)
            self.teachers = Teachers(places, config["distillation"], self.device)
        self.losses = Losses(config["labels"], self.labels, self.teachers)
        self.schedule = Schedule(config["stages"], len(self.images), config["optimizer"])
        self.step, self.clock = 0, NoClock()
        # CUDA graphs launch a step's hundreds of small kernels at once, for which a GPU else waits. Not tried: several
        # processes, and steps that are taken twice.
        alone = self.processes.count == 1 and not self.sharpness
        self.graphs = bool(config["compile"]) and self.device.type == "cuda" and alone
        self.forward = self.processes.wrap(self.compiled(self.learner))
        self.change = self.compiled(augment.apply)
        self.teach = self.compiled(self.teachers.targets) if self.teachers else None

    def compiled(self, work):
        if not self.config["compile"]:
            return work
        return torch.compile(work, dynamic=False, mode="reduce-overhead" if self.graphs else None)

    def read_data(self, folder):
        """All images lie on the device, as bytes; a batch is an index away."""
        data = DataSet(folder)
        self.data_name, self.digests = data.name, data.digests
        if not self.config["labels"]["ferplus"]:
            del self.digests["votes"]  # they teach nothing
        self.images, self.labels, self.votes = (t.to(self.device) for t in data.read("Training", self.config["images"]))
        self.public = [t.to(self.device) for t in data.read("PublicTest")[:2]]
        # As many of the learned images, as they are, tell what has been learned by heart.
        known = torch.tensor(spread(len(self.images), len(self.public[0])), device=self.device)
        self.known = [self.images[known], self.labels[known]]
        self.counted = data.read("Training", self.config["preciseNorm"])[0].to(self.device)
        if 0 < len(self.counted) < self.processes.count:
            raise Fault(f"preciseNorm's {len(self.counted)} pictures cannot be shared by {self.processes.count} processes")

    def autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config["precision"] == "bfloat16")

    def order(self, epoch):
        generator = torch.Generator().manual_seed(self.config["seed"] * 1_000_003 + epoch)
        return torch.randperm(len(self.images), generator=generator).to(self.device)

    def batch(self, rows, side):
        """This process's pictures, their targets and vote shares, augmented and mixed, of a batch's rows."""
        options, own = self.config["augmentation"], self.processes.share(len(rows))
        torch.manual_seed(self.config["seed"] * 1_000_003 + self.step)
        changes = augment.draw(len(rows), options, self.device)
        mixing = augment.draw_mix(side, options)
        self.clock.mark("augmentation")
        rows = rows[own]
        crops, votes = self.images[rows], self.votes[rows]
        targets = targets_of(self.labels[rows], self.config["labels"]["smoothing"])
        self.clock.mark("loading")
        pictures = self.change(crops, side, {name: values[own] for name, values in changes.items()})
        pictures, (targets, votes) = augment.mix(pictures, [targets, votes], mixing)
        self.clock.mark("augmentation")
        return pictures, targets, votes

    def learn(self, pictures, targets, votes, taught):
        """Forward and backward: gradients of the total loss; returns the labels' loss."""
        # Dropout draws the same in every pass of a step, and for every process of its own.
        torch.manual_seed((self.config["seed"] * 1_000_003 + self.step) * 1009 + 1 + self.processes.rank)
        with self.autocast():
            outputs = self.forward(pictures)
        loss, total = self.losses(outputs, targets, votes, taught)
        self.clock.mark("forward")
        total.backward()
        self.clock.mark("backward")
        return loss.detach()

    def take_step(self, rows, side):
        """Learns a batch, given by its rows; returns its loss of the labels, the same in every process."""
        if self.graphs:
            # What the graphs of the step before have handed out is no longer needed.
            torch.compiler.cudagraph_mark_step_begin()
        self.learner.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(self.step)
        batch = self.batch(rows, side)
        taught = None
        if self.teach:
            with self.autocast():
                taught = self.teach(batch[0])
            self.clock.mark("teachers")
        loss = self.learn(*batch, taught)
        if self.sharpness:
            self.sharpness.climb()
            self.learn(*batch, taught)
            self.sharpness.back()
        self.optimizer.step()
        self.learner.zero_grad()
        self.update_average()
        self.step += 1
        self.clock.mark("step")
        return self.processes.mean(loss)

    def update_average(self):
        # The average follows quickly while there is little to average.
        decay = min(self.config["average"], (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(*self.averaged, 1 - decay)

    def settle(self, side):
        """Before the averaged weights are measured or written: their batch norms' statistics at a side."""
        count_anew(self.average, self.counted, side, self.processes, self.autocast)

    def measure(self, images, labels, side):
        """(accuracy, macro recall, loss) of the averaged weights."""
        return measure(self.average, images, labels, side, self.processes, self.autocast)

    def weights(self):
        """The averaged weights, as a weights file holds them."""
        return tensors_of(self.average)

    def state(self):
        votes = self.learner.votes.state_dict() if self.learner.votes else None
        return {
            "network": self.learner.network.state_dict(), "average": self.average.state_dict(), "votes": votes,
            "optimizer": self.optimizer.state_dict(), "step": self.step,
        }

    def load_state(self, state):
        self.learner.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        if self.learner.votes:
            self.learner.votes.load_state_dict(state["votes"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
