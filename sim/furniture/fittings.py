"""What many pieces share: wood, legs, carcasses, drawers and doors with handles, cushions."""

from collections.abc import Callable

import numpy as np

from sim.building import Material, Mesh
from sim.furniture.draft import Draft
from sim.shapes import (
    block,
    boxes,
    cylinder,
    frustum,
    lathe,
    merged,
    repeated,
    rod,
    rotated,
    rounded_box,
    rounded_path,
    translated,
    tube,
)

Range = tuple[float, float]


def wood(draft: Draft) -> Material:
    """The wood of a piece: mostly the house's own, now and then another or painted."""
    p = draft.palette
    return draft.choice((p.wood, p.wood, p.wood, p.wood_dark, p.wood_light, p.painted_wood))


def cloth(draft: Draft) -> Material:
    """The cover of an upholstered piece."""
    p = draft.palette
    return draft.choice((p.fabric, p.fabric, p.fabric_accent, p.fabric_pattern, p.leather))


def fitting_metal(draft: Draft) -> Material:
    """The metal of handles and thin legs."""
    p = draft.palette
    return draft.choice((p.metal, p.metal_dark, p.brass))


def span(x: Range, y: Range, z: Range) -> Mesh:
    """A box between least and greatest x, y and z, metres."""
    return boxes((x[0], y[0], z[0]), (x[1], y[1], z[1]))


def _square_leg(height: float, thickness: float) -> Mesh:
    return block(thickness, height, thickness)


def _tapered_leg(height: float, thickness: float) -> Mesh:
    return frustum(0.3 * thickness, 0.55 * thickness, height, sides=10)


def _turned_leg(height: float, thickness: float) -> Mesh:
    r = thickness / 2
    heights = np.array([0, 0, 0.06, 0.12, 0.2, 0.55, 0.62, 0.68, 0.74, 0.8, 1, 1]) * height
    radii = np.array([0, 0.6, 0.75, 0.5, 0.55, 0.95, 0.6, 1.0, 0.6, 1.0, 1.0, 0]) * r
    return lathe(np.column_stack([radii, heights]), sides=10)


def _round_leg(height: float, thickness: float) -> Mesh:
    return cylinder(0.35 * thickness, height, sides=10)


LEG_STYLES: tuple[Callable[[float, float], Mesh], ...] = (_square_leg, _tapered_leg, _turned_leg, _round_leg)


def legs(draft: Draft, material: Material, width: float, depth: float, height: float, thickness: float = 0.05) -> None:
    """Four legs in one style within a footprint of width x depth, from the floor to a height, metres."""
    style = draft.choice(LEG_STYLES)
    x, z = (width - thickness) / 2, (depth - thickness) / 2
    draft.put(material, repeated(style(height, thickness), [(-x, 0, -z), (x, 0, -z), (-x, 0, z), (x, 0, z)]))


def splayed_legs(draft: Draft, material: Material, width: float, depth: float, height: float, radius: float) -> None:
    """Four thin legs that lean outward to a footprint of width x depth, metres."""
    x, z = width / 2 - radius, depth / 2 - radius
    for sx, sz in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        draft.put(material, rod((sx * x, 0, sz * z), (sx * x * 0.75, height, sz * z * 0.75), radius * 0.7, radius))


def _knob(_: float) -> Mesh:
    profile = [(0, 0), (0.008, 0), (0.006, 0.012), (0.015, 0.02), (0.013, 0.028), (0, 0.032)]
    return rotated(lathe(profile, sides=8), "x", np.pi / 2)


def _bar(length: float) -> Mesh:
    half, out = length / 2, 0.028
    path = rounded_path([(-half, 0, 0), (-half, 0, out), (half, 0, out), (half, 0, 0)], 0.012, steps=1)
    return tube(path, 0.005, sides=5)


def _ledge(length: float) -> Mesh:
    return boxes((-length / 2, -0.006, 0), (length / 2, 0.006, 0.02))


HANDLE_STYLES: tuple[Callable[[float], Mesh], ...] = (_knob, _bar, _ledge)


def upright(mesh: Mesh) -> Mesh:
    """A handle turned by a quarter about z, so that it stands."""
    return rotated(mesh, "z", np.pi / 2)


