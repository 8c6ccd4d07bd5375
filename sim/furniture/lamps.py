"""Lamps: each has something that glows and the bulbs that light the room."""

import numpy as np

from sim.building import Material, Mesh
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import fitting_metal
from sim.shapes import cylinder, ellipsoid, frustum, lathe, merged, rod, rotated, rounded_path, sphere, translated, tube

CEILING_CANDELA = 30.0
STANDING_CANDELA = 14.0
TABLE_CANDELA = 6.0


def shade(lower: float, upper: float, height: float, bottom: float) -> Mesh:
    """A hollow lamp shade, open below and above, from a bottom up, metres."""
    wall = 0.004
    profile = [(lower - wall, 0), (lower, 0), (upper, height), (upper - wall, height), (lower - wall, 0)]
    return lathe(profile, (0, bottom, 0), sides=20)


def dome(radius: float, height: float) -> Mesh:
    """A hollow dome, open below, standing on y = 0, metres."""
    wall = 0.006
    angles = np.linspace(0, np.pi / 2, 7)
    outside = np.column_stack([np.cos(angles), np.sin(angles)])
    outside[-1, 0] = 0.0
    profile = np.concatenate([outside[::-1] * (radius - wall, height - wall), outside * (radius, height)])
    return lathe(profile, sides=20)


def globe(radius: float, center: tuple[float, float, float]) -> Mesh:
    """A round bulb, metres."""
    return sphere(radius, center, sides=10, rings=6)


def _bowl(draft: Draft, metal: Material) -> None:
    radius = draft.between(0.16, 0.24)
    draft.put(draft.palette.lamp_shade, ellipsoid(radius, 0.09, radius, sides=20))
    draft.put(metal, cylinder(radius * 1.05, 0.02, (0, 0.01, 0), sides=24))
    draft.put(metal, cylinder(radius * 0.8, 0.05, (0, 0.03, 0), sides=20))
    draft.shine((0, -0.14, 0), CEILING_CANDELA, radius=radius)


def _drum(draft: Draft, metal: Material) -> None:
    radius = draft.between(0.18, 0.28)
    draft.put(draft.palette.lamp_shade, cylinder(radius, 0.11, sides=24), cylinder(radius * 0.92, 0.01, (0, -0.012, 0)))
    draft.put(metal, cylinder(radius * 1.03, 0.015, (0, -0.005, 0), sides=24), cylinder(0.06, 0.03, (0, 0.11, 0)))
    draft.shine((0, -0.06, 0), CEILING_CANDELA, radius=radius)


def _spots(draft: Draft, metal: Material) -> None:
    count = draft.count(3, 4)
    for x in (np.arange(count) - (count - 1) / 2) * 0.24:
        draft.put(metal, rod((x, 0.1, 0), (x, 0.19, 0), 0.01), frustum(0.05, 0.03, 0.1, (x, 0, 0), sides=12))
        draft.put(draft.palette.bulb, globe(0.038, (x, 0.0, 0)))
        draft.shine((float(x), -0.08, 0), CEILING_CANDELA / count, radius=0.04)
    draft.put(metal, rod((-0.14 * count, 0.19, 0), (0.14 * count, 0.19, 0), 0.014))


@category("ceiling_lamp", "ceiling")
def ceiling_lamp(draft: Draft) -> None:
    """A bowl, drum or rail of spots close under the ceiling."""
    draft.choice((_bowl, _drum, _spots))(draft, fitting_metal(draft))


def _hanging_shade(draft: Draft, metal: Material, drop: float) -> None:
    p, radius = draft.palette, draft.between(0.14, 0.24)
    height = radius * draft.between(0.7, 1.2)
    if draft.chance(0.5):
        draft.put(
            draft.choice((metal, p.plastic_white, p.plastic_color)),
            translated(dome(radius, height), (0, -drop - height, 0)),
        )
    else:
        draft.put(p.lamp_shade, shade(radius, radius * draft.between(0.4, 1.0), height, -drop - height))
    draft.put(p.bulb, globe(0.045, (0, -drop - height * 0.6, 0)))
    draft.put(metal, cylinder(0.02, height * 0.5, (0, -drop - height * 0.5, 0), sides=8))
    draft.shine((0, -drop - height - 0.05, 0), CEILING_CANDELA, radius=0.7 * radius)


