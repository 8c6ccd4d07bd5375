"""What floors, walls and ceilings of a style are made of."""

from collections.abc import Callable

import numpy as np

from sim.building import Material
from sim.materials import cloth, minerals, tiles, wood
from sim.materials.schemes import Scheme
from sim.materials.swatch import WHITE, Color, Swatch, colors, hexadecimal, jittered, mixed

_BLACK: Color = (0.0, 0.0, 0.0)
_STONES = colors("8d8a84 a89c8a 6f7274 c2b8a6 55585a")
_MARBLES = tuple(
    (hexadecimal(ground), hexadecimal(vein))
    for ground, vein in (
        ("efeeea", "8a8a8e"),
        ("e6dcc8", "a98f6a"),
        ("2b2d30", "c9c5b8"),
        ("4a5a50", "c3cbb9"),
        ("d9c2b0", "8f6a58"),
    )
)


def pick(rng: np.random.Generator, colors: tuple[Color, ...], spread: float = 0.015) -> Color:
    """One of the colours, or one near it."""
    return jittered(rng, colors[int(rng.integers(len(colors)))], spread)


def three(rng: np.random.Generator, scheme: Scheme, *, quiet: bool = False) -> tuple[Color, Color, Color]:
    """A ground and two inks of a style: for walls the inks stay near the ground (`quiet`)."""
    order = rng.permutation(len(scheme.colors))
    first, second = scheme.colors[order[0]], scheme.colors[order[1]]
    if not quiet:
        grounds = (scheme.neutrals[int(rng.integers(len(scheme.neutrals)))], scheme.walls[0], scheme.colors[order[2]])
        return jittered(rng, grounds[int(rng.integers(3))], 0.02), first, second
    ground = pick(rng, scheme.walls)
    amount = float(rng.uniform(0.15, 0.5))
    return ground, mixed(ground, first, amount), mixed(ground, second, amount)


