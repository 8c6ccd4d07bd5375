"""Toys and what else stands in a child's room."""

import numpy as np

from sim.furniture.colors import EYE, FUR, TOYS
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import carcass, span, spread
from sim.materials import picture as painted
from sim.shapes import (
    block,
    box,
    cylinder,
    ellipsoid,
    extrude,
    frustum,
    quad,
    repeated,
    rod,
    rotated,
    sphere,
    torus,
    translated,
)


@category("toy_blocks", "floor")
def toy_blocks(draft: Draft) -> None:
    """Building blocks: a tower or an arch, and some lying about."""
    side = draft.between(0.04, 0.06)
    for level in range(draft.count(2, 5)):
        turned = rotated(block(side, side, side), "y", draft.between(0, 1.5))
        draft.put(draft.choice(TOYS), translated(turned, (0, level * side, 0)))
    arch = [
        (x * side, y * side)
        for x, y in (
            (-1.5, 0),
            (-0.7, 0),
            (-0.5, 0.5),
            (0, 0.7),
            (0.5, 0.5),
            (0.7, 0),
            (1.5, 0),
            (1.5, 1.2),
            (-1.5, 1.2),
        )
    ]
    draft.put(draft.choice(TOYS), extrude(arch, side, (2.4 * side, 0, 0.4 * side)))
    draft.put(draft.choice(TOYS), cylinder(0.5 * side, 1.4 * side, (1.2 * side, 0, 2.2 * side), sides=12))
    draft.put(draft.choice(TOYS), frustum(0.6 * side, 0.0, 1.2 * side, (-1.6 * side, 0, 1.5 * side), sides=12))
    for k in range(draft.count(2, 4)):
        angle = 2.1 + 0.9 * k
        turned = rotated(block(side, side, side), "y", draft.between(0, 1.5))
        draft.put(draft.choice(TOYS), translated(turned, (2.6 * side * np.cos(angle), 0, 2.6 * side * np.sin(angle))))


@category("ball", "floor")
def ball(draft: Draft) -> None:
    """A ball, plain or of coloured segments."""
    radius = draft.between(0.07, 0.13)
    first, second = draft.choice(TOYS), draft.choice(TOYS)
    draft.put(first, sphere(radius, sides=18, rings=12))
    if draft.chance(0.6):
        bands = torus(radius * 0.985, radius * 0.05, sides=18, tube_sides=6)
        tilt = draft.between(0, 1.5)
        draft.put(second, rotated(bands, "x", tilt), rotated(bands, "x", tilt + np.pi / 2))


@category("teddy_bear", "surface")
def teddy_bear(draft: Draft) -> None:
    """A sitting plush bear or rabbit."""
    fur, s, ears = draft.choice(FUR), draft.between(0.8, 1.3), draft.chance(0.3)
    parts = [
        ellipsoid(0.085 * s, 0.1 * s, 0.075 * s, (0, 0.09 * s, 0), sides=12, rings=8),
        sphere(0.072 * s, (0, 0.235 * s, 0.01 * s), sides=12, rings=8),
    ]
    for side in (-1, 1):
        if ears:
            parts.append(ellipsoid(0.018 * s, 0.06 * s, 0.01 * s, (side * 0.035 * s, 0.345 * s, 0), sides=10, rings=7))
        else:
            parts.append(
                ellipsoid(0.028 * s, 0.028 * s, 0.012 * s, (side * 0.055 * s, 0.295 * s, 0), sides=10, rings=7)
            )
        arm = rotated(ellipsoid(0.03 * s, 0.065 * s, 0.03 * s, sides=10, rings=7), "z", side * 0.5)
        leg = ellipsoid(0.037 * s, 0.037 * s, 0.075 * s, sides=10, rings=7)
        parts.append(translated(rotated(arm, "x", -0.5), (side * 0.095 * s, 0.12 * s, 0.03 * s)))
        parts.append(translated(rotated(leg, "y", side * 0.3), (side * 0.065 * s, 0.037 * s, 0.085 * s)))
    draft.put(fur, *parts)
    light = draft.palette.linen
    draft.put(light, ellipsoid(0.034 * s, 0.027 * s, 0.026 * s, (0, 0.218 * s, 0.07 * s), sides=10, rings=7))
    draft.put(
        light,
        *(
            ellipsoid(0.026 * s, 0.026 * s, 0.008 * s, (x * 0.086 * s, 0.037 * s, 0.155 * s), sides=10, rings=7)
            for x in (-1, 1)
        ),
    )
    draft.put(EYE, *(sphere(0.009 * s, (x * 0.028 * s, 0.255 * s, 0.073 * s), sides=6, rings=5) for x in (-1, 1)))
    draft.put(EYE, ellipsoid(0.012 * s, 0.008 * s, 0.007 * s, (0, 0.232 * s, 0.094 * s), sides=6, rings=5))
    if draft.chance(0.5):
        draft.put(draft.choice(TOYS), torus(0.055 * s, 0.012 * s, (0, 0.18 * s, 0.005 * s), sides=12, tube_sides=5))


