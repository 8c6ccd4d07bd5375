"""What people sit on."""

from itertools import pairwise

import numpy as np

from sim.building import Material, Mesh
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import cloth, cushions, fitting_metal, legs, splayed_legs, wood
from sim.shapes import (
    block,
    cylinder,
    frustum,
    lathe,
    merged,
    pillow,
    repeated,
    rod,
    rotated,
    rounded_box,
    rounded_path,
    sheet,
    translated,
    tube,
)


def _upholstered(draft: Draft, width: float, seats: int) -> None:
    """A sofa or armchair of a width, metres."""
    cover = cloth(draft)
    depth, seat, leg = draft.between(0.82, 0.98), draft.between(0.4, 0.46), draft.between(0.06, 0.14)
    arm, arm_height = draft.between(0.12, 0.24), draft.between(0.56, 0.66)
    back_height, back = draft.between(0.75, 0.92), draft.between(0.16, 0.22)
    legs(draft, wood(draft), width - 0.08, depth - 0.08, leg, 0.06)
    base = seat - 0.16
    draft.put(cover, rounded_box(width - 2 * arm + 0.02, base - leg, depth - 0.04, 0.02, (0, leg, 0)))
    soft = min(0.49 * arm, draft.choice((0.03, 0.06, 0.12)))
    arm_mesh = rounded_box(arm, arm_height - leg, depth, soft, (0, leg, 0), steps=2)
    side = (width - arm) / 2
    draft.put(cover, repeated(arm_mesh, [(-side, 0, 0), (side, 0, 0)]))
    back_mesh = rounded_box(
        width - 2 * arm + 0.01, back_height - leg, back, 0.07, (0, leg, (back - depth) / 2), steps=2
    )
    draft.put(cover, back_mesh)
    inner, front = width - 2 * arm, depth / 2 + 0.01
    seat_depth = depth - back
    draft.put(cover, cushions(inner, 0.17, seat_depth, seats, (0, base, front - seat_depth / 2)))
    leaning = rotated(cushions(inner, back_height - seat, 0.17, seats, (0, 0, 0)), "x", -0.2)
    draft.put(cover, translated(leaning, (0, seat + 0.02, back - depth / 2 + 0.13)))
    draft.carry(inner, seat_depth - 0.2, seat + 0.01, 0.5, z=front - seat_depth / 2)


@category("sofa", "floor", sizes=("width_m",))
def sofa(draft: Draft) -> None:
    """A sofa of two to four seats, sometimes with loose pillows."""
    width = draft.width(1.5, 2.5)
    seats = max(2, round(width / 0.75))
    _upholstered(draft, width, seats)
    accent = draft.choice((draft.palette.fabric_accent, draft.palette.fabric_pattern, draft.palette.linen))
    for side in (-1, 1):
        if draft.chance(0.6):
            loose = rotated(pillow(0.42, 0.16, 0.42, (0, -0.08, 0)), "x", np.pi / 2 - 0.35)
            turned = rotated(loose, "y", draft.between(-0.3, 0.3))
            draft.put(accent, translated(turned, (side * (width / 2 - 0.45), 0.68, 0.02)))


@category("armchair", "floor", sizes=("width_m",))
def armchair(draft: Draft) -> None:
    """A padded chair with arms, or a shell on thin legs."""
    width = draft.width(0.72, 0.95)
    if draft.chance(0.6):
        _upholstered(draft, width, 1)
        return
    cover, radius = cloth(draft), width / 2
    splayed_legs(draft, wood(draft), width * 0.9, width * 0.9, 0.3, 0.02)
    angles = np.linspace(-0.72 * np.pi, 0.72 * np.pi, 15)
    heights = np.linspace(0.3, 1, 5)[:, None]
    top = 0.55 + 0.3 * np.cos(angles / 1.44) ** 2
    y = 0.28 + (top - 0.28) * (heights - 0.3) / 0.7
    spread = radius * (0.8 + 0.2 * heights) - 0.03
    shell = np.stack(np.broadcast_arrays(-spread * np.sin(angles), y, -spread * np.cos(angles)), axis=-1)
    draft.put(cover, sheet(shell[:, ::-1], 0.06))
    profile = [(0, 0.28), (0.7, 0.28), (0.8, 0.3), (0.82, 0.4), (0.76, 0.44), (0, 0.45)]
    draft.put(cover, lathe(np.array(profile) * (radius, 1), sides=20))
    draft.carry(radius, radius, 0.44, 0.4)


