"""Cupboards, shelves and chests."""

from itertools import pairwise

import numpy as np

from sim.furniture.draft import Draft, category
from sim.furniture.fittings import carcass, fitting_metal, fronts, legs, span, wood
from sim.shapes import block, boxes, cylinder, pipe, repeated, rod, rounded_box, rounded_path, tube


def _carry_shelves(draft: Draft, width: float, depth: float, heights: list[float], top: float) -> None:
    """Supports on boards at heights, each free up to the next, metres."""
    for low, high in zip(heights, [*heights[1:], top], strict=True):
        draft.carry(width, depth, low, high - low - 0.03)


def _feet(draft: Draft, width: float, depth: float) -> float:
    """A plinth or short legs; returns their height."""
    if draft.chance(0.5):
        draft.put(draft.palette.plastic_black, block(width - 0.02, 0.06, depth - 0.06, (0, 0, -0.02)))
        return 0.06
    height = draft.between(0.08, 0.18)
    legs(draft, wood(draft), width - 0.03, depth - 0.03, height, 0.045)
    return height


@category("bookshelf", "floor", sizes=("width_m", "height_m"))
def bookshelf(draft: Draft) -> None:
    """An open shelf of boards, or a steel frame with boards."""
    width, height, depth = draft.width(0.6, 1.2), draft.height(1.4, 2.1), draft.between(0.26, 0.36)
    material, count = wood(draft), max(2, round(height / draft.between(0.32, 0.42)))
    heights = list(np.linspace(0.05, height, count + 1))
    half = width / 2
    if draft.chance(0.25):
        steel = draft.choice((draft.palette.metal_dark, draft.palette.brass))
        x, z = half - 0.01, depth / 2 - 0.01
        draft.put(steel, repeated(block(0.02, height, 0.02), [(a, 0, b) for a in (-x, x) for b in (-z, z)]))
        draft.put(material, repeated(block(width - 0.005, 0.025, depth - 0.005), [(0, h - 0.025, 0) for h in heights]))
        crossed = [
            rod((-x, 0.1, -z), (x, height - 0.1, -z), 0.004, sides=5),
            rod((x, 0.1, -z), (-x, height - 0.1, -z), 0.004, sides=5),
        ]
        draft.put(steel, *crossed)
        _carry_shelves(draft, width - 0.08, depth - 0.06, heights[:-1], height)
    else:
        posts = (draft.between(-0.12, 0.12) * width,) if width > 0.95 else ()
        body = carcass(
            (-half, half),
            (0.0, height),
            (-depth / 2, depth / 2),
            shelves=tuple(heights[1:-1]),
            posts=posts,
            board=0.022,
        )
        draft.put(material, body)
        ends = [-half + 0.03, *(p for p in posts), half - 0.03]
        for left, right in pairwise(ends):
            for low, high in zip([0.022, *heights[1:-1]], heights[1:], strict=True):
                draft.carry(right - left - 0.04, depth - 0.05, low, high - low - 0.03, x=(left + right) / 2)
    draft.carry(width - 0.08, depth - 0.06, height, 0.4)


