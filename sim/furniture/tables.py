"""Tables and desks."""

import numpy as np

from sim.building import Material, Mesh
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import carcass, fitting_metal, fronts, legs, span, splayed_legs, wood
from sim.shapes import (
    block,
    extrude,
    frustum,
    lathe,
    repeated,
    rod,
    rods,
    rotated,
    rounded_box,
    rounded_path,
    translated,
    tube,
)


def _disc(radius: float, thickness: float) -> Mesh:
    edge = min(0.4 * thickness, 0.01)
    profile = [
        (0, 0),
        (radius - edge, 0),
        (radius, edge),
        (radius, thickness - edge),
        (radius - edge, thickness),
        (0, thickness),
    ]
    return lathe(profile, sides=28)


def _oval(width: float, depth: float, thickness: float) -> Mesh:
    angles = np.linspace(0, 2 * np.pi, 33)[:-1]
    squared = [np.sign(f(angles)) * np.abs(f(angles)) ** 0.7 for f in (np.cos, np.sin)]
    outline = np.column_stack(squared) * (width / 2, depth / 2)
    return translated(rotated(extrude(outline, thickness, smooth=True), "x", -np.pi / 2), (0, thickness / 2, 0))


def _pedestal(radius: float, height: float) -> Mesh:
    """A turned column with a wide foot, metres."""
    profile = [
        (0, 0),
        (0.6, 0),
        (0.58, 0.03),
        (0.3, 0.08),
        (0.14, 0.16),
        (0.12, 0.5),
        (0.16, 0.6),
        (0.12, 0.7),
        (0.12, 0.9),
        (0.3, 1),
        (0, 1),
    ]
    return lathe(np.array(profile) * (radius, height), sides=18)


def _trestle(draft: Draft, material: Material, width: float, depth: float, height: float) -> None:
    """Two steel frames under a table top, metres."""
    x, z, r = width / 2 - 0.18, depth / 2 - 0.08, 0.018
    path = rounded_path([(0, height, -z * 0.8), (0, r, -z), (0, r, z), (0, height, z * 0.8)], 0.04)
    frame = tube(path, r, sides=6)
    draft.put(material, repeated(frame, [(-x, 0, 0), (x, 0, 0)]))
    draft.put(material, rod((-x, height - 0.03, 0), (x, height - 0.03, 0), 0.014, sides=6))


@category("dining_table", "floor", sizes=("width_m", "depth_m"))
def dining_table(draft: Draft) -> None:
    """A table to eat at: rectangular, round or oval, on legs, a column or steel frames."""
    width, depth = draft.width(1.2, 2.0), draft.depth(0.8, 1.0)
    height, thick, material = draft.between(0.72, 0.77), draft.between(0.022, 0.04), wood(draft)
    top = height - thick
    round_top = abs(width / depth - 1) < 0.2
    if round_top:
        mesh = _oval(width, depth, thick) if width != depth else _disc(width / 2, thick)
    else:
        mesh = draft.choice(
            (
                rounded_box(width, thick, depth, 0.008),
                rounded_box(width, thick, depth, 0.008),
                _oval(width, depth, thick),
            )
        )
    draft.put(material, translated(mesh, (0, top, 0)))
    if round_top:
        draft.put(material, _pedestal(0.42 * width, top))
    elif draft.chance(0.3):
        _trestle(draft, fitting_metal(draft), width * 0.94, depth * 0.9, top)
    else:
        legs(draft, material, width * 0.86, depth * 0.82, top, 0.075)
        apron = 0.86 * width - 0.1, 0.82 * depth - 0.1
        lengthwise, crosswise = block(apron[0], 0.08, 0.02), block(0.02, 0.08, apron[1])
        z, x = 0.41 * depth - 0.04, 0.43 * width - 0.04
        draft.put(material, repeated(lengthwise, [(0, top - 0.08, -z), (0, top - 0.08, z)]))
        draft.put(material, repeated(crosswise, [(-x, top - 0.08, 0), (x, top - 0.08, 0)]))
    draft.carry(width * 0.7, depth * 0.7, height, 1.2)


