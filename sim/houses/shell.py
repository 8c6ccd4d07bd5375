"""What encloses a room: walls tessellated around their openings, floor, ceiling, baseboards and mouldings.

Every room has its own inner faces. Faces reach `_LAP_M` behind each other at the corners, so that no ray slips through
a seam, and no two of them lie in one plane.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sim.building import BuildingBuilder, Material, Mesh, Part
from sim.houses.plan import PlannedRoom
from sim.houses.walls import Wall
from sim.materials import Palette
from sim.shapes import boxes

_LAP_M = 0.01
FRAME_M = 0.07
"""Width of a door's frame; 2 cm of it lie inside the opening."""
FRAME_INSIDE_M = 0.02
BASEBOARD_M = 0.014
"""How far baseboards stand out from walls."""


def rectangles(corners: Iterable[Sequence[Sequence[float]]]) -> Mesh:
    """Flat rectangles of four corners each: lower left, lower right, upper right, upper left, seen from their front.

    uv are metres in the rectangles' plane, so that neighbours in one plane continue each other's texture; v runs down.
    """
    points = np.array(list(corners), dtype=np.float64)
    right, up = points[:, 1] - points[:, 0], points[:, 3] - points[:, 0]
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    uvs = np.stack([(points * right[:, None]).sum(-1), -(points * up[:, None]).sum(-1)], axis=-1)
    starts = 4 * np.arange(len(points), dtype=np.int32)[:, None, None]
    triangles = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32) + starts
    return Mesh(
        points.reshape(-1, 3).astype(np.float32),
        np.repeat(np.cross(right, up), 4, axis=0).astype(np.float32),
        uvs.reshape(-1, 2).astype(np.float32),
        triangles.reshape(-1, 3),
    )


def _panel(left: float, right: float, bottom: float, top: float) -> list[tuple[float, float, float]]:
    return [(left, bottom, 0.0), (right, bottom, 0.0), (right, top, 0.0), (left, top, 0.0)]


def wall_face(wall: Wall, height_m: float, bottom_m: float, top_m: float) -> Mesh | None:
    """The part of a wall's face between two heights, without its openings, in the wall's frame; None where empty."""
    panels, start = [], -_LAP_M
    floor, ceiling = (-_LAP_M if bottom_m <= 0 else bottom_m), (height_m + _LAP_M if top_m >= height_m else top_m)
    for hole in wall.openings:
        panels.append(_panel(start, hole.left, floor, ceiling))
        below, above = min(hole.bottom, ceiling), max(hole.top, floor)
        panels.append(_panel(hole.left, hole.right, floor, below))
        panels.append(_panel(hole.left, hole.right, above, ceiling))
        start = hole.right
    panels.append(_panel(start, wall.length_m + _LAP_M, floor, ceiling))
    solid = [panel for panel in panels if panel[1][0] > panel[0][0] + 1e-9 and panel[2][1] > panel[1][1] + 1e-9]
    return rectangles(solid) if solid else None


def build_shell(
    builder: BuildingBuilder,
    room: PlannedRoom,
    index: int,
    palette: Palette,
    rng: np.random.Generator,
    surfaces: tuple[Material, Material],
) -> None:
    """Add a room's walls, floor, ceiling and trim.

    Args:
        builder: Where they go.
        room: The room.
        index: Its index in the builder.
        palette: Its materials.
        rng: Draws trim, wainscots and accent walls.
        surfaces: Materials of its floor and walls.
    """
    floor, covering = surfaces
    (x0, z0), (x1, z1) = np.subtract(room.lower, _LAP_M), np.add(room.upper, _LAP_M)
    height = room.height_m
    level = [[(x0, 0, z1), (x1, 0, z1), (x1, 0, z0), (x0, 0, z0)]]
    builder.add([Part(rectangles(level), floor)], category="floor", room=index)
    above = [[(x0, height, z0), (x1, height, z0), (x1, height, z1), (x0, height, z1)]]
    builder.add([Part(rectangles(above), palette.ceiling)], category="ceiling", room=index)
    accent = int(rng.integers(4)) if rng.random() < 0.4 else -1
    wainscot = float(rng.uniform(0.9, 1.4)) if covering is palette.wall_tile and rng.random() < 0.5 else None
    for side, wall in enumerate(room.walls):
        material = palette.wall_accent if side == accent and covering is palette.wall else covering
        bands = [(0.0, height, material)]
        if wainscot is not None:
            bands = [(0.0, wainscot, material), (wainscot, height, palette.wall)]
        faces = [(wall_face(wall, height, bottom, top), surface) for bottom, top, surface in bands]
        parts = [Part(face, surface) for face, surface in faces if face is not None]
        parts.extend(_reveals(wall, material))
        if parts:
            x, z = wall.at(0.0)
            builder.add(parts, category="wall", room=index, position=(x, 0.0, z), yaw_rad=wall.yaw_rad)
    if covering is palette.wall:
        _add_trim(builder, room, index, palette, rng)


