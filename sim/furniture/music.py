"""Instruments."""

import numpy as np

from sim.furniture.draft import Draft, category
from sim.furniture.fittings import span
from sim.shapes import block, boxes, cylinder, extrude, merged, rod, rotated, rounded_box, torus, translated


def _keys(draft: Draft, width: float, y: float, front: float) -> None:
    """White and black keys along x, their front ends at z = front, metres."""
    whites = round(width / 0.0235)
    left = (np.arange(whites) - whites / 2) * 0.0235
    lower = np.column_stack([left + 0.0008, np.full(whites, y), np.full(whites, front - 0.145)])
    draft.put(draft.palette.plastic_white, boxes(lower, np.add(lower, (0.0219, 0.018, 0.145))))
    sharp = left[1:][np.isin(np.arange(1, whites) % 7, (1, 2, 4, 5, 6))]
    lower = np.column_stack([sharp - 0.006, np.full(len(sharp), y + 0.018), np.full(len(sharp), front - 0.145)])
    draft.put(draft.palette.plastic_black, boxes(lower, np.add(lower, (0.012, 0.011, 0.095))))


def _upright(draft: Draft) -> None:
    p = draft.palette
    material, width, height = draft.choice((p.wood_dark, p.plastic_black, p.wood)), 1.48, draft.between(1.1, 1.28)
    half = width / 2
    draft.put(
        material,
        span((-half, half), (0.0, height - 0.03), (-0.3, 0.0)),
        block(width + 0.03, 0.03, 0.33, (0, height - 0.03, -0.14)),
    )
    draft.put(material, block(width, 0.09, 0.3, (0, 0.62, 0.13)), block(width - 0.1, 0.05, 0.03, (0, 0.71, 0.0)))
    for side in (-1, 1):
        draft.put(material, rounded_box(0.08, 0.17, 0.3, 0.02, (side * (half - 0.04), 0.62, 0.13)))
        draft.put(
            material,
            block(0.06, 0.62, 0.06, (side * (half - 0.05), 0, 0.22)),
            block(0.08, 0.06, 0.3, (side * (half - 0.05), 0, 0.13)),
        )
    _keys(draft, 1.23, 0.71, 0.26)
    draft.put(material, translated(rotated(block(0.7, 0.22, 0.015), "x", -0.25), (0, 0.86, 0.06)))
    draft.put(p.paper, translated(rotated(block(0.44, 0.3, 0.006), "x", -0.25), (0, 0.875, 0.075)))
    draft.put(p.brass, *(rounded_box(0.05, 0.012, 0.1, 0.005, (x, 0.05, 0.05)) for x in (-0.09, 0.0, 0.09)))
    draft.carry(width - 0.1, 0.24, height, 0.6, z=-0.14)


def _grand(draft: Draft) -> None:
    p = draft.palette
    material = draft.choice((p.plastic_black, p.wood_dark))
    outline = np.array(
        [
            (-0.74, -0.75),
            (0.74, -0.75),
            (0.74, -0.2),
            (0.7, 0.0),
            (0.5, 0.2),
            (0.25, 0.35),
            (0.15, 0.55),
            (0.1, 0.72),
            (-0.05, 0.82),
            (-0.3, 0.86),
            (-0.55, 0.84),
            (-0.7, 0.75),
            (-0.74, 0.6),
        ]
    )
    body = rotated(extrude(outline, 0.24), "x", -np.pi / 2)
    draft.put(material, translated(body, (0, 0.84, -0.1)))
    draft.put(
        material,
        block(1.48, 0.08, 0.26, (0, 0.62, 0.78)),
        *(block(0.1, 0.18, 0.28, (s * 0.69, 0.62, 0.77)) for s in (-1, 1)),
    )
    lid = translated(rotated(extrude(outline, 0.02), "x", -np.pi / 2), (0.74, 0, 0))
    draft.put(material, translated(rotated(lid, "z", 0.5), (-0.74, 0.975, -0.1)))
    draft.put(p.brass, rod((0.6, 0.96, -0.1), (0.45, 1.6, -0.1), 0.008, sides=6))
    _keys(draft, 1.23, 0.7, 0.9)
    for x, z in ((-0.62, 0.55), (0.62, 0.55), (-0.3, -0.75)):
        draft.put(
            material, rod((x, 0.03, z), (x, 0.73, z), 0.035, 0.06, sides=8), cylinder(0.03, 0.03, (x, 0, z), sides=8)
        )
    draft.put(p.brass, block(0.2, 0.03, 0.1, (0, 0.06, 0.45)), block(0.04, 0.6, 0.04, (0, 0.06, 0.42)))