def _hanging_globe(draft: Draft, metal: Material, drop: float) -> None:
    radius = draft.between(0.12, 0.2)
    draft.put(metal, cylinder(0.03, 0.04, (0, -drop - 0.02, 0), sides=10))
    draft.put(draft.palette.lamp_shade, sphere(radius, (0, -drop - radius, 0), sides=18, rings=10))
    draft.shine((0, -drop - 2 * radius - 0.03, 0), CEILING_CANDELA, radius=radius)


def _chandelier(draft: Draft, metal: Material, drop: float) -> None:
    arms = draft.count(5, 6)
    path = rounded_path([(0, 0, 0), (0.15, -0.08, 0), (0.28, -0.06, 0), (0.3, 0.03, 0)], 0.1)
    arm = merged([tube(path, 0.008, sides=6), frustum(0.012, 0.02, 0.03, (0.3, 0.02, 0), sides=8)])
    candle = ellipsoid(0.022, 0.04, 0.022, (0.3, 0.085, 0), sides=8, rings=6)
    for angle in np.arange(arms) * 2 * np.pi / arms:
        for material, mesh in ((metal, arm), (draft.palette.bulb, candle)):
            draft.put(material, translated(rotated(mesh, "y", float(angle)), (0, -drop, 0)))
    draft.put(metal, ellipsoid(0.04, 0.06, 0.04, (0, -drop, 0), sides=10, rings=6))
    draft.shine((0, -drop - 0.15, 0), CEILING_CANDELA, radius=0.25)


@category("pendant_lamp", "ceiling")
def pendant_lamp(draft: Draft) -> None:
    """A shade, dome or globe on a cord, or a chandelier of curved arms."""
    metal, drop = fitting_metal(draft), draft.between(0.4, 0.7)
    draft.put(metal, frustum(0.05, 0.06, 0.025, (0, -0.025, 0)))
    draft.put(draft.palette.plastic_black, rod((0, -drop, 0), (0, -0.02, 0), 0.004, sides=6))
    draft.choice((_hanging_shade, _hanging_shade, _hanging_globe, _chandelier))(draft, metal, drop)


def _arc(draft: Draft, metal: Material, height: float) -> None:
    draft.put(draft.choice((draft.palette.stone_top, metal)), cylinder(0.15, 0.04, (-0.35, 0, 0), sides=20))
    corners = [(-0.35, 0.03, 0), (-0.35, height, 0), (0.35, height + 0.3, 0), (0.4, height - 0.12, 0)]
    draft.put(metal, tube(rounded_path(corners, 0.5, steps=8), 0.011, sides=8))
    draft.put(metal, translated(dome(0.17, 0.14), (0.4, height - 0.26, 0)))
    draft.put(draft.palette.bulb, globe(0.05, (0.4, height - 0.2, 0)))
    draft.shine((0.4, height - 0.3, 0), STANDING_CANDELA)


def _standing_shade(draft: Draft, height: float) -> None:
    radius = draft.between(0.17, 0.24)
    draft.put(draft.palette.lamp_shade, shade(radius, radius * draft.between(0.6, 1.0), 0.26, height - 0.22))
    draft.put(draft.palette.bulb, globe(0.045, (0, height - 0.09, 0)))
    draft.shine((0, height + 0.08, 0), STANDING_CANDELA, radius=0.1)


def _pole(draft: Draft, metal: Material, height: float) -> None:
    draft.put(metal, frustum(0.15, 0.14, 0.025, sides=20), cylinder(0.011, height - 0.1, (0, 0.02, 0), sides=8))
    _standing_shade(draft, height)


