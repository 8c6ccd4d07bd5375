"""Readouts of many transfers to one target, trained together on the same samples in the same order.

What is minimised is the sum of their mean losses. Readouts share no parameter, AdamW works on each number by itself,
and gradients are clipped for each readout, so that each goes the way it would go alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from perception.networks.resnet50 import REPRESENTATION_SIDE
from perception.objectives.embedding import EmbeddingObjective
from perception.objectives.objective import Objective, Targets
from perception.tasks import OutputKind
from taxonomy.readouts.gradients import criterion
from taxonomy.readouts.network import CHANNELS, Readouts, ReadoutShape, Transfers, in_cells
from taxonomy.readouts.parallel import on_each_core
from taxonomy.training.samples import has_target
from taxonomy.training.training import Schedule

_MOST_AT_ONCE = 16
_NUMBERS_AT_ONCE = 2**21  # of outputs: what a CPU's last cache holds beside gradients

_LARGEST_GRADIENT = 5.0
_TEST_BATCH = 32
_SMALLEST_SPREAD = 1e-6  # representations of untrained encoders spread as little as 3e-4

Stored = NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class ReadoutSamples:
    """N samples of one target, and how every source represents their images.

    Args:
        representations: float16 [M, 8, 16, 16] by source, perhaps mapped from a file.
        rows: int64 [N, V], the images of each sample.
        targets: [N, ...], as `Objective.targets` made them.
    """

    representations: Mapping[str, Stored]
    rows: NDArray[np.int64]
    targets: Targets

    def __len__(self) -> int:
        return len(self.rows)

    def inputs(self, transfers: Transfers, chosen: NDArray[np.integer[Any]] | slice) -> Tensor:
        """float16 [n, S * 8kV, 16, 16]: for each transfer its sources' channels, for each source the views'."""
        rows = self.rows[chosen]
        width = CHANNELS * rows.shape[1]
        sources = [source for sources in transfers for source in sources]
        inputs = np.empty((len(rows), len(sources) * width, *next(iter(self.representations.values())).shape[2:]), "f2")
        for place, source in enumerate(sources):
            found = self.representations[source][rows.reshape(-1)]
            inputs[:, place * width : (place + 1) * width] = found.reshape(len(rows), width, *found.shape[2:])
        return torch.from_numpy(inputs)

    def scaling(self, transfers: Transfers) -> tuple[Tensor, Tensor]:
        """Mean and spread of each input channel, float32 [S, 8kV] each."""
        by_source = {source: _moments(self.representations[source]) for sources in transfers for source in sources}
        moments = np.array([[by_source[source] for source in sources] for sources in transfers])  # [S, k, 2, 8]
        views = np.repeat(moments[:, :, None], self.rows.shape[1], axis=2)
        mean, spread = (torch.from_numpy(views[..., k, :].reshape(len(transfers), -1)).float() for k in range(2))
        return mean, spread


def _moments(values: Stored) -> NDArray[np.float64]:
    """Mean and spread of 8 channels, [2, 8]."""
    sums = np.zeros((2, values.shape[1]))
    for start in range(0, len(values), 256):
        part = values[start : start + 256].astype(np.float32)
        sums += [part.sum(axis=(0, 2, 3), dtype=np.float64), np.square(part).sum(axis=(0, 2, 3), dtype=np.float64)]
    mean, square = sums / (values.size / values.shape[1])
    with np.errstate(invalid="ignore"):  # an infinite representation makes its readouts diverge, and no others
        spread = np.sqrt(np.maximum(square - mean**2, 0))
    return np.array([mean, np.where(spread > _SMALLEST_SPREAD, spread, 1.0)])  # a dead channel stays as it is


@dataclass(frozen=True, eq=False)
class _Inputs:
    """What readouts take, brought once into the precision and the order in memory that convolutions are fastest with.

    Args:
        by_source: [M, 256, 8], standardised.
    """

    by_source: Mapping[str, Tensor]

    @property
    def precision(self) -> torch.dtype:
        """Of their numbers."""
        return next(iter(self.by_source.values())).dtype

    @classmethod
    def of(cls, samples: ReadoutSamples, readouts: Readouts, precision: torch.dtype, device: str) -> "_Inputs":
        """Of all images; as large as the stored representations if of half precision."""
        by_source = {}
        for sources, means, spreads in zip(readouts.transfers, readouts.mean, readouts.spread, strict=True):
            width = CHANNELS * samples.rows.shape[1]  # all views of a source are scaled alike
            for place, source in enumerate(sources):
                if source not in by_source:
                    own = slice(place * width, place * width + CHANNELS)
                    stored = samples.representations[source]
                    by_source[source] = _channels_last(stored, means[own], spreads[own], precision).to(device)
        return cls(by_source)

    def __call__(self, transfers: Transfers, rows: Tensor) -> Tensor:
        """[n, S * 8kV, 16, 16] with channels last in memory, of the images `rows` [n, V]."""
        parts = [
            self.by_source[source].index_select(0, view)
            for sources in transfers
            for source in sources
            for view in rows.unbind(dim=1)
        ]
        pixels = torch.cat(parts, dim=2)
        return pixels.view(len(rows), REPRESENTATION_SIDE, REPRESENTATION_SIDE, -1).permute(0, 3, 1, 2)


def _channels_last(stored: Stored, mean: Tensor, spread: Tensor, precision: torch.dtype) -> Tensor:
    prepared = torch.empty(len(stored), REPRESENTATION_SIDE**2, CHANNELS, dtype=precision)
    for start in range(0, len(stored), 256):
        pixels = torch.from_numpy(stored[start : start + 256].astype(np.float32)).flatten(2).transpose(1, 2)
        prepared[start : start + 256] = (pixels - mean) / spread
    return prepared


def train_readouts(
    transfers: Transfers,
    samples: ReadoutSamples,
    objective: Objective,
    schedule: Schedule,
    *,
    seed: int,
    device: str = "cpu",
    at_once: int | None = None,
) -> Readouts:
    """Train the readouts of transfers of one order to one target.

    A readout whose gradient is no longer finite is stopped; the others do not notice.

    Args:
        transfers: Sources of each; all of one order.
        samples: To learn from; those without a label are left out.
        objective: Of the target.
        schedule: How long, how fast, and whether products are of bfloat16; weights and their steps are float32.
        seed: Of weights and order.
        device: PyTorch's name of where to compute.
        at_once: Readouts computed together, as many as a CPU's cache holds if None; results depend on it in the last
            digits alone.

    Returns:
        The readouts, on the CPU.
    """
    orders = {len(sources) for sources in transfers}
    if len(orders) != 1:
        raise ValueError(f"transfers of orders {sorted(orders)}; expected one order.")
    shape = ReadoutShape(CHANNELS * orders.pop() * samples.rows.shape[1], objective.output_shape)
    mean, spread = samples.scaling(transfers)
    fresh = shape.fresh(transfers, objective.task, seed, silent=objective.kind is not OutputKind.EMBEDDING)
    readouts = Readouts(shape, transfers, fresh, mean, spread, np.zeros(len(transfers), np.bool_))
    targets = torch.from_numpy(_arranged(objective, samples.targets))
    usable = np.flatnonzero(has_target(samples.targets))

    precision = torch.bfloat16 if schedule.half_precision else torch.float32
    inputs = _Inputs.of(samples, readouts, precision, device)
    together = at_once or _fitting(shape, schedule.batch_size)

    def train(places: slice) -> None:
        part = readouts[places].to(device)
        _train(part, inputs, samples.rows, targets, usable, objective, schedule, seed, together)
        readouts.parameters[places] = part.parameters.cpu()
        readouts.diverged[places] = part.diverged

    on_each_core(train, len(transfers), device)
    return readouts


def _train(
    readouts: Readouts,
    inputs: _Inputs,
    rows: NDArray[np.int64],
    targets: Tensor,
    usable: NDArray[np.int64],
    objective: Objective,
    schedule: Schedule,
    seed: int,
    at_once: int,
) -> None:
    """Train in place."""
    parameters = readouts.parameters
    device = parameters.device
    parameters.grad = torch.zeros_like(parameters)
    steps = schedule.steps(len(usable))
    optimiser = torch.optim.AdamW([parameters], schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True)
    is_alive = torch.ones(len(readouts), 1, dtype=torch.bool, device=device)
    for step, chosen in enumerate(_batches(usable, schedule.batch_size, steps, seed)):
        demand = criterion(objective, readouts.shape, targets[chosen].to(device), inputs.precision)
        seen = torch.from_numpy(rows[chosen]).to(device)
        for start in range(0, len(readouts), at_once):
            part = readouts[start : start + at_once]
            leaf = part.parameters.clone().requires_grad_()
            outputs, gradient = demand(leaf, inputs(part.transfers, seen))
            parameters.grad[start : start + at_once] = torch.autograd.grad(outputs, leaf, gradient)[0]
        norm = parameters.grad.norm(dim=1, keepdim=True)
        is_alive &= norm.isfinite()
        parameters.grad *= (_LARGEST_GRADIENT / (norm + 1e-6)).clamp(max=1)
        has_lost = not bool(is_alive.all())
        if has_lost:
            parameters.grad.masked_fill_(~is_alive, 0)
        optimiser.param_groups[0]["lr"] = schedule.rate(step, steps)
        optimiser.step()
        if has_lost:
            parameters.masked_fill_(~is_alive, 0)
    parameters.grad = None
    readouts.diverged[:] = ~is_alive[:, 0].cpu().numpy()


def _batches(usable: NDArray[np.int64], size: int, steps: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Samples in a new order every epoch, which depends on the seed alone."""
    rng = np.random.default_rng(seed)
    order = np.empty(0, np.int64)
    for _ in range(steps):
        if len(order) < size:
            order = rng.permutation(usable)
        chosen, order = order[:size], order[size:]
        yield chosen


