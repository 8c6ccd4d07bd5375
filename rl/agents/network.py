"""The network that turns what an agent sees and is told into what its policy decides on: one for every agent.

What is seen passes through a first stage, which depends on its shape, to [32, 8, 8]. Everything after it is the same
for all, so that agents differ in what they see and hardly in what they can learn: with four frames at 64 px the first
stage has 37,000 parameters for four features, 34,000 for pixels and 9,000 for one feature; the rest has 141,000.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn
from torch.nn import functional

from perception.encoding.runtime import Precision
from perception.errors import UnknownNameError, UserError

WIDTH = 32
"""Channels of the convolutions."""

SIDE = 16
"""Rows and columns that first stages begin with."""

SIGHT_UNITS = 256
VECTOR_UNITS = 64

_GROUPS = 4


class NavigationExtractor(BaseFeaturesExtractor):
    """What actor and critic get: 256 numbers of what is seen (none for the blind) and 64 of the vector.

    A bank's features lie between 0 and about 10, with a root mean square of 0.65 to 0.97 in the tasks of the bundled
    bank, and are taken as they are. After the first stage, activations are normalised in groups (Wu and He 2018), so
    that what is seen on another scale is learned from at the same rate.

    Args:
        observation_space: Dict with "vector", and with "features" float16 [frames * 8k, 16, 16], "pixels" uint8
            [frames * 3, side, side] or neither.
        precision: Of the products: "bfloat16", "float32", or "auto": bfloat16 where the machine multiplies it faster.
            Weights are float32 always.

    Raises:
        UserError: If the space has another shape, or the precision is unknown.
    """

    def __init__(self, observation_space: spaces.Dict, *, precision: str = "auto") -> None:
        if precision not in tuple(Precision):
            raise UnknownNameError("precision", precision, map(str, Precision))
        sights = [key for key in observation_space.spaces if key != "vector"]
        if "vector" not in observation_space.spaces or len(sights) > 1 or not set(sights) <= set(_STAGES):
            raise UserError(
                f"observations are {', '.join(observation_space.spaces)}; expected vector and at most one of "
                f"{', '.join(_STAGES)}."
            )
        super().__init__(observation_space, VECTOR_UNITS + SIGHT_UNITS * len(sights))
        self.precision = Precision(precision)
        (told,) = observation_space["vector"].shape or (0,)
        # of few inputs, an orthogonal layer makes small numbers; without this, sight would drown them
        self._vector_gain = (VECTOR_UNITS / max(told, 1)) ** 0.5
        self.vector = nn.Sequential(nn.Linear(told, VECTOR_UNITS), nn.ReLU())
        self._key = sights[0] if sights else None
        if self._key is not None:
            self.stage = _STAGES[self._key](_shape(observation_space[self._key]))
            self.trunk = _trunk()

    def forward(self, observations: Mapping[str, Tensor]) -> Tensor:
        """Float32 [N, features_dim] of observations as they come, of any type; grey levels are 0 to 255."""
        vector: Tensor = self.vector(observations["vector"].float() * self._vector_gain)
        if self._key is None:
            return vector
        sight = observations[self._key]
        device = sight.device.type
        is_mixed = self.precision is Precision.BFLOAT16 or (
            self.precision is Precision.AUTO and multiplies_bfloat16(device)
        )
        with torch.autocast(device, torch.bfloat16, enabled=is_mixed):
            seen = self.trunk(self.stage(sight, torch.bfloat16 if is_mixed else torch.float32))
        return torch.cat([seen.float(), vector], dim=1)


@lru_cache(maxsize=2)
def multiplies_bfloat16(device: str) -> bool:
    """Whether a device multiplies bfloat16 faster than float32: GPUs, and CPUs with instructions for it."""
    found = torch.cpu.get_capabilities()
    return device == "cuda" or any(found.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


class _FeatureStage(nn.Module):
    """Features [frames * 8k, 16, 16]: one convolution."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        if len(shape) != 3 or shape[1:] != (SIDE, SIDE):
            raise UserError(f"features are {list(shape)}; expected [channels, {SIDE}, {SIDE}].")
        self.layers = _halving(shape[0])

    def forward(self, features: Tensor, precision: torch.dtype) -> Tensor:
        """[N, 32, 8, 8]."""
        result: Tensor = self.layers(features.to(precision, memory_format=torch.channels_last))
        return result


class _PixelStage(nn.Module):
    """Grey levels [frames * 3, side, side]: two convolutions, since pixels are further from decisions than features.

    The first is, at 64 px, the 8 x 8 convolution of stride 4 of Mnih et al. (2015), as a 2 x 2 convolution of blocks
    of 4 x 4 pixels: the same products, in a form that CPUs are quicker at.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        if len(shape) != 3 or shape[1] != shape[2] or shape[1] % SIDE or not shape[1]:
            raise UserError(f"pixels are {list(shape)}; expected [channels, side, side], side a multiple of {SIDE}.")
        self.block_px = shape[1] // SIDE
        self.blocks = nn.Sequential(nn.Conv2d(shape[0] * self.block_px**2, WIDTH, 2), nn.ReLU())
        self.layers = _halving(WIDTH)

    def forward(self, pixels: Tensor, precision: torch.dtype) -> Tensor:
        """[N, 32, 8, 8]."""
        blocks = _blocks(pixels, self.block_px).to(precision, memory_format=torch.channels_last)
        result: Tensor = self.layers(self.blocks(blocks.sub_(128).mul_(1 / 128)))  # exact in bfloat16
        return result


def _blocks(pixels: Tensor, size: int) -> Tensor:
    """Pixels [N, C, side, side] as [N, C * size^2, side / size, side / size], as `pixel_unshuffle` has them.

    A block's row is moved as one number where there is one that long, which takes a third of the time.
    """
    if pixels.dtype != torch.uint8 or size not in _WORDS:
        return functional.pixel_unshuffle(pixels.clone() if size == 1 else pixels, size)
    rows = pixels.contiguous().view(_WORDS[size])
    count, channels, side, across = rows.shape
    moved = rows.reshape(count, channels, side // size, size, across).permute(0, 2, 4, 1, 3).contiguous()
    return moved.view(torch.uint8).flatten(3).permute(0, 3, 1, 2)


_WORDS: Mapping[int, torch.dtype] = MappingProxyType({2: torch.int16, 4: torch.int32, 8: torch.int64})
"""By length in bytes."""


def _halving(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, WIDTH, 3, stride=2, padding=1, bias=False), nn.GroupNorm(_GROUPS, WIDTH), nn.ReLU()
    )


def _trunk() -> nn.Sequential:
    side = SIDE // 4
    return nn.Sequential(
        nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(WIDTH * side * side, SIGHT_UNITS), nn.ReLU(),
    )  # fmt: skip


def _shape(space: spaces.Space[object]) -> tuple[int, ...]:
    return tuple(space.shape or ())


_STAGES: Mapping[str, Callable[[tuple[int, ...]], nn.Module]] = MappingProxyType(
    {"features": _FeatureStage, "pixels": _PixelStage}
)
"""By name of the observation."""
