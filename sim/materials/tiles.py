"""Glazed and stone tiles, patterned cement tiles, and brick."""

import numpy as np
from numpy.typing import NDArray

from sim.materials.layouts import Layout, courses, herringbone, hexagons
from sim.materials.noise import Field, noise
from sim.materials.swatch import Color, Swatch, colors, hexadecimal, jittered, layered, mixed, ramp, shaded

GROUTS = colors("d8d5cf b7b3ab 8e8b86 efece6 5d5b59")
CLAYS = tuple(
    (hexadecimal(dark), hexadecimal(light))
    for dark, light in (
        ("6e3526", "a95c43"),
        ("8a4b36", "c08062"),
        ("7b5a44", "ad8c70"),
        ("a58d70", "cdb89a"),
        ("544039", "80665b"),
        ("bdb6ab", "ded9d0"),
    )
)
"""Darkest and lightest brick of a wall; the last is whitewashed."""

_SHAPE = (256, 256)


def square(
    rng: np.random.Generator, color: Color, *, side_m: float | None = None, shades: float | None = None
) -> Swatch:
    """Square tiles of one colour in straight rows; `shades` is by how much they differ."""
    side = float(rng.uniform(0.1, 0.4)) if side_m is None else side_m
    count = max(2, round(1.0 / side))
    return _glazed(rng, courses(_SHAPE, (side, side), count, count, 0.0), color, color, "square tile", shades=shades)


def subway(rng: np.random.Generator, color: Color) -> Swatch:
    """Small bricks of glaze, 15 x 7.5 cm, in running bond, stacked, or herringbone."""
    kind = int(rng.integers(4))
    if kind == 3:
        return _glazed(rng, herringbone(_SHAPE, 0.075, 2), color, color, "subway tile")
    layout = courses(_SHAPE, (0.15, 0.075), 8, 4, (0.5, 0.5, 0.0)[kind])
    return _glazed(rng, layout, color, color, "subway tile")


def checkered(rng: np.random.Generator, first: Color, second: Color) -> Swatch:
    """Square tiles of two colours in turn."""
    side = float(rng.uniform(0.15, 0.4))
    return _glazed(rng, courses(_SHAPE, (side, side), 4, 4, 0.0), first, second, "checkered tile")


def hexagonal(rng: np.random.Generator, first: Color, second: Color) -> Swatch:
    """Hexagons of one colour, some of another."""
    width = float(rng.choice((0.05, 0.1, 0.2)))
    columns = 4 if width > 0.15 else 7
    layout = hexagons(_SHAPE, width, columns, round(columns / np.sqrt(3)))
    other = (rng.uniform(size=layout.count) < rng.choice((0.0, 0.0, 0.12, 0.4))).astype(np.int32)[layout.index]
    return _glazed(rng, layout, first, second, "hexagonal tile", other)


def large_format(rng: np.random.Generator, dark: Color, light: Color) -> Swatch:
    """Stoneware slabs, 30 x 60 or 60 x 60 cm, clouded as if cast."""
    length = 0.6
    height = float(rng.choice((0.3, 0.6)))
    rows = 6 if height < 0.5 else 3
    layout = courses(_SHAPE, (length, height), rows, 3, float(rng.choice((0.0, 1 / 3 if rows == 3 else 0.5))))
    cloud = 0.5 + 0.13 * noise(rng, _SHAPE, slope=1.3, lowest=3) + 0.10 * _tones(rng, layout)
    image = layered(
        ramp(cloud.astype(np.float32), (dark, light)), mixed(dark, (0.3, 0.3, 0.3), 0.5), layout.joint(0.004)
    )
    return Swatch("stoneware", image, layout.size_m, float(rng.uniform(0.3, 0.6)))


