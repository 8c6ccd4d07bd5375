"""What stands about in halls, store rooms and by the door."""

import numpy as np

from sim.building import Material
from sim.furniture.colors import CLOTHES, TOYS
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import fitting_metal, span
from sim.shapes import (
    block,
    cylinder,
    ellipsoid,
    extrude,
    lathe,
    merged,
    repeated,
    rod,
    rods,
    rotated,
    rounded_box,
    rounded_path,
    scaled,
    sheet,
    torus,
    translated,
    tube,
)


@category("shoes", "floor")
def shoes(draft: Draft) -> None:
    """A pair of shoes or boots, a little apart."""
    p = draft.palette
    upper = draft.choice((p.leather, p.fabric_accent, p.plastic_black, *CLOTHES))
    length, tall = draft.between(0.22, 0.3), draft.choice((0.05, 0.05, 0.16))
    sole = scaled(lathe([(0, 0), (1, 0), (1, 1), (0, 1)], sides=18, squareness=2.6), (0.044, 0.02, length / 2))
    toe = ellipsoid(0.042, 0.05, 0.3 * length, (0, 0.02, 0.18 * length), sides=12, rings=7)
    shaft = [(0, 0), (0.042, 0), (0.046, 0.05), (0.04, 0.05 + tall), (0.034, 0.05 + tall), (0.034, 0.03), (0, 0.03)]
    heel = scaled(lathe(shaft, sides=12), (0.95, 1, 1.35))
    for side in (-1, 1):
        place, turn = (side * draft.between(0.055, 0.075), 0, draft.between(-0.02, 0.02)), draft.between(-0.15, 0.15)
        for material, mesh in ((p.rubber, sole), (upper, merged([toe, translated(heel, (0, 0.018, -0.22 * length))]))):
            draft.put(material, translated(rotated(mesh, "y", turn), place))


@category("umbrella", "floor")
def umbrella(draft: Draft) -> None:
    """Closed umbrellas in a stand."""
    p = draft.palette
    stand = draft.choice((p.metal_dark, p.ceramic, p.brass, p.wicker))
    draft.put(
        stand, lathe([(0, 0), (0.11, 0), (0.12, 0.45), (0.125, 0.46), (0.112, 0.46), (0.1, 0.02), (0, 0.02)], sides=20)
    )
    for k in range(draft.count(1, 3)):
        angle = 2.1 * k + draft.between(0, 0.5)
        folds = lathe([(0, 0.05), (0.012, 0.1), (0.03, 0.5), (0.016, 0.62), (0, 0.64)], sides=7)
        handle = rounded_path([(0, 0.6, 0), (0, 0.87, 0), (0.09, 0.87, 0), (0.09, 0.79, 0)], 0.05)
        lean = draft.between(0.06, 0.12)
        for material, mesh in ((draft.choice((*CLOTHES, *TOYS)), folds), (p.wood_dark, tube(handle, 0.01, sides=6))):
            tilted = rotated(rotated(mesh, "z", -lean), "y", angle)
            draft.put(material, translated(tilted, (0.02 * np.cos(angle), 0, -0.02 * np.sin(angle))))


