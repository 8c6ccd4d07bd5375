"""What makes a room somebody's: pictures, plants, cloth, clocks, a piano."""

import numpy as np

from sim.building import Material, Mesh
from sim.furniture.colors import BOOKS, EMBER, FLAME, FRUIT, TOYS
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import fitting_metal, span, spread, wood
from sim.materials import bordered_rug
from sim.materials import picture as painted
from sim.shapes import (
    block,
    bounds,
    boxes,
    cylinder,
    ellipsoid,
    extrude,
    frustum,
    lathe,
    leaves,
    merged,
    quad,
    repeated,
    rod,
    rods,
    rotated,
    rounded_box,
    rounded_path,
    scaled,
    sheet,
    sphere,
    torus,
    translated,
    tube,
)


@category("picture", "wall", sizes=("width_m", "height_m"))
def picture(draft: Draft) -> None:
    """A painting, print or photograph in a frame."""
    p, width, height = draft.palette, draft.width(0.3, 1.0), draft.height(0.3, 0.8)
    t, x, y = min(draft.between(0.015, 0.06), 0.15 * min(width, height)), width / 2, height / 2
    frame = draft.choice((p.wood, p.wood_dark, p.wood_light, p.painted_wood, p.brass, p.metal_dark))
    lower = [(-x, -y, 0), (x - t, -y, 0), (t - x, -y, 0), (t - x, y - t, 0)]
    upper = [(t - x, y, 0.028), (x, y, 0.028), (x - t, t - y, 0.028), (x - t, y, 0.028)]
    draft.put(frame, boxes(lower, upper))
    canvas = painted(draft.rng)
    face = quad(width - 2 * t, height - 2 * t, (0, 0, 0.016))
    draft.put(canvas, spread(face, canvas))
    draft.put(p.cardboard, span((t - x, x - t), (t - y, y - t), (0.004, 0.0155)))


@category("tapestry", "wall", sizes=("width_m", "height_m"))
def tapestry(draft: Draft) -> None:
    """A woven hanging with fringes, on a rod."""
    p, width, height = draft.palette, draft.width(0.6, 1.3), draft.height(0.7, 1.2)
    pole, fringe, hang = 0.012, 0.1, width - 0.1
    draft.put(
        draft.choice((p.wood, p.wood_dark, p.brass)),
        rod((-width / 2, height / 2 - pole, 0.02), (width / 2, height / 2 - pole, 0.02), pole),
    )
    cloth, tall = bordered_rug(draft.rng, (hang, height - fringe - pole)), height - fringe - pole
    middle = (0, height / 2 - pole - tall / 2, 0.034)
    draft.put(cloth, spread(quad(hang, tall, middle), cloth))
    draft.put(p.linen, span((-hang / 2, hang / 2), (middle[1] - tall / 2, height / 2 - pole), (0.025, 0.0335)))
    knots = np.arange(round(hang / 0.035))
    tassels = [((k + 0.5) * hang / len(knots) - hang / 2, -height / 2, 0.03) for k in knots]
    draft.put(p.linen, repeated(block(0.014, fringe, 0.008), tassels))


def _dial(draft: Draft, radius: float) -> Mesh:
    """Hands at some time of day and twelve marks, facing +z at z = 0, metres."""
    hour = draft.between(0, 12)
    parts = [
        rotated(block(0.03 * radius, 0.8 * radius, 0.006, (0, -0.1 * radius, 0)), "z", -2 * np.pi * (hour % 1)),
        rotated(block(0.05 * radius, 0.55 * radius, 0.006, (0, -0.1 * radius, 0)), "z", -2 * np.pi * hour / 12),
    ]
    mark = block(0.035 * radius, 0.13 * radius, 0.006, (0, 0.8 * radius, 0))
    return merged([*parts, *(rotated(mark, "z", k * np.pi / 6) for k in range(12))])