def _shelf_table(draft: Draft, width: float, height: float) -> None:
    depth, material = min(width, draft.between(0.5, 0.65)), wood(draft)
    legs(draft, material, width - 0.04, depth - 0.04, height - 0.03, 0.05)
    draft.put(material, rounded_box(width, 0.03, depth, 0.008, (0, height - 0.03, 0)))
    draft.put(material, block(width - 0.1, 0.018, depth - 0.1, (0, 0.13, 0)))
    draft.carry(width - 0.2, depth - 0.16, 0.148, height - 0.2)
    draft.carry(width - 0.1, depth - 0.1, height, 1.2)


def _round_table(draft: Draft, width: float, height: float) -> None:
    material = wood(draft)
    top = draft.choice((material, draft.palette.stone_top))
    draft.put(top, translated(_disc(width / 2, 0.03), (0, height - 0.03, 0)))
    splayed_legs(
        draft, draft.choice((material, fitting_metal(draft))), width * 0.85, width * 0.85, height - 0.03, 0.018
    )
    draft.carry(width * 0.65, width * 0.65, height, 1.2)


def _glass_table(draft: Draft, width: float, height: float) -> None:
    depth = min(width, draft.between(0.5, 0.65))
    _trestle(draft, fitting_metal(draft), width, depth, height - 0.015)
    draft.put(draft.palette.glass, rounded_box(width, 0.015, depth, 0.006, (0, height - 0.015, 0)))
    draft.carry(width - 0.1, depth - 0.1, height, 1.2)


def _bent_table(draft: Draft, width: float, height: float) -> None:
    """One bent sheet: two sides and a top, metres."""
    depth, x, thick = min(width, draft.between(0.5, 0.65)), width / 2, 0.03
    outer = rounded_path([(-x, 0, 0), (-x, height, 0), (x, height, 0), (x, 0, 0)], 0.12, steps=5)
    inner = np.column_stack([outer[:, 0] * (1 - thick / x), np.maximum(outer[:, 1] - thick, 0)])
    inner[[0, -1], 1] = 0
    draft.put(wood(draft), extrude(np.concatenate([inner, outer[::-1, :2]]), depth))
    draft.carry(width * 0.7, depth - 0.1, height, 1.2)


@category("coffee_table", "floor", sizes=("width_m",))
def coffee_table(draft: Draft) -> None:
    """A low table before a sofa: wood with a shelf, round, glass on steel, or a bent sheet."""
    shape = draft.choice((_shelf_table, _round_table, _glass_table, _bent_table))
    shape(draft, draft.width(0.7, 1.2), draft.between(0.36, 0.46))


def _column_table(draft: Draft, size: float, height: float) -> None:
    p, material = draft.palette, wood(draft)
    top = draft.choice((material, p.stone_top, p.metal_dark))
    draft.put(top, translated(_disc(size / 2, 0.022), (0, height - 0.022, 0)))
    draft.put(draft.choice((material, fitting_metal(draft))), _pedestal(size * 0.55, height - 0.022))


def _three_legged_table(draft: Draft, size: float, height: float) -> None:
    material = wood(draft)
    draft.put(material, translated(_disc(size / 2, 0.025), (0, height - 0.025, 0)))
    angles = 0.5 + np.arange(3) * 2 * np.pi / 3
    ring = np.column_stack([np.cos(angles), np.zeros(3), np.sin(angles)]) * size / 2
    draft.put(material, rods(0.95 * ring, np.add(0.55 * ring, (0, height - 0.02, 0)), 0.011, 0.018))


def _cube_table(draft: Draft, size: float, height: float) -> None:
    half = size / 2
    draft.put(wood(draft), carcass((-half, half), (0.02, height), (-half, half), shelves=(height * 0.45,)))
    draft.carry(size - 0.1, size - 0.1, height * 0.45, height * 0.45)


@category("side_table", "floor")
def side_table(draft: Draft) -> None:
    """A small table beside a sofa or bed: round on a column, on three legs, or a cube."""
    size, height = draft.between(0.36, 0.52), draft.between(0.45, 0.6)
    draft.choice((_column_table, _three_legged_table, _cube_table))(draft, size, height)
    draft.carry(size * 0.6, size * 0.6, height, 1.2)


