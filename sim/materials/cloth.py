"""Cloth: weaves, prints, terry, carpet, leather, wicker."""

import numpy as np

from sim.materials.layouts import shards
from sim.materials.noise import noise, texel_centers
from sim.materials.patterns import MOTIFS, inked
from sim.materials.swatch import WHITE, Color, Swatch, as_color, mixed, ramp, shaded, to_image

_SHAPE = (128, 128)
_BLACK: Color = (0.0, 0.0, 0.0)
_PALE = 0.9
"""sRGB of cloth that is made to be tinted."""


def weave(rng: np.random.Generator, *, coarse: float = 1.0) -> Swatch:
    """Plain-woven cloth, near white, made to be tinted; `coarse` 1 is a sofa's cover, 0.4 a sheet."""
    slubs = noise(rng, _SHAPE, slope=0.5, stretch=(1, 10), lowest=4) + noise(
        rng, _SHAPE, slope=0.5, stretch=(10, 1), lowest=4
    )
    v, u = texel_centers(_SHAPE)
    threads = np.sign(np.sin(u * (64 * np.pi)) * np.sin(v * (64 * np.pi)))
    mottle = noise(rng, _SHAPE, slope=1.6, lowest=2)
    value = _PALE * (1 + coarse * (0.03 * slubs + 0.02 * threads + 0.02 * mottle))
    return Swatch("weave", ramp(value.astype(np.float32), (_BLACK, WHITE)), (0.5, 0.5), 1.0)


def melange(rng: np.random.Generator, color: Color) -> Swatch:
    """Felted or bouclé wool: specks of lighter and darker yarn."""
    specks = noise(rng, _SHAPE, slope=float(rng.choice((0.4, 0.9))), lowest=6)
    value = 0.5 + 0.17 * specks
    return Swatch(
        "melange", ramp(value, (mixed(color, _BLACK, 0.35), color, mixed(color, WHITE, 0.35))), (0.5, 0.5), 1.0
    )


def printed(rng: np.random.Generator, colors: tuple[Color, Color, Color], *, repeat_m: float | None = None) -> Swatch:
    """Cloth with a motif in two inks on a ground."""
    name = str(rng.choice(tuple(MOTIFS)))
    cloth = weave(rng, coarse=0.6).texture[..., 0] / np.float32(255 * _PALE)
    image = shaded(inked(MOTIFS[name](rng, (256, 256)), colors), cloth)
    side = float(rng.uniform(0.35, 0.8)) if repeat_m is None else repeat_m
    return Swatch(f"print {name}", image, (side, side), 1.0)


def terry(rng: np.random.Generator) -> Swatch:
    """Towelling, near white, made to be tinted: short loops, and a woven band every 40 cm."""
    loops = noise(rng, _SHAPE, slope=0.3, lowest=10)
    v, _ = texel_centers(_SHAPE)
    band = ((abs(v - 0.12) < 0.03) | (abs(v - 0.22) < 0.015)).astype(np.float32)
    value = _PALE * (1 + 0.05 * loops * (1 - band) - float(rng.choice((0.08, 0.2))) * band)
    return Swatch("terry", ramp(value.astype(np.float32), (_BLACK, WHITE)), (0.4, 0.4), 1.0)


def carpet(rng: np.random.Generator, color: Color) -> Swatch:
    """Fitted carpet: cut pile, loops in rows, or flecked."""
    pile = noise(rng, _SHAPE, slope=0.5, lowest=5)
    trodden = noise(rng, _SHAPE, slope=1.4, lowest=3)
    kind = int(rng.integers(3))
    value = 0.5 + 0.13 * pile + 0.04 * trodden
    if kind == 1:
        v, u = texel_centers(_SHAPE)
        value = value + 0.08 * np.sin(v * np.float32(64 * np.pi)) * np.sin(u * np.float32(48 * np.pi))
    if kind == 2:
        value = value + 0.3 * (pile > 1.7) - 0.3 * (pile < -1.7)
    tones = (mixed(color, _BLACK, 0.4), color, mixed(color, WHITE, 0.3))
    return Swatch("carpet", ramp(value.astype(np.float32), tones), (0.8, 0.8), 1.0)


def leather(rng: np.random.Generator, color: Color) -> Swatch:
    """Grained leather: small cells parted by creases, rubbed lighter here and there."""
    cells = shards(_SHAPE, 0.25, 26, int(rng.integers(2)))
    crease = np.clip(1 - cells.edge / np.float32(0.002), 0, 1)
    rubbed = noise(rng, _SHAPE, slope=1.4, lowest=3)
    gain = 1 + 0.05 * rubbed - 0.16 * crease
    return Swatch("leather", shaded(_even(color), gain.astype(np.float32)), (0.25, 0.25), float(rng.uniform(0.35, 0.6)))


def wicker(rng: np.random.Generator, color: Color) -> Swatch:
    """Basketwork: rods over and under upright stakes."""
    v, u = texel_centers(_SHAPE)
    rods, stakes = 16, 8
    row, column = np.floor(v * rods), np.floor(u * stakes)
    over = ((row + column) % 2).astype(np.float32)
    bulge = np.sin(np.pi * (v * rods - row)) * (0.45 + 0.55 * np.sin(np.pi * (u * stakes - column)) * over)
    tone = rng.normal(0, 0.05, rods).astype(np.float32)[row.astype(np.int32)]
    fibre = noise(rng, _SHAPE, slope=0.8, stretch=(1, 12), lowest=4)
    value = 0.18 + 0.72 * bulge + tone + 0.05 * fibre
    dark = as_color(np.asarray(color) * 0.3)
    return Swatch("wicker", ramp(value.astype(np.float32), (dark, color, mixed(color, WHITE, 0.2))), (0.16, 0.16), 0.7)


def _even(color: Color) -> np.ndarray:
    return np.broadcast_to(to_image(np.asarray(color, dtype=np.float32)), (*_SHAPE, 3))
