"""Bathrooms: tub, shower, toilet, basins, and what hangs there."""

import numpy as np
from numpy.typing import NDArray

from sim.building import Material
from sim.furniture.colors import SOAPS
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import carcass, fitting_metal, fronts, span, tap, wood
from sim.shapes import (
    block,
    boxes,
    cylinder,
    ellipsoid,
    extrude,
    frustum,
    lathe,
    repeated,
    rod,
    rotated,
    rounded_box,
    rounded_path,
    scaled,
    sheet,
    translated,
    tube,
)


@category("bathtub", "floor")
def bathtub(draft: Draft) -> None:
    """A bathtub, hollow: built in with a straight apron, or free-standing and round."""
    p, length, width, height = (
        draft.palette,
        draft.between(1.5, 1.75),
        draft.between(0.7, 0.8),
        draft.between(0.52, 0.6),
    )
    inside = [(0.9, 1), (0.84, 0.9), (0.76, 0.35), (0.6, 0.24), (0, 0.22)]
    if draft.chance(0.5):
        outside = [(0, 0), (1, 0), (1, 0.99), (0.99, 1)]
        power, foot = 12.0, 0.0
    else:
        outside = [(0, 0), (0.72, 0), (0.84, 0.2), (0.95, 0.7), (0.97, 0.93), (1, 0.96), (1, 0.99), (0.98, 1)]
        power, foot = 3.0, draft.choice((0.0, 0.08))
    tub = scaled(lathe([*outside, *inside], sides=36, squareness=power), (length / 2, height - foot, width / 2))
    draft.put(p.ceramic, translated(tub, (0, foot, 0)))
    if foot:
        claw = lathe([(0, 0), (0.035, 0), (0.03, 0.03), (0.018, 0.06), (0.035, 0.12), (0, 0.12)], sides=8)
        draft.put(
            fitting_metal(draft),
            repeated(claw, [(a * length * 0.3, 0, b * width * 0.26) for a in (-1, 1) for b in (-1, 1)]),
        )
    turned_tap = rotated(tap(0.2, 0.14), "y", np.pi / 2)
    draft.put(p.metal, translated(turned_tap, (0.035 - length / 2, height - 0.005, 0)))


@category("toilet", "floor")
def toilet(draft: Draft) -> None:
    """A toilet with bowl, seat, and a tank or a wall box."""
    p, width = draft.palette, draft.between(0.36, 0.4)
    bowl = [
        (0, 0),
        (0.62, 0),
        (0.55, 0.15),
        (0.6, 0.45),
        (0.95, 0.9),
        (1, 0.97),
        (0.98, 1),
        (0.72, 1),
        (0.6, 0.7),
        (0.25, 0.45),
        (0, 0.42),
    ]
    shape = scaled(lathe(bowl, sides=24), (width / 2, 0.4, 0.24))
    draft.put(p.ceramic, translated(shape, (0, 0, 0.08)), rounded_box(width * 0.62, 0.38, 0.3, 0.05, (0, 0, -0.16)))
    ring = scaled(
        lathe([(0.66, 0), (1, 0), (1, 0.6), (0.95, 1), (0.7, 1), (0.66, 0.6), (0.66, 0)], sides=24),
        (width / 2, 0.022, 0.235),
    )
    lid = scaled(lathe([(0, 0), (1, 0), (1, 0.7), (0.93, 1), (0, 1)], sides=24), (width / 2, 0.02, 0.235))
    draft.put(p.plastic_white, translated(ring, (0, 0.4, 0.08)))
    if draft.chance(0.4):
        draft.put(p.plastic_white, translated(rotated(translated(lid, (0, 0, 0.235)), "x", -1.5), (0, 0.425, -0.15)))
    else:
        draft.put(p.plastic_white, translated(lid, (0, 0.422, 0.08)))
    tall = draft.between(0.74, 0.84)
    draft.put(p.ceramic, rounded_box(width, tall - 0.38, 0.17, 0.03, (0, 0.36, -0.27), steps=2))
    draft.put(p.ceramic, rounded_box(width + 0.02, 0.03, 0.19, 0.012, (0, tall - 0.025, -0.27)))
    draft.put(p.metal, cylinder(0.025, 0.012, (0, tall + 0.002, -0.27), sides=12))
    draft.carry(width - 0.06, 0.12, tall + 0.005, 0.4, z=-0.27)