@category("piano", "floor")
def piano(draft: Draft) -> None:
    """An upright piano with keys, music stand and pedals, or a grand piano with its lid up."""
    draft.choice((_upright, _upright, _upright, _grand))(draft)


@category("guitar", "floor")
def guitar(draft: Draft) -> None:
    """A guitar on a stand: body with waist and sound hole, neck, head, strings."""
    p = draft.palette
    t = np.linspace(0, 2 * np.pi, 37)[:-1] - np.pi / 2
    y = 0.25 * np.sin(t)
    half = (
        (0.185 - 0.03 * np.sin(t)) * np.abs(np.cos(t)) ** 0.6 * (1 - 0.24 * np.exp(-(((np.sin(t) - 0.15) / 0.3) ** 2)))
    )
    outline = np.column_stack([np.sign(np.cos(t)) * half, y])
    wood, dark = draft.choice((p.wood, p.wood_light)), p.wood_dark
    draft.put(dark, extrude(outline, 0.085, smooth=True))
    draft.put(wood, extrude(outline * 0.97, 0.006, (0, 0, 0.0445)))
    hole = rotated(merged([cylinder(0.047, 0.002, (0, 0.0475, 0), sides=18)]), "x", np.pi / 2)
    ring = rotated(torus(0.054, 0.004, (0, 0.048, 0), sides=18, tube_sides=4), "x", np.pi / 2)
    draft.put(p.plastic_black, translated(hole, (0, 0.07, 0)))
    draft.put(dark, translated(ring, (0, 0.07, 0)), block(0.15, 0.02, 0.012, (0, -0.12, 0.052)))
    draft.put(dark, span((-0.024, 0.024), (0.12, 0.62), (0.045, 0.056)))
    draft.put(
        wood, span((-0.024, 0.024), (0.24, 0.62), (0.02, 0.045)), span((-0.034, 0.034), (0.62, 0.79), (0.02, 0.04))
    )
    draft.put(p.metal, *(block(0.0018, 0.73, 0.0018, (x, -0.11, 0.061)) for x in np.linspace(-0.018, 0.018, 6)))
    draft.put(
        p.metal,
        *(rod((s * 0.03, h, 0.03), (s * 0.055, h, 0.03), 0.007, sides=5) for s in (-1, 1) for h in (0.66, 0.705, 0.75)),
    )
    for key, meshes in draft.meshes.items():
        draft.meshes[key] = [translated(rotated(mesh, "x", -0.18), (0, 0.36, 0)) for mesh in meshes]
    feet = [
        ((-0.17, 0.0, 0.14), (0, 0.28, -0.06)),
        ((0.17, 0.0, 0.14), (0, 0.28, -0.06)),
        ((0, 0.0, -0.25), (0, 0.28, -0.06)),
    ]
    draft.put(
        p.metal_dark,
        *(rod(a, b, 0.008, sides=6) for a, b in feet),
        rod((0, 0.28, -0.06), (0, 0.62, -0.12), 0.008, sides=6),
    )
    draft.put(
        p.rubber,
        *(rod((s * 0.1, 0.12, -0.02), (s * 0.1, 0.125, 0.13), 0.01, sides=6) for s in (-1, 1)),
        rod((-0.11, 0.12, -0.02), (0.11, 0.12, -0.02), 0.008, sides=6),
    )
