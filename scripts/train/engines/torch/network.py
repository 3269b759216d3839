"""The network as a torch module, built from architecture.json alone (paper, section 3 and Table 1)."""

import torch
import torch.nn.functional as F
from torch import nn


class Downsampler(nn.Module):
    """3x3 stride-2 convolution beside a 2x2 max-pool, batch norm, ReLU: [n, i, h, w] -> [n, o, h/2, w/2]."""

    def __init__(self, inputs, outputs, epsilon):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs - inputs, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=epsilon)

    def forward(self, x):
        y = self.conv(x)
        # One dtype and channels last, or all blocks behind would work on a float32 stream in the slower layout.
        y = torch.cat([y, F.max_pool2d(x, 2).to(y.dtype)], 1).contiguous(memory_format=torch.channels_last)
        return F.relu(self.norm(y))


class Skippable(nn.Module):
    """A residual block whose branch is left out, in training, with probability `skip` (Huang et al. 2016)."""

    skip = 0.0

    def branch(self, y):
        """The branch [n, c, h, w], as it is added to the input: gone for some pictures, larger for the others."""
        if not (self.training and self.skip):
            return y
        kept = torch.rand(y.shape[0], 1, 1, 1, device=y.device) >= self.skip
        return y * (kept / (1 - self.skip)).to(y.dtype)


def skip_blocks(network, share):
    """Stochastic depth: the last residual block is skipped with probability `share`, those before it in proportion."""
    blocks = [module for module in network.modules() if isinstance(module, Skippable)]
    for i, block in enumerate(blocks):
        block.skip = share * (i + 1) / len(blocks)


class Residual(Skippable):
    """ARB and non-bottleneck-1D: two grouped 3x1, 1x3 pairs, the second dilated, added to the input."""

    def __init__(self, channels, groups, dilation, dropout, epsilon):
        super().__init__()

        def conv(height, width, d, bias):
            return nn.Conv2d(
                channels, channels, (height, width), groups=groups, bias=bias, dilation=d,
                padding=(d * (height // 2), d * (width // 2)),
            )

        self.conv1 = conv(3, 1, 1, True)
        self.conv2 = conv(1, 3, 1, False)
        self.norm1 = nn.BatchNorm2d(channels, eps=epsilon)
        self.conv3 = conv(3, 1, dilation, True)
        self.conv4 = conv(1, 3, dilation, False)
        self.norm2 = nn.BatchNorm2d(channels, eps=epsilon)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x):
        y = F.relu(self.norm1(self.conv2(F.relu(self.conv1(x)))))
        y = self.norm2(self.conv4(F.relu(self.conv3(y))))
        return F.relu(x + self.branch(self.dropout(y)))


class PlainResidual(Skippable):
    """The residual block that the paper starts from: two dense 3x3 convolutions, the second dilated, added to the input."""

    def __init__(self, channels, dilation, dropout, epsilon):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels, eps=epsilon)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm2 = nn.BatchNorm2d(channels, eps=epsilon)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(x + self.branch(self.dropout(y)))


class Mix(nn.Module):
    """Dense 1x1 convolution and batch norm, added to the input, ReLU: where the groups of a stage meet."""

    def __init__(self, channels, epsilon):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels, eps=epsilon)

    def forward(self, x):
        return F.relu(x + self.norm(self.conv(x)))


class Pointwise(nn.Module):
    """Dense convolution without bias (1x1, or a dilated 3x3 branch of ASPP), batch norm, ReLU."""

    def __init__(self, inputs, outputs, epsilon, rate=0):
        super().__init__()
        kernel, padding, dilation = (3, rate, rate) if rate else (1, 0, 1)
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=epsilon)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


class Attention(nn.Module):
    """Squeeze by ASPP and excitation: s = sigmoid(W2 relu(W1 z)), x scaled by s (equations 1 and 2)."""

    def __init__(self, channels, reduction, rates, epsilon):
        super().__init__()
        self.count = 1 + len(rates)
        for i, rate in enumerate([0, *rates]):
            self.add_module(f"branch{i}", Pointwise(channels, channels // self.count, epsilon, rate))
        self.fc1 = nn.Linear(channels, channels // reduction, bias=False)
        self.fc2 = nn.Linear(channels // reduction, channels, bias=False)

    def forward(self, x):
        z = torch.cat([getattr(self, f"branch{i}")(x).mean((2, 3)) for i in range(self.count)], 1)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(z))))[:, :, None, None]


class Upsampler(nn.Module):
    """3x3 transposed convolution of stride 2, batch norm, ReLU: [n, i, h, w] -> [n, o, 2h, 2w]."""

    def __init__(self, inputs, outputs, epsilon):
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=epsilon)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