@category("washbasin", "floor", sizes=("width_m",))
def washbasin(draft: Draft) -> None:
    """A washbasin on a pedestal or on a cabinet with doors."""
    p, width, depth = draft.palette, draft.width(0.5, 0.9), draft.between(0.42, 0.5)
    top, half = draft.between(0.83, 0.88), width / 2
    bowl = np.array(
        [(0, 0), (0.5, 0), (0.85, 0.45), (1, 0.85), (1, 0.97), (0.98, 1), (0.84, 1), (0.78, 0.8), (0.5, 0.35), (0, 0.3)]
    )
    basin = scaled(lathe(bowl, sides=28, squareness=draft.choice((2.2, 4.0))), (half, 0.18, depth / 2))
    if draft.chance(0.4):
        draft.put(
            p.ceramic,
            translated(basin, (0, top - 0.18, 0)),
            lathe(
                [(0, 0), (0.12, 0), (0.1, 0.08), (0.075, 0.3), (0.1, top - 0.16), (0, top - 0.15)],
                (0, 0, -0.05),
                sides=14,
            ),
        )
        draft.put(p.ceramic, rounded_box(width * 0.6, 0.06, 0.1, 0.02, (0, top - 0.055, -depth / 2 + 0.03)))
    else:
        body, low = draft.choice((p.laminate, p.wood, p.painted_wood)), draft.choice((0.0, 0.25))
        z = depth / 2 - 0.03
        draft.put(body, span((-half + 0.01, half - 0.01), (low, top - 0.19), (-depth / 2, z)))
        fronts(
            draft,
            body,
            p.metal,
            (-half + 0.02, half - 0.02),
            (low + 0.03, top - 0.2),
            z,
            columns=max(1, round(width / 0.4)),
            doors=True,
        )
        slab = draft.choice((p.stone_top, p.ceramic, p.wood))
        draft.put(slab, block(width, 0.03, depth, (0, top - 0.2, 0)))
        draft.put(p.ceramic, translated(scaled(basin, (0.8, 0.9, 0.86)), (0, top - 0.171, 0.01)))
        for side in (-1, 1):
            draft.carry(width * 0.08, depth * 0.7, top - 0.17, 0.5, x=side * width * 0.44)
    draft.put(p.metal, translated(tap(0.15, 0.13), (0, top - 0.01, -depth * 0.43)))


@category("shower", "floor", sizes=("width_m",))
def shower(draft: Draft) -> None:
    """A shower tray with glass panes in a metal frame, and a shower head."""
    p, width = draft.palette, draft.width(0.8, 1.1)
    depth, half, height = min(width, 0.9), width / 2, 1.95
    z = depth / 2
    profile = [(0, 0), (1, 0), (1, 1), (0.94, 1), (0.9, 0.5), (0, 0.45)]
    draft.put(p.ceramic, scaled(lathe(profile, sides=36, squareness=14), (half, 0.1, z)))
    post = block(0.025, height - 0.09, 0.025)
    metal = draft.choice((p.metal, p.metal_dark, p.plastic_white))
    x = half - 0.015
    draft.put(metal, repeated(post, [(-x, 0.09, z - 0.015), (x, 0.09, z - 0.015), (x, 0.09, 0.015 - z)]))
    draft.put(
        metal, *(span((x - 0.0125, x + 0.0125), (h, h + 0.03), (0.015 - z, z - 0.015)) for h in (0.09, height - 0.03))
    )
    door = draft.choice((0.0, 0.5))
    draft.put(
        metal,
        *(span((-x if h > 1 else door * x, x), (h, h + 0.03), (z - 0.0275, z - 0.0025)) for h in (0.09, height - 0.03)),
    )
    draft.put(p.glass, span((x - 0.004, x + 0.004), (0.12, height - 0.03), (0.02 - z, z - 0.025)))
    draft.put(p.glass, span((door * x - 0.02, x - 0.012), (0.12, height - 0.03), (z - 0.019, z - 0.011)))
    pipe = rounded_path([(0, 0.9, 0.03 - z), (0, 2.0, 0.03 - z), (0, 2.02, 0.33 - z), (0, 1.96, 0.33 - z)], 0.1)
    draft.put(p.metal, tube(pipe, 0.012, sides=7), frustum(0.1, 0.03, 0.04, (0, 1.92, 0.33 - z), sides=16))
    draft.put(
        p.metal,
        rod((-0.1, 0.95, 0.04 - z), (0.1, 0.95, 0.04 - z), 0.025),
        rod((0, 0.95, 0.04 - z), (0, 0.95, 0.0 - z), 0.018),
    )


