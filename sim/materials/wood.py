"""Wood: boards, floors of planks and parquet, painted boards. The grain runs along u."""

import numpy as np
from numpy.typing import NDArray

from sim.materials.layouts import Layout, basket, courses, herringbone
from sim.materials.noise import Field, noise
from sim.materials.swatch import Color, Swatch, hexadecimal, jittered, ramp, shaded

SPECIES: dict[str, tuple[Color, Color]] = {
    name: (hexadecimal(dark), hexadecimal(light))
    for name, dark, light in (
        ("pine", "c29257", "e2c194"),
        ("birch", "cfb083", "ead8b8"),
        ("oak", "9c7346", "cba678"),
        ("white oak", "b3a088", "dacdb9"),
        ("grey ash", "786c60", "aca092"),
        ("bamboo", "bd9a58", "dfc48c"),
        ("beech", "b98a5c", "dcb88c"),
        ("teak", "744c29", "a87a4c"),
        ("cherry", "74432a", "a56b47"),
        ("walnut", "493020", "7d5a3f"),
        ("mahogany", "452419", "78452f"),
        ("wenge", "241b16", "463830"),
    )
}
"""Darkest and lightest tone of the grain, sRGB."""

LIGHT = ("pine", "birch", "white oak", "bamboo", "beech")
DARK = ("walnut", "mahogany", "wenge", "cherry")


def grain(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """The figure of sawn wood, mean 0, about -1 .. 1: year rings cut at a slant, and fibres."""
    depth = noise(rng, shape, slope=2.4, stretch=(1, 5))
    rings = np.sin(depth * np.float32(rng.uniform(5, 11)))
    fibres = noise(rng, shape, slope=0.7, stretch=(1, 20), lowest=8)
    figure: Field = np.float32(0.45) * rings + np.float32(0.30) * fibres + np.float32(0.25) * depth
    return figure


def board(rng: np.random.Generator, species: str, *, roughness: float = 0.45) -> Swatch:
    """A veneered board without joints, for furniture and doors."""
    shape = (256, 128)
    contrast = np.float32(rng.uniform(0.20, 0.34))
    image = ramp(0.5 + contrast * grain(rng, shape), _tones(rng, species))
    return Swatch("board", image, (float(rng.uniform(1.4, 2.2)), float(rng.uniform(0.5, 0.8))), roughness)


def floor(rng: np.random.Generator, species: str) -> Swatch:
    """A wooden floor: planks most often, else herringbone or mosaic parquet."""
    shape = (256, 256)
    kind = int(rng.choice(3, p=(0.68, 0.2, 0.12)))
    family = ("planks", "herringbone", "parquet")[kind]
    if kind == 0:
        rows, columns = int(rng.integers(7, 12)), int(rng.integers(1, 3))
        width = float(rng.uniform(0.09, 0.19))
        layout = courses(shape, (float(rng.uniform(1.1, 1.6)), width), rows, columns, _staggered(rng, rows))
    elif kind == 1:
        layout = herringbone(shape, float(rng.uniform(0.06, 0.1)), int(rng.integers(4, 7)))
    else:
        layout = basket(shape, float(rng.uniform(0.03, 0.06)), int(rng.integers(4, 6)), 4)
    return laid(rng, layout, species, family)


def panelling(rng: np.random.Generator, species: str, *, width_m: float = 0.12) -> Swatch:
    """Upright boards that cover a wall."""
    rows = 8
    layout = courses((256, 128), (2.4, width_m), rows, 1, _staggered(rng, rows))
    return laid(rng, layout, species, "panelling", spread=0.09).turned()


def painted(rng: np.random.Generator) -> Swatch:
    """White paint on wood: almost even, faint brush marks along u; made to be tinted."""
    shape = (128, 128)
    marks = noise(rng, shape, slope=1.2, stretch=(1, 12), lowest=4)
    image = ramp(0.90 + np.float32(0.012) * marks, ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
    return Swatch("painted wood", image, (1.2, 0.6), float(rng.uniform(0.35, 0.6)))


def painted_boards(rng: np.random.Generator) -> Swatch:
    """White tongue-and-groove boards, upright; made to be tinted."""
    layout = courses((256, 128), (2.0, float(rng.uniform(0.08, 0.14))), 8, 1, _staggered(rng, 8))
    marks = noise(rng, layout.shape, slope=1.2, stretch=(1, 12), lowest=4)
    value = 0.90 + 0.012 * marks - 0.25 * layout.joint(0.008) + 0.02 * _per_piece(rng, layout)
    image = ramp(value.astype(np.float32), ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
    return Swatch("painted boards", image, layout.size_m, 0.5).turned()


def laid(rng: np.random.Generator, layout: Layout, species: str, family: str, *, spread: float = 0.14) -> Swatch:
    """Pieces of one species laid out: each cut from another place of the log, each of its own tone."""
    figure = grain(rng, layout.shape)
    value = 0.5 + np.float32(rng.uniform(0.16, 0.26)) * _cut(rng, layout, figure)
    value += np.float32(spread * rng.uniform(0.5, 1.3)) * _per_piece(rng, layout)
    image = ramp(value, _tones(rng, species))
    hue = rng.normal(1.0, 0.009, (layout.count, 3)).astype(np.float32)[layout.index]
    gap = 1 - np.float32(rng.uniform(0.5, 0.8)) * layout.joint(0.003)
    return Swatch(family, shaded(image, hue * gap[..., None]), layout.size_m, float(rng.uniform(0.25, 0.5)))


def _tones(rng: np.random.Generator, species: str) -> tuple[Color, Color]:
    dark, light = SPECIES[species]
    shift = float(rng.normal(0, 0.02))
    return jittered(rng, dark, abs(shift) / 2), jittered(rng, light, abs(shift) / 2)


def _staggered(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
    """Shifts of rows such that neighbours' joints keep apart."""
    steps = rng.uniform(0.25, 0.75, rows)
    return np.cumsum(steps) % 1.0


def _per_piece(rng: np.random.Generator, layout: Layout) -> Field:
    return rng.standard_normal(layout.count).astype(np.float32)[layout.index]


def _cut(rng: np.random.Generator, layout: Layout, figure: Field) -> Field:
    """The figure, read for each piece along its own length and from its own place."""
    height, width = layout.shape
    # the same log for every layout: 2 m of length and 1 m across span the figure
    along = layout.along * (width / 2.0) + rng.uniform(0, width, layout.count).astype(np.float32)[layout.index]
    across = layout.across * (height / 1.0) + rng.uniform(0, height, layout.count).astype(np.float32)[layout.index]
    return figure[across.astype(np.int32) % height, along.astype(np.int32) % width]