@category("doll_house", "floor")
def doll_house(draft: Draft) -> None:
    """A doll's house open at the front: floors, rooms, a pitched roof, small furniture."""
    p, width, depth, floor = (
        draft.palette,
        draft.between(0.55, 0.75),
        draft.between(0.26, 0.34),
        draft.between(0.24, 0.3),
    )
    floors, half, z = draft.count(2, 3), width / 2, depth / 2
    body, top = draft.choice((p.painted_wood, p.wood_light)), floors * floor
    levels = tuple(floor * k for k in range(1, floors))
    draft.put(
        body,
        carcass(
            (-half, half), (0, top), (-z, z), board=0.012, shelves=levels, posts=(draft.between(-0.2, 0.2) * width,)
        ),
    )
    gable = [(-half, top), (half, top), (0, top + 0.35 * width)]
    draft.put(body, extrude(gable, 0.012, (0, 0, 0.006 - z)))
    roof, pitch = draft.choice(TOYS), np.arctan2(0.35 * width, half)
    length = np.hypot(0.35 * width, half) + 0.05
    for side in (-1, 1):
        board = rotated(box(length, 0.014, depth + 0.04), "z", -side * pitch)
        middle = (side * (half / 2 + 0.015), top + 0.175 * width - 0.005, 0)
        draft.put(roof, translated(board, middle))
    draft.put(draft.choice(TOYS), block(0.05, 0.14, 0.05, (0.3 * width, top + 0.08, 0)))
    for k in range(floors):
        y = floor * k + 0.012 * (k == 0)
        for x in (-0.3 * width, 0.28 * width):
            w = draft.between(0.07, 0.12)
            draft.put(
                draft.choice(TOYS),
                block(w, draft.between(0.03, 0.08), 0.08, (x, y, 0)),
                block(w, draft.between(0.07, 0.12), 0.015, (x, y, -0.05)),
            )


@category("easel", "floor")
def easel(draft: Draft) -> None:
    """A three-legged easel with a canvas or a blackboard on it."""
    p, height = draft.palette, draft.between(1.2, 1.6)
    wood = draft.choice((p.wood, p.wood_light))
    for side in (-1, 1):
        draft.put(wood, rod((side * 0.34, 0, 0.2), (side * 0.06, height, -0.14), 0.016, sides=6))
    draft.put(wood, rod((0, 0, -0.42), (0, height, -0.16), 0.016, sides=6))
    lean, rest = np.arctan2(0.34, height), 0.42 * height
    z = 0.2 - 0.34 * rest / height
    draft.put(wood, block(0.62, 0.03, 0.07, (0, rest - 0.03, z + 0.03)))
    width, tall = draft.between(0.45, 0.65), draft.between(0.45, 0.6)
    draft.put(p.linen, translated(rotated(block(width, tall, 0.02), "x", -lean), (0, rest, z + 0.03)))
    canvas = painted(draft.rng)
    face = spread(quad(width - 0.01, tall - 0.01, (0, tall / 2, 0.0112)), canvas)
    draft.put(canvas, translated(rotated(face, "x", -lean), (0, rest, z + 0.03)))


@category("toy_car", "surface")
def toy_car(draft: Draft) -> None:
    """A toy car or lorry."""
    p, body = draft.palette, draft.choice(TOYS)
    s, lorry = draft.between(0.8, 1.5), draft.chance(0.4)
    side = [
        (-0.09, 0.02),
        (0.09, 0.02),
        (0.09, 0.045),
        (0.055, 0.05),
        (0.03, 0.08),
        (-0.04, 0.08),
        (-0.065, 0.052),
        (-0.09, 0.05),
    ]
    if lorry:
        side = [(-0.1, 0.025), (0.1, 0.025), (0.1, 0.05), (0.09, 0.09), (0.05, 0.09), (0.045, 0.045), (-0.1, 0.045)]
        draft.put(draft.choice(TOYS), span((-0.1 * s, 0.035 * s), (0.047 * s, 0.12 * s), (-0.042 * s, 0.042 * s)))
    draft.put(body, extrude(np.array(side) * s, 0.08 * s))
    wheel = rotated(cylinder(0.02 * s, 0.018 * s, sides=12), "x", np.pi / 2)
    draft.put(p.rubber, repeated(wheel, [(x * s, 0.02 * s, z * s) for x in (-0.055, 0.055) for z in (-0.046, 0.028)]))
    if not lorry:
        draft.put(EYE, span((-0.035 * s, 0.028 * s), (0.055 * s, 0.074 * s), (-0.041 * s, 0.041 * s)))