def _framed_mirror(draft: Draft, frame: Material, width: float, height: float) -> None:
    t, x, y, z = draft.between(0.02, 0.06), width / 2, height / 2, 0.025
    lower = [(-x, -y, 0), (x - t, -y, 0), (t - x, -y, 0), (t - x, y - t, 0)]
    upper = [(t - x, y, z), (x, y, z), (x - t, t - y, z), (x - t, y, z)]
    draft.put(frame, boxes(lower, upper))
    draft.put(draft.palette.mirror, span((t - x, x - t), (t - y, y - t), (0.0, 0.014)))


def _outlined_mirror(draft: Draft, frame: Material, outline: NDArray[np.float64]) -> None:
    """A mirror within a rim that follows its outline [N, 2], metres."""
    draft.put(frame, extrude(outline, 0.02, (0, 0, 0.01)))
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    shrink = 1 - 0.05 / np.ptp(outline, axis=0)
    draft.put(draft.palette.mirror, extrude((outline - middle) * shrink + middle, 0.004, (0, 0, 0.022)))


def _oval_mirror(draft: Draft, frame: Material, width: float, height: float) -> None:
    angles = np.linspace(0, 2 * np.pi, 41)[:-1]
    _outlined_mirror(draft, frame, np.column_stack([np.cos(angles) * width / 2, np.sin(angles) * height / 2]))


def _arched_mirror(draft: Draft, frame: Material, width: float, height: float) -> None:
    angles, rise = np.linspace(0, np.pi, 21), min(width / 2, 0.5 * height)
    arch = np.column_stack([np.cos(angles) * width / 2, np.sin(angles) * rise])
    foot = rise - height
    _outlined_mirror(draft, frame, np.concatenate([[(-width / 2, foot), (width / 2, foot)], arch]))


@category("mirror", "wall", sizes=("width_m", "height_m"))
def mirror(draft: Draft) -> None:
    """A mirror: framed, oval, or with an arched top."""
    width, height = draft.width(0.45, 0.8), draft.height(0.6, 1.1)
    frame = draft.choice((wood(draft), fitting_metal(draft)))
    draft.choice((_framed_mirror, _oval_mirror, _arched_mirror))(draft, frame, width, height)


