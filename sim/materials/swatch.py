"""A painted texture on its way to a material, and the few operations of mixing colours.

Textures are painted in sRGB, as by eye; only `Material.base_color` and `emission` are linear.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.building import Material
from sim.materials.noise import Field

Image = NDArray[np.uint8]
"""uint8 [H, W, 3], sRGB."""

Color = tuple[float, float, float]
"""sRGB in [0, 1]."""

WHITE: Color = (1.0, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Swatch:
    """A texture, the metres (u, v) of one repeat, and how matt it is.

    Args:
        family: What kind of painter made it, for example "planks".
        texture: uint8 [H, W, 3], sRGB.
        size_m: Metres that one repeat spans, u and v.
        roughness: As of a `Material`.
    """

    family: str
    texture: Image
    size_m: tuple[float, float]
    roughness: float

    def material(self, name: str, tint: Color = WHITE) -> Material:
        """The material of this texture, multiplied by a colour given in sRGB."""
        return Material(name, linear(tint), self.texture, self.size_m, roughness=self.roughness)

    def turned(self) -> "Swatch":
        """The same with u and v exchanged: grain that stands instead of lying."""
        texture = np.ascontiguousarray(self.texture.transpose(1, 0, 2))
        return Swatch(self.family, texture, (self.size_m[1], self.size_m[0]), self.roughness)


def plain(name: str, color: Color, roughness: float = 1.0) -> Material:
    """A material of one colour, given in sRGB."""
    return Material(name, linear(color), roughness=roughness)


def linear(color: Color) -> tuple[float, float, float]:
    """Linear RGB of an sRGB colour (IEC 61966-2-1)."""
    values = np.asarray(color, dtype=np.float64)
    decoded = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(decoded[0]), float(decoded[1]), float(decoded[2])


def hexadecimal(code: str) -> Color:
    """The colour of a code such as "c8965a"."""
    return int(code[0:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:6], 16) / 255


def colors(codes: str) -> tuple[Color, ...]:
    """The colours of codes parted by spaces."""
    return tuple(hexadecimal(code) for code in codes.split())


def mixed(first: Color, second: Color, amount: float) -> Color:
    """The colour that lies `amount` of the way from the first to the second."""
    a, b = np.asarray(first), np.asarray(second)
    return as_color(a + (b - a) * amount)


def jittered(rng: np.random.Generator, color: Color, spread: float = 0.02) -> Color:
    """A colour near another: lighter or darker, a little warmer or colder."""
    return as_color(np.asarray(color) + rng.normal(0, spread) + rng.normal(0, spread / 3, 3))


def as_color(values: ArrayLike) -> Color:
    """Three numbers as a colour, clipped to [0.01, 0.95]: nothing in a house reflects all light, or none."""
    r, g, b = np.clip(np.asarray(values, dtype=np.float64), 0.01, 0.95)
    return float(r), float(g), float(b)


def to_image(values: Field) -> Image:
    """Bytes of sRGB values [H, W, 3] in [0, 1]."""
    scaled: Field = np.clip(values, 0.0, 1.0) * np.float32(255) + np.float32(0.5)
    return scaled.astype(np.uint8)


def ramp(value: Field, colors: Sequence[Color]) -> Image:
    """Each texel's value, 0 .. 1, as a colour on the way through `colors`."""
    stops = np.linspace(0, 255, len(colors))
    table = np.stack([np.interp(np.arange(256), stops, [color[i] for color in colors]) for i in range(3)], axis=1)
    levels = (np.clip(value, 0.0, 1.0) * np.float32(255)).astype(np.uint8)
    colored: Image = (table * 255 + 0.5).astype(np.uint8)[levels]
    return colored


def shaded(image: Image, gain: Field) -> Image:
    """An image multiplied by a gain, [H, W], or [H, W, 3] for one per channel."""
    if gain.ndim == 2:
        gain = gain[..., None]
    return np.clip(image * gain + np.float32(0.5), 0, 255).astype(np.uint8)


def layered(below: Image, above: Image | Color, cover: Field) -> Image:
    """What is above, laid over what is below as far as `cover`, 0 .. 1, says."""
    top = np.asarray(above, dtype=np.float32) * np.float32(255 if isinstance(above, tuple) else 1)
    weight = np.clip(cover, 0.0, 1.0)[..., None]
    return (below + (top - below) * weight + np.float32(0.5)).astype(np.uint8)
