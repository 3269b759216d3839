"""Augmentation of a batch on its own device: what changes each picture is drawn first, for the whole batch, so that
every process of a run draws the same and computes its share alone. Every draw comes from torch's global generator.
"""

import math

import torch
import torch.nn.functional as F


def uniform(n, low, high, device):
    return torch.empty(n, device=device).uniform_(low, high)


def draw(n, options, device):
    """What changes each of n pictures, by name, each [n, ...].

    `rotation` is in degrees either way, `scale` and `contrast` are ratios either way, `shift` a share of the picture's
    side, `brightness` one of 255; `horizontalFlip`, `verticalFlip` and `erasing` are probabilities. A hole's sides are
    1/8 to 1/2 of the picture's.
    """
    changes = {
        "angle": uniform(n, -1, 1, device) * math.radians(options["rotation"]),
        "zoom": torch.exp(uniform(n, -1, 1, device) * math.log1p(options["scale"])),
        "shift": uniform((n, 2), -2, 2, device) * options["shift"],
        "flip_x": 1 - 2 * (torch.rand(n, device=device) < options["horizontalFlip"]).float(),
        "flip_y": 1 - 2 * (torch.rand(n, device=device) < options["verticalFlip"]).float(),
        "contrast": torch.exp(uniform((n, 1, 1, 1), -1, 1, device) * math.log1p(options["contrast"])),
        "brightness": uniform((n, 1, 1, 1), -255, 255, device) * options["brightness"],
        "size": uniform((n, 2), 1 / 8, 1 / 2, device),
    }
    changes["start"] = torch.rand((n, 2), device=device) * (1 - changes["size"])
    changes["erased"] = torch.rand(n, device=device) < options["erasing"]
    return changes


def apply(crops, side, changes):
    """uint8 [n, 1, 48, 48] -> float [n, 1, side, side]. Where nothing changes it is the network's own enlargement."""
    return erase(light(warp(crops, side, changes), changes), changes)


def warp(crops, side, changes):
    """Turned, scaled, shifted, flipped and enlarged in one bilinear sampling; beyond the crop its edge goes on."""
    cosine, sine = torch.cos(changes["angle"]) * changes["zoom"], torch.sin(changes["angle"]) * changes["zoom"]
    flip_x, flip_y, shift = changes["flip_x"], changes["flip_y"], changes["shift"]
    rows = [cosine * flip_x, -sine * flip_y, shift[:, 0], sine * flip_x, cosine * flip_y, shift[:, 1]]
    matrices = torch.stack(rows, 1).view(-1, 2, 3)
    grid = F.affine_grid(matrices, (crops.shape[0], 1, side, side), align_corners=False)
    return F.grid_sample(crops.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)


def light(pictures, changes):
    """Contrast about the picture's mean, brightness added."""
    mean = pictures.mean((1, 2, 3), keepdim=True)
    return ((pictures - mean) * changes["contrast"] + mean + changes["brightness"]).clamp(0, 255)


def erase(pictures, changes):
    """Fills a rectangle with the picture's mean."""
    side = pictures.shape[-1]
    start, end = changes["start"][..., None], (changes["start"] + changes["size"])[..., None]
    at = (torch.arange(side, device=pictures.device) + 0.5) / side
    inside = (at >= start) & (at < end)
    hole = (inside[:, 0, :, None] & inside[:, 1, None, :] & changes["erased"][:, None, None])[:, None]
    return torch.where(hole, pictures.mean((1, 2, 3), keepdim=True), pictures)


def swapped(values):
    """[n, ...] with the two of each pair exchanged. Batches come in random order, so a neighbour is anybody."""
    return values.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)


def draw_mix(side, options):
    """How a batch is mixed: None, or the share of itself that each picture keeps and the box (rows, columns) that it
    gives up, which is None where all pixels are mixed (mixup, Zhang et al. 2018; cutmix, Yun et al. 2019).

    The share is drawn from Beta(alpha, alpha), once a batch; with both options each is as likely as the other.
    """
    alphas = [(options[name], name == "cutmix") for name in ("mixup", "cutmix") if options[name] > 0]
    if not alphas:
        return None
    alpha, cut = alphas[int(torch.rand(()) < 0.5)] if len(alphas) == 2 else alphas[0]
    share = torch.distributions.Beta(alpha, alpha).sample().item()
    if not cut:
        return share, None
    # The box lies about a place anywhere in the picture; what falls outside is cut off, and the share says what is left.
    half = math.sqrt(1 - share) * side / 2
    spans = [(at - half, at + half) for at in (torch.rand(2) * side).tolist()]
    box = [slice(max(0, round(low)), min(side, round(high))) for low, high in spans]
    return 1 - (box[0].stop - box[0].start) * (box[1].stop - box[1].start) / side**2, box


def mix(pictures, targets, mixing):
    """Mixes each picture and its targets with its neighbour's, as `draw_mix` says."""
    if mixing is None:
        return pictures, targets
    share, box = mixing
    targets = [share * target + (1 - share) * swapped(target) for target in targets]
    if box is None:
        return share * pictures + (1 - share) * swapped(pictures), targets
    pictures = pictures.clone()
    pictures[..., box[0], box[1]] = swapped(pictures[..., box[0], box[1]])
    return pictures, targets