@category("towel_rail", "wall")
def towel_rail(draft: Draft) -> None:
    """A rail with towels hung over it; one bar or a heated ladder of bars."""
    p, width = draft.palette, draft.between(0.5, 0.65)
    metal, x, z = fitting_metal(draft), width / 2, 0.08
    ladder = draft.chance(0.4)
    levels = np.arange(0, 0.8, 0.09) if ladder else np.array([0.0])
    draft.put(metal, *(rod((-x, y, z), (x, y, z), 0.009, sides=7) for y in levels))
    if ladder:
        draft.put(metal, *(rod((s * x, -0.05, z), (s * x, 0.8, z), 0.015) for s in (-1, 1)))
    draft.put(
        metal, *(rod((s * x, y, 0), (s * x, y, z), 0.011, sides=7) for s in (-1, 1) for y in {levels[0], levels[-1]})
    )
    wide, fall, top = draft.between(0.5, 0.8) * width, draft.between(0.35, 0.55), float(levels[-1])
    angles = np.linspace(0, np.pi, 7)
    over = np.column_stack([top + 0.016 * np.sin(angles), z + 0.018 * np.cos(angles)])
    front, back = np.linspace(top - fall, top, 5)[:-1], np.linspace(top, top - 0.8 * fall, 5)[1:]
    path = np.concatenate(
        [np.column_stack([front, np.full(4, z + 0.018)]), over, np.column_stack([back, np.full(4, z - 0.018)])]
    )
    columns = np.linspace(-wide / 2, wide / 2, 9)
    wave = 0.004 * np.sin(columns * 40)
    points = np.stack(np.broadcast_arrays(columns[None], path[:, 0, None], path[:, 1, None] + wave), axis=-1)
    draft.put(draft.choice((p.towel, p.towel, p.linen)), sheet(points[::-1], 0.008))


@category("bath_mat", "floor")
def bath_mat(draft: Draft) -> None:
    """A small thick mat, oval or with round corners."""
    p, width, depth = draft.palette, draft.between(0.6, 0.85), draft.between(0.42, 0.52)
    mat = lathe(
        [(0, 0), (1, 0), (1, 0.5), (0.96, 0.9), (0.93, 1), (0.86, 1), (0.85, 0.8), (0, 0.8)],
        sides=32,
        squareness=draft.choice((2.5, 8.0)),
    )
    draft.put(draft.choice((p.towel, p.rug, p.linen)), scaled(mat, (width / 2, 0.02, depth / 2)))


@category("bathroom_cabinet", "wall", sizes=("width_m",))
def bathroom_cabinet(draft: Draft) -> None:
    """A cabinet with mirror doors and an open shelf below."""
    p, width, height, depth = draft.palette, draft.width(0.5, 0.9), draft.between(0.55, 0.7), draft.between(0.13, 0.17)
    body, half = draft.choice((p.laminate, p.wood, p.painted_wood)), width / 2
    draft.put(body, carcass((-half, half), (0, height), (0, depth), shelves=(0.18,), board=0.016))
    fronts(draft, p.mirror, p.metal, (-half, half), (0.18, height), depth, columns=2, doors=True)
    draft.carry(width - 0.06, depth - 0.04, 0.016, 0.14, z=depth / 2)
    draft.carry(width - 0.06, depth - 0.04, height, 0.3, z=depth / 2)


@category("toilet_paper", "wall")
def toilet_paper(draft: Draft) -> None:
    """A roll on a holder, with a loose end."""
    p = draft.palette
    radius = draft.between(0.045, 0.058)
    roll = lathe([(0.02, 0), (radius, 0), (radius, 0.1), (0.02, 0.1), (0.02, 0)], sides=18)
    draft.put(p.paper, translated(rotated(roll, "z", np.pi / 2), (0.05, 0, 0.08)))
    draft.put(p.paper, block(0.098, 0.09, 0.002, (0, -0.09, 0.08 + radius - 0.001)))
    holder = rounded_path([(-0.075, 0.06, 0.0), (-0.075, 0.06, 0.08), (-0.075, 0, 0.08), (0.06, 0, 0.08)], 0.02)
    draft.put(
        fitting_metal(draft),
        tube(holder, 0.006, sides=6),
        ellipsoid(0.025, 0.025, 0.008, (-0.075, 0.06, 0.008), sides=10, rings=6),
    )


@category("soap", "surface")
def soap(draft: Draft) -> None:
    """A bar of soap in a dish."""
    dish = scaled(
        lathe([(0, 0), (0.7, 0), (1, 1), (0.94, 1), (0.68, 0.25), (0, 0.25)], sides=16), (0.065, 0.022, 0.045)
    )
    draft.put(draft.palette.ceramic, dish)
    draft.put(draft.choice(SOAPS), rounded_box(0.075, 0.024, 0.048, 0.011, (0, 0.008, 0)))
