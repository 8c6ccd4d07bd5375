"""Stone and what is poured or plastered: marble, granite, terrazzo, concrete, flags, plaster, wallpaper, clay, soil."""

import numpy as np

from sim.materials.layouts import shards
from sim.materials.noise import noise, texel_centers, wrapped
from sim.materials.patterns import MOTIFS, inked
from sim.materials.swatch import WHITE, Color, Swatch, as_color, layered, mixed, ramp, shaded, to_image

_SHAPE = (128, 128)
_BLACK: Color = (0.0, 0.0, 0.0)


def plaster(rng: np.random.Generator, *, relief: float = 1.0) -> Swatch:
    """Painted plaster, near white, made to be tinted; `relief` 0.5 is smooth paint, 3 is coarse render."""
    roller = noise(rng, _SHAPE, slope=0.6, lowest=6)
    cloud = noise(rng, _SHAPE, slope=2.0)
    value = 0.93 + relief * (0.007 * roller + 0.006 * cloud)
    return Swatch("plaster", ramp(value.astype(np.float32), (_BLACK, WHITE)), (1.8, 1.8), float(rng.uniform(0.7, 1.0)))


def limewash(rng: np.random.Generator) -> Swatch:
    """Clouded lime wash, near white, made to be tinted."""
    cloud = noise(rng, _SHAPE, slope=1.5, lowest=1)
    strokes = noise(rng, _SHAPE, slope=1.0, stretch=(3, 1), lowest=3)
    value = 0.88 + 0.028 * cloud + 0.012 * strokes
    return Swatch("limewash", ramp(value.astype(np.float32), (_BLACK, WHITE)), (2.4, 2.4), 1.0)


def wallpaper(rng: np.random.Generator, colors: tuple[Color, Color, Color]) -> Swatch:
    """Paper with a motif in two inks, its ground faintly mottled."""
    shape = (256, 256)
    name = str(rng.choice(tuple(MOTIFS)))
    image = inked(MOTIFS[name](rng, (512, 512)), colors)
    side = float(rng.uniform(0.5, 1.1))
    paper = 1 + np.float32(0.012) * noise(rng, shape, slope=0.8, lowest=2)
    return Swatch(f"wallpaper {name}", shaded(image, paper), (side, side), 0.9)


def marble(rng: np.random.Generator, ground: Color, vein: Color, *, size_m: float = 1.2) -> Swatch:
    """Clouded stone with veins that wander and thin out."""
    shape = (256, 256)
    cloud = noise(rng, shape, slope=1.8, lowest=1)
    course = noise(rng, shape, slope=2.1, stretch=(1, 2), lowest=1)
    fine = noise(rng, shape, slope=1.8, lowest=2)
    veins = np.exp(-abs(course) * np.float32(rng.uniform(12, 22))) * np.clip(0.5 + 0.6 * cloud, 0, 1)
    veins += np.float32(0.4) * np.exp(-abs(fine) * np.float32(24)) * np.clip(0.2 - 0.5 * cloud, 0, 1)
    base = ramp(0.6 + 0.16 * cloud, (mixed(ground, vein, 0.35), ground))
    return Swatch(
        "marble", layered(base, vein, np.float32(0.75) * veins), (size_m, size_m), float(rng.uniform(0.1, 0.3))
    )


def granite(rng: np.random.Generator, color: Color) -> Swatch:
    """Polished granite: grains of feldspar, quartz and mica."""
    coarse, fine = noise(rng, _SHAPE, slope=0.8, lowest=8), noise(rng, _SHAPE, slope=0.2)
    value = 0.5 + 0.16 * coarse + 0.10 * fine - 0.45 * (noise(rng, _SHAPE, slope=0.7, lowest=10) > 1.5)
    tones = (mixed(color, _BLACK, 0.75), mixed(color, _BLACK, 0.2), color, mixed(color, WHITE, 0.5))
    return Swatch("granite", ramp(value.astype(np.float32), tones), (0.5, 0.5), 0.2)


def terrazzo(rng: np.random.Generator, ground: Color, chips: tuple[Color, ...]) -> Swatch:
    """Chips of stone ground flat in cement."""
    shape = (256, 256)
    cells = shards(shape, 0.8, 26, int(rng.integers(2)))
    inset = rng.uniform(0.002, 0.011, cells.count).astype(np.float32)[cells.index]
    chip = np.clip((cells.edge - inset) / np.float32(0.0025), 0, 1)
    colors = (np.asarray(chips, dtype=np.float32) * 255).astype(np.uint8)
    above = colors[rng.integers(len(chips), size=cells.count)][cells.index]
    cement = shaded(_even(ground, shape), 1 + np.float32(0.03) * noise(rng, shape, slope=0.8))
    return Swatch("terrazzo", layered(cement, above, chip), (0.8, 0.8), 0.3)


def concrete(rng: np.random.Generator, color: Color) -> Swatch:
    """Bare concrete: clouds, pores, and stains."""
    shape = (256, 256)
    cloud, stain = noise(rng, shape, slope=1.6, lowest=1), noise(rng, shape, slope=1.2, lowest=3)
    pores = noise(rng, shape, slope=0.4, lowest=10) > 2.6
    value = 0.55 + 0.07 * cloud + 0.05 * stain - 0.3 * pores
    tones = (mixed(color, _BLACK, 0.4), color, mixed(color, WHITE, 0.3))
    return Swatch("concrete", ramp(value.astype(np.float32), tones), (2.2, 2.2), float(rng.uniform(0.4, 0.9)))


