"""Where people sleep."""

import numpy as np

from sim.building import Material
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import Range, cloth, legs, span, wood
from sim.shapes import (
    block,
    cylinder,
    extrude,
    pillow,
    repeated,
    rod,
    rods,
    rotated,
    rounded_box,
    sheet,
    sphere,
    translated,
)


def _bedding(draft: Draft, width: float, length: float, top: float, pillows: int) -> None:
    """Pillows at the head (-z) and a blanket that hangs over the sides of a mattress, metres."""
    p = draft.palette
    each = min(0.7, 0.92 * width / pillows)
    one = rotated(pillow(each, 0.17, 0.45, (0, -0.085, 0)), "x", 0.16)
    places = [((k - (pillows - 1) / 2) * each * 1.03, top + 0.085, 0.3 - length / 2) for k in range(pillows)]
    draft.put(draft.choice((p.linen, p.linen, p.fabric_pattern)), repeated(one, places))
    hang = draft.between(0.12, 0.22)
    cover = draft.choice((p.fabric, p.fabric_accent, p.fabric_pattern, p.linen, p.linen))
    half, start, end = width / 2 + 0.015, draft.between(-0.25, 0.05) * length, length / 2 + 0.02
    edge = np.array([half - 0.05, half - 0.005, half + 0.008, half + 0.015, half + 0.02])
    across = np.concatenate([-edge[::-1], [-half / 3, half / 3], edge])
    side = np.array([0.002, 0.014, 0.034, 0.5 * hang, hang])
    along = np.concatenate([np.linspace(start, end - 0.05, 8), [end - 0.005, end + 0.008, end + 0.015, end + 0.02]])
    drop = np.concatenate([side[::-1], [0.0, 0.0], side])
    fall = np.concatenate([np.zeros(8), side[1:]])
    ripples = 0.008 * np.sin(9 * across[None, :] + 7 * along[:, None] + draft.between(0, 6))
    y = top + 0.03 - np.hypot(drop[None, :], fall[:, None]) + ripples
    points = np.stack(np.broadcast_arrays(across[None, :], y, along[:, None]), axis=-1)
    draft.put(cover, sheet(points, 0.004))
    if start > -0.1 * length or draft.chance(0.5):
        draft.put(p.linen, rounded_box(width + 0.07, 0.05, 0.3, 0.022, (0, top + 0.02, start)))


def _plain_head(draft: Draft, material: Material, width: float, y: Range, z: float) -> None:
    draft.put(material, rounded_box(width, y[1] - y[0], 0.045, 0.01, (0, y[0], z)))


def _arched_head(draft: Draft, material: Material, width: float, y: Range, z: float) -> None:
    turn = np.linspace(0, np.pi, 17)
    arch = np.column_stack([np.cos(turn) * width / 2, y[1] - 0.18 + 0.18 * np.sin(turn)])
    draft.put(material, extrude([(-width / 2, y[0]), (width / 2, y[0]), *arch], 0.04, (0, 0, z)))


def _padded_head(draft: Draft, _: Material, width: float, y: Range, z: float) -> None:
    padded = rounded_box(width / 4, y[1] - y[0], 0.09, 0.04, (0, y[0], z))
    draft.put(cloth(draft), repeated(padded, [((k - 1.5) * width / 4, 0, 0) for k in range(4)]))


def _barred_head(draft: Draft, material: Material, width: float, y: Range, z: float) -> None:
    metal, x = draft.choice((draft.palette.metal_dark, draft.palette.brass, material)), width / 2 - 0.03
    low, high = y[0] + 0.1, y[1] - 0.08
    ends = [(-x, 0, 0), (x, 0, 0)]
    draft.put(metal, repeated(cylinder(0.02, y[1] - 0.03, (0, 0, z), sides=10), ends))
    draft.put(metal, repeated(sphere(0.03, (0, y[1] - 0.03, z), sides=10, rings=6), ends))
    draft.put(metal, rods([(-x, low, z), (-x, high, z)], [(x, low, z), (x, high, z)], 0.014, sides=6))
    bars = np.linspace(-x, x, 9)[1:-1, None] * (1.0, 0.0, 0.0)
    draft.put(metal, rods(np.add(bars, (0, low, z)), np.add(bars, (0, high, z)), 0.008, sides=6))


HEADBOARDS = (_plain_head, _arched_head, _padded_head, _barred_head)


