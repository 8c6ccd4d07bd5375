"""The readout D(s -> t) of Taskonomy, section 3.2: many of them side by side, as one grouped network.

A readout is two 3 x 3 convolutions and its target's output. S readouts of the same shape are one network whose
convolutions have S groups; groups share nothing, so that each computes what it would compute alone.

Convolutions run with channels last in memory, which on a CPU halves their time. Dense outputs stay in cells, with
cells last: [C, r * r, n, 256], the r x r pixels of each of n times 16 x 16 cells in front. Losses do not care about the
order of pixels, so that targets are brought into it once, instead of S outputs in every step.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isqrt, prod, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from perception.networks.resnet50 import REPRESENTATION_CHANNELS, REPRESENTATION_SIDE
from perception.objectives.objective import Targets

WIDTH = 16
"""Channels of both convolutions: a vector register of float32."""

_POOLED_SIDE = 4

Transfers = tuple[tuple[str, ...], ...]
"""The sources of each transfer to one target."""


@dataclass(frozen=True)
class ReadoutShape:
    """The shape of one readout.

    Args:
        channels: Of its input: 8 for each source and view.
        output_shape: [C, side, side], the side a multiple of 16, or [C].
    """

    channels: int
    output_shape: tuple[int, ...]

    @property
    def scale(self) -> int:
        """Output pixels along a cell's side; 1 for a vector."""
        return 1 if len(self.output_shape) == 1 else self.output_shape[1] // REPRESENTATION_SIDE

    @cached_property
    def parts(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every parameter, in the order in which they lie in memory."""
        rows, columns = self.output_shape[0] * self.scale**2, WIDTH
        if len(self.output_shape) == 1:
            columns = WIDTH * _POOLED_SIDE**2
        return {
            "first.weight": (WIDTH, self.channels, 3, 3),
            "first.bias": (WIDTH,),
            "second.weight": (WIDTH, WIDTH, 3, 3),
            "second.bias": (WIDTH,),
            "output.weight": (rows, columns),
            "output.bias": (rows,),
        }

    @cached_property
    def sizes(self) -> list[int]:
        """Numbers in each part."""
        return [prod(shape) for shape in self.parts.values()]

    def fresh(self, transfers: Transfers, target: str, seed: int, *, silent: bool = False) -> Tensor:
        """Initial parameters float32 [S, P]; those of a transfer depend on its names and the seed alone (He 2015).

        Args:
            transfers: Sources of each.
            target: Of all of them.
            seed: Of the weights.
            silent: Start with outputs of zero, the mean of scaled targets and of class scores: with little data, a
                wrong first guess is never quite forgotten. Embeddings cannot: vectors of zero have no direction.
        """
        return torch.from_numpy(np.stack([self._fresh(sources, target, seed, silent) for sources in transfers]))

    def _fresh(self, sources: tuple[str, ...], target: str, seed: int, silent: bool) -> NDArray[np.float32]:
        rng = np.random.default_rng([seed, zlib.crc32("__".join((*sources, target)).encode())])
        values = []
        for name, shape in self.parts.items():
            gain = 6.0
            if name.startswith("output"):  # what no rectifier follows needs half the variance
                gain = 0.0 if silent else 3.0
            bound = sqrt(gain / prod(shape[1:])) if len(shape) > 1 else 0.0
            values.append(rng.uniform(-bound, bound, prod(shape)))
        return np.concatenate(values).astype(np.float32)

    def outputs(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """What S readouts put out.

        Args:
            parameters: float32 [S, P].
            inputs: [n, S * channels, 16, 16], standardised, in the precision to compute with.

        Returns:
            [S, C, r * r, n, 256] in cells, or [S, n, C]; in the precision of the inputs.
        """
        count, samples = len(parameters), len(inputs)
        hidden, weight, bias = self.hidden(parameters, inputs)
        if len(self.output_shape) == 1:
            parts = _pooled(hidden, samples).view(samples, -1, count, WIDTH).permute(2, 0, 3, 1)
            return torch.baddbmm(bias[:, None], parts.reshape(count, samples, -1), weight.transpose(1, 2))
        pixels = hidden.view(-1, count, WIDTH)
        # As a grouped convolution this product is several times slower.
        cells = torch.baddbmm(bias[..., None], weight, pixels.permute(1, 2, 0))
        return cells.view(count, self.output_shape[0], self.scale**2, samples, -1)

    def hidden(self, parameters: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the convolutions put out, and the output's weight and bias.

        For a vector the first has stride 2, since its cells are pooled anyway: a third of the operations, for a test
        loss that is up to 5 % higher (vanishing points) or 1 % lower (scenes).

        Returns:
            [n * 256, S * 16], or for a vector [n * 64, S * 16]; the others with S in front; all in the precision of the
            inputs.
        """
        first, first_bias, second, second_bias, weight, bias = (
            part.reshape(len(parameters), *shape).to(inputs.dtype)
            for part, shape in zip(torch.split(parameters, self.sizes, dim=1), self.parts.values(), strict=True)
        )
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        hidden = _convolved(inputs, first, first_bias, stride=2 if len(self.output_shape) == 1 else 1)
        hidden = _convolved(hidden, second, second_bias).permute(0, 2, 3, 1).flatten(0, 2)
        if hidden.requires_grad:
            # Products bring gradients transposed, which are slow to go on with.
            hidden.register_hook(Tensor.contiguous)  # type: ignore[no-untyped-call]
        return hidden, weight, bias

    def by_sample(self, outputs: Tensor) -> Tensor:
        """Outputs [..., C, r * r, n, 256] as [..., n, C, r * r, 256], what losses take; vectors as they are."""
        return outputs if len(self.output_shape) == 1 else outputs.movedim(-2, -4)

    def images(self, outputs: Tensor) -> Tensor:
        """Outputs [..., C, r * r, n, 256] as images [..., n, C, side, side]; vectors as they are."""
        if len(self.output_shape) == 1:
            return outputs
        cells = self.by_sample(outputs).flatten(-3, -2)
        return functional.pixel_shuffle(cells.reshape(*cells.shape[:-1], REPRESENTATION_SIDE, -1), self.scale)


def _pooled(hidden: Tensor, samples: int) -> Tensor:
    """Pixels [n * side * side, C] as means over parts of an image [n * 4 * 4, C]."""
    side = isqrt(len(hidden) // samples)
    images = hidden.view(samples, side, side, -1).permute(0, 3, 1, 2)
    return functional.avg_pool2d(images, side // _POOLED_SIDE).permute(0, 2, 3, 1).flatten(0, 2)


def _convolved(inputs: Tensor, weight: Tensor, bias: Tensor, stride: int = 1) -> Tensor:
    weight, bias, groups = weight.flatten(0, 1), bias.flatten(), len(weight)
    return functional.conv2d(inputs, weight, bias, stride=stride, padding=1, groups=groups).relu_()


@dataclass(frozen=True, eq=False)
class Readouts:
    """S trained readouts of one shape.

    Args:
        shape: Of each.
        transfers: Sources of each.
        parameters: float32 [S, P].
        mean: Of each input channel over the training samples, float32 [S, channels].
        spread: Likewise its standard deviation, > 0.
        diverged: Which of them lost their way, bool [S]; their parameters are zero.
    """

    shape: ReadoutShape
    transfers: Transfers
    parameters: Tensor
    mean: Tensor
    spread: Tensor
    diverged: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.transfers)

    def __getitem__(self, places: slice) -> "Readouts":
        parts = {name: getattr(self, name)[places] for name in ("parameters", "mean", "spread", "diverged")}
        return replace(self, transfers=self.transfers[places], **parts)

    def to(self, device: str) -> "Readouts":
        """The same on a device."""
        moved = {name: getattr(self, name).to(device) for name in ("parameters", "mean", "spread")}
        return replace(self, **moved)

    def standardised(self, inputs: Tensor) -> Tensor:
        """Inputs [n, S * channels, 16, 16] to zero mean and unit spread, float32."""
        shape = (1, -1, 1, 1)
        return inputs.float().sub_(self.mean.view(shape)).div_(self.spread.view(shape))

    def outputs(self, inputs: Tensor) -> Tensor:
        """As `ReadoutShape.outputs`, of representations as they are stored; in float32."""
        return self.shape.outputs(self.parameters, self.standardised(inputs))

    def by_name(self) -> dict[str, Tensor]:
        """Every parameter with its own shape and name, `source__source/first.weight` for one."""
        found = {}
        for place, sources in enumerate(self.transfers):
            prefix = transfer_name(sources)
            parts = torch.split(self.parameters[place], self.shape.sizes)
            for (name, shape), values in zip(self.shape.parts.items(), parts, strict=True):
                found[f"{prefix}/{name}"] = values.reshape(shape).clone()
            found[f"{prefix}/mean"], found[f"{prefix}/spread"] = self.mean[place].clone(), self.spread[place].clone()
        return found


def transfer_name(sources: Sequence[str]) -> str:
    """The sources of a transfer as one name, as in the published files."""
    return "__".join(sources)


def in_cells(targets: Targets, side: int | None, *, are_places: bool = False) -> Targets:
    """Targets in cells, as readouts' outputs are.

    Args:
        targets: [N, ..., side, side]; anything for a vector; or places y * side + x, negative for none.
        side: Of the output; None for a vector.
        are_places: Whether targets name pixels.

    Returns:
        [N, ..., r * r, 256]; vectors as they are; or places pixel of the cell * 256 + cell.
    """
    if side is None:
        return targets
    scale = side // REPRESENTATION_SIDE
    cells = (REPRESENTATION_SIDE, scale) * 2
    if are_places:
        places = np.arange(side * side).reshape(cells).transpose(1, 3, 0, 2).reshape(-1)
        moved = np.empty(side * side, targets.dtype)
        moved[places] = np.arange(side * side)
        known = targets.astype(np.int64)
        return np.where(known < 0, targets, moved[np.maximum(known, 0)])
    rows, row, columns, column = (targets.ndim - 2 + axis for axis in range(4))
    split = targets.reshape(*targets.shape[:-2], *cells)
    order = (*range(targets.ndim - 2), row, column, rows, columns)
    return np.ascontiguousarray(split.transpose(order).reshape(*targets.shape[:-2], scale**2, -1))


CHANNELS = REPRESENTATION_CHANNELS
"""Of the representation of one image by one source."""