def readout_losses(
    readouts: Readouts, samples: ReadoutSamples, objective: Objective, *, device: str = "cpu"
) -> NDArray[np.float32]:
    """Loss of each readout on each sample, float32 [N, S]; NaN without a label, or for a readout that diverged."""
    losses = np.full((len(samples), len(readouts)), np.nan, np.float32)
    targets = torch.from_numpy(_arranged(objective, samples.targets))
    at_once = _fitting(readouts.shape, _TEST_BATCH)

    def test(places: slice) -> None:
        for first in range(places.start, places.stop, at_once):
            columns = slice(first, min(first + at_once, places.stop))
            part = readouts[columns].to(device)
            for start in range(0, len(samples), _TEST_BATCH):
                rows = slice(start, start + _TEST_BATCH)
                with torch.inference_mode():
                    outputs = part.shape.by_sample(part.outputs(samples.inputs(part.transfers, rows).to(device)))
                    losses[rows, columns] = objective.losses(outputs, targets[rows].to(device)).T.cpu().numpy()

    on_each_core(test, len(readouts), device)
    losses[:, readouts.diverged] = np.nan
    is_lost = ~np.isfinite(losses[has_target(samples.targets)]).all(axis=0)
    losses[:, is_lost] = np.nan
    return losses


def _fitting(shape: ReadoutShape, batch_size: int) -> int:
    cells = 1 if len(shape.output_shape) == 1 else REPRESENTATION_SIDE**2
    numbers = batch_size * cells * shape.parts["output.bias"][0]
    return max(1, min(_MOST_AT_ONCE, _NUMBERS_AT_ONCE // numbers))


def _arranged(objective: Objective, targets: Targets) -> Targets:
    return in_cells(targets, objective.side, are_places=isinstance(objective, EmbeddingObjective))