@category("wardrobe", "floor", sizes=("width_m", "height_m"))
def wardrobe(draft: Draft) -> None:
    """A tall cupboard with two to four doors, drawers below, or a mirror."""
    width, height, depth = draft.width(0.9, 2.0), draft.height(1.9, 2.25), draft.between(0.55, 0.64)
    material, metal, half = wood(draft), fitting_metal(draft), width / 2
    foot = _feet(draft, width, depth)
    z = depth / 2 - 0.02
    draft.put(material, span((0.01 - half, half - 0.01), (foot, height), (-depth / 2, z)))
    split = foot + (draft.between(0.3, 0.45) if draft.chance(0.4) else 0.02)
    doors = max(2, round(width / 0.5))
    inside = (0.01 - half, half - 0.01)
    if split > foot + 0.1:
        fronts(draft, material, metal, inside, (foot + 0.02, split), z, columns=max(1, doors // 2))
    fronts(
        draft,
        draft.choice((material, material, draft.palette.painted_wood)),
        metal,
        inside,
        (split, height - 0.04),
        z,
        columns=doors,
        doors=True,
    )
    if draft.chance(0.3):
        step = (width - 0.02) / doors
        draft.put(
            draft.palette.mirror,
            block(step * 0.8, (height - split) * 0.85, 0.006, (0.01 - half + step / 2, split + 0.1, z + 0.021)),
        )
    draft.put(material, block(width, 0.035, depth, (0, height - 0.035, 0.0)))
    draft.carry(width - 0.15, depth - 0.15, height, 0.3)


def _chest(
    draft: Draft, width: float, height: float, depth: float, columns: int, rows: int, *, doors: bool = False
) -> None:
    """A chest with drawers or doors and a top board, metres."""
    material, half = wood(draft), width / 2
    foot = _feet(draft, width - 0.02, depth - 0.02)
    z = depth / 2 - 0.025
    draft.put(material, span((0.01 - half, half - 0.01), (foot, height - 0.02), (-depth / 2, z)))
    draft.put(material, rounded_box(width, 0.025, depth, 0.006, (0, height - 0.025, 0)))
    front = draft.choice((material, material, draft.palette.painted_wood))
    fronts(
        draft,
        front,
        fitting_metal(draft),
        (0.02 - half, half - 0.02),
        (foot + 0.01, height - 0.03),
        z,
        columns=columns,
        rows=rows,
        doors=doors,
    )
    draft.carry(width - 0.1, depth - 0.1, height, 1.0)


@category("dresser", "floor", sizes=("width_m",))
def dresser(draft: Draft) -> None:
    """A chest of drawers."""
    width = draft.width(0.75, 1.4)
    _chest(
        draft, width, draft.between(0.75, 1.1), draft.between(0.42, 0.5), max(1, round(width / 0.6)), draft.count(3, 4)
    )


@category("nightstand", "floor")
def nightstand(draft: Draft) -> None:
    """A small chest beside a bed, with drawers, or open with a shelf."""
    width, height, depth = draft.between(0.38, 0.52), draft.between(0.45, 0.6), draft.between(0.35, 0.42)
    if draft.chance(0.6):
        _chest(draft, width, height, depth, 1, draft.count(1, 3))
        return
    material, half = wood(draft), width / 2
    legs(draft, material, width, depth, 0.16, 0.04)
    draft.put(material, carcass((-half, half), (0.16, height), (-depth / 2, depth / 2), shelves=(height - 0.14,)))
    fronts(
        draft,
        material,
        fitting_metal(draft),
        (0.02 - half, half - 0.02),
        (height - 0.14, height - 0.02),
        depth / 2 - 0.02,
    )
    draft.carry(width - 0.1, depth - 0.08, 0.18, height - 0.36)
    draft.carry(width - 0.08, depth - 0.08, height, 0.8)


@category("sideboard", "floor", sizes=("width_m",))
def sideboard(draft: Draft) -> None:
    """A long low cupboard with doors."""
    width = draft.width(1.2, 1.9)
    _chest(draft, width, draft.between(0.72, 0.9), draft.between(0.4, 0.48), max(2, round(width / 0.45)), 1, doors=True)


@category("tv_stand", "floor", sizes=("width_m",))
def tv_stand(draft: Draft) -> None:
    """A low stand for a television: open compartments between cupboards."""
    width, height, depth, material = (
        draft.width(1.1, 1.9),
        draft.between(0.42, 0.58),
        draft.between(0.36, 0.45),
        wood(draft),
    )
    half, foot = width / 2, _feet(draft, width, depth)
    third, z = width / 6, (-depth / 2, depth / 2 - 0.02)
    draft.put(
        material, carcass((-half, half), (foot, height), z, posts=(-third, third), shelves=((foot + height) / 2,))
    )
    metal = fitting_metal(draft)
    for x in ((0.005 - half, -third), (third, half - 0.005)):
        fronts(draft, material, metal, x, (foot + 0.005, height - 0.02), depth / 2 - 0.02, doors=True)
    draft.carry(2 * third - 0.05, depth - 0.08, foot + 0.02, (height - foot) / 2 - 0.05)
    draft.carry(2 * third - 0.05, depth - 0.08, (foot + height) / 2, (height - foot) / 2 - 0.05)
    draft.carry(width - 0.1, depth - 0.08, height, 1.2)


@category("filing_cabinet", "floor")
def filing_cabinet(draft: Draft) -> None:
    """A steel cabinet of two to four deep drawers with label holders."""
    p, rows = draft.palette, draft.count(2, 4)
    width, depth, height = draft.between(0.4, 0.47), draft.between(0.5, 0.6), 0.06 + 0.32 * rows
    material = draft.choice((p.metal, p.metal_dark, p.plastic_white, p.plastic_color))
    z = depth / 2 - 0.025
    draft.put(material, span((-width / 2, width / 2), (0.0, height), (-depth / 2, z)))
    fronts(draft, material, p.metal, (0.01 - width / 2, width / 2 - 0.01), (0.04, height - 0.01), z, rows=rows)
    labels = [(0, 0.04 + (k + 0.82) * (height - 0.05) / rows, z + 0.02) for k in range(rows)]
    draft.put(p.paper, repeated(block(0.08, 0.035, 0.004), labels))
    draft.carry(width - 0.06, depth - 0.1, height, 1.0)


@category("shoe_cabinet", "floor", sizes=("width_m",))
def shoe_cabinet(draft: Draft) -> None:
    """A shallow cupboard with tilting flaps, or an open rack of slats."""
    width, p = draft.width(0.7, 1.1), draft.palette
    if draft.chance(0.6):
        _chest(draft, width, draft.between(0.75, 1.1), draft.between(0.24, 0.32), 1, draft.count(2, 3))
        return
    material, height, depth = wood(draft), draft.between(0.5, 0.8), 0.3
    side = block(0.025, height, depth)
    x = (width - 0.025) / 2
    draft.put(material, repeated(side, [(-x, 0, 0), (x, 0, 0)]), block(width, 0.02, depth, (0, height, 0)))
    levels = list(np.linspace(0.08, height - 0.2, draft.count(2, 3)))
    slats = [(0, level - 0.006, z) for level in levels for z in np.linspace(-0.13, 0.13, 6)]
    draft.put(draft.choice((material, p.metal)), repeated(block(width - 0.05, 0.012, 0.04), slats))
    trays = [(0, level - 0.009, 0) for level in levels]
    draft.put(p.metal_dark, repeated(block(width - 0.05, 0.003, depth - 0.02), trays))
    _carry_shelves(draft, width - 0.1, depth - 0.04, [level + 0.006 for level in levels], height)
    draft.carry(width - 0.1, depth - 0.06, height + 0.02, 1.0)


@category("storage_rack", "floor", sizes=("width_m", "height_m"))
def storage_rack(draft: Draft) -> None:
    """A rack of perforated posts and thin boards for a storeroom."""
    width, height, depth, p = draft.width(0.8, 1.5), draft.height(1.5, 2.0), draft.between(0.38, 0.5), draft.palette
    x, z, steel = width / 2 - 0.02, depth / 2 - 0.02, draft.choice((p.metal, p.metal_dark, p.wood_light))
    draft.put(steel, repeated(block(0.04, height, 0.04), [(a, 0, b) for a in (-x, x) for b in (-z, z)]))
    levels = list(np.linspace(0.15, height - 0.02, draft.count(4, 5)))
    draft.put(
        draft.choice((p.metal, p.wood_light, p.laminate)),
        repeated(block(width - 0.01, 0.02, depth - 0.01), [(0, level - 0.02, 0) for level in levels]),
    )
    lips = [(0, level - 0.05, sign * (depth / 2 - 0.004)) for level in levels for sign in (-1, 1)]
    draft.put(steel, repeated(block(width - 0.07, 0.04, 0.006), lips))
    _carry_shelves(draft, width - 0.12, depth - 0.08, levels[:-1], levels[-1])
    draft.carry(width - 0.12, depth - 0.08, levels[-1], 0.4)


def _floating_board(draft: Draft, width: float, depth: float) -> None:
    draft.put(wood(draft), rounded_box(width, 0.03, depth, 0.006, (0, 0, depth / 2)))
    draft.carry(width - 0.06, depth - 0.04, 0.03, 0.35, z=depth / 2)


def _bracket_board(draft: Draft, width: float, depth: float) -> None:
    _floating_board(draft, width, depth)
    reach = depth * 0.85
    path = rounded_path([(0, 0.0, reach), (0, -0.02, reach), (0, -0.16, 0.012), (0, 0.0, 0.012)], 0.04)
    metal = draft.choice((draft.palette.metal_dark, draft.palette.brass))
    draft.put(metal, repeated(tube(path, 0.008, sides=6), [(-width * 0.35, 0, 0), (width * 0.35, 0, 0)]))


def _hanging_cubes(draft: Draft, width: float, depth: float) -> None:
    side = draft.between(0.28, 0.34)
    draft.put(wood(draft), carcass((-width / 2, width / 2), (0, side), (0, depth), posts=(0.0,)))
    for x in (-width / 4, width / 4):
        draft.carry(width / 2 - 0.08, depth - 0.04, 0.02, side - 0.06, x=x, z=depth / 2)
    draft.carry(width - 0.08, depth - 0.04, side, 0.3, z=depth / 2)


@category("wall_shelf", "wall", sizes=("width_m",))
def wall_shelf(draft: Draft) -> None:
    """A floating board, a board on brackets, or hanging cubes."""
    shape = draft.choice((_floating_board, _bracket_board, _hanging_cubes))
    shape(draft, draft.width(0.6, 1.2), draft.between(0.18, 0.26))


@category("coat_rack", "floor")
def coat_rack(draft: Draft) -> None:
    """A standing pole with hooks, sometimes with a hat on it."""
    material, height = draft.choice((wood(draft), draft.palette.metal_dark)), draft.between(1.65, 1.85)
    draft.put(material, cylinder(0.02, height, sides=10))
    for angle in np.arange(4) * np.pi / 2 + 0.4:
        x, z = np.cos(angle), np.sin(angle)
        draft.put(material, rod((0.28 * x, 0.012, 0.28 * z), (0, 0.25, 0), 0.014, sides=6))
        for top, reach in ((height - 0.08, 0.16), (height - 0.4, 0.11)):
            path = [(0, top - 0.12, 0), (reach * x, top - 0.1, reach * z), (1.2 * reach * x, top, 1.2 * reach * z)]
            draft.put(material, tube(rounded_path(path, 0.05), 0.009, sides=6))


@category("toy_box", "floor")
def toy_box(draft: Draft) -> None:
    """An open chest for toys, with a rim and rope handles."""
    p, width, depth, height = (
        draft.palette,
        draft.between(0.55, 0.8),
        draft.between(0.35, 0.45),
        draft.between(0.32, 0.42),
    )
    material = draft.choice((p.painted_wood, p.plastic_color, p.wood_light))
    t, x, z = 0.02, width / 2, depth / 2
    lower = [(-x, 0, -z), (-x, 0.0, z - t), (-x, 0, t - z), (x - t, 0, t - z), (t - x, 0, t - z)]
    upper = [(x, height, t - z), (x, height, z), (t - x, height, z - t), (x, height, z - t), (x - t, 0.02, z - t)]
    draft.put(material, boxes(lower, upper))
    draft.put(
        p.fabric_accent,
        *(
            tube(
                [(s * x, height * 0.75, -0.08), (s * (x + 0.03), height * 0.6, 0), (s * x, height * 0.75, 0.08)],
                0.01,
                sides=6,
            )
            for s in (-1, 1)
        ),
    )
    draft.carry(width - 0.08, depth - 0.08, 0.02, height)


@category("hook_rail", "wall", sizes=("width_m",))
def hook_rail(draft: Draft) -> None:
    """A board with a row of coat hooks."""
    width, p = draft.width(0.5, 1.0), draft.palette
    draft.put(wood(draft), rounded_box(width, 0.1, 0.02, 0.006, (0, 0, 0.01)))
    path = rounded_path([(0, 0.06, 0.02), (0, 0.05, 0.07), (0, 0.1, 0.075)], 0.03)
    ring = pipe(0.02, 0.012, 0.004, (0, 0.06, 0.022), sides=10)
    hooks = [(x, 0, 0) for x in np.linspace(-0.5, 0.5, max(3, round(width / 0.15)) + 2)[1:-1] * width]
    draft.put(
        draft.choice((p.metal, p.brass, p.metal_dark)),
        repeated(tube(path, 0.007, sides=6), hooks),
        repeated(ring, hooks),
    )
