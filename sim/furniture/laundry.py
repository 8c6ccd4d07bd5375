"""Machines and racks for washing."""

import numpy as np

from sim.building import Material, Mesh
from sim.furniture.colors import CLOTHES, DARK_GLASS
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import span
from sim.shapes import (
    block,
    cylinder,
    ellipsoid,
    extrude,
    lathe,
    repeated,
    rod,
    rotated,
    rounded_box,
    rounded_path,
    sheet,
    torus,
    translated,
    tube,
)


def _machine(draft: Draft, door_ring: Material, radius: float) -> None:
    """A front-loading machine with a round door, a drawer and a dial, metres."""
    p, width, height, depth = draft.palette, 0.6, draft.between(0.84, 0.88), draft.between(0.55, 0.62)
    body = draft.choice((p.plastic_white, p.plastic_white, p.metal, p.metal_dark))
    z = depth / 2
    draft.put(body, rounded_box(width, height - 0.03, depth, 0.015, (0, 0.03, 0)))
    draft.put(
        p.rubber,
        repeated(cylinder(0.025, 0.035, sides=8), [(a * 0.25, 0, b * (z - 0.06)) for a in (-1, 1) for b in (-1, 1)]),
    )
    door = (0, 0.44 * height, z)
    ring = rotated(
        lathe(
            [
                (radius * 0.78, -0.005),
                (radius, -0.005),
                (radius, 0.02),
                (radius * 0.9, 0.035),
                (radius * 0.78, 0.02),
                (radius * 0.78, -0.005),
            ],
            sides=28,
        ),
        "x",
        np.pi / 2,
    )
    draft.put(door_ring, translated(ring, door))
    draft.put(DARK_GLASS, ellipsoid(radius * 0.79, radius * 0.79, 0.03, door, sides=20, rings=6))
    draft.put(door_ring, block(0.03, 0.1, 0.02, (radius * 0.88, door[1] - 0.05, z + 0.025)))
    draft.put(DARK_GLASS, span((-0.02, 0.12), (height - 0.1, height - 0.05), (z, z + 0.004)))
    draft.put(
        p.metal,
        translated(
            rotated(lathe([(0, 0), (0.035, 0), (0.03, 0.025), (0, 0.025)], sides=16), "x", np.pi / 2),
            (0.2, height - 0.075, z),
        ),
    )
    draft.put(body, span((-0.28, -0.08), (height - 0.12, height - 0.03), (z, z + 0.008)))
    draft.put(p.metal_dark, span((-0.22, -0.14), (height - 0.115, height - 0.1), (z + 0.008, z + 0.012)))
    draft.carry(width - 0.1, depth - 0.1, height, 0.8)


@category("washing_machine", "floor")
def washing_machine(draft: Draft) -> None:
    """A washing machine with a round glass door."""
    _machine(draft, draft.choice((draft.palette.metal, draft.palette.metal_dark)), draft.between(0.17, 0.2))


@category("dryer", "floor")
def dryer(draft: Draft) -> None:
    """A tumble dryer: a wide door and a vent below."""
    p = draft.palette
    _machine(draft, draft.choice((p.plastic_white, p.plastic_black)), draft.between(0.2, 0.23))
    draft.put(p.metal_dark, *(block(0.16, 0.006, 0.62, (0.16, 0.06 + 0.014 * k, 0)) for k in range(4)))


def _heap(draft: Draft, radius: float, height: float) -> None:
    """Crumpled clothes, metres."""
    for k in range(5):
        angle = 2.4 * k
        reach = 0.4 * radius * (k > 0)
        lump = ellipsoid(0.62 * radius, 0.28 * radius, 0.45 * radius, sides=9, rings=6)
        wave = 1 + 0.12 * np.sin(9 * lump.vertices[:, :1] / radius + 7 * lump.vertices[:, 2:] / radius + k)
        crumpled = Mesh((lump.vertices * wave).astype(np.float32), lump.normals, lump.uvs, lump.triangles)
        place = (reach * np.cos(angle), height + 0.05 * radius * k, reach * np.sin(angle))
        draft.put(draft.choice(CLOTHES), translated(rotated(crumpled, "y", draft.between(0, 3)), place))


@category("laundry_basket", "floor")
def laundry_basket(draft: Draft) -> None:
    """A basket of slats or wicker, open or heaped with clothes."""
    p, r, h = draft.palette, draft.between(0.19, 0.26), draft.between(0.28, 0.55)
    material, power = draft.choice((p.wicker, p.plastic_white, p.plastic_color)), draft.choice((2.0, 4.0))
    if draft.chance(0.5):
        profile = [(0, 0), (0.85, 0), (1, 0.97), (1.04, 1), (0.98, 1), (0.95, 0.95), (0.81, 0.03), (0, 0.03)]
        draft.put(material, lathe(np.array(profile) * (r, h), sides=28, squareness=power))
    else:
        hoop = [(0.95, -0.015), (1.03, -0.015), (1.03, 0.015), (0.95, 0.015), (0.95, -0.015)]
        draft.put(
            material,
            *(
                lathe(np.array(hoop) * (r * f, 1), (0, y, 0), sides=24)
                for y, f in ((0.015, 0.85), (0.5 * h, 0.93), (h - 0.015, 1.0))
            ),
        )
        draft.put(material, cylinder(0.84 * r, 0.01, sides=20))
        slat = rotated(block(0.028, h - 0.02, 0.006), "x", np.arctan2(0.15 * r, h))
        draft.put(
            material, *(rotated(translated(slat, (0, 0.01, 0.84 * r)), "y", a) for a in np.arange(16) * np.pi / 8)
        )
    if draft.chance(0.65):
        _heap(draft, 0.85 * r, 0.88 * h)