def _drawer_cabinet(draft: Draft, material: Material, width: float, depth: float, top: float) -> int:
    """Drawers under one end of a desk; returns which, -1 or 1."""
    side = draft.choice((-1, 1))
    low, high = sorted((side * (width / 2 - 0.02), side * (width / 2 - 0.42)))
    z = (0.05 - depth / 2, depth / 2 - 0.04)
    draft.put(material, span((low, high), (0.04, top), z))
    fronts(draft, material, fitting_metal(draft), (low, high), (0.04, top), z[1], rows=draft.count(2, 4))
    return side


def _frame_desk(draft: Draft, material: Material, width: float, depth: float, top: float) -> None:
    p = draft.palette
    _trestle(draft, draft.choice((p.metal, p.metal_dark, p.plastic_white)), width, depth, top)
    _drawer_cabinet(draft, material, width, depth, top)


def _leg_desk(draft: Draft, material: Material, width: float, depth: float, top: float) -> None:
    legs(draft, material, width - 0.04, depth - 0.04, top, 0.055)
    x, y, z = width / 2 - 0.06, (top - 0.1, top), depth / 2 - 0.03
    draft.put(material, span((-x, x), y, (-z, z)))
    fronts(draft, material, fitting_metal(draft), (-x, x), y, z, columns=max(1, round(width / 0.5)))


def _panel_desk(draft: Draft, material: Material, width: float, depth: float, top: float) -> None:
    side = _drawer_cabinet(draft, material, width, depth, top)
    draft.put(material, block(0.03, top, depth - 0.06, (-side * (width / 2 - 0.035), 0, 0)))
    draft.put(material, block(width - 0.1, 0.3, 0.018, (0, top - 0.3, 0.06 - depth / 2)))


@category("desk", "floor", sizes=("width_m",))
def desk(draft: Draft) -> None:
    """A desk: drawers under its top, or a drawer cabinet and steel frames or side panels."""
    width, depth, height = draft.width(1.0, 1.6), draft.between(0.55, 0.75), draft.between(0.72, 0.76)
    material, top = wood(draft), height - 0.028
    draft.put(material, rounded_box(width, 0.028, depth, 0.006, (0, top, 0)))
    draft.choice((_frame_desk, _leg_desk, _panel_desk))(draft, material, width, depth, top)
    draft.carry(width - 0.15, depth - 0.15, height, 1.0)


@category("console_table", "floor", sizes=("width_m",))
def console_table(draft: Draft) -> None:
    """A narrow table for a hall: half-moon, or long with drawers."""
    width, depth, height, material = (
        draft.width(0.8, 1.3),
        draft.between(0.3, 0.4),
        draft.between(0.75, 0.88),
        wood(draft),
    )
    if draft.chance(0.4):
        angles = np.linspace(0, np.pi, 17)
        outline = np.column_stack([np.cos(angles), np.sin(angles)]) * (width / 2, depth)
        top = rotated(extrude(outline, 0.025), "x", np.pi / 2)
        draft.put(material, translated(top, (0, height - 0.0125, -depth / 2)))
        for angle in (0.2, np.pi / 2, np.pi - 0.2):
            x, z = 0.44 * width * np.cos(angle), 0.88 * depth * np.sin(angle) - depth / 2
            draft.put(material, frustum(0.012, 0.022, height - 0.02, (x, 0, z), sides=8))
        draft.carry(width * 0.6, depth * 0.5, height, 1.0, z=-0.12 * depth)
        return
    legs(draft, material, width - 0.04, depth - 0.04, height - 0.02, 0.045)
    draft.put(material, rounded_box(width, 0.025, depth, 0.006, (0, height - 0.025, 0)))
    box = (0.05 - width / 2, width / 2 - 0.05), (height - 0.15, height - 0.025)
    draft.put(material, span(*box, (0.03 - depth / 2, depth / 2 - 0.03)))
    fronts(draft, material, fitting_metal(draft), *box, depth / 2 - 0.03, columns=draft.count(1, 3))
    if draft.chance(0.5):
        draft.put(material, block(width - 0.1, 0.02, depth - 0.08, (0, 0.2, 0)))
        draft.carry(width - 0.2, depth - 0.14, 0.22, height - 0.4)
    draft.carry(width - 0.15, depth - 0.1, height, 1.0)
