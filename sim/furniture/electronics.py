"""Screens, computers and sound."""

import numpy as np

from sim.furniture.colors import DARK_GLASS
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import span, spread
from sim.shapes import (
    block,
    boxes,
    cylinder,
    frustum,
    lathe,
    merged,
    quad,
    repeated,
    rod,
    rotated,
    rounded_box,
    scaled,
    torus,
    translated,
)


def _panel(draft: Draft, width: float, height: float, base: float) -> None:
    """A flat display whose lower edge is at a height, facing +z, metres; two of three are switched on."""
    p, edge = draft.palette, 0.012
    draft.put(p.plastic_black, rounded_box(width, height, 0.03, 0.006, (0, base, 0)))
    material = p.screen if draft.chance(0.65) else DARK_GLASS
    face = quad(width - 2 * edge, height - 2.4 * edge, (0, base + height / 2 + 0.2 * edge, 0.0165))
    draft.put(material, spread(face, material))
    draft.put(p.plastic_black, rounded_box(width * 0.55, height * 0.5, 0.03, 0.012, (0, base + 0.1 * height, -0.025)))


@category("television", "surface", sizes=("width_m",))
def television(draft: Draft) -> None:
    """A flat television on two feet or a central stand."""
    width, p = draft.width(0.8, 1.35), draft.palette
    base = draft.between(0.05, 0.08)
    _panel(draft, width, width * 0.575, base)
    if draft.chance(0.5):
        for side in (-0.36 * width, 0.36 * width):
            draft.put(
                p.plastic_black, *(rod((side, base + 0.02, 0), (side, 0.006, z), 0.006, sides=6) for z in (-0.11, 0.12))
            )
    else:
        draft.put(
            p.metal_dark, rounded_box(0.3 * width, 0.012, 0.24, 0.005), block(0.1, base + 0.05, 0.03, (0, 0.005, -0.03))
        )


@category("monitor", "surface")
def monitor(draft: Draft) -> None:
    """A computer monitor on a stand."""
    p, width, base = draft.palette, draft.between(0.5, 0.68), draft.between(0.12, 0.18)
    _panel(draft, width, width * 0.58, base)
    metal = draft.choice((p.metal, p.plastic_black))
    foot = scaled(
        lathe([(0, 0), (1, 0), (1, 0.7), (0.95, 1), (0, 1)], sides=24, squareness=draft.choice((2.0, 6.0))),
        (0.12, 0.012, 0.1),
    )
    draft.put(metal, translated(foot, (0, 0, -0.05)), rod((0, 0.005, -0.07), (0, base + 0.12, -0.045), 0.02))