def _reveals(wall: Wall, material: Material) -> list[Part]:
    """The cut faces of openings without a frame, to the middle of the wall; each room adds its half."""
    panels: list[list[tuple[float, float, float]]] = []
    for hole in wall.openings:
        if hole.kind == "arch":
            panels.extend(cut_faces(hole.left, hole.right, 0.0, hole.top, -wall.thickness_m / 2)[:3])
    return [Part(rectangles(panels), material)] if panels else []


def cut_faces(
    left: float, right: float, bottom: float, top: float, back: float
) -> list[list[tuple[float, float, float]]]:
    """The left, right, upper and lower inner faces of a hole from the wall's face to z = back < 0."""
    return [
        [(left, bottom, 0), (left, bottom, back), (left, top, back), (left, top, 0)],
        [(right, bottom, back), (right, bottom, 0), (right, top, 0), (right, top, back)],
        [(left, top, back), (right, top, back), (right, top, 0), (left, top, 0)],
        [(left, bottom, 0), (right, bottom, 0), (right, bottom, back), (left, bottom, back)],
    ]


def _gaps(wall: Wall) -> list[tuple[float, float]]:
    """Stretches of a wall between openings that reach the floor."""
    stretches, start = [], 0.0
    for hole in wall.openings:
        if hole.bottom > 0:
            continue
        frame = 0.0 if hole.kind == "arch" else FRAME_M - FRAME_INSIDE_M
        stretches.append((start, hole.left - frame))
        start = hole.right + frame
    stretches.append((start, wall.length_m))
    return [(left, right) for left, right in stretches if right - left > 0.02]


def _strips(room: PlannedRoom, bottom: float, top: float, depth: float, along_floor: bool) -> Mesh:
    """Strips along all walls; those of the second and fourth wall end where the others begin."""
    lower: list[NDArray[np.float64]] = []
    upper: list[NDArray[np.float64]] = []
    for side, wall in enumerate(room.walls):
        cut = depth if side % 2 else 0.0
        for left, right in _gaps(wall) if along_floor else [(0.0, wall.length_m)]:
            ends = np.array([wall.at(max(left, cut), 0.0), wall.at(min(right, wall.length_m - cut), depth)])
            (x0, z0), (x1, z1) = ends.min(axis=0), ends.max(axis=0)
            lower.append(np.array([x0, bottom, z0]))
            upper.append(np.array([x1, top, z1]))
    return boxes(np.array(lower), np.array(upper))


def _add_trim(
    builder: BuildingBuilder, room: PlannedRoom, index: int, palette: Palette, rng: np.random.Generator
) -> None:
    high = float(rng.uniform(0.06, 0.13))
    builder.add([Part(_strips(room, 0.0, high, BASEBOARD_M, True), palette.trim)], category="baseboard", room=index)
    if rng.random() < 0.25:
        size = float(rng.uniform(0.05, 0.09))
        strips = _strips(room, room.height_m - size, room.height_m, 0.7 * size, False)
        builder.add([Part(strips, palette.trim)], category="moulding", room=index)