def wood_floor(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Planks or parquet."""
    return wood.floor(rng, scheme.floor_woods[int(rng.integers(len(scheme.floor_woods)))]).material("floor")


def painted_floor(rng: np.random.Generator, _scheme: Scheme) -> Material:
    """Painted boards."""
    tint = mixed((0.93, 0.92, 0.90), (0.55, 0.57, 0.58), float(rng.uniform(0, 0.8)))
    return wood.painted_boards(rng).turned().material("floor", tint)


def carpet(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Fitted carpet."""
    return cloth.carpet(rng, mixed(pick(rng, scheme.neutrals), (0.5, 0.47, 0.43), 0.25)).material("floor_carpet")


def stoneware(rng: np.random.Generator, _scheme: Scheme) -> Material:
    """Large slabs."""
    stone = pick(rng, _STONES, 0.03)
    return tiles.large_format(rng, mixed(stone, _BLACK, 0.2), mixed(stone, WHITE, 0.2)).material("floor_tile")


def terracotta(rng: np.random.Generator, _scheme: Scheme) -> Material:
    """Square fired tiles."""
    fired = jittered(rng, hexadecimal(("b0653f", "a4573a", "c48a5f")[int(rng.integers(3))]), 0.02)
    dull = 0.6
    swatch = tiles.square(rng, fired, side_m=float(rng.choice((0.2, 0.3))), shades=0.05)
    return Material("floor_tile", texture=swatch.texture, texture_size_m=swatch.size_m, roughness=dull)


def cement(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Patterned cement tiles."""
    first, second = scheme.tiles[0], scheme.colors[int(rng.integers(len(scheme.colors)))]
    return tiles.patterned(rng, (first, mixed(second, first, 0.2), mixed(second, _BLACK, 0.5))).material("floor_tile")


def checkered(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Light and dark squares."""
    dark = ((0.13, 0.13, 0.14), mixed(pick(rng, scheme.colors), _BLACK, 0.3), hexadecimal("8b8d8e"))[
        int(rng.integers(3))
    ]
    return tiles.checkered(rng, mixed(scheme.tiles[0], (0.8, 0.79, 0.76), 0.5), dark).material("floor_tile")


def hexagonal(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Hexagons, some in a second colour."""
    light, other = pick(rng, scheme.tiles), pick(rng, (*scheme.colors, (0.13, 0.13, 0.14)))
    return tiles.hexagonal(rng, light, other).material("floor_tile")


def terrazzo(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Chips in cement."""
    ground = pick(rng, (hexadecimal("dcd8d0"), hexadecimal("c4bfb6"), hexadecimal("58595b")))
    chips = tuple(mixed(color, ground, 0.45) for color in (*scheme.colors[:3], *_STONES[:3]))
    return minerals.terrazzo(rng, ground, chips).material("floor_tile")


def marble(rng: np.random.Generator, _scheme: Scheme) -> Material:
    """Polished marble, pale more often than dark."""
    ground, vein = _MARBLES[int(rng.choice(len(_MARBLES), p=(0.4, 0.3, 0.08, 0.08, 0.14)))]
    return minerals.marble(rng, jittered(rng, ground), vein).material("floor_tile")


def concrete(rng: np.random.Generator, _scheme: Scheme) -> Material:
    """Poured and polished."""
    return minerals.concrete(rng, jittered(rng, (0.60, 0.59, 0.57), 0.06)).material("floor")


def flagstones(rng: np.random.Generator, _scheme: Scheme) -> Material:
    """Irregular slabs."""
    return minerals.flagstones(rng, pick(rng, _STONES, 0.03)).material("floor_tile")


def cork(rng: np.random.Generator, _scheme: Scheme) -> Material:
    """Cork: grains of bark."""
    return minerals.granite(rng, jittered(rng, hexadecimal("b5834f"), 0.03)).material("floor")


def limewashed_floor(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Trowelled microcement, clouded."""
    return minerals.limewash(rng).material("floor", mixed(pick(rng, scheme.neutrals), (0.6, 0.58, 0.55), 0.5))


FLOORS: dict[str, Callable[[np.random.Generator, Scheme], Material]] = {
    "wood": wood_floor,
    "painted boards": painted_floor,
    "carpet": carpet,
    "stoneware": stoneware,
    "terracotta": terracotta,
    "cement": cement,
    "checkered": checkered,
    "hexagonal": hexagonal,
    "terrazzo": terrazzo,
    "marble": marble,
    "concrete": concrete,
    "flagstones": flagstones,
    "cork": cork,
    "limewash floor": limewashed_floor,
}
"""Every kind of floor."""

TILED = ("stoneware", "stoneware", "terracotta", "cement", "checkered", "hexagonal", "hexagonal", "terrazzo", "marble")
"""Kinds for floors that get wet."""


def paint(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Plain paint, as most walls have."""
    return minerals.plaster(rng, relief=float(rng.uniform(0.4, 1.2))).material("wall", pick(rng, scheme.walls, 0.012))


def bold_paint(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Paint of a strong colour."""
    return minerals.plaster(rng).material(
        "wall", mixed(pick(rng, scheme.colors), scheme.walls[0], float(rng.uniform(0.05, 0.6)))
    )


def render(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Rough plaster."""
    return minerals.plaster(rng, relief=float(rng.uniform(2, 3.5))).material("wall", pick(rng, scheme.walls))


def limewash(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Clouded lime wash."""
    tint = mixed(pick(rng, scheme.walls), pick(rng, scheme.neutrals), float(rng.uniform(0, 0.6)))
    return minerals.limewash(rng).material("wall", tint)


def wallpaper(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Printed paper."""
    return minerals.wallpaper(rng, three(rng, scheme, quiet=True)).material("wall")


def brick(rng: np.random.Generator, _scheme: Scheme) -> Material:
    """Bare brickwork."""
    return tiles.brick(rng).material("wall")


def panelling(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Upright boards of the furniture's wood."""
    species = scheme.woods[int(rng.integers(len(scheme.woods)))]
    return wood.panelling(rng, species, width_m=float(rng.uniform(0.08, 0.15))).material("wall")


def painted_boards(rng: np.random.Generator, scheme: Scheme) -> Material:
    """Upright painted boards."""
    return wood.painted_boards(rng).material("wall", pick(rng, scheme.walls))


def concrete_wall(rng: np.random.Generator, _scheme: Scheme) -> Material:
    """Bare concrete."""
    return minerals.concrete(rng, jittered(rng, (0.66, 0.65, 0.63), 0.04)).material("wall")


def marble_wall(rng: np.random.Generator, _scheme: Scheme) -> Material:
    """Slabs of pale marble."""
    ground, vein = _MARBLES[int(rng.integers(2))]
    return minerals.marble(rng, ground, vein, size_m=1.8).material("wall")


ACCENT_WALLS: dict[str, Callable[[np.random.Generator, Scheme], Material]] = {
    "paint": bold_paint,
    "bold paint": bold_paint,
    "plaster": render,
    "limewash": limewash,
    "wallpaper": wallpaper,
    "brick": brick,
    "panelling": panelling,
    "painted boards": painted_boards,
    "concrete": concrete_wall,
    "marble": marble_wall,
}
"""Every kind of accent wall."""


def wall_tiles(rng: np.random.Generator, scheme: Scheme) -> Swatch:
    """Glazed tiles for kitchens and bathrooms; white more often than not."""
    color = pick(rng, scheme.tiles[:1] if rng.uniform() < 0.55 else scheme.tiles)
    kind = int(rng.choice(4, p=(0.4, 0.35, 0.15, 0.1)))
    if kind == 0:
        return tiles.subway(rng, color)
    if kind == 1:
        return tiles.square(rng, color)
    if kind == 2:
        return tiles.hexagonal(rng, color, pick(rng, scheme.tiles))
    return tiles.large_format(rng, mixed(color, (0.5, 0.49, 0.47), 0.35), color)