def _slatted_back(draft: Draft, material: Material, width: float, seat: float, top: float, z: float) -> None:
    """A chair's back of two posts with slats across or spindles between, metres."""
    post = (width - 0.035) / 2
    lean = 0.08
    draft.put(material, *(rod((s * post, seat, z), (s * post, top, z - lean), 0.017, 0.014) for s in (-1, 1)))
    inner = 2 * post
    if draft.chance(0.5):
        count = draft.count(2, 4)
        rises = np.linspace(0.35, 0.94, count)
        height = 0.32 * (top - seat) / count + 0.03
        for rise in rises:
            curve = np.linspace(-1, 1, 7)
            x, y = curve * inner / 2, np.array([0.0, 1.0])[:, None] * height + seat + rise * (top - seat) - height
            depth = z - lean * rise - 0.03 * (1 - curve**2)
            slat = np.stack(np.broadcast_arrays(x, y, depth), axis=-1)
            draft.put(material, sheet(slat[::-1], 0.012))
    else:
        spindles = draft.count(4, 6)
        for x in np.linspace(-inner / 2, inner / 2, spindles + 2)[1:-1]:
            draft.put(material, rod((x, seat, z + 0.01), (x, top - 0.02, z - lean), 0.008, sides=6))
        draft.put(material, translated(block(inner + 0.05, 0.06, 0.025), (0, top - 0.05, z - lean)))


def _shell_seat(width: float, depth: float, seat: float, top: float) -> Mesh:
    """A moulded seat and back in one bent sheet, metres."""
    profile = rounded_path(
        [
            (0, seat - 0.04, depth / 2),
            (0, seat, depth / 2 - 0.06),
            (0, seat - 0.02, -depth * 0.42),
            (0, top, -depth / 2),
        ],
        0.12,
        steps=5,
    )
    across = np.linspace(-1, 1, 9)
    share = np.clip((profile[:, 1] - seat) / (top - seat), 0, 1)
    half = width / 2 * (1 - 0.25 * share**2)
    x = half[:, None] * across
    bowl = 0.03 * across**2
    y = profile[:, 1, None] + bowl * (1 - share[:, None])
    z = profile[:, 2, None] + 2 * bowl * share[:, None]
    return sheet(np.stack(np.broadcast_arrays(x, y, z), axis=-1)[::-1], 0.016)


def _shell_chair(draft: Draft, width: float, depth: float, seat: float) -> None:
    p = draft.palette
    splayed_legs(draft, draft.choice((p.wood, p.metal, p.metal_dark)), width, depth, seat - 0.03, 0.014)
    shell = _shell_seat(width, depth, seat, draft.between(0.76, 0.86))
    draft.put(draft.choice((p.plastic_white, p.plastic_color, p.plastic_black)), shell)
    draft.carry(width * 0.7, depth * 0.5, seat, 0.3)


def _wooden_chair(draft: Draft, width: float, depth: float, seat: float) -> None:
    frame = wood(draft)
    legs(draft, frame, width, depth, seat - 0.03, 0.04)
    draft.put(frame, rounded_box(width, 0.03, depth, 0.012, (0, seat - 0.03, 0)))
    pad = draft.choice((0.0, 0.035))
    if pad:
        draft.put(cloth(draft), rounded_box(width - 0.04, 0.04, depth - 0.06, 0.018, (0, seat - 0.005, 0.01)))
    _slatted_back(draft, frame, width, seat, draft.between(0.8, 1.0), 0.025 - depth / 2)
    draft.carry(width * 0.8, depth * 0.7, seat + pad, 0.3)


@category("chair", "floor")
def chair(draft: Draft) -> None:
    """A dining chair: wooden with slats or spindles, perhaps padded, or a moulded shell."""
    size = draft.between(0.4, 0.48), draft.between(0.4, 0.47), draft.between(0.44, 0.48)
    draft.choice((_wooden_chair, _wooden_chair, _shell_chair))(draft, *size)


@category("office_chair", "floor")
def office_chair(draft: Draft) -> None:
    """A swivel chair on a star of five castors."""
    p = draft.palette
    steel, cover = (
        draft.choice((p.metal, p.metal_dark, p.plastic_black)),
        draft.choice((p.fabric, p.leather, p.fabric_accent)),
    )
    seat, reach = draft.between(0.46, 0.54), draft.between(0.27, 0.31)
    for angle in np.linspace(0, 2 * np.pi, 6)[:-1] + draft.between(0, 1):
        x, z = reach * np.cos(angle), reach * np.sin(angle)
        draft.put(steel, rod((0, 0.1, 0), (x, 0.065, z), 0.02, 0.014, sides=6))
        wheel = translated(rotated(cylinder(0.028, 0.04, sides=10), "z", np.pi / 2), (0.02, 0.028, 0))
        draft.put(p.plastic_black, translated(rotated(wheel, "y", -angle), (x, 0, z)))
    draft.put(p.metal, cylinder(0.025, seat - 0.14, (0, 0.09, 0), sides=10))
    draft.put(cover, rounded_box(0.48, 0.09, 0.47, 0.04, (0, seat - 0.07, 0.02), steps=2))
    back = rounded_box(0.44, draft.between(0.45, 0.65), 0.07, 0.034, steps=2)
    draft.put(cover, translated(rotated(back, "x", -0.14), (0, seat + 0.1, -0.23)))
    spine = rounded_path([(0, seat - 0.08, 0), (0, seat - 0.08, -0.28), (0, seat + 0.35, -0.31)], 0.1)
    draft.put(steel, tube(spine, 0.018, sides=6))
    if draft.chance(0.7):
        for side in (-0.27, 0.27):
            path = rounded_path([(side * 0.7, seat - 0.05, 0), (side, seat - 0.05, 0), (side, seat + 0.2, 0.01)], 0.05)
            draft.put(p.plastic_black, tube(path, 0.014, sides=6))
            draft.put(p.plastic_black, rounded_box(0.06, 0.03, 0.25, 0.013, (side, seat + 0.19, 0.02)))


