"""What a gym is furnished with."""

import numpy as np

from sim.furniture.colors import TOYS
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import span
from sim.shapes import (
    block,
    cylinder,
    extrude,
    frustum,
    lathe,
    repeated,
    rod,
    rotated,
    rounded_box,
    rounded_path,
    torus,
    translated,
    tube,
)


def _display(draft: Draft, x: float, y: float, z: float) -> None:
    """A console that leans towards who looks at it from +z, metres."""
    p = draft.palette
    shell = rotated(rounded_box(0.36, 0.24, 0.05, 0.02), "x", -0.5)
    draft.put(p.plastic_black, translated(shell, (x, y, z)))
    draft.put(p.screen, translated(rotated(block(0.24, 0.14, 0.004, (0, 0.06, 0.027)), "x", -0.5), (x, y, z)))


@category("treadmill", "floor")
def treadmill(draft: Draft) -> None:
    """A treadmill: belt, motor hood, uprights, handrails and a console at its back."""
    p, width, depth = draft.palette, draft.between(0.72, 0.84), draft.between(1.5, 1.8)
    frame, x, z = draft.choice((p.metal, p.metal_dark, p.plastic_white)), width / 2, depth / 2
    deck = 0.15
    draft.put(p.rubber, span((0.1 - x, x - 0.1), (deck - 0.03, deck), (0.3 - z, z - 0.03)))
    draft.put(
        frame,
        *(span((s * x - 0.05 - 0.05 * s, s * x + 0.05 - 0.05 * s), (0.05, deck + 0.03), (-z, z)) for s in (-1, 1)),
    )
    draft.put(p.plastic_black, rounded_box(width - 0.16, 0.2, 0.34, 0.05, (0, 0.06, 0.17 - z), steps=2))
    feet = [(s * (x - 0.06), 0, t * (z - 0.08)) for s in (-1, 1) for t in (-1, 1)]
    draft.put(p.rubber, repeated(cylinder(0.03, 0.06, sides=8), feet))
    top, back = draft.between(1.15, 1.3), 0.2 - z
    for side in (-1, 1):
        rail = [
            (side * (x - 0.04), 0.12, back),
            (side * (x - 0.04), top, back - 0.04),
            (side * (x - 0.06), top - 0.12, back + 0.55),
        ]
        draft.put(frame, tube(rounded_path(rail, 0.12), 0.025, sides=8))
    draft.put(frame, rod((0.04 - x, top - 0.06, back - 0.02), (x - 0.04, top - 0.06, back - 0.02), 0.022))
    _display(draft, 0.0, top - 0.04, back)


@category("exercise_bike", "floor")
def exercise_bike(draft: Draft) -> None:
    """An exercise bike: flywheel in a shell, saddle, pedals, handlebars with a console."""
    p = draft.palette
    frame, shell = draft.choice((p.metal_dark, p.plastic_white, p.plastic_color)), p.plastic_black
    draft.put(frame, *(rod((-0.26, 0.03, z), (0.26, 0.03, z), 0.03) for z in (-0.46, 0.44)))
    draft.put(frame, rod((0, 0.05, 0.44), (0, 0.32, -0.05), 0.03), rod((0, 0.05, -0.46), (0, 0.32, -0.1), 0.03))
    wheel = rotated(
        lathe([(0, -0.04), (0.2, -0.04), (0.24, -0.02), (0.24, 0.02), (0.2, 0.04), (0, 0.04)], sides=24), "z", np.pi / 2
    )
    draft.put(shell, translated(wheel, (0, 0.33, -0.26)))
    hub = rotated(cylinder(0.07, 0.1, (0, -0.05, 0), sides=14), "z", np.pi / 2)
    draft.put(p.metal, translated(hub, (0, 0.33, -0.26)))
    seat, bar = draft.between(0.78, 0.92), draft.between(1.0, 1.12)
    draft.put(frame, rod((0, 0.3, 0.02), (0, seat, 0.2), 0.024), rod((0, 0.3, -0.2), (0, bar, -0.34), 0.024))
    saddle = extrude(
        np.array([(-0.03, -0.14), (0.03, -0.14), (0.1, 0.08), (0.06, 0.13), (-0.06, 0.13), (-0.1, 0.08)]), 0.06
    )
    draft.put(shell, translated(rotated(saddle, "x", np.pi / 2), (0, seat + 0.02, 0.2)))
    grip = rounded_path(
        [(-0.2, bar + 0.02, -0.08), (-0.22, bar, -0.34), (0.22, bar, -0.34), (0.2, bar + 0.02, -0.08)], 0.08
    )
    draft.put(shell, tube(grip, 0.018, sides=8))
    _display(draft, 0.0, bar + 0.02, -0.36)
    for side, reach in ((-1, 0.15), (1, -0.15)):
        pedal = (side * 0.16, 0.3 - 0.3 * abs(reach), reach)
        draft.put(p.metal, rod((side * 0.06, 0.3, -0.02), (side * 0.1, pedal[1], pedal[2]), 0.012, sides=6))
        draft.put(shell, block(0.1, 0.03, 0.09, pedal))


