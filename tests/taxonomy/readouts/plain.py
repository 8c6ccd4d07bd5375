"""A readout as one would write it first, trained alone: what the batched ones are compared with."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from perception.objectives import Objective
from perception.tasks import OutputKind
from taxonomy.readouts import ReadoutSamples, ReadoutShape
from taxonomy.training import Schedule

Transfer = tuple[str, ...]


class PlainReadout(nn.Module):
    """Standardisation, two convolutions and an output, all from torch.nn."""

    mean: Tensor
    spread: Tensor

    def __init__(self, mean: Tensor, spread: Tensor, output_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.first = nn.Conv2d(len(mean), 16, 3, padding=1, stride=2 if len(output_shape) == 1 else 1)
        self.second = nn.Conv2d(16, 16, 3, padding=1)
        if len(output_shape) == 1:
            self.pool: nn.Module = nn.Sequential(nn.AvgPool2d(2), nn.Flatten())
            self.output: nn.Module = nn.Linear(256, output_shape[0])
            self.last: nn.Module = nn.Identity()
        else:
            scale = output_shape[1] // 16
            self.pool = nn.Identity()
            self.output = nn.Conv2d(16, output_shape[0] * scale**2, 1)
            self.last = nn.PixelShuffle(scale)

    def forward(self, inputs: Tensor) -> Tensor:
        x = (inputs.float() - self.mean) / self.spread
        hidden = torch.relu(self.second(torch.relu(self.first(x))))
        result: Tensor = self.last(self.output(self.pool(hidden)))
        return result


def plain_inputs(sources: Transfer, samples: ReadoutSamples, chosen: NDArray[np.int64]) -> Tensor:
    """float16 [n, 8kV, 16, 16], picked view by view."""
    views = [samples.representations[s][samples.rows[chosen, v]] for s in sources for v in range(samples.rows.shape[1])]
    return torch.from_numpy(np.concatenate(views, axis=1))


def fresh_plain(sources: Transfer, samples: ReadoutSamples, objective: Objective, seed: int) -> PlainReadout:
    """With the initial weights that the batched readout of this transfer has."""
    moments = []
    for source in sources:
        array = samples.representations[source].astype(np.float64)
        deviation = array.std(axis=(0, 2, 3))
        moments += [(array.mean(axis=(0, 2, 3)), np.where(deviation > 1e-3, deviation, 1))] * samples.rows.shape[1]
    mean, spread = (torch.from_numpy(np.concatenate(m)).float()[:, None, None] for m in zip(*moments, strict=True))
    network = PlainReadout(mean, spread, objective.output_shape)
    shape = ReadoutShape(len(mean), objective.output_shape)
    silent = objective.kind is not OutputKind.EMBEDDING
    values = torch.split(shape.fresh((sources,), objective.task, seed, silent=silent)[0], shape.sizes)
    for name, part in zip(shape.parts, values, strict=True):
        parameter = network.get_parameter(name)
        parameter.data.copy_(part.reshape(parameter.shape))
    return network


def train_plain(
    sources: Transfer, samples: ReadoutSamples, objective: Objective, schedule: Schedule, seed: int
) -> PlainReadout:
    """One transfer, in the order in which `train_readouts` shows samples."""
    network = fresh_plain(sources, samples, objective, seed)
    least = -np.inf if samples.targets.dtype.kind == "f" else 0
    flat = samples.targets.reshape(len(samples), -1)
    usable = np.flatnonzero((~np.isnan(flat.astype(np.float32)) & (flat.astype(np.float32) >= least)).any(axis=1))
    steps = schedule.epochs * max(1, len(usable) // schedule.batch_size)
    warm = max(1, round(0.1 * steps))
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(network.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay)
    order = np.empty(0, np.int64)
    for step in range(steps):
        if len(order) < schedule.batch_size:
            order = rng.permutation(usable)
        chosen, order = order[: schedule.batch_size], order[schedule.batch_size :]
        falling = (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) / 2
        rate = (step + 1) / warm if step < warm else falling
        optimiser.param_groups[0]["lr"] = schedule.learning_rate * rate
        with torch.autocast("cpu", torch.bfloat16, enabled=schedule.half_precision):
            outputs = network(plain_inputs(sources, samples, chosen))
        loss = objective.losses(outputs, torch.from_numpy(samples.targets[chosen])).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
    return network


def plain_losses(
    network: PlainReadout, sources: Transfer, samples: ReadoutSamples, objective: Objective
) -> NDArray[np.float32]:
    """float32 [N]."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(samples), 64):
            chosen = np.arange(start, min(start + 64, len(samples)))
            outputs = network(plain_inputs(sources, samples, chosen))
            parts.append(objective.losses(outputs, torch.from_numpy(samples.targets[chosen])).numpy())
    return np.concatenate(parts)