def _tripod(draft: Draft, metal: Material, height: float) -> None:
    material = draft.choice((draft.palette.wood, draft.palette.wood_dark, metal))
    for angle in np.arange(3) * 2 * np.pi / 3 + 0.3:
        foot = (0.25 * np.cos(angle), 0, 0.25 * np.sin(angle))
        draft.put(material, rod(foot, (0, height - 0.15, 0), 0.013, 0.011))
    _standing_shade(draft, height)


@category("floor_lamp", "floor")
def floor_lamp(draft: Draft) -> None:
    """A standing lamp: a pole or three legs with a shade, or an arc with a dome."""
    draft.choice((_pole, _tripod, _arc))(draft, fitting_metal(draft), draft.between(1.4, 1.7))


def _desk_lamp(draft: Draft, metal: Material) -> None:
    p = draft.palette
    joint, head = (-0.08, 0.26, 0.0), (0.1, 0.41, 0.06)
    draft.put(draft.choice((p.metal_dark, p.plastic_white, p.plastic_color)), cylinder(0.09, 0.02, sides=18))
    draft.put(metal, rod((0, 0.02, 0), joint, 0.007, sides=6), rod(joint, head, 0.007, sides=6))
    draft.put(metal, sphere(0.014, joint, sides=8, rings=5), translated(dome(0.075, 0.1), (0.1, 0.31, 0.06)))
    draft.put(p.bulb, globe(0.03, (0.1, 0.345, 0.06)))
    draft.shine((0.1, 0.28, 0.06), TABLE_CANDELA)


def _globe_lamp(draft: Draft, metal: Material) -> None:
    draft.put(metal, cylinder(0.06, 0.03, sides=16))
    draft.put(draft.palette.lamp_shade, sphere(0.11, (0, 0.13, 0), sides=18, rings=10))
    draft.shine((0, 0.28, 0), TABLE_CANDELA, radius=0.1)


def _vase_lamp(draft: Draft, metal: Material) -> None:
    p = draft.palette
    foot, radius, tall = draft.between(0.2, 0.3), draft.between(0.12, 0.17), draft.between(0.15, 0.2)
    heights = np.array([0, 0, 0.08, draft.between(0.25, 0.7), 0.85, 1.0, 1.0])
    radii = np.array([0, 0.06, 0.065, draft.between(0.06, 0.1), 0.025, 0.02, 0])
    body = lathe(np.column_stack([radii, heights * foot]), sides=16)
    draft.put(draft.choice((p.ceramic, p.ceramic_color, metal, p.wood_dark)), body)
    draft.put(metal, cylinder(0.008, tall * 0.6, (0, foot, 0), sides=6))
    draft.put(p.lamp_shade, shade(radius, radius * draft.between(0.55, 0.95), tall, foot + 0.02))
    draft.put(p.bulb, globe(0.035, (0, foot + 0.02 + tall * 0.5, 0)))
    draft.shine((0, foot + tall + 0.1, 0), TABLE_CANDELA, radius=0.08)


@category("table_lamp", "surface")
def table_lamp(draft: Draft) -> None:
    """A lamp for a table: a vase foot with a shade, a jointed desk lamp, or a glowing globe."""
    draft.choice((_vase_lamp, _vase_lamp, _desk_lamp, _globe_lamp))(draft, fitting_metal(draft))


@category("wall_lamp", "wall")
def wall_lamp(draft: Draft) -> None:
    """A globe or a shade on an arm from a wall plate."""
    p, metal = draft.palette, fitting_metal(draft)
    draft.put(metal, ellipsoid(0.05, 0.08, 0.012, (0, 0, 0.012), sides=14, rings=8))
    draft.put(metal, tube(rounded_path([(0, 0, 0.01), (0, -0.02, 0.1), (0, 0.08, 0.12)], 0.06), 0.008, sides=6))
    if draft.chance(0.5):
        draft.put(p.lamp_shade, sphere(0.07, (0, 0.14, 0.12), sides=14, rings=8))
    else:
        draft.put(p.lamp_shade, translated(shade(0.085, 0.05, 0.13, 0.07), (0, 0, 0.12)))
        draft.put(p.bulb, globe(0.03, (0, 0.13, 0.12)))
    draft.shine((0, 0.13, 0.24), TABLE_CANDELA)