@category("bag", "floor")
def bag(draft: Draft) -> None:
    """A handbag, a tote or a rucksack."""
    p = draft.palette
    material = draft.choice((p.leather, p.fabric, p.fabric_accent, *CLOTHES))
    w, h, d = draft.between(0.26, 0.36), draft.between(0.24, 0.36), draft.between(0.11, 0.16)
    if draft.chance(0.4):
        draft.put(
            material,
            scaled(
                lathe([(0, 0), (0.9, 0), (1, 0.2), (0.95, 0.75), (0.6, 0.97), (0, 1)], sides=20, squareness=3),
                (w / 2, 1.25 * h, d * 0.7),
            ),
        )
        draft.put(material, rounded_box(0.65 * w, 0.45 * h, 0.08, 0.03, (0, 0.1 * h, 0.65 * d)))
        strap = rounded_path([(0, 1.15 * h, 0), (0, 1.1 * h, -d), (0, 0.5 * h, -1.1 * d), (0, 0.1 * h, -0.6 * d)], 0.08)
        draft.put(p.plastic_black, *(translated(tube(strap, 0.012, sides=5), (x * w, 0, 0)) for x in (-0.25, 0.25)))
        return
    outline = [(-0.5 * w, 0), (0.5 * w, 0), (0.44 * w, h), (-0.44 * w, h)]
    draft.put(material, extrude(outline, d), block(0.5 * w, 0.02, 0.5 * d))
    t = np.linspace(0, np.pi, 11)
    loop = np.column_stack([0.25 * w * np.cos(t), h - 0.02 + 0.45 * h * np.sin(t), np.zeros(11)])
    draft.put(
        draft.choice((material, p.leather)),
        *(translated(tube(loop, 0.007, sides=5), (0, 0, z * d)) for z in (-0.48, 0.48)),
    )
    draft.put(p.brass, block(0.04, 0.02, 0.012, (0, 0.8 * h, d / 2)))


def _wheel(draft: Draft, radius: float, x: float) -> None:
    """A bicycle wheel standing on y = 0 with its axle along z, metres."""
    p = draft.palette
    place = (x, radius, 0)

    for material, ring, thick in ((p.rubber, radius - 0.018, 0.018), (p.metal, radius - 0.042, 0.008)):
        draft.put(material, translated(rotated(torus(ring, thick, sides=28, tube_sides=6), "x", np.pi / 2), place))
    angles, reach = np.arange(16) * np.pi / 8, radius - 0.04
    hub = np.column_stack([np.full(16, x), np.full(16, radius), np.tile([-0.03, 0.03], 8)])
    rim = np.column_stack([x + reach * np.cos(angles), radius + reach * np.sin(angles), np.zeros(16)])
    draft.put(p.metal, rods(hub, rim, 0.0018, sides=3), rod((x, radius, -0.05), (x, radius, 0.05), 0.016, sides=8))


@category("bicycle", "floor")
def bicycle(draft: Draft) -> None:
    """A bicycle, standing along x."""
    p, r = draft.palette, draft.between(0.31, 0.34)
    paint = draft.choice((p.plastic_color, p.metal_dark, *TOYS[:5]))
    rear, front, crank = -0.52, 0.52, (-0.08, r - 0.04, 0.0)
    for x in (rear, front):
        _wheel(draft, r, x)
    seat, head, low_head = (-0.2, r + 0.42, 0.0), (0.34, r + 0.46, 0.0), (0.38, r + 0.33, 0.0)
    bars = [(crank, seat), (crank, low_head), (head, low_head), ((-0.18, r + 0.38, 0.0), (0.35, r + 0.43, 0.0))]
    if draft.chance(0.4):
        bars[-1] = ((-0.15, r + 0.22, 0.0), (0.37, r + 0.36, 0.0))
    draft.put(paint, *(rod(a, b, 0.017, sides=8) for a, b in bars))
    for side in (-1, 1):
        draft.put(
            paint, rod((rear, r, side * 0.05), crank, 0.009, sides=6), rod((rear, r, side * 0.05), seat, 0.008, sides=6)
        )
        draft.put(
            paint,
            tube(
                [(front, r, side * 0.05), (0.42, r + 0.25, side * 0.05), (0.385, r + 0.33, side * 0.02)], 0.01, sides=6
            ),
        )
    draft.put(p.metal, rod(seat, (-0.225, r + 0.52, 0.0), 0.013), rod(head, (0.325, r + 0.54, 0.0), 0.013))
    grip = rounded_path(
        [(0.22, r + 0.55, -0.28), (0.34, r + 0.57, -0.1), (0.34, r + 0.57, 0.1), (0.22, r + 0.55, 0.28)], 0.08
    )
    draft.put(p.metal, tube(grip, 0.011, sides=7))
    saddle = scaled(lathe([(0, 0), (0.8, 0), (1, 0.5), (0.85, 1), (0, 1)], sides=14), (0.13, 0.045, 0.07))
    draft.put(
        p.plastic_black,
        translated(saddle, (-0.23, r + 0.51, 0)),
        *(rod((0.26, r + 0.553, s * 0.2), (0.215, r + 0.548, s * 0.3), 0.016, sides=6) for s in (-1, 1)),
    )
    ring = rotated(torus(0.085, 0.008, sides=18, tube_sides=5), "x", np.pi / 2)
    draft.put(p.metal_dark, translated(ring, (crank[0], crank[1], 0.05)))
    for side, angle in ((1, 0.5), (-1, 0.5 + np.pi)):
        end = (crank[0] + 0.16 * np.cos(angle), crank[1] + 0.16 * np.sin(angle), side * 0.075)
        draft.put(p.metal, rod((crank[0], crank[1], side * 0.06), end, 0.01, sides=6))
        draft.put(p.plastic_black, translated(block(0.09, 0.02, 0.07), (end[0], end[1] - 0.01, side * 0.12)))
    draft.put(p.metal, rod((rear, r, -0.07), (rear + 0.12, 0.0, -0.22), 0.009, sides=6))


