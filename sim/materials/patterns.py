"""Repeating motifs, as maps of colour indices: printed on wallpaper, cloth, curtains and rugs.

Every motif is a function of (rng, shape) that returns int8 [H, W]: 0 is the ground, 1 and 2 are inks. All repeat.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim.materials.noise import Field, noise, texel_centers, wrapped
from sim.materials.swatch import Color, Image

Motif = NDArray[np.int8]


def stripes(rng: np.random.Generator, shape: tuple[int, int]) -> Motif:
    """Upright stripes, plain or in pairs."""
    phase = _fraction(texel_centers(shape)[1] * rng.integers(3, 9))
    broad, thin = rng.uniform(0.2, 0.5), rng.choice((0.0, 0.05, 0.1))
    row = (phase < broad) + 2 * (abs(phase - (1 + broad) / 2) < thin)
    return np.broadcast_to(row.astype(np.int8), shape)


def plaid(rng: np.random.Generator, shape: tuple[int, int]) -> Motif:
    """Gingham or tartan: bands crossing."""
    v, u = texel_centers(shape)
    repeats = rng.integers(2, 6)
    width, thin = rng.uniform(0.25, 0.5), rng.choice((0.0, 0.03, 0.05))
    x, y = _fraction(u * repeats), _fraction(v * repeats)
    bands = (x < width).astype(np.int8) + (y < width).astype(np.int8)
    lines = (abs(x - 0.75) < thin) | (abs(y - 0.75) < thin)
    return np.where(lines, np.int8(2), bands)


def dots(rng: np.random.Generator, shape: tuple[int, int]) -> Motif:
    """Dots in staggered rows, some ringed."""
    x, y = _lattice(shape, int(rng.integers(3, 7)))
    distance = np.hypot(x, y)
    radius = rng.uniform(0.16, 0.34)
    return _stacked(distance < radius, distance < radius * rng.choice((0.0, 0.5)))


def chevrons(rng: np.random.Generator, shape: tuple[int, int]) -> Motif:
    """Zigzag bands."""
    v, u = texel_centers(shape)
    zigzag = abs(_fraction(u * rng.integers(3, 7)) - 0.5) * rng.uniform(0.6, 1.2)
    phase = _fraction(v * rng.integers(4, 9) + zigzag)
    return _stacked(phase < 0.5, phase < rng.choice((0.0, 0.16)))


def diamonds(rng: np.random.Generator, shape: tuple[int, int]) -> Motif:
    """A lattice of rhombs, outlined, with small hearts."""
    x, y = _lattice(shape, int(rng.integers(3, 6)))
    reach = abs(x) + abs(y)
    outline = abs(reach - 0.48) < rng.uniform(0.03, 0.08)
    return outline.astype(np.int8) + 2 * (reach < rng.uniform(0.1, 0.3)).astype(np.int8)


def trellis(rng: np.random.Generator, shape: tuple[int, int]) -> Motif:
    """Interlaced rings (quatrefoil)."""
    x, y = _lattice(shape, int(rng.integers(2, 5)))
    radius, line = rng.uniform(0.36, 0.44), rng.uniform(0.03, 0.06)
    shift = 0.14
    lobes = np.minimum(
        np.minimum(np.hypot(x - shift, y), np.hypot(x + shift, y)),
        np.minimum(np.hypot(x, y - shift), np.hypot(x, y + shift)),
    )
    line_drawn = abs(lobes - radius + shift) < line
    return np.where(np.hypot(x, y) < 0.07, np.int8(2), line_drawn.astype(np.int8))


def scales(rng: np.random.Generator, shape: tuple[int, int]) -> Motif:
    """Overlapping fans, as on a fish."""
    x, y = _lattice(shape, int(rng.integers(3, 6)))
    near = np.hypot(x, y + 0.25)
    rings = np.floor(near * rng.uniform(6, 9)).astype(np.int8) % 2
    return np.where(near < 0.6, rings, np.int8(0)).astype(np.int8)


def damask(rng: np.random.Generator, shape: tuple[int, int]) -> Motif:
    """Mirror-symmetric leaves and palmettes in staggered rows."""
    x, y = _lattice(shape, int(rng.integers(2, 4)))
    angle, distance = np.arctan2(abs(x), y), np.hypot(x * rng.uniform(1.1, 1.5), y)
    lobes, swing = rng.integers(3, 6), rng.uniform(0.12, 0.22)
    leaf = distance < 0.26 + swing * np.cos(lobes * angle) * np.cos(angle / 2)
    vein = abs(np.sin(lobes * angle)) * distance < 0.035
    return _stacked(leaf & ~vein, distance < 0.09)


def flowers(rng: np.random.Generator, shape: tuple[int, int]) -> Motif:
    """Blossoms and leaves strewn about."""
    motif = np.zeros(shape, np.int8)
    count = 2 * int(rng.integers(5, 12))
    for k in range(count):
        # the golden ratio strews them evenly
        x, y = (k * 0.618034 + rng.normal(0, 0.03)) % 1.0, (k / count + rng.normal(0, 0.02)) % 1.0
        size = rng.uniform(0.6, 1.1) * 0.4 / np.sqrt(count)
        rows, columns = (
            np.arange(int((at - size) * n), int((at + size) * n) + 1) for at, n in zip((y, x), shape, strict=True)
        )
        dy, dx = (rows[:, None] + 0.5) / shape[0] - y, (columns[None, :] + 0.5) / shape[1] - x
        angle, distance = np.arctan2(dy, dx) + rng.uniform(0, 7), np.hypot(dx, dy)
        patch = motif[np.ix_(rows % shape[0], columns % shape[1])]
        if k % 2:
            patch[distance < size * np.maximum(np.cos(2 * angle), 0) ** 0.6] = 2
        else:
            patch[distance < size * (0.65 + 0.35 * np.cos(rng.integers(5, 7) * angle))] = 1
            patch[distance < size * 0.25] = 2
        motif[np.ix_(rows % shape[0], columns % shape[1])] = patch
    return motif


def leaves(rng: np.random.Generator, shape: tuple[int, int]) -> Motif:
    """Twigs: upright stems with pairs of blades."""
    repeats = int(rng.integers(3, 6))
    v, u = texel_centers(shape)
    column = np.floor(u * repeats)
    x = abs(_fraction(u * repeats) - 0.5)
    along = _fraction(v * repeats * rng.integers(1, 3) + x * rng.uniform(0.7, 1.4) + column * 0.5)
    blade = (abs(along - 0.5) < 0.36 * np.sin(np.pi * np.clip(x / 0.42, 0, 1))) & (x < 0.42)
    return np.where(blade, 1 + (column % 2), (x < 0.03) * 2).astype(np.int8)


def brushed(rng: np.random.Generator, shape: tuple[int, int]) -> Motif:
    """Blots of two inks, as of ikat or a painter's brush."""
    stretch = ((1, 1), (1, 4), (4, 1))[int(rng.integers(3))]
    field = noise(rng, shape, slope=2.0, stretch=stretch, lowest=3)
    return _stacked(field > 0.3, field > 1.2)


