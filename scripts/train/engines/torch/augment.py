"""Augmentation of a batch on its own device. Every draw comes from torch's global generator."""

import math

import torch
import torch.nn.functional as F


def uniform(n, low, high, device):
    return torch.empty(n, device=device).uniform_(low, high)


def warp(crops, side, options):
    """uint8 or float [n, 1, 48, 48] -> float [n, 1, side, side]: turned, scaled, shifted, flipped and enlarged in
    one bilinear sampling. With all options at zero it equals the network's own enlargement.

    `rotation` is in degrees either way, `scale` a ratio either way, `shift` a share of the picture's side,
    `horizontalFlip` and `verticalFlip` probabilities.
    """
    n, device = crops.shape[0], crops.device
    angle = uniform(n, -1, 1, device) * math.radians(options["rotation"])
    zoom = torch.exp(uniform(n, -1, 1, device) * math.log1p(options["scale"]))
    shift = uniform((n, 2), -2, 2, device) * options["shift"]
    flip_x = 1 - 2 * (torch.rand(n, device=device) < options["horizontalFlip"]).float()
    flip_y = 1 - 2 * (torch.rand(n, device=device) < options["verticalFlip"]).float()
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    rows = [cosine * flip_x, -sine * flip_y, shift[:, 0], sine * flip_x, cosine * flip_y, shift[:, 1]]
    grid = F.affine_grid(torch.stack(rows, 1).view(n, 2, 3), (n, 1, side, side), align_corners=False)
    return F.grid_sample(crops.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)


def light(pictures, options):
    """Changes brightness (shares of 255 added, either way) and contrast (a ratio about the picture's mean, either way)."""
    n, device = pictures.shape[0], pictures.device
    mean = pictures.mean((1, 2, 3), keepdim=True)
    contrast = torch.exp(uniform((n, 1, 1, 1), -1, 1, device) * math.log1p(options["contrast"]))
    brightness = uniform((n, 1, 1, 1), -255, 255, device) * options["brightness"]
    return ((pictures - mean) * contrast + mean + brightness).clamp(0, 255)


def erase(pictures, options):
    """Fills one rectangle with the picture's mean, with probability `erasing`; its sides are 1/8 to 1/2 of the picture's."""
    n, _, side, _ = pictures.shape
    device = pictures.device
    size = uniform((n, 2), 1 / 8, 1 / 2, device)
    start = torch.rand((n, 2), device=device) * (1 - size)
    at = (torch.arange(side, device=device) + 0.5) / side
    inside = (at >= start[..., None]) & (at < (start + size)[..., None])
    chosen = torch.rand(n, device=device) < options["erasing"]
    hole = (inside[:, 0, :, None] & inside[:, 1, None, :] & chosen[:, None, None])[:, None]
    return torch.where(hole, pictures.mean((1, 2, 3), keepdim=True), pictures)


def mixup(pictures, targets, alpha):
    """Mixes each picture and its target with another's: lambda from Beta(alpha, alpha), one a batch."""
    if alpha == 0:
        return pictures, targets
    share = torch.distributions.Beta(alpha, alpha).sample().item()
    other = torch.randperm(pictures.shape[0], device=pictures.device)
    mixed = [share * target + (1 - share) * target[other] for target in targets]
    return share * pictures + (1 - share) * pictures[other], mixed


def augment(crops, side, options):
    return erase(light(warp(crops, side, options), options), options)