class Output(nn.Module):
    """Module 23: 3x3 transposed convolution of stride 2 with bias: one class map a label."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x):
        return self.conv(x)


def build_row(row, inputs, epsilon):
    """The module of one row of the table, and its number of output channels."""
    outputs = row.get("channels", inputs)
    kind = row["block"]
    if kind == "downsampler":
        return Downsampler(inputs, outputs, epsilon), outputs
    if kind in ("arb", "non-bottleneck-1d"):
        return Residual(outputs, row["groups"], row["dilation"], row["dropout"], epsilon), outputs
    if kind == "residual":
        return PlainResidual(outputs, row["dilation"], row["dropout"], epsilon), outputs
    if kind == "mix":
        return Mix(outputs, epsilon), outputs
    if kind == "pointwise":
        return Pointwise(inputs, outputs, epsilon), outputs
    if kind == "attention":
        return Attention(inputs, row["reduction"], row["rates"], epsilon), outputs
    if kind == "upsampler":
        return Upsampler(inputs, outputs, epsilon), outputs
    if kind == "output":
        return Output(inputs, outputs), outputs
    raise ValueError(f"row {row['name']}: no block is called {kind}")


class Network(nn.Module):
    """float [n, 1, s, s] grey pictures in 0..255 -> float [n, 7] logits.

    Pictures of another side than the architecture's are enlarged to it (bilinear, half-pixel centres)
    unless `side` names the side to train at.
    """

    def __init__(self, architecture):
        super().__init__()
        if architecture["format"] != 1:
            raise ValueError(f"architecture format {architecture['format']} is not 1")
        self.side = architecture["side"]
        self.mean = architecture["input"]["mean"] * 255
        self.deviation = architecture["input"]["deviation"] * 255
        self.maps = architecture["head"]["maps"]
        self.names = []
        channels, features = 1, 0
        for row in architecture["rows"]:
            if not features and row["block"] in ("upsampler", "output"):
                features, self.encoder_rows = channels, len(self.names)
            module, channels = build_row(row, channels, architecture["epsilon"])
            self.add_module(row["name"], module)
            self.names.append(row["name"])
        self.features = features
        self.head = None
        if architecture["head"]["features"]:
            self.head = nn.Linear(features, len(architecture["labels"]))
        self.head_dropout = nn.Dropout(architecture["head"]["dropout"])
        if not self.maps:
            # Nothing reads the decoder, so there is nothing to learn in it.
            for name in self.names[self.encoder_rows :]:
                getattr(self, name).requires_grad_(False)
        self.reset()

    def reset(self):
        """He initialisation; the last norm of a residual block starts at zero, so that the block starts as identity."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for module in self.modules():
            if isinstance(module, (Residual, PlainResidual)):
                nn.init.zeros_(module.norm2.weight)
        if self.head is not None:
            nn.init.normal_(self.head.weight, std=0.01)
            nn.init.zeros_(self.head.bias)

    def forward(self, pictures):
        return self.classify(enlarge(pictures, self.side))[0]

    def classify(self, pictures):
        """Logits [n, 7] and averaged encoder features [n, c], both float32, of pictures taken at the side they have."""
        x = (pictures - self.mean) / self.deviation
        x = x.contiguous(memory_format=torch.channels_last)
        for name in self.names[: self.encoder_rows]:
            x = getattr(self, name)(x)
        features = x.float().mean((2, 3))
        logits = 0
        if self.head is not None:
            logits = self.head(self.head_dropout(features))
        if self.maps:
            for name in self.names[self.encoder_rows :]:
                x = getattr(self, name)(x)
            logits = logits + x.float().mean((2, 3))
        return logits.float(), features


def enlarge(pictures, side):
    """[n, 1, h, h] -> [n, 1, side, side]: bilinear, half-pixel centres; the network's first operation."""
    if pictures.shape[-1] == side:
        return pictures
    return F.interpolate(pictures, size=(side, side), mode="bilinear", align_corners=False)


def tensors_of(network):
    """The named float32 tensors that a weights file holds, in PyTorch's layout."""
    return {
        name: tensor.detach().float().contiguous().cpu()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def expanded(tensors):
    """Tensors as they are computed with: int8 kernels, as published weights have them, times their rows' scales."""
    rounded = {name for name, tensor in tensors.items() if tensor.dtype == torch.int8}
    scales = {f"{name}.scale" for name in rounded}
    return {
        name: tensor.float() * tensors[f"{name}.scale"].view(-1, 1, 1, 1) if name in rounded else tensor
        for name, tensor in tensors.items()
        if name not in scales
    }


@torch.no_grad()
def load_tensors(network, tensors):
    """Copies the tensors of a weights file into the network; a missing, extra or misshapen one raises."""
    tensors = expanded(tensors)
    expected = set(tensors_of(network))
    if expected != set(tensors):
        raise ValueError(f"weights do not fit the architecture: {sorted(expected ^ set(tensors))[:5]}")
    state = network.state_dict()
    for name, tensor in tensors.items():
        if state[name].shape != tensor.shape:
            raise ValueError(f"weights do not fit: {name} is {tuple(tensor.shape)}, not {tuple(state[name].shape)}")
        state[name].copy_(tensor)