@category("clock", "wall")
def clock(draft: Draft) -> None:
    """A wall clock: round or square, or with a pendulum."""
    p, radius = draft.palette, draft.between(0.12, 0.2)
    body = draft.choice((p.wood, p.wood_dark, p.metal_dark, p.brass, p.plastic_white, p.plastic_color))
    if draft.chance(0.7):
        rim = [(0, 0), (1, 0), (1, 0.035), (0.93, 0.04), (0.88, 0.02), (0, 0.02)]
        case = lathe(np.array(rim) * (radius, 1), sides=28, squareness=draft.choice((2.0, 2.0, 8.0)))
        draft.put(body, rotated(case, "x", np.pi / 2))
    else:
        draft.put(body, span((-radius, radius), (-2.6 * radius, radius), (0, 0.018)))
        roof = np.array([(-1.15, 1), (1.15, 1), (0, 1.6)]) * radius
        draft.put(
            body,
            extrude(roof, 0.08, (0, 0, 0.04)),
            span((-1.05 * radius, 1.05 * radius), (-2.7 * radius, -2.6 * radius), (0, 0.08)),
        )
        draft.put(p.brass, rod((0, -0.9 * radius, 0.03), (0, -2.1 * radius, 0.03), 0.004, sides=5))
        draft.put(p.brass, rotated(cylinder(0.3 * radius, 0.01, (0, 0.025, 2.1 * radius), sides=14), "x", np.pi / 2))
    draft.put(p.paper, rotated(cylinder(0.84 * radius, 0.004, (0, 0.02, 0), sides=24), "x", np.pi / 2))
    draft.put(p.plastic_black, translated(_dial(draft, 0.82 * radius), (0, 0, 0.027)))