def _keyboard_keys(
    width: float, depth: float, y: float, rows: int = 4, columns: int = 11
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corners of keys on a field of width x depth at a height, metres."""
    pitch_x, pitch_z = width / columns, depth / rows
    x, z = np.meshgrid((np.arange(columns) - (columns - 1) / 2) * pitch_x, (np.arange(rows) - (rows - 1) / 2) * pitch_z)
    middle = np.column_stack([x.ravel(), np.full(x.size, y), z.ravel()])
    half = np.array([0.43 * pitch_x, 0.0, 0.43 * pitch_z])
    return middle - half, middle + half + (0, 0.005, 0)


@category("laptop", "surface")
def laptop(draft: Draft) -> None:
    """An open laptop with keys, touchpad and screen."""
    p, width, depth, tilt = (
        draft.palette,
        draft.between(0.31, 0.37),
        draft.between(0.22, 0.25),
        draft.between(0.2, 0.45),
    )
    body = draft.choice((p.metal, p.plastic_black, p.metal_dark))
    draft.put(body, rounded_box(width, 0.016, depth, 0.006))
    lower, upper = _keyboard_keys(0.86 * width, 0.5 * depth, 0.016)
    draft.put(
        p.plastic_black if body is p.metal else DARK_GLASS,
        boxes(lower - (0, 0, 0.15 * depth), upper - (0, 0.003, 0.15 * depth)),
    )
    draft.put(p.metal_dark, block(0.32 * width, 0.001, 0.24 * depth, (0, 0.016, 0.3 * depth)))
    lid = rounded_box(width, depth, 0.008, 0.003)
    face = quad(width - 0.024, depth - 0.026, (0, depth / 2 + 0.002, 0.0048))
    hinge = (0, 0.012, 0.004 - depth / 2)
    draft.put(body, translated(rotated(lid, "x", -tilt), hinge))
    draft.put(p.screen, translated(rotated(spread(face, p.screen), "x", -tilt), hinge))


@category("keyboard", "surface")
def keyboard(draft: Draft) -> None:
    """A keyboard with a mouse beside it."""
    p = draft.palette
    body, keys = draft.choice(
        ((p.plastic_black, p.metal_dark), (p.plastic_white, p.laminate), (p.metal, p.plastic_white))
    )
    width = draft.between(0.36, 0.44)
    draft.put(body, rounded_box(width, 0.014, 0.13, 0.005))
    lower, upper = _keyboard_keys(width - 0.02, 0.11, 0.014, 4, 12)
    draft.put(keys, boxes(lower, upper))
    mouse = lathe([(0, 0), (0.9, 0), (1, 0.3), (0.8, 0.8), (0.4, 1), (0, 1)], sides=12)
    draft.put(body, translated(scaled(mouse, (0.03, 0.035, 0.053)), (width / 2 + 0.09, 0, 0)))


@category("speaker", "surface")
def speaker(draft: Draft) -> None:
    """A loudspeaker box with cones, or a round one."""
    p = draft.palette
    if draft.chance(0.3):
        draft.put(
            draft.choice((p.fabric, p.plastic_black, p.plastic_white)),
            lathe([(0, 0), (0.045, 0), (0.06, 0.03), (0.06, 0.12), (0.05, 0.15), (0, 0.15)], sides=18),
        )
        draft.put(p.plastic_black, cylinder(0.035, 0.004, (0, 0.149, 0), sides=14))
        return
    width, height, depth = draft.between(0.16, 0.22), draft.between(0.28, 0.4), draft.between(0.18, 0.24)
    draft.put(draft.choice((p.wood, p.wood_dark, p.plastic_black)), block(width, height, depth))
    cone = lathe([(0, 0), (1, 0), (1, 0.12), (0.9, 0.16), (0.82, 0.1), (0.3, 0.02), (0.22, 0.1), (0, 0.14)], sides=18)
    for radius, y in ((0.4 * width, 0.34 * height), (0.18 * width, 0.78 * height)):
        turned = rotated(scaled(cone, (radius, 0.09, radius)), "x", np.pi / 2)
        draft.put(p.rubber, translated(turned, (0, y, depth / 2)))
        ring = rotated(torus(radius, 0.004, sides=18, tube_sides=4), "x", np.pi / 2)
        draft.put(p.metal, translated(ring, (0, y, depth / 2 + 0.011)))


@category("printer", "surface")
def printer(draft: Draft) -> None:
    """A printer with paper trays and a sheet coming out."""
    p, width, height, depth = (
        draft.palette,
        draft.between(0.4, 0.48),
        draft.between(0.18, 0.28),
        draft.between(0.3, 0.36),
    )
    body = draft.choice((p.plastic_white, p.plastic_black, p.laminate))
    draft.put(body, rounded_box(width, height, depth, 0.025))
    z = depth / 2
    draft.put(
        p.plastic_black, span((-0.38 * width, 0.38 * width), (0.3 * height, 0.55 * height), (z - 0.02, z + 0.003))
    )
    draft.put(
        p.plastic_black,
        translated(rotated(block(0.7 * width, 0.008, 0.06, (0, 0, 0.03)), "x", -0.12), (0, 0.28 * height, z)),
    )
    draft.put(
        p.paper, translated(rotated(block(0.21, 0.003, 0.09, (0, 0, 0.04)), "x", -0.16), (0, 0.32 * height, z - 0.01))
    )
    draft.put(p.paper, translated(rotated(block(0.21, 0.2, 0.012), "x", -0.4), (0, 0.9 * height, 0.06 - z)))
    draft.put(DARK_GLASS, block(0.08, 0.004, 0.04, (0.32 * width, height - 0.001, z - 0.06)))
    draft.put(
        p.plastic_color,
        repeated(
            cylinder(0.008, 0.005, sides=8),
            [(0.1 * width, height - 0.001, z - 0.06), (0.15 * width, height - 0.001, z - 0.06)],
        ),
    )


@category("computer", "floor")
def computer(draft: Draft) -> None:
    """A computer tower with drives, a lit button and vents."""
    p, width, height, depth = (
        draft.palette,
        draft.between(0.18, 0.22),
        draft.between(0.38, 0.46),
        draft.between(0.4, 0.48),
    )
    draft.put(
        draft.choice((p.metal_dark, p.plastic_black, p.plastic_white)),
        rounded_box(width, height, depth, 0.008, (0, 0.01, 0)),
    )
    draft.put(
        p.rubber, repeated(cylinder(0.015, 0.012, sides=8), [(a * 0.07, 0, b * 0.17) for a in (-1, 1) for b in (-1, 1)])
    )
    z = depth / 2
    draft.put(p.metal, *(block(0.8 * width, 0.03, 0.006, (0, height - 0.07 - 0.045 * k, z)) for k in range(2)))
    draft.put(p.rubber, *(block(0.7 * width, 0.006, 0.004, (0, 0.06 + 0.014 * k, z)) for k in range(8)))
    draft.put(p.metal, rotated(cylinder(0.012, 0.006, (0, z, -height * 0.55), sides=10), "x", np.pi / 2))


@category("fan", "floor")
def fan(draft: Draft) -> None:
    """A standing fan: blades in a cage of rings."""
    p, height = draft.palette, draft.between(1.0, 1.25)
    body = draft.choice((p.plastic_white, p.plastic_black, p.metal))
    draft.put(body, frustum(0.19, 0.16, 0.03, sides=20), cylinder(0.016, height - 0.1, (0, 0.02, 0), sides=8))
    head = merged(
        [
            torus(r, 0.005, (0, y, 0), sides=20, tube_sides=4)
            for r, y in ((0.2, 0.0), (0.14, 0.055), (0.07, 0.07), (0.14, -0.055))
        ]
    )
    spokes = merged(
        [
            rod((0.04 * np.cos(a), 0.07, 0.04 * np.sin(a)), (0.2 * np.cos(a), 0.0, 0.2 * np.sin(a)), 0.003, sides=4)
            for a in np.arange(10) * np.pi / 5
        ]
    )
    blade = translated(rotated(scaled(cylinder(1, 1, sides=10), (0.055, 0.004, 0.08)), "z", 0.35), (0, 0, 0.1))
    blades = merged([rotated(blade, "y", k * 2 * np.pi / 3) for k in range(3)])
    motor = lathe([(0, -0.12), (0.04, -0.12), (0.055, -0.08), (0.045, 0.02), (0, 0.03)], sides=12)
    tilt = np.pi / 2 - 0.15
    for material, mesh in (
        (body, head),
        (body, spokes),
        (body, motor),
        (draft.choice((p.plastic_color, p.metal_dark)), blades),
    ):
        draft.put(material, translated(rotated(mesh, "x", tilt), (0, height, 0.06)))
