"""Encoders that were never trained: what is gained by an architecture and its random weights alone."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from perception import LocalEncoder, write_bank, write_checkpoint
from perception.bank.card import Card, Preprocessing
from perception.errors import UserError
from perception.networks import architecture_named, build_encoder

MOST = 64
"""Encoders."""

_ARCHITECTURE = "compact"
_PICTURES = 32
_NAME = "untrained"


@dataclass(frozen=True, eq=False)
class UntrainedEncoder:
    """Encoders with random weights.

    Args:
        encoder: Runs them, as it runs a bank's.
        tasks: What they are called: "random_weights_1", ...
        sha256: Of all of them; the same for the same seed.
    """

    encoder: LocalEncoder
    tasks: tuple[str, ...]
    sha256: str


def untrained_encoder(count: int, seed: int) -> UntrainedEncoder:
    """Encoders of the compact architecture as PyTorch initialises them.

    Their batch normalisations are given the statistics of pictures of coloured noise: with those of an untouched
    network (mean 0, variance 1), features of different images differ by a thousandth of what a trained network's do.

    Args:
        count: How many, 1 to 64.
        seed: Of the weights.

    Raises:
        UserError: If the count is anything else.
    """
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
        raise UserError(f"{count!r} untrained encoders were asked for; expected 1 to {MOST}.")
    tasks = tuple(f"random_weights_{number}" for number in range(1, count + 1))
    side = architecture_named(_ARCHITECTURE).side_px
    with TemporaryDirectory(prefix="untrained-") as name:
        folder = Path(name)
        for number, task in enumerate(tasks):
            network = _network(int(np.random.SeedSequence([seed, number]).generate_state(1)[0]), side)
            write_checkpoint(folder, Card(task, _ARCHITECTURE, Preprocessing(side)), network)
        bank = write_bank(folder, _NAME, provenance="random weights")
        encoder = LocalEncoder(bank)
        for task in tasks:
            encoder.checkpoint(task)  # kept in memory, since the folder goes
    return UntrainedEncoder(encoder, tasks, bank.sha256)


def _network(seed: int, side: int) -> nn.Module:
    network = build_encoder(_ARCHITECTURE, seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean of all batches: of the one that follows
    with torch.no_grad():
        network.train()(_coloured_noise(side))
    return network.eval()


def _coloured_noise(side: int) -> torch.Tensor:
    """Float32 [32, 3, side, side] in [-1, 1]: noise of every size, each twice as strong as the next finer one."""
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros(_PICTURES, 3, side, side)
    for grain in range(side.bit_length()):
        cells = max(1, side >> grain)
        noise = torch.randn(_PICTURES, 3, cells, cells, generator=generator) * 2.0**grain
        total += functional.interpolate(noise, (side, side), mode="bilinear")
    return (total / (2 * total.std())).clamp(-1, 1)