def _vase(draft: Draft, height: float, radius: float) -> Mesh:
    """A hollow vase of a smooth random profile, metres."""
    rise = np.linspace(0, 1, 9)
    knots = [
        draft.between(0.4, 0.7),
        draft.between(0.7, 1.0),
        draft.between(0.5, 1.0),
        draft.between(0.25, 0.5),
        draft.between(0.35, 0.6),
    ]
    radii = np.interp(rise, [0, 0.3, 0.55, 0.85, 1.0], knots)
    radii = np.convolve(np.pad(radii, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid") * radius
    outside = np.column_stack([radii, rise * height])
    inside = outside[:2:-1] - (0.004, 0)
    return lathe(np.concatenate([[(0.0, 0.0)], outside, inside, [(0.0, inside[-1, 1])]]), sides=18)


@category("vase", "surface")
def vase(draft: Draft) -> None:
    """A vase, empty or with flowers or twigs."""
    p, height, radius = draft.palette, draft.between(0.16, 0.32), draft.between(0.06, 0.1)
    draft.put(draft.choice((p.ceramic, p.ceramic_color, p.terracotta, p.glass, p.brass)), _vase(draft, height, radius))
    if draft.chance(0.4):
        return
    petals = draft.choice((*FRUIT, *TOYS))
    for _ in range(draft.count(3, 6)):
        lean, angle = draft.between(0.02, 0.12), draft.between(0, 2 * np.pi)
        x, z, top = lean * np.cos(angle), lean * np.sin(angle), height + draft.between(0.1, 0.22)
        draft.put(p.leaf, rod((0.1 * x, height * 0.5, 0.1 * z), (x, top, z), 0.003, sides=4))
        draft.put(p.leaf, leaves([(0.6 * x, 0.75 * top, 0.6 * z)], [(z, 0.05, -x)], [0.08]))
        spokes = np.arange(6) * np.pi / 3
        outward = np.column_stack([np.cos(spokes), np.full(6, 0.5), np.sin(spokes)])
        draft.put(petals, leaves(np.tile((x, top, z), (6, 1)), outward, np.full(6, 0.045), width=0.6))
        draft.put(TOYS[2], ellipsoid(0.012, 0.008, 0.012, (x, top + 0.006, z), sides=6, rings=4))


def _planter(draft: Draft, radius: float, height: float) -> None:
    """A pot with soil in it, metres."""
    p, rim = draft.palette, 0.08
    profile = [(0, 0), (0.68, 0), (0.92, 1 - 2 * rim), (1, 1 - 2 * rim), (1, 1), (0.9, 1), (0.86, 0.85), (0, 0.85)]
    smooth = [(0, 0), (0.75, 0), (0.97, 0.3), (1, 0.6), (0.93, 1), (0.85, 1), (0.87, 0.85), (0, 0.85)]
    shape, power = draft.choice(((profile, 2.0), (smooth, 2.0), (smooth, 8.0)))
    material = draft.choice((p.terracotta, p.terracotta, p.ceramic, p.ceramic_color, p.wicker))
    draft.put(material, lathe(np.array(shape) * (radius, height), sides=20, squareness=power))
    draft.put(p.soil, cylinder(0.86 * radius, 0.01, (0, 0.85 * height, 0), sides=14))


def _bush(draft: Draft, low: float, high: float, spread_m: float) -> None:
    """Leaves on arching stems between two heights, metres."""
    count = draft.count(30, 46)
    angles, rise = draft.rng.uniform(0, 2 * np.pi, count), draft.rng.uniform(0, 1, count) ** 0.8
    outward = np.column_stack([np.cos(angles), 0.2 + 1.1 * rise, np.sin(angles)])
    reach = 0.25 * spread_m * draft.rng.uniform(0.1, 1, count)
    starts = np.column_stack([reach * np.cos(angles), low + 0.75 * rise * (high - low), reach * np.sin(angles)])
    lengths = np.full(count, 0.3 * spread_m) + 0.12 * (high - low) * draft.rng.uniform(0, 1, count)
    draft.put(draft.palette.leaf, leaves(starts, outward, lengths, width=draft.between(0.3, 0.55)))
    draft.put(
        draft.palette.wood_dark,
        rod((0, low - 0.05, 0), (0, low + 0.8 * (high - low), 0), 0.02 * spread_m + 0.004, 0.004, sides=6),
    )


def _blades(draft: Draft, low: float, high: float, spread_m: float) -> None:
    """Long pointed blades that rise from the soil, metres."""
    count = draft.count(14, 22)
    angles, tilt = draft.rng.uniform(0, 2 * np.pi, count), draft.rng.uniform(0.05, 0.45, count)
    outward = np.column_stack([tilt * np.cos(angles), np.ones(count), tilt * np.sin(angles)])
    starts = np.column_stack(
        [0.06 * spread_m * np.cos(angles), np.full(count, low - 0.03), 0.06 * spread_m * np.sin(angles)]
    )
    lengths = (high - low) * draft.rng.uniform(0.6, 1.0, count)
    draft.put(draft.palette.leaf, leaves(starts, outward, lengths, width=0.1, droop=draft.between(-0.1, 0.25)))


def _fronds(draft: Draft, low: float, high: float, spread_m: float) -> None:
    """A palm: fronds of narrow leaves on arching ribs, metres."""
    fronds, per = draft.count(6, 8), 12
    trunk = low + 0.35 * (high - low)
    draft.put(
        draft.palette.wood_dark,
        rod((0, low - 0.05, 0), (0, trunk, 0), 0.04 * spread_m + 0.004, 0.03 * spread_m + 0.003, sides=7),
    )
    for angle in np.arange(fronds) * 2 * np.pi / fronds + draft.between(0, 1):
        t = np.linspace(0, 1, per)
        out, up = 0.5 * spread_m * t, trunk + (high - trunk) * (1.7 * t - 1.2 * t**2) * draft.between(0.8, 1.3)
        along = np.column_stack([out * np.cos(angle), up, out * np.sin(angle)])
        draft.put(draft.palette.leaf, tube(along, np.linspace(0.006, 0.002, per), sides=4))
        side = np.array([-np.sin(angle), -0.25, np.cos(angle)])
        forward = np.array([np.cos(angle), 0.0, np.sin(angle)]) * 0.7
        directions = np.concatenate([np.tile(forward + s, (per - 2, 1)) for s in (side, side * (-1, 1, -1))])
        starts = np.concatenate([along[2:], along[2:]])
        draft.put(draft.palette.leaf, leaves(starts, directions, np.full(2 * per - 4, 0.22 * spread_m), width=0.16))


@category("plant", "floor", sizes=("height_m",))
def plant(draft: Draft) -> None:
    """A plant in a pot: a bush, long blades, or a palm; small ones fit on tables."""
    height = draft.height(0.35, 1.5)
    pot_height = height * draft.between(0.22, 0.35) if height > 0.6 else height * draft.between(0.35, 0.45)
    pot_radius = pot_height * draft.between(0.45, 0.6)
    _planter(draft, pot_radius, pot_height)
    style = draft.choice((_bush, _blades, _fronds) if height > 0.7 else (_bush, _blades))
    style(draft, 0.85 * pot_height, height, max(0.45 * height, 2.2 * pot_radius))
    lower, upper = bounds(mesh for group in draft.meshes.values() for mesh in group)
    grown = height / (upper[1] - lower[1])
    for key, group in draft.meshes.items():
        draft.meshes[key] = [scaled(mesh, grown) for mesh in group]


@category("rug", "floor", sizes=("width_m", "depth_m"))
def rug(draft: Draft) -> None:
    """A flat rug, rectangular with a border or fringes, or round."""
    width, depth, p = draft.width(1.2, 2.4), draft.depth(0.8, 1.7), draft.palette
    if abs(width / depth - 1) < 0.15 and draft.chance(0.7):
        profile = [(0, 0), (1, 0), (1, 0.8), (0.985, 1), (0, 1)]
        draft.put(p.rug, scaled(lathe(profile, sides=40), (width / 2, 0.012, depth / 2)))
        return
    fringe = draft.choice((0.0, 0.05))
    size = (width - 2 * fringe, depth)
    pattern = bordered_rug(draft.rng, size)
    body = rounded_box(size[0], 0.012, size[1], 0.005)
    face = (body.vertices[:, [0, 2]] / (size[0], size[1]) + 0.5) * pattern.texture_size_m
    draft.put(pattern, Mesh(body.vertices, body.normals, face.astype(np.float32), body.triangles))
    if fringe:
        tassels = [
            (s * (width - fringe) / 2, 0, z)
            for s in (-1, 1)
            for z in np.arange(0.02 - depth / 2, depth / 2 - 0.01, 0.05)
        ]
        draft.put(p.linen, repeated(block(fringe, 0.006, 0.025), tassels))


@category("curtain", "wall", sizes=("width_m", "height_m"))
def curtain(draft: Draft) -> None:
    """Two curtains drawn aside on a rod, or half closed."""
    width, height, p = draft.width(1.2, 2.4), draft.height(1.4, 2.3), draft.palette
    metal, z = draft.choice((fitting_metal(draft), wood(draft))), 0.07
    knob = 0.03
    draft.put(metal, rod((knob - width / 2, height / 2 - knob, z), (width / 2 - knob, height / 2 - knob, z), 0.012))
    draft.put(
        metal, *(sphere(knob, (s * (width / 2 - knob), height / 2 - knob, z), sides=10, rings=6) for s in (-1, 1))
    )
    draft.put(
        metal,
        *(
            rod((s * width * 0.4, height / 2 - knob, 0), (s * width * 0.4, height / 2 - knob, z), 0.008, sides=6)
            for s in (-1, 1)
        ),
    )
    closed = draft.between(0.16, 0.3) * width
    folds = max(2, round(closed / draft.between(0.075, 0.11)))
    t = np.linspace(0, 1, 6 * folds + 1)
    drop = np.linspace(0, 1, 5)[:, None]
    bottom = height - knob
    for side in (-1, 1):
        narrow = 1 - draft.choice((0.0, 0.35)) * np.sin(np.pi * drop) ** 2
        x = side * (width / 2 - 2 * knob - closed * t * narrow)
        depth = z + 0.028 * np.cos(2 * np.pi * folds * t) * (0.6 + 0.4 * drop) + 0.01 * drop * np.sin(9 * t)
        y = height / 2 - knob - 0.02 - drop * (bottom - 0.02)
        points = np.stack(np.broadcast_arrays(x, y, depth), axis=-1)
        draft.put(p.curtain, sheet(points if side < 0 else points[:, ::-1], 0.004))
    rings = [
        (s * (width / 2 - 2 * knob - closed * k / folds), height / 2 - knob, z)
        for s in (-1, 1)
        for k in range(folds + 1)
    ]
    draft.put(metal, repeated(rotated(torus(0.02, 0.004, sides=8, tube_sides=4), "z", np.pi / 2), rings))


@category("candle", "surface")
def candle(draft: Draft) -> None:
    """A thick candle on a dish, or three thin ones in a holder; some burn."""
    p, wax = draft.palette, draft.choice((draft.palette.paper, draft.palette.linen, *BOOKS[:2]))
    lit = draft.chance(0.4)
    if draft.chance(0.5):
        r, h = draft.between(0.03, 0.045), draft.between(0.07, 0.16)
        draft.put(
            draft.choice((p.ceramic, p.metal, p.brass)),
            lathe([(0, 0), (r, 0), (1.7 * r, 0.012), (1.65 * r, 0.015), (r, 0.006), (0, 0.006)], sides=16),
        )
        tops = [(0.0, h, 0.0)]
        draft.put(
            wax, lathe([(0, 0.006), (r, 0.006), (r, h), (0.8 * r, h), (0.5 * r, h - 0.01), (0, h - 0.012)], sides=14)
        )
    else:
        metal, h = fitting_metal(draft), draft.between(0.2, 0.28)
        draft.put(metal, cylinder(0.06, 0.012, sides=16), cylinder(0.008, h, sides=8))
        arm = tube(
            rounded_path([(-0.09, h, 0), (-0.09, 0.6 * h, 0), (0.09, 0.6 * h, 0), (0.09, h, 0)], 0.06), 0.006, sides=6
        )
        tops = [(x, h + 0.12, 0.0) for x in (-0.09, 0.0, 0.09)]
        draft.put(
            metal,
            arm,
            *(lathe([(0, 0), (0.01, 0), (0.02, 0.015), (0, 0.015)], (x, h - 0.01, 0), sides=10) for x, _, _ in tops),
        )
        draft.put(wax, *(frustum(0.01, 0.008, 0.12, (x, h, 0), sides=8) for x, _, _ in tops))
    draft.put(p.plastic_black, *(cylinder(0.002, 0.03, (x, y - 0.02, z), sides=4) for x, y, z in tops))
    if lit:
        flame = lathe([(0, 0), (0.006, 0.008), (0.004, 0.02), (0, 0.035)], sides=6)
        draft.put(FLAME, repeated(flame, tops))
        draft.shine((0.0, tops[0][1] + 0.06, 0.0), 0.6, radius=0.02)


@category("fireplace", "floor")
def fireplace(draft: Draft) -> None:
    """A fireplace with a mantel, an arched or square opening, and logs."""
    p, width, height, depth = draft.palette, draft.between(1.2, 1.6), draft.between(1.0, 1.2), 0.38
    stone = draft.choice((p.stone_top, p.painted_wood, p.terracotta, p.wall_accent))
    x, y, half = width / 2 - 0.06, height - 0.06, draft.between(0.3, 0.42)
    rise = draft.choice((0.02, 0.18))
    t = np.linspace(0, np.pi, 13)
    arch = np.column_stack([-half * np.cos(t), 0.62 + rise * np.sin(t)])
    outline = np.concatenate([[(-x, 0), (-half, 0)], arch, [(half, 0), (x, 0), (x, y), (-x, y)]])
    draft.put(stone, extrude(outline, depth, (0, 0, 0)))
    draft.put(draft.choice((stone, p.wood, p.wood_dark)), rounded_box(width, 0.06, depth + 0.06, 0.012, (0, y, 0.03)))
    draft.put(stone, block(width, 0.03, 0.3, (0, 0, depth / 2 + 0.15)))
    draft.put(
        p.rubber,
        span((-x + 0.01, x - 0.01), (0.0, y - 0.01), (-depth / 2 - 0.02, 0.01 - depth / 2)),
        span((-half, half), (0, 0.012), (-depth / 2, depth / 2)),
    )
    logs = [
        ((-0.2, 0.09, 0.0), (0.2, 0.07, 0.05)),
        ((-0.18, 0.07, -0.08), (0.2, 0.1, -0.06)),
        ((-0.15, 0.15, -0.03), (0.16, 0.16, 0.02)),
    ]
    draft.put(p.wood_dark, *(rod(a, b, 0.04, sides=7) for a, b in logs))
    draft.put(p.metal_dark, *(span((a - 0.01, a + 0.01), (0.012, 0.05), (-0.12, 0.1)) for a in (-0.15, 0.15)))
    if draft.chance(0.5):
        draft.put(EMBER, ellipsoid(0.16, 0.03, 0.08, (0, 0.05, -0.01), sides=10, rings=5))
        draft.put(
            FLAME,
            *(
                lathe([(0, 0), (0.04, 0.05), (0.02, 0.12), (0, 0.2)], (a, 0.12, -0.02), sides=7)
                for a in (-0.09, 0.02, 0.1)
            ),
        )
        draft.shine((0, 0.3, 0.1), 4.0, radius=0.1)
    draft.carry(width - 0.1, depth - 0.06, height, 0.8)


def _bust(draft: Draft, material: Material) -> None:
    shoulders = lathe([(0, 0), (0.5, 0), (0.6, 0.25), (1, 0.62), (0.9, 0.85), (0.42, 1), (0, 1)], (0, 0.5, 0), sides=16)
    draft.put(material, scaled(shoulders, (0.11, 0.1, 0.07)), frustum(0.036, 0.03, 0.07, (0, 0.14, 0), sides=12))
    draft.put(material, ellipsoid(0.048, 0.066, 0.058, (0, 0.255, 0.008), sides=14, rings=9))
    draft.put(material, ellipsoid(0.009, 0.02, 0.016, (0, 0.25, 0.062), sides=7, rings=5))
    draft.put(material, ellipsoid(0.054, 0.05, 0.058, (0, 0.28, -0.012), sides=12, rings=7))


def _loop(draft: Draft, material: Material) -> None:
    turn = np.linspace(0.4, 2 * np.pi - 0.4, 22) - np.pi / 2
    path = np.column_stack([0.1 * np.cos(turn), 0.17 + 0.11 * np.sin(turn), 0.03 * np.sin(2 * turn)])
    draft.put(material, tube(path, 0.012 + 0.012 * np.sin(np.linspace(0, np.pi, 22)), sides=10))


def _bird(draft: Draft, material: Material) -> None:
    draft.put(material, rods([(-0.02, 0.05, 0), (0.02, 0.05, 0)], [(-0.02, 0.15, 0), (0.02, 0.15, 0)], 0.006, sides=6))
    body = rotated(ellipsoid(0.05, 0.055, 0.1, sides=14, rings=8), "x", -0.5)
    draft.put(material, translated(body, (0, 0.2, 0)), sphere(0.036, (0, 0.285, 0.06), sides=12, rings=8))
    draft.put(material, rod((0, 0.28, 0.085), (0, 0.27, 0.125), 0.01, 0.002, sides=6))
    draft.put(material, rod((0, 0.18, -0.06), (0, 0.11, -0.15), 0.025, 0.012, sides=6))


@category("statue", "surface")
def statue(draft: Draft) -> None:
    """A bust, a bent loop, or a bird, on a plinth."""
    p = draft.palette
    draft.put(draft.choice((p.stone_top, p.wood, p.metal_dark)), block(0.14, 0.05, 0.12))
    material = draft.choice((p.ceramic, p.stone_top, p.brass, p.wood_dark, p.metal_dark))
    draft.choice((_bust, _loop, _bird))(draft, material)