def flagstones(rng: np.random.Generator, color: Color) -> Swatch:
    """Irregular slabs of slate or limestone with wide joints."""
    shape = (256, 256)
    cells = shards(shape, 2.0, 6, int(rng.integers(2)))
    tone = rng.normal(0, 0.12, cells.count).astype(np.float32)[cells.index]
    cleft = noise(rng, shape, slope=1.3, lowest=2)
    faces = ramp(0.5 + tone + 0.14 * cleft, (mixed(color, _BLACK, 0.45), color, mixed(color, WHITE, 0.35)))
    return Swatch(
        "flagstones", layered(faces, mixed(color, (0.75, 0.73, 0.7), 0.6), cells.joint(0.02)), cells.size_m, 0.7
    )


def clay(rng: np.random.Generator, color: Color) -> Swatch:
    """Fired clay: thrower's rings along u, bloom of lime."""
    rings = noise(rng, _SHAPE, slope=1.0, stretch=(1, 20), lowest=3)
    bloom = np.clip(noise(rng, _SHAPE, slope=1.6) - 0.4, 0, 2)
    value = 0.5 + 0.04 * rings + 0.05 * bloom
    tones = (mixed(color, _BLACK, 0.3), color, mixed(color, WHITE, 0.5))
    return Swatch("clay", ramp(value.astype(np.float32), tones), (0.4, 0.4), 0.9)


def soil(rng: np.random.Generator) -> Swatch:
    """Potting soil: dark crumbs and a few pale grains."""
    crumbs, grains = noise(rng, _SHAPE, slope=0.6, lowest=4), noise(rng, _SHAPE, slope=0.1)
    value = 0.35 + 0.16 * crumbs + 0.5 * (grains > 2.4)
    tones = ((0.07, 0.05, 0.035), (0.22, 0.15, 0.10), (0.36, 0.27, 0.19), (0.75, 0.70, 0.62))
    return Swatch("soil", ramp(value.astype(np.float32), tones), (0.25, 0.25), 1.0)


def leaf(rng: np.random.Generator, color: Color) -> Swatch:
    """A leaf's green: a pale midrib along u at v = 0, side veins, blotches. One repeat is 10 cm."""
    v, u = texel_centers(_SHAPE)
    away = abs(wrapped(v))
    slant = u * 8 - away * 7
    vein = np.clip(1 - abs(slant - np.round(slant)) / 0.10, 0, 1) * 0.5 + np.clip(1 - away / 0.03, 0, 1)
    blotch = noise(rng, _SHAPE, slope=1.5, lowest=1)
    variegated = np.clip(np.float32(rng.choice((0.0, 0.0, 1.0))) * (away * 5 - 1.4 + 0.5 * blotch), 0, 1)
    base = ramp(0.5 + 0.15 * blotch, (mixed(color, _BLACK, 0.4), color, mixed(color, (0.8, 0.9, 0.4), 0.3)))
    image = layered(base, mixed(color, (0.85, 0.92, 0.6), 0.6), np.float32(0.5) * vein)
    return Swatch("leaf", layered(image, (0.86, 0.88, 0.68), 0.8 * variegated), (0.1, 0.1), 0.5)


def cardboard(rng: np.random.Generator, color: Color) -> Swatch:
    """Corrugated board: faint flutes, fibres."""
    v, _ = texel_centers(_SHAPE)
    flutes = 0.02 * np.sin(v * np.float32(2 * np.pi * 32))
    fibres = 0.02 * noise(rng, _SHAPE, slope=0.6, stretch=(1, 4)) + 0.02 * noise(rng, _SHAPE, slope=1.6)
    return Swatch("cardboard", shaded(_even(color, _SHAPE), 1 + flutes + fibres), (0.25, 0.25), 0.95)


def brushed_metal(rng: np.random.Generator, color: Color) -> Swatch:
    """Metal brushed along u."""
    lines = noise(rng, _SHAPE, slope=0.5, stretch=(1, 40), lowest=3)
    haze = noise(rng, _SHAPE, slope=1.8)
    gain = (1 + 0.015 * lines + 0.01 * haze).astype(np.float32)
    return Swatch("brushed metal", shaded(_even(as_color(color), _SHAPE), gain), (0.4, 0.4), 0.25)


def laminate(rng: np.random.Generator, color: Color) -> Swatch:
    """Melamine: one colour, faintly flecked."""
    gain = 1 + np.float32(0.012) * noise(rng, _SHAPE, slope=0.4) + np.float32(0.01) * noise(rng, _SHAPE, slope=1.6)
    return Swatch("laminate", shaded(_even(color, _SHAPE), gain), (0.6, 0.6), float(rng.uniform(0.15, 0.45)))


def _even(color: Color, shape: tuple[int, int]) -> np.ndarray:
    return np.broadcast_to(to_image(np.asarray(color, dtype=np.float32)), (*shape, 3))


def silvered() -> Swatch:
    """Mirror glass as it looks where nothing is reflected: slanting bands of grey."""
    v, u = texel_centers((64, 64))
    slant = 2 * np.pi * (u + v)
    value = 0.5 + 0.3 * np.sin(slant) + 0.2 * np.sin(2 * slant + 0.8)
    return Swatch("silvered", ramp(value, ((0.68, 0.73, 0.75), (0.86, 0.9, 0.91))), (1.3, 1.3), 0.02)
