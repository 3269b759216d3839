"""Files of a run: written whole or not at all, read with errors that name them."""

import io
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from network import load_tensors


# What a run goes on from, in its folder.
CHECKPOINT = "checkpoint.pt"


class Fault(Exception):
    """What a user can mend. Its message is all that is shown."""


def write(file, content):
    """Writes beside, then renames: a reader sees the old file or the new one. On a full disk nothing is left behind."""
    beside = file.with_name(file.name + ".part")
    try:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(beside, file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Fault(f"cannot write {file}: {error.strerror}") from error


def read_json(file):
    try:
        return json.loads(Path(file).read_text())
    except (OSError, ValueError) as error:
        raise Fault(f"cannot read {file}: {error}") from error


def save_state(file, state):
    """A checkpoint, made in memory first: torch's own writer says less of a full disk."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write(file, buffer.getbuffer())


def load_state(file, device):
    try:
        return torch.load(file, map_location=device, weights_only=True)
    except Exception as error:  # zip, pickle and I/O faults of many types
        raise Fault(f"{file} is damaged: {str(error).splitlines()[0]}") from error


def load_weights(network, file):
    """Copies the tensors of a weights file into the network."""
    try:
        load_tensors(network, load_file(file))
    except (OSError, ValueError, SafetensorError) as error:
        raise Fault(f"{file}: {error}") from error