@category("bar_stool", "floor")
def bar_stool(draft: Draft) -> None:
    """A high stool on four legs with a foot ring, or on one column."""
    p = draft.palette
    seat, radius = draft.between(0.65, 0.8), draft.between(0.17, 0.2)
    frame, cover = fitting_metal(draft), draft.choice((p.wood, p.leather, p.fabric, p.plastic_white))
    draft.put(
        cover,
        lathe(
            np.array([(0, 0), (0.9, 0), (1, 0.02), (1, 0.05), (0.9, 0.065), (0, 0.06)]) * (radius, 1),
            (0, seat - 0.06, 0),
        ),
    )
    if draft.chance(0.5):
        draft.put(frame, frustum(0.21, 0.19, 0.02, sides=20), cylinder(0.028, seat - 0.07, (0, 0.01, 0), sides=10))
        foot = [(0.16 * np.sin(a), 0.28, 0.16 * np.cos(a)) for a in np.linspace(-1.2, 1.2, 9)]
        draft.put(frame, tube([(0, 0.28, 0), *foot, (0.0, 0.281, 0.001)], 0.01, sides=6))
    else:
        material = draft.choice((frame, p.wood, p.wood_dark))
        splayed_legs(draft, material, 0.44, 0.44, seat - 0.05, 0.016)
        ring = [(0.19 * np.cos(a), 0.25, 0.19 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 5) + np.pi / 4]
        draft.put(material, *(rod(a, b, 0.009, sides=6) for a, b in pairwise(ring)))
    draft.carry(radius, radius, seat, 0.4)


@category("bench", "floor", sizes=("width_m",))
def bench(draft: Draft) -> None:
    """A plank or padded bench."""
    width, depth, height = draft.width(0.9, 1.6), draft.between(0.32, 0.4), draft.between(0.43, 0.48)
    material = wood(draft)
    draft.put(material, rounded_box(width, 0.04, depth, 0.01, (0, height - 0.04, 0)))
    if draft.chance(0.5):
        legs(draft, material, width - 0.1, depth - 0.03, height - 0.04, 0.05)
        draft.put(material, block(width - 0.2, 0.05, 0.025, (0, 0.15, 0)))
    else:
        panel = block(0.04, height - 0.04, depth - 0.04)
        draft.put(material, repeated(panel, [(0.08 - width / 2, 0, 0), (width / 2 - 0.08, 0, 0)]))
    if draft.chance(0.4):
        draft.put(cloth(draft), cushions(width - 0.04, 0.06, depth - 0.03, max(1, round(width / 0.6)), (0, height, 0)))
        height += 0.06
    draft.carry(width - 0.1, depth - 0.05, height, 0.6)


@category("ottoman", "floor")
def ottoman(draft: Draft) -> None:
    """A padded stool: a round pouf or a box on short legs."""
    cover, height = cloth(draft), draft.between(0.36, 0.45)
    if draft.chance(0.5):
        radius = draft.between(0.22, 0.32)
        profile = np.array([(0, 0), (0.8, 0), (0.97, 0.12), (1, 0.5), (0.97, 0.85), (0.8, 0.98), (0, 1)])
        draft.put(cover, lathe(profile * (radius, height), sides=20))
        draft.carry(radius, radius, height, 0.6)
        return
    width, depth = draft.between(0.45, 0.9), draft.between(0.4, 0.55)
    legs(draft, wood(draft), width - 0.06, depth - 0.06, 0.1, 0.045)
    draft.put(cover, rounded_box(width, height - 0.1, depth, 0.05, (0, 0.1, 0), steps=2))
    draft.carry(width * 0.8, depth * 0.8, height, 0.6)


@category("cushion", "surface")
def cushion(draft: Draft) -> None:
    """A loose pillow, lying."""
    p, side = draft.palette, draft.between(0.36, 0.5)
    cover = draft.choice((p.fabric_accent, p.fabric_pattern, p.linen, p.fabric))
    draft.put(cover, pillow(side, draft.between(0.1, 0.16), side * draft.choice((1.0, 1.0, 0.65))))


@category("stool", "floor")
def stool(draft: Draft) -> None:
    """A low stool with a round seat on three or four legs."""
    material, height, radius = wood(draft), draft.between(0.4, 0.48), draft.between(0.15, 0.18)
    draft.put(material, merged([cylinder(radius, 0.03, (0, height - 0.03, 0), sides=20)]))
    count = draft.count(3, 4)
    for angle in np.arange(count) * 2 * np.pi / count + 0.5:
        x, z = np.cos(angle), np.sin(angle)
        low, high = 1.05 * radius, 0.65 * radius
        draft.put(material, rod((low * x, 0, low * z), (high * x, height - 0.02, high * z), 0.012, 0.017))
    draft.carry(radius * 1.3, radius * 1.3, height, 0.6)