@category("bed", "floor", sizes=("width_m",))
def bed(draft: Draft) -> None:
    """A single or double bed with mattress, blanket and pillows; its head is at the back."""
    width, length = draft.width(0.95, 1.85), draft.between(1.98, 2.12)
    material, side, low = wood(draft), draft.between(0.28, 0.36), draft.between(0.08, 0.18)
    inner = width - 0.09
    legs(draft, material, inner, length - 0.06, low, 0.06)
    draft.put(material, rounded_box(inner, side - low, length - 0.04, 0.015, (0, low, 0.02)))
    top = side + draft.between(0.14, 0.22)
    draft.put(
        draft.palette.linen,
        rounded_box(inner - 0.04, top - side + 0.04, length - 0.1, 0.05, (0, side - 0.04, 0.03), steps=2),
    )
    draft.choice(HEADBOARDS)(draft, material, width, (low, draft.between(0.85, 1.2)), 0.02 - length / 2)
    _bedding(draft, inner - 0.04, length - 0.08, top, 2 if width > 1.3 else 1)
    draft.carry(inner - 0.3, 0.6, top + 0.035, 0.8, z=length / 2 - 0.6)


@category("bunk_bed", "floor")
def bunk_bed(draft: Draft) -> None:
    """Two beds above each other with a ladder at the front."""
    width, length, material = draft.between(1.95, 2.1), draft.between(0.9, 1.0), wood(draft)
    x, z, top = width / 2 - 0.035, length / 2 - 0.035, draft.between(1.65, 1.8)
    draft.put(material, repeated(block(0.07, top, 0.07), [(a, 0, b) for a in (-x, x) for b in (-z, z)]))
    rail = block(width, 0.1, 0.025)
    for level in (0.3, top - 0.5):
        draft.put(material, repeated(rail, [(0, level, -z), (0, level, z)]))
        draft.put(material, block(width - 0.05, 0.02, length - 0.06, (0, level + 0.03, 0)))
        draft.put(
            draft.palette.linen, rounded_box(width - 0.1, 0.15, length - 0.1, 0.05, (0, level + 0.05, 0), steps=2)
        )
        cover = draft.choice((draft.palette.fabric, draft.palette.fabric_accent, draft.palette.fabric_pattern))
        draft.put(cover, rounded_box(width * 0.62, 0.06, length - 0.05, 0.028, (0.15 * width, level + 0.17, 0)))
        one = rotated(pillow(0.6, 0.14, 0.4), "y", np.pi / 2)
        draft.put(draft.palette.linen, translated(one, (0.28 - width / 2, level + 0.2, 0)))
    draft.put(material, repeated(block(width, 0.07, 0.02), [(0, top - 0.13, -z), (0, top - 0.28, -z)]))
    draft.put(material, block(width - 0.5, 0.07, 0.02, (-0.22, top - 0.13, z)))
    for end in (-x, x):
        draft.put(material, repeated(block(0.02, 0.07, length), [(end, h, 0) for h in (0.55, top - 0.15, top - 0.35)]))
    ladder = width / 2 - 0.5, width / 2 - 0.13
    draft.put(material, *(rod((a, 0, z + 0.13), (a, top, z + 0.03), 0.018) for a in ladder))
    for k in range(1, 6):
        y, deep = k * top / 6, z + 0.13 - 0.1 * k / 6
        draft.put(material, rod((ladder[0], y, deep), (ladder[1], y, deep), 0.014, sides=6))


@category("crib", "floor")
def crib(draft: Draft) -> None:
    """A baby's bed with bars on all sides."""
    width, length, height, material = (
        draft.between(1.2, 1.32),
        draft.between(0.64, 0.72),
        draft.between(0.85, 0.95),
        wood(draft),
    )
    x, z = width / 2 - 0.02, length / 2 - 0.02
    draft.put(material, repeated(cylinder(0.02, height, sides=8), [(a, 0, b) for a in (-x, x) for b in (-z, z)]))
    for y in (0.28, height - 0.04):
        draft.put(material, repeated(block(width, 0.04, 0.025), [(0, y, -z), (0, y, z)]))
        draft.put(material, repeated(block(0.025, 0.04, length), [(-x, y, 0), (x, y, 0)]))
    bar = cylinder(0.008, height - 0.33, (0, 0.3, 0), sides=5)
    along = [(a, 0, b) for a in np.linspace(-x, x, 16)[1:-1] for b in (-z, z)]
    ends = [(a, 0, b) for a in (-x, x) for b in np.linspace(-z, z, 9)[1:-1]]
    draft.put(material, repeated(bar, along + ends))
    draft.put(material, span((-x, x), (0.28, 0.3), (-z, z)))
    draft.put(draft.palette.linen, rounded_box(width - 0.08, 0.12, length - 0.08, 0.04, (0, 0.3, 0), steps=2))
    draft.put(
        draft.palette.fabric_pattern, rounded_box(width * 0.5, 0.04, length - 0.07, 0.018, (0.18 * width, 0.41, 0))
    )
    draft.put(draft.palette.linen, translated(pillow(0.3, 0.08, 0.4), (0.22 - width / 2, 0.41, 0)))