@category("ironing_board", "floor")
def ironing_board(draft: Draft) -> None:
    """An ironing board on crossed legs, with an iron."""
    p, height = draft.palette, draft.between(0.84, 0.95)
    t = np.linspace(-np.pi / 2, np.pi / 2, 9)
    nose = np.column_stack([0.45 + 0.2 * np.cos(t), 0.1 * np.sin(t)])
    outline = np.concatenate([[(-0.62, -0.17), (0.2, -0.17)], nose, [(0.2, 0.17), (-0.62, 0.17)]])
    board = rotated(extrude(outline, 0.03), "x", -np.pi / 2)
    draft.put(draft.choice((p.fabric_pattern, p.fabric, p.linen)), translated(board, (0, height - 0.015, 0)))
    for side, start, end in ((0.12, -0.5, 0.4), (-0.12, -0.5, 0.4), (0.08, 0.45, -0.45), (-0.08, 0.45, -0.45)):
        draft.put(p.metal, rod((start, 0.015, side * 1.2), (end, height - 0.03, side), 0.012, sides=6))
    draft.put(p.metal, *(rod((x, 0.015, -0.2), (x, 0.015, 0.2), 0.015, sides=6) for x in (-0.5, 0.45)))
    sole = np.array(
        [(-0.11, -0.055), (0.03, -0.055), (0.09, -0.03), (0.13, 0), (0.09, 0.03), (0.03, 0.055), (-0.11, 0.055)]
    )
    iron = rotated(extrude(sole, 0.03), "x", -np.pi / 2)
    draft.put(p.metal, translated(iron, (-0.42, height + 0.015, 0)))
    draft.put(p.plastic_color, translated(rounded_box(0.17, 0.05, 0.08, 0.02), (-0.44, height + 0.03, 0)))
    grip = rounded_path(
        [(-0.5, height + 0.07, 0), (-0.5, height + 0.13, 0), (-0.36, height + 0.13, 0), (-0.35, height + 0.07, 0)], 0.03
    )
    draft.put(p.plastic_black, tube(grip, 0.013, sides=6))
    draft.carry(0.4, 0.25, height, 0.6, x=0.1)


@category("drying_rack", "floor")
def drying_rack(draft: Draft) -> None:
    """A folding rack of bars with washing hung over them."""
    p, width, height = draft.palette, draft.between(1.0, 1.4), draft.between(0.85, 1.0)
    metal, z, x = draft.choice((p.plastic_white, p.metal)), 0.28, width / 2
    bars = np.linspace(-z, z, 7)
    draft.put(metal, *(rod((-x, height, b), (x, height, b), 0.005, sides=5) for b in bars))
    for side in (-x, x):
        draft.put(metal, rod((side, height, -z), (side, height, z), 0.008, sides=6))
        draft.put(
            metal,
            rod((side, 0, -z), (side, height, 0.8 * z), 0.009, sides=6),
            rod((side, 0, z), (side, height, -0.8 * z), 0.009, sides=6),
        )
    draft.put(metal, *(rod((-x, 0.009, b), (x, 0.009, b), 0.009, sides=6) for b in (-z, z)))
    for bar in draft.rng.permutation(7)[: draft.count(2, 4)]:
        wide, fall = draft.between(0.25, 0.5), draft.between(0.25, 0.5)
        middle, b = draft.between(wide / 2 - x + 0.03, x - wide / 2 - 0.03), float(bars[bar])
        turn = np.linspace(0, np.pi, 5)
        sides = np.linspace(height - fall, height, 4)[:-1]
        path = np.concatenate(
            [
                np.column_stack([sides, np.full(3, b + 0.012)]),
                np.column_stack([height + 0.012 * np.sin(turn), b + 0.012 * np.cos(turn)]),
                np.column_stack([sides[::-1], np.full(3, b - 0.012)]),
            ]
        )
        across = np.linspace(-wide / 2, wide / 2, 7)
        points = np.stack(
            np.broadcast_arrays(
                middle + across[None], path[:, 0, None], path[:, 1, None] + 0.004 * np.sin(25 * across)
            ),
            axis=-1,
        )
        draft.put(draft.choice((*CLOTHES, p.towel, p.linen)), sheet(points[::-1], 0.006))


@category("towel_stack", "surface")
def towel_stack(draft: Draft) -> None:
    """Folded towels or clothes on top of each other."""
    p, width, depth, top = draft.palette, draft.between(0.24, 0.32), draft.between(0.2, 0.26), 0.0
    for _ in range(draft.count(2, 5)):
        thick = draft.between(0.035, 0.055)
        material = draft.choice((p.towel, p.linen, p.towel, *CLOTHES))
        draft.put(
            material,
            rounded_box(width * draft.between(0.92, 1), thick, depth * draft.between(0.92, 1), 0.016, (0, top, 0)),
        )
        top += thick - 0.003


@category("detergent", "surface")
def detergent(draft: Draft) -> None:
    """A bottle of detergent with a grip."""
    p = draft.palette
    body = draft.choice((p.plastic_white, p.plastic_color, *CLOTHES[:2]))
    draft.put(
        body,
        lathe(
            np.array([(0, 0), (1, 0), (1, 0.6), (0.8, 0.8), (0.3, 0.88), (0.3, 0.95), (0, 0.95)]) * (0.07, 0.27),
            sides=16,
            squareness=3,
        ),
    )
    draft.put(p.plastic_color, cylinder(0.026, 0.035, (0, 0.25, 0), sides=12))
    draft.put(p.paper, block(0.09, 0.1, 0.142, (0, 0.04, 0)))
    ring = rotated(torus(0.04, 0.011, sides=12, tube_sides=5), "x", np.pi / 2)
    draft.put(body, translated(ring, (0.055, 0.2, 0)))
