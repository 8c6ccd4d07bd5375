"""A small canvas that shapes are painted on: x to the right, y down, both 0 .. 1; edges soft over one texel."""

import numpy as np
from numpy.typing import NDArray

from sim.materials.noise import Field
from sim.materials.swatch import Color, Image, to_image


class Canvas:
    """sRGB values that shapes are laid over, one after another.

    Args:
        shape: H, W.
        color: What the canvas is primed with.
    """

    def __init__(self, shape: tuple[int, int], color: Color) -> None:
        self.shape = shape
        self.y = (np.arange(shape[0], dtype=np.float32)[:, None] + 0.5) / shape[0]
        self.x = (np.arange(shape[1], dtype=np.float32)[None, :] + 0.5) / shape[1]
        self.values = np.empty((*shape, 3), np.float32)
        self.values[:] = color

    def lay(self, color: Color | Field, cover: Field | float) -> None:
        """Lay a colour, or values [H, W, 3], over the canvas as far as `cover`, 0 .. 1, says."""
        weight = np.clip(np.broadcast_to(np.asarray(cover, dtype=np.float32), self.shape), 0, 1)[..., None]
        self.values += (np.asarray(color, dtype=np.float32) - self.values) * weight

    def gradient(self, top: Color, bottom: Color, start: float = 0.0, end: float = 1.0) -> None:
        """Fill rows from y = start to y = end with one colour turning into another."""
        amount = np.clip((self.y - start) / max(end - start, 1e-6), 0, 1)[..., None]
        rows = np.asarray(top, dtype=np.float32) * (1 - amount) + np.asarray(bottom, dtype=np.float32) * amount
        inside = ((self.y >= start) & (self.y <= end))[..., None]
        self.values = np.where(inside, rows, self.values).astype(np.float32)

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float, color: Color) -> None:
        """Lay an ellipse."""
        self.lay(color, self.near_ellipse(x, y, radius_x, radius_y))

    def near_ellipse(self, x: float, y: float, radius_x: float, radius_y: float, softness: float = 0.0) -> Field:
        """Cover of an ellipse; a softness above 0 blurs its rim over that part of its radius."""
        reach = np.hypot((self.x - x) / radius_x, (self.y - y) / radius_y)
        rim = max(softness, 1.5 / (self.shape[1] * min(radius_x, radius_y)))
        return np.clip((1 - reach) / rim + 0.5, 0, 1).astype(np.float32)

    def rectangle(self, left: float, top: float, right: float, bottom: float, color: Color) -> None:
        """Lay a rectangle; parts outside the canvas are cut off."""
        height, width = self.shape
        rows = slice(max(round(top * height), 0), max(round(bottom * height), 0))
        columns = slice(max(round(left * width), 0), max(round(right * width), 0))
        self.values[rows, columns] = color

    def below(self, profile: Field, color: Color | NDArray[np.float32]) -> None:
        """Lay a colour on everything below a height [W] of each column."""
        self.lay(color, np.clip((self.y - profile[None, :]) * self.shape[0] + 0.5, 0, 1))

    def image(self) -> Image:
        """The painted bytes."""
        return to_image(self.values)


def ridge(rng: np.random.Generator, width: int, *, octaves: int = 5, roughness: float = 0.55) -> Field:
    """A skyline [W] of mean 0 and about -1 .. 1 that repeats: sines of falling height."""
    u = np.arange(width, dtype=np.float32) / width
    line = np.zeros(width, np.float32)
    for octave in range(octaves):
        waves = 2**octave + int(rng.integers(0, 2))
        line += np.float32(roughness**octave) * np.sin(2 * np.pi * (waves * u + np.float32(rng.uniform())))
    return line / np.float32(max(abs(line).max(), 1e-6))
