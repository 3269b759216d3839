"""A packed data set (npm run prepare-data) as tensors."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from files import Fault, read_json

Image.MAX_IMAGE_PIXELS = None  # the strip of all faces is one very tall picture, and ours
SIZE = 48
SPLITS = {"Training": 0, "PublicTest": 1, "PrivateTest": 2}


class DataSet:
    """The files of a packed data set, checked: a missing one, or one whose hash is not the index's, is a fault."""

    def __init__(self, folder):
        folder = Path(folder)
        index = read_json(folder / "index.json")
        for name, digest in index["files"].items():
            if hashlib.sha256(bytes_of(folder / name)).hexdigest() != digest:
                raise Fault(f"{folder / name} is not the file that was packed")
        self.name, self.digests = index["name"], digests_of(index)
        self.splits = np.fromfile(folder / "splits.u8", np.uint8)
        self.images = np.asarray(Image.open(folder / "images.png")).reshape(-1, 1, SIZE, SIZE)
        self.labels = np.fromfile(folder / "labels.u8", np.uint8)
        self.votes = np.fromfile(folder / "votes.u8", np.uint8).reshape(-1, len(index["votes"]))

    def read(self, split, limit=None):
        """One split as uint8 images [n, 1, 48, 48], int64 labels [n], float32 shares of the FER+ votes [n, 10].

        With a limit, at most so many, spread evenly. The shares of a face without votes are all zero.
        """
        rows = np.flatnonzero(self.splits == SPLITS[split])
        rows = rows[spread(len(rows), limit)]
        votes = self.votes[rows].astype(np.float32)
        votes /= np.maximum(votes.sum(1, keepdims=True), 1)
        return torch.tensor(self.images[rows]), torch.tensor(self.labels[rows], dtype=torch.int64), torch.tensor(votes)


def digests_of(index):
    """As digestsOf of run-data.ts."""
    files = index["files"]
    rows = "\n".join([index["images"], files["labels.u8"], files["splits.u8"]])
    return {"data": index["images"], "rows": hashlib.sha256(rows.encode()).hexdigest(), "votes": files["votes.u8"]}


def spread(count, limit):
    """At most `limit` of so many places, evenly spread over all."""
    if limit is None or limit >= count:
        return np.arange(count)
    return np.arange(limit) * count // limit


def bytes_of(file):
    try:
        return file.read_bytes()
    except OSError as error:
        raise Fault(f"cannot read {file}: {error.strerror}") from error
