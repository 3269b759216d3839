"""The networks that the paper compares with (Table 4), built from a run's architecture.json like the paper's own.

The paper names them ("CNNs", a parallel convolutional network; "ResNet") and gives no more, so their shapes are ours.
"""

import torch
import torch.nn.functional as F
from torch import nn

from network import PlainResidual, enlarge


def convolution(inputs, outputs, kernel, epsilon, stride=1):
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs, eps=epsilon),
        nn.ReLU(),
    )


class Narrowing(nn.Module):
    """A residual block that halves the grid: [n, i, h, w] -> [n, o, h/2, w/2] (He et al. 2016, option B)."""

    def __init__(self, inputs, outputs, epsilon):
        super().__init__()
        self.first = convolution(inputs, outputs, 3, epsilon, stride=2)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=epsilon)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=2, bias=False)
        self.shortcut_norm = nn.BatchNorm2d(outputs, eps=epsilon)

    def forward(self, x):
        return F.relu(self.shortcut_norm(self.shortcut(x)) + self.norm(self.second(self.first(x))))


def resnet(width, stem, epsilon):
    """ResNet-18 for small pictures: a 3x3 stem of stride `stem`, four stages of two blocks, `width` to 8 `width` channels."""
    layers = [convolution(1, width, 3, epsilon, stride=stem)]
    layers += [PlainResidual(width, 1, 0, epsilon), PlainResidual(width, 1, 0, epsilon)]
    for channels in (2 * width, 4 * width, 8 * width):
        layers += [Narrowing(channels // 2, channels, epsilon), PlainResidual(channels, 1, 0, epsilon)]
    return nn.Sequential(*layers), 8 * width


class Branches(nn.Module):
    """Convolutions of 3x3, 5x5 and 7x7 side by side, joined, and a 2x2 max-pool."""

    def __init__(self, inputs, outputs, epsilon):
        super().__init__()
        self.branches = nn.ModuleList(convolution(inputs, outputs // 3, kernel, epsilon) for kernel in (3, 5, 7))

    def forward(self, x):
        return F.max_pool2d(torch.cat([branch(x) for branch in self.branches], 1), 2)


def parallel(width, epsilon):
    """A CNN of four layers of parallel branches, 3 `width` to 24 `width` channels."""
    channels = [1, 3 * width, 6 * width, 12 * width, 24 * width]
    return nn.Sequential(*(Branches(i, o, epsilon) for i, o in zip(channels, channels[1:]))), channels[-1]


class Baseline(nn.Module):
    """float [n, 1, s, s] grey pictures in 0..255 -> float [n, 7] logits, with the paper's network's interface."""

    def __init__(self, description):
        super().__init__()
        self.side = description["side"]
        self.mean = description["input"]["mean"] * 255
        self.deviation = description["input"]["deviation"] * 255
        epsilon = description["epsilon"]
        if description["baseline"] == "resnet":
            self.body, self.features = resnet(description["width"], description["stem"], epsilon)
        elif description["baseline"] == "parallel":
            self.body, self.features = parallel(description["width"], epsilon)
        else:
            raise ValueError(f"no baseline is called {description['baseline']}")
        self.head = nn.Linear(self.features, len(description["labels"]))
        self.head_dropout = nn.Dropout(description["dropout"])
        self.reset()

    def reset(self):
        """He initialisation; the last norm of a residual block starts at zero, so that the block starts as identity."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(module, PlainResidual):
                nn.init.zeros_(module.norm2.weight)
            if isinstance(module, Narrowing):
                nn.init.zeros_(module.norm.weight)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, pictures):
        return self.classify(enlarge(pictures, self.side))[0]

    def classify(self, pictures):
        """Logits [n, 7] and averaged features [n, c], both float32, of pictures taken at the side they have."""
        x = ((pictures - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)
        features = self.body(x).float().mean((2, 3))
        return self.head(self.head_dropout(features)).float(), features