def patterned(rng: np.random.Generator, colors: tuple[Color, Color, Color]) -> Swatch:
    """Cement tiles with an inlaid pattern of four-fold symmetry."""
    side = 0.2
    layout = courses((128, 128), (side, side), 2, 2, 0.0)
    x, y = abs(layout.along) / (side / 2), abs(layout.across) / (side / 2)
    corner, centre = np.hypot(1 - x, 1 - y), np.hypot(x, y)
    diamond = x + y
    star = np.maximum(diamond * 0.75, np.maximum(x, y))
    r1, r2 = float(rng.uniform(0.35, 0.6)), float(rng.uniform(0.65, 0.9))
    motifs = (
        (corner < r2).astype(np.int8) + (corner < r1),
        (diamond < r2).astype(np.int8) + (centre < r1 * 0.7),
        (star < r2).astype(np.int8) + (star < r1 * 0.7) + (corner < 0.25) * 2,
        (abs(centre - r2) < 0.12).astype(np.int8) + 2 * (corner < r1),
        (abs(x - y) < 0.25).astype(np.int8) + 2 * (centre < r1 * 0.6),
    )
    index = np.clip(motifs[int(rng.integers(len(motifs)))], 0, 2)
    image = (np.asarray(colors, dtype=np.float32) * 255).astype(np.uint8)[index]
    image = layered(image, hexadecimal("c9c5bd"), layout.joint(0.003))
    worn = 1 + np.float32(0.03) * noise(rng, layout.shape, slope=1.4)
    return Swatch("cement tile", shaded(image, worn), layout.size_m, 0.6)


def brick(rng: np.random.Generator, clay: int | None = None) -> Swatch:
    """Brickwork in stretcher bond, 22 x 7 cm with its joints."""
    dark, light = CLAYS[int(rng.integers(len(CLAYS))) if clay is None else clay]
    layout = courses(_SHAPE, (0.225, 0.075), 14, 4, 0.5)
    mottle = noise(rng, _SHAPE, slope=1.0, lowest=6)
    value = 0.5 + 0.22 * _tones(rng, layout) + 0.10 * mottle + 0.05 * noise(rng, _SHAPE, slope=0.2)
    faces = ramp(value.astype(np.float32), (dark, light))
    mortar_color = jittered(rng, GROUTS[int(rng.integers(3))], 0.03)
    mortar = shaded(ramp(np.full(_SHAPE, 1.0, np.float32), (mortar_color, mortar_color)), 1 + np.float32(0.05) * mottle)
    ragged = np.clip((0.006 + 0.0012 * mottle - layout.edge) / 0.003 + 0.5, 0, 1).astype(np.float32)
    return Swatch("brick", layered(faces, mortar, ragged), layout.size_m, 0.95)


def _tones(rng: np.random.Generator, layout: Layout) -> Field:
    return rng.standard_normal(layout.count).astype(np.float32)[layout.index]


def _glazed(
    rng: np.random.Generator,
    layout: Layout,
    first: Color,
    second: Color,
    family: str,
    which: NDArray[np.int32] | None = None,
    shades: float | None = None,
) -> Swatch:
    """Tiles of one or two colours: each a shade off, a soft rim, and grout between."""
    kinds = layout.parity if which is None else which
    base = (np.asarray((first, second), dtype=np.float32) * 255).astype(np.uint8)[kinds]
    spread = np.float32(rng.choice((0.008, 0.02, 0.045)) if shades is None else shades)
    rim = np.float32(0.05) * np.clip(1 - layout.edge / np.float32(0.012), 0, 1)
    cloud = np.float32(0.012) * noise(rng, layout.shape, slope=1.5, lowest=2)
    glazed = shaded(base, 1 + spread * _tones(rng, layout) - rim + cloud)
    light = sum(first) / 3
    grout = GROUTS[int(rng.integers(len(GROUTS)))] if light > 0.6 else GROUTS[int(rng.integers(1, 4))]
    return Swatch(family, layered(glazed, jittered(rng, grout, 0.02), layout.joint(0.004)), layout.size_m, 0.25)