@category("ladder", "floor")
def ladder(draft: Draft) -> None:
    """A step ladder, opened."""
    p, steps = draft.palette, draft.count(3, 6)
    height = 0.25 * (steps + 0.6)
    frame = draft.choice((p.metal, p.wood, p.wood_light))
    lean = 0.3 * height
    for side in (-1, 1):
        foot, top = side * (0.2 + 0.05 * steps / 3), side * 0.17
        draft.put(
            frame,
            rod((foot, 0, lean), (top, height, 0.02), 0.02, sides=6),
            rod((foot, 0, -lean), (top, height, -0.02), 0.016, sides=6),
        )
        draft.put(
            p.rubber, cylinder(0.026, 0.03, (foot, 0, lean), sides=8), cylinder(0.026, 0.03, (foot, 0, -lean), sides=8)
        )
    for k in range(1, steps + 1):
        y = 0.25 * k
        z = lean + (0.02 - lean) * y / height
        wide = 2 * (0.2 + 0.05 * steps / 3 - (0.03 + 0.05 * steps / 3) * y / height)
        draft.put(frame, block(wide, 0.025, 0.1, (0, y - 0.025, z)))
    draft.put(p.plastic_color, rounded_box(0.4, 0.04, 0.2, 0.015, (0, height - 0.02, 0)))
    draft.put(frame, rod((-0.2, 0.3, -0.8 * lean), (0.2, 0.3, -0.8 * lean), 0.012, sides=6))


def _broom_head(material: Material, bristle: Material, draft: Draft) -> None:
    draft.put(material, rounded_box(0.3, 0.04, 0.05, 0.012, (0, 0.09, 0)))
    tufts = [(x, 0, z) for x in np.linspace(-0.13, 0.13, 10) for z in (-0.013, 0.013)]
    draft.put(bristle, repeated(lathe([(0, 0), (0.016, 0), (0.01, 0.1), (0, 0.1)], sides=6), tufts))


@category("broom", "floor")
def broom(draft: Draft) -> None:
    """A broom or a mop, leaning back against the wall."""
    p, length = draft.palette, draft.between(1.2, 1.4)
    handle = draft.choice((p.wood_light, p.plastic_color, p.metal))
    if draft.chance(0.6):
        _broom_head(draft.choice((p.wood, p.plastic_color)), draft.choice((p.wicker, p.plastic_black)), draft)
    else:
        angles = np.arange(14) * 2 * np.pi / 14
        cords = [
            tube(
                rounded_path(
                    [(0.015 * c, 0.17, 0.015 * s), (0.09 * c, 0.07, 0.09 * s), (0.13 * c, 0.01, 0.13 * s)], 0.08
                ),
                0.011,
                sides=5,
            )
            for c, s in zip(np.cos(angles), np.sin(angles), strict=True)
        ]
        draft.put(p.linen, *cords)
        draft.put(p.plastic_color, lathe([(0, 0.15), (0.045, 0.15), (0.02, 0.22), (0, 0.22)], sides=10))
    draft.put(handle, rod((0, 0.1, 0), (0, length, -0.22), 0.012))