def triangles(rng: np.random.Generator, shape: tuple[int, int]) -> Motif:
    """A field of triangles, coloured at random."""
    repeats = int(rng.integers(4, 8))
    v, u = np.broadcast_arrays(*texel_centers(shape))
    x, y = u * repeats, v * repeats
    upper = _fraction(x) + _fraction(y) > 1
    choice = rng.choice(3, size=(2, repeats, repeats), p=(0.5, 0.3, 0.2)).astype(np.int8)
    return choice[upper.astype(np.int32), y.astype(np.int32), x.astype(np.int32)]


MOTIFS: dict[str, Callable[[np.random.Generator, tuple[int, int]], Motif]] = {
    motif.__name__: motif
    for motif in (
        stripes,
        plaid,
        dots,
        chevrons,
        diamonds,
        trellis,
        scales,
        damask,
        flowers,
        leaves,
        brushed,
        triangles,
    )
}


def inked(motif: Motif, colors: tuple[Color, Color, Color]) -> Image:
    """Print a motif [2H, 2W] in three colours, at half its size, so that edges are soft: uint8 [H, W, 3]."""
    printed = (np.asarray(colors, dtype=np.float32) * 255).astype(np.uint16)[motif]
    rows = printed[0::2] + printed[1::2]
    return ((rows[:, 0::2] + rows[:, 1::2]) // 4).astype(np.uint8)


def _stacked(lower: NDArray[np.bool_], upper: NDArray[np.bool_]) -> Motif:
    """The first ink where either lies, the second where both do."""
    return np.add(lower, upper, dtype=np.int8)


def _fraction(values: Field) -> Field:
    return np.subtract(values, np.floor(values))


def _lattice(shape: tuple[int, int], repeats: int) -> tuple[Field, Field]:
    """Offsets x, y (-0.5 .. 0.5) from the nearer point of a staggered lattice of 2 x repeats^2 points."""
    v, u = texel_centers(shape)
    x, y = np.broadcast_arrays(u * repeats, v * repeats)
    first_x, first_y = wrapped(x), wrapped(y)
    second_x, second_y = wrapped(x - 0.5), wrapped(y - 0.5)
    nearer = np.hypot(first_x, first_y) <= np.hypot(second_x, second_y)
    return np.where(nearer, first_x, second_x), np.where(nearer, first_y, second_y)
