"""A packed data set (npm run prepare-data) as tensors."""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

Image.MAX_IMAGE_PIXELS = None  # the strip of all faces is one very tall picture, and ours
SIZE = 48
SPLITS = {"Training": 0, "PublicTest": 1, "PrivateTest": 2}


def read(folder, split):
    """One split as uint8 images [n, 1, 48, 48], int64 labels [n], float32 shares of the FER+ votes [n, 10].

    The shares of a face without votes are all zero. A file whose hash is not the index's raises.
    """
    folder = Path(folder)
    index = json.loads((folder / "index.json").read_text())
    for name, digest in index["files"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            raise ValueError(f"{folder / name} is not the file that was packed")
    rows = np.fromfile(folder / "splits.u8", np.uint8) == SPLITS[split]
    images = np.asarray(Image.open(folder / "images.png")).reshape(-1, 1, SIZE, SIZE)[rows]
    labels = np.fromfile(folder / "labels.u8", np.uint8)[rows]
    votes = np.fromfile(folder / "votes.u8", np.uint8).reshape(-1, len(index["votes"]))[rows].astype(np.float32)
    votes /= np.maximum(votes.sum(1, keepdims=True), 1)
    return torch.tensor(images), torch.tensor(labels, dtype=torch.int64), torch.tensor(votes)