@category("dumbbell_rack", "floor")
def dumbbell_rack(draft: Draft) -> None:
    """Two slanted rows of dumbbells on a stand, larger ones below."""
    p, width = draft.palette, draft.between(0.9, 1.3)
    frame, weights = draft.choice((p.metal, p.metal_dark)), draft.choice((p.rubber, p.metal_dark, TOYS[1]))
    x = width / 2 - 0.03
    for side in (-x, x):
        draft.put(
            frame,
            rod((side, 0.02, 0.24), (side, 0.02, -0.24), 0.025),
            rod((side, 0.02, 0.1), (side, 0.85, -0.18), 0.025),
        )
    for row, (y, z, size) in enumerate(((0.32, 0.08, 0.085), (0.7, -0.06, 0.065))):
        for shift in (-0.07, 0.07):
            draft.put(frame, rod((-x, y - 0.25 * shift, z + shift), (x, y - 0.25 * shift, z + shift), 0.014, sides=6))
        count = int((width - 0.1) / (2 * size + 0.05))
        rim = np.array([(0, 0), (0.85, 0), (1, 0.12), (1, 0.88), (0.85, 1), (0, 1)]) * (size, 0.09)
        head = rotated(lathe(rim, sides=6 + 6 * row), "x", np.pi / 2)
        places = [((k - (count - 1) / 2) * (2 * size + 0.05), y + size + 0.012, z) for k in range(count)]
        draft.put(weights, *(repeated(head, [(a, b, c + shift) for a, b, c in places]) for shift in (0.05, -0.14)))
        draft.put(p.metal, *(rod((a, b, c - 0.1), (a, b, c + 0.1), 0.014, sides=8) for a, b, c in places))


@category("yoga_mat", "floor")
def yoga_mat(draft: Draft) -> None:
    """An exercise mat, laid out or rolled up at one end."""
    p = draft.palette
    mat = draft.choice((p.plastic_color, p.fabric_accent, p.rubber, TOYS[5], TOYS[3]))
    length = draft.between(1.65, 1.85)
    draft.put(mat, rounded_box(length, 0.012, 0.62, 0.005))
    if draft.chance(0.4):
        roll = rotated(torus(0.025, 0.008, sides=14, tube_sides=4), "x", np.pi / 2)
        draft.put(mat, rod((length / 2, 0.03, -0.31), (length / 2, 0.03, 0.31), 0.028, sides=14))
        draft.put(p.plastic_black, *(translated(roll, (length / 2, 0.03, z)) for z in (-0.15, 0.15)))


@category("punching_bag", "floor")
def punching_bag(draft: Draft) -> None:
    """A bag on a spring over a heavy foot."""
    p = draft.palette
    foot, cover = draft.between(0.24, 0.3), draft.choice((p.leather, p.plastic_black, TOYS[0], TOYS[1]))
    draft.put(
        p.plastic_black,
        lathe(np.array([(0, 0), (1, 0), (1, 0.1), (0.85, 0.22), (0.3, 0.3), (0, 0.3)]) * (foot, 1), sides=24),
    )
    draft.put(p.metal, cylinder(0.05, 0.3, (0, 0.28, 0), sides=12))
    tall = draft.between(0.95, 1.15)
    profile = np.array([(0, 0), (0.85, 0), (1, 0.05), (1, 0.93), (0.7, 1), (0, 1)]) * (0.16, tall)
    draft.put(cover, lathe(profile, (0, 0.5, 0), sides=22))
    draft.put(p.linen, frustum(0.1615, 0.1615, 0.05, (0, 0.5 + 0.72 * tall, 0), sides=22))
