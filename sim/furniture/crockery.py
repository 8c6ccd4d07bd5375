"""Pots, crockery, bottles and food: small things for tables and counters."""

import numpy as np

from sim.building import Mesh
from sim.furniture.colors import BOTTLES, FRUIT
from sim.furniture.draft import Draft, category
from sim.shapes import (
    block,
    cylinder,
    ellipsoid,
    lathe,
    merged,
    repeated,
    rod,
    rotated,
    rounded_path,
    sphere,
    translated,
    tube,
)


def bowl_mesh(radius: float, height: float, *, wall: float = 0.004, foot: float = 0.5) -> Mesh:
    """A hollow bowl on a foot ring, standing on y = 0, metres."""
    rise = np.linspace(0, 1, 5)
    outside = np.column_stack([foot + (1 - foot) * rise**0.5, 0.06 + 0.94 * rise**1.4]) * (radius, height)
    inside = outside[:0:-1] - (wall, 0)
    inside[:, 1] = np.maximum(inside[:, 1], 0.06 * height + wall)
    inside[0, 1] = height
    base = [(0, 0), (foot * radius, 0)]
    return lathe(np.concatenate([base, outside, inside, [(0.0, 0.06 * height + wall)]]), sides=16)


def _handle(radius: float, height: float, low: float, thick: float) -> Mesh:
    """A ring-shaped handle beside a vessel of a radius (at +x), metres."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, 7)
    path = np.column_stack(
        [radius + 0.6 * height * np.cos(angles), low + height / 2 * (1 + np.sin(angles)), np.zeros(7)]
    )
    return tube(path, thick, sides=5)


@category("pot", "surface")
def pot(draft: Draft) -> None:
    """A cooking pot with two grips and perhaps a lid, or a pan with a long handle."""
    p = draft.palette
    body = draft.choice((p.metal, p.metal_dark, p.plastic_color, p.ceramic_color))
    pan = draft.chance(0.4)
    r = draft.between(0.11, 0.15) if pan else draft.between(0.09, 0.13)
    h = draft.between(0.045, 0.06) if pan else draft.between(0.09, 0.16)
    flare, t = (0.85, 0.004) if pan else (0.97, 0.004)
    draft.put(
        body,
        lathe(
            [(0, 0), (flare * r, 0), (r, 0.02), (r, h), (r - t, h), (r - t, 0.02), (flare * r - t, t), (0, t)], sides=20
        ),
    )
    if pan:
        draft.put(p.plastic_black, rod((r - 0.005, h * 0.7, 0), (r + 0.19, h * 1.1, 0), 0.008, 0.012, sides=6))
        return
    grip = rounded_path(
        [
            (r - 0.002, h * 0.8, -0.035),
            (r + 0.035, h * 0.8, -0.035),
            (r + 0.035, h * 0.8, 0.035),
            (r - 0.002, h * 0.8, 0.035),
        ],
        0.02,
    )
    for turn in (0.0, np.pi):
        draft.put(p.plastic_black, rotated(tube(grip, 0.006, sides=5), "y", turn))
    if draft.chance(0.6):
        draft.put(
            body, lathe([(0, 0), (r * 1.01, 0), (r * 1.01, 0.006), (r * 0.5, 0.022), (0, 0.026)], (0, h, 0), sides=20)
        )
        draft.put(p.plastic_black, lathe([(0, 0), (0.008, 0), (0.016, 0.02), (0, 0.026)], (0, h + 0.024, 0), sides=8))


@category("bowl", "surface")
def bowl(draft: Draft) -> None:
    """One bowl or a stack."""
    p, radius, height = draft.palette, draft.between(0.06, 0.13), draft.between(0.045, 0.08)
    mesh = bowl_mesh(radius, height, foot=draft.between(0.35, 0.6))
    stack = draft.choice((1, 1, 2, 3)) if radius < 0.09 else 1
    material = draft.choice((p.ceramic, p.ceramic_color, p.wood, p.metal, p.plastic_color))
    draft.put(material, repeated(mesh, [(0, 0.35 * height * k, 0) for k in range(stack)]))


@category("plate", "surface")
def plate(draft: Draft) -> None:
    """One plate or a stack."""
    r = draft.between(0.09, 0.135)
    profile = [(0, 0), (0.6 * r, 0), (r, 0.018), (r, 0.022), (0.65 * r, 0.007), (0, 0.006)]
    count = draft.choice((1, 1, 1, 4, 6))
    material = draft.choice((draft.palette.ceramic, draft.palette.ceramic, draft.palette.ceramic_color))
    draft.put(material, repeated(lathe(profile, sides=20), [(0, 0.008 * k, 0) for k in range(count)]))


def _wine_glass(draft: Draft) -> None:
    stem = [(0, 0), (0.034, 0), (0.03, 0.004), (0.004, 0.01), (0.004, 0.09)]
    outside = [(0.03, 0.115), (0.037, 0.15), (0.03, 0.2)]
    inside = [(0.028, 0.2), (0.035, 0.15), (0.028, 0.117), (0, 0.1)]
    draft.put(draft.palette.glass, lathe([*stem, *outside, *inside], sides=14))


def _cup(draft: Draft, low: float, height: float, base: float) -> None:
    """A vessel with a handle, its foot `low` times as wide as its rim, standing at a height, metres."""
    p, r, wall = draft.palette, draft.between(0.038, 0.046), 0.004
    outside = [(0, 0), (low * r, 0), (r, 0.5 * height), (r, height)]
    inside = [(r - wall, height), (r - wall, 0.5 * height), (low * r - wall, 0.006), (0, 0.006)]
    handle = _handle(0.95 * r, 0.55 * height, base + 0.25 * height, 0.004)
    draft.put(
        draft.choice((p.ceramic, p.ceramic_color, p.plastic_color)),
        lathe([*outside, *inside], (0, base, 0), sides=14),
        handle,
    )


def _mug(draft: Draft) -> None:
    _cup(draft, 0.95, draft.between(0.085, 0.11), 0.0)


def _teacup(draft: Draft) -> None:
    saucer = [(0, 0), (0.04, 0), (0.07, 0.012), (0.07, 0.015), (0.04, 0.006), (0, 0.006)]
    draft.put(draft.palette.ceramic, lathe(saucer, sides=16))
    _cup(draft, 0.55, 0.065, 0.006)


@category("cup", "surface")
def cup(draft: Draft) -> None:
    """A mug, a cup on a saucer, or a wine glass."""
    draft.choice((_mug, _teacup, _wine_glass))(draft)


def _wine_bottle(draft: Draft, r: float) -> None:
    h = draft.between(0.26, 0.31)
    glass = np.array([(0, 0), (1, 0), (1, 0.58), (0.85, 0.66), (0.38, 0.75), (0.34, 0.97), (0, 0.97)])
    draft.put(draft.choice(BOTTLES), lathe(glass * (r, h), sides=14))
    draft.put(
        draft.choice((draft.palette.cardboard, *BOTTLES)), cylinder(0.38 * r, 0.05 * h, (0, 0.95 * h, 0), sides=10)
    )
    draft.put(draft.palette.paper, cylinder(r * 1.01, 0.25 * h, (0, 0.2 * h, 0), sides=14))


def _jar(draft: Draft, r: float) -> None:
    p, h = draft.palette, draft.between(0.1, 0.15)
    body = np.array([(0, 0), (1, 0), (1, 0.8), (0.85, 0.9), (0.85, 1), (0, 1)])
    draft.put(draft.choice((p.glass, p.ceramic, *FRUIT)), lathe(body * (1.1 * r, h), sides=14))
    draft.put(draft.choice((p.metal, p.wood, p.plastic_color)), cylinder(1.04 * r, 0.015, (0, h, 0), sides=14))


def _pump_bottle(draft: Draft, r: float) -> None:
    p, h = draft.palette, draft.between(0.14, 0.19)
    body = np.array([(0, 0), (1, 0), (1, 0.85), (0.4, 1), (0, 1)])
    draft.put(draft.choice((p.plastic_white, p.plastic_color, *BOTTLES)), lathe(body * (r, h), sides=12))
    pump = rounded_path([(0, h, 0), (0, h + 0.05, 0), (0.045, h + 0.045, 0)], 0.02)
    draft.put(p.plastic_white, tube(pump, 0.005, sides=5), cylinder(0.4 * r, 0.02, (0, h, 0), sides=8))


@category("bottle", "surface")
def bottle(draft: Draft) -> None:
    """A wine bottle, a jar with a lid, or a bottle with a pump."""
    draft.choice((_wine_bottle, _jar, _pump_bottle))(draft, draft.between(0.033, 0.045))


def _apple(radius: float) -> Mesh:
    profile = np.array(
        [(0, 0.1), (0.35, 0), (0.75, 0.22), (1, 0.9), (0.95, 1.25), (0.75, 1.53), (0.45, 1.63), (0.2, 1.55), (0, 1.42)]
    )
    return merged(
        [lathe(profile * radius, sides=10), rod((0, 1.4 * radius, 0), (0.1 * radius, 1.95 * radius, 0), 0.003, sides=4)]
    )


def _banana(length: float) -> Mesh:
    t = np.linspace(-0.9, 0.9, 8)
    path = np.column_stack([length / 2 * np.sin(t), length / 2 * (1 - np.cos(t)), np.zeros(8)])
    return tube(path, 0.018 * np.array([0.4, 0.85, 1, 1, 1, 1, 0.85, 0.35]), sides=6)


@category("fruit", "surface")
def fruit(draft: Draft) -> None:
    """A bowl of apples, oranges and a banana, or one apple."""
    if draft.chance(0.25):
        draft.put(draft.choice(FRUIT[:2]), _apple(draft.between(0.034, 0.042)))
        return
    p, radius = draft.palette, draft.between(0.13, 0.16)
    draft.put(draft.choice((p.ceramic, p.ceramic_color, p.wood, p.wicker)), bowl_mesh(radius, 0.075, wall=0.006))
    places = [(0.065 * np.cos(a), 0.028, 0.065 * np.sin(a)) for a in np.arange(5) * 2 * np.pi / 5 + draft.between(0, 1)]
    for place in [*places, (0.0, 0.075, 0.0)]:
        material = draft.choice(FRUIT[:3])
        mesh = sphere(0.037, (0, 0.037, 0), sides=10, rings=6) if material is FRUIT[2] else _apple(0.038)
        draft.put(material, translated(mesh, place))
    if draft.chance(0.6):
        bananas = [rotated(translated(_banana(0.19), (0, 0, 0.025 * k)), "y", 0.1 * k) for k in (-1, 0, 1)]
        draft.put(FRUIT[3], translated(merged(bananas), (0, 0.1, 0.02)))


@category("knife_block", "surface")
def knife_block(draft: Draft) -> None:
    """A slanted block with knife handles."""
    p = draft.palette
    draft.put(
        draft.choice((p.wood, p.wood_dark, p.wood_light)),
        translated(rotated(block(0.1, 0.2, 0.1), "x", -0.4), (0, 0.05, 0)),
        block(0.1, 0.06, 0.16, (0, 0, -0.02)),
    )
    handle = rotated(ellipsoid(0.01, 0.055, 0.008, (0, 0.24, 0), sides=6, rings=6), "x", -0.4)
    places = [(x, 0.05, z) for x in (-0.03, 0.0, 0.03) for z in (-0.025, 0.025)]
    draft.put(p.plastic_black, repeated(handle, places[: draft.count(4, 6)]))