@category("radiator", "floor", sizes=("width_m", "height_m"))
def radiator(draft: Draft) -> None:
    """A radiator of round columns, or a flat panel with a grille, with its pipes."""
    width, height, p = draft.width(0.6, 1.4), draft.height(0.5, 0.7), draft.palette
    paint = draft.choice((p.plastic_white, p.plastic_white, p.painted_wood, p.metal_dark))
    low, pipe = 0.12, 0.03
    wide = width - 2 * pipe
    if draft.chance(0.6):
        count = max(4, round(wide / 0.065))
        r = wide / count / 2
        column = cylinder(0.8 * r, height - low, (0, low, 0), sides=8)
        header = block(2 * r, 0.05, 0.12)
        places = np.column_stack([(np.arange(count) - (count - 1) / 2) * 2 * r, np.zeros(count), np.zeros(count)])
        draft.put(paint, *(repeated(column, np.add(places, (0, 0, z))) for z in (-0.04, 0.04)))
        draft.put(paint, *(repeated(header, np.add(places, (0, y, 0))) for y in (low, height - 0.05)))
    else:
        draft.put(paint, rounded_box(wide, height - low, 0.09, 0.012, (0, low, 0)))
        count = max(6, round(wide / 0.04))
        places = np.column_stack(
            [(np.arange(count) - (count - 1) / 2) * wide / count, np.zeros(count), np.zeros(count)]
        )
        draft.put(paint, repeated(block(0.018, height - low - 0.08, 0.012, (0, low + 0.04, 0.049)), places))
        draft.put(p.metal_dark, repeated(block(0.01, 0.002, 0.06, (0, height - 0.0019, 0)), places))
    for side in (-1, 1):
        x = side * (wide / 2 + pipe / 2)
        path = rounded_path([(x, 0, 0), (x, low + 0.04, 0), (side * (wide / 2 - 0.02), low + 0.04, 0)], 0.015, steps=2)
        draft.put(p.metal, tube(path, 0.0095, sides=6))
        draft.put(p.plastic_white, cylinder(pipe / 2, 0.06, (x, low + 0.035, 0), sides=12))
        bracket = side * wide * 0.35
        draft.put(p.metal, span((bracket - 0.01, bracket + 0.01), (height * 0.5, height * 0.55), (-0.09, -0.04)))


@category("coat", "wall")
def coat(draft: Draft) -> None:
    """A coat or jacket on a hook."""
    cloth, h = draft.choice(CLOTHES), draft.between(0.7, 1.05)
    drop, across = np.linspace(0, 1, 10)[:, None] ** 1.4, np.linspace(-1, 1, 13)[None]
    half = 0.06 + 0.17 * np.minimum(1, 3.2 * drop) ** 0.6 + 0.05 * drop
    x = half * across
    z = 0.05 + 0.09 * (1 - across**2) * np.minimum(1, 4 * drop + 0.25) + 0.015 * np.cos(9 * across) * drop
    points = np.stack(np.broadcast_arrays(x, -drop * h - 0.06 * across**2 * (1 - drop), z), axis=-1)
    draft.put(cloth, sheet(points, 0.014))
    for side in (-1, 1):
        sleeve = [(side * 0.17, -0.12, 0.07), (side * 0.25, -0.3, 0.06), (side * 0.26, -0.62 * h, 0.07)]
        draft.put(cloth, tube(rounded_path(sleeve, 0.15), np.linspace(0.065, 0.048, 6), sides=8))
    draft.put(
        fitting_metal(draft),
        rod((0, 0.02, 0), (0, 0.02, 0.09), 0.008, sides=6),
        block(0.04, 0.06, 0.008, (0, -0.01, 0.004)),
    )