def fronts(
    draft: Draft,
    material: Material,
    handle_material: Material,
    x: Range,
    y: Range,
    z: float,
    *,
    columns: int = 1,
    rows: int = 1,
    doors: bool = False,
    handle: Callable[[float], Mesh] | None = None,
) -> None:
    """Drawer fronts, or doors, with handles, filling a rectangle of a face that looks to +z.

    Args:
        draft: Receives them.
        material: Of the fronts.
        handle_material: Of the handles.
        x: From left to right, metres.
        y: From bottom to top.
        z: Of the face they lie on.
        columns: Side by side.
        rows: Above each other.
        doors: Whether handles stand at the edge instead of lying in the middle.
        handle: Its style; one is drawn where it is missing.
    """
    style = handle or draft.choice(HANDLE_STYLES)
    gap, thickness = 0.004, 0.018
    lefts, bottoms = np.linspace(*x, columns + 1), np.linspace(*y, rows + 1)
    width, height = (x[1] - x[0]) / columns, (y[1] - y[0]) / rows
    left, bottom = (grid.ravel() for grid in np.meshgrid(lefts[:-1], bottoms[:-1]))
    lower = np.column_stack([left + gap, bottom + gap, np.full_like(left, z)])
    upper = np.column_stack([left + width - gap, bottom + height - gap, np.full_like(left, z + thickness)])
    draft.put(material, boxes(lower, upper))
    if doors:
        toward_middle = np.where(np.tile(np.arange(columns), rows) % 2 == 0, 1, -1)
        places = np.column_stack([left + width * (0.5 + 0.42 * toward_middle), bottom + height * 0.55])
        mesh = upright(style(min(0.16, 0.5 * height)))
    else:
        places = np.column_stack([left + width / 2, bottom + height * 0.6])
        mesh = style(min(0.3, 0.35 * width))
    draft.put(handle_material, repeated(mesh, np.column_stack([places, np.full(len(places), z + thickness)])))


def carcass(
    x: Range, y: Range, z: Range, *, board: float = 0.02, shelves: tuple[float, ...] = (), posts: tuple[float, ...] = ()
) -> Mesh:
    """A cupboard without doors; boards have their upper faces at the shelves' heights, uprights at the posts' x."""
    inner_x, inner_y, thin = (x[0] + board, x[1] - board), (y[0] + board, y[1] - board), 0.008
    parts = [
        ((x[0], y[0], z[0]), (x[0] + board, y[1], z[1])),
        ((x[1] - board, y[0], z[0]), (x[1], y[1], z[1])),
        ((inner_x[0], y[1] - board, z[0]), (inner_x[1], y[1], z[1])),
        ((inner_x[0], y[0], z[0]), (inner_x[1], y[0] + board, z[1])),
        ((inner_x[0], inner_y[0], z[0]), (inner_x[1], inner_y[1], z[0] + thin)),
    ]
    parts += [((inner_x[0], h - board, z[0] + thin), (inner_x[1], h, z[1] - 0.002)) for h in shelves]
    parts += [((p - board / 2, inner_y[0], z[0] + thin), (p + board / 2, inner_y[1], z[1] - 0.004)) for p in posts]
    lower, upper = zip(*parts, strict=True)
    return boxes(lower, upper)


def cushions(width: float, height: float, depth: float, count: int, base: tuple[float, float, float]) -> Mesh:
    """A row of soft cushions side by side, filling width x height x depth from the middle of their underside."""
    each = width / count
    one = rounded_box(each * 0.985, height, depth, min(0.06, 0.45 * height, 0.45 * depth), base)
    return merged([translated(one, ((k - (count - 1) / 2) * each, 0, 0)) for k in range(count)])


def spread(mesh: Mesh, material: Material) -> Mesh:
    """A mesh with its uv stretched so that a material's texture covers it just once (pictures, screens)."""
    low, high = mesh.uvs.min(axis=0), mesh.uvs.max(axis=0)
    uvs = (mesh.uvs - low) / (high - low) * np.asarray(material.texture_size_m, dtype=np.float32)
    return Mesh(mesh.vertices, mesh.normals, uvs.astype(np.float32), mesh.triangles)


def tap(height: float, reach: float) -> Mesh:
    """A tap that stands on y = 0 and bends forward (+z) over a basin, with a lever, metres."""
    path = [(0, 0, 0), (0, height, 0), (0, height, reach), (0, height * 0.72, reach)]
    spout = tube(rounded_path(path, 0.45 * reach, steps=4), 0.011, sides=8)
    return merged([spout, cylinder(0.022, 0.03, sides=10), rod((0.02, 0.05, 0), (0.075, 0.075, 0), 0.006, sides=6)])
