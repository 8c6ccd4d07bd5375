"""Doors and windows: frames, leaves, sills, panes and the view behind them."""

from dataclasses import dataclass
from math import pi

import numpy as np

from sim.building import BuildingBuilder, Mesh, Part
from sim.houses.shell import FRAME_INSIDE_M, FRAME_M, cut_faces, rectangles
from sim.houses.walls import Opening, Wall
from sim.materials import Palette
from sim.shapes import boxes, cylinder, merged, rotated, translated


@dataclass(frozen=True)
class WindowStyle:
    """How the windows of one room are made.

    Args:
        reveal_m: From the wall's face to the pane.
        frame_m: Width of the frame's members.
        mullions: Where upright bars stand, shares of the width.
        transoms: Where level bars lie, shares of the height.
        view_shift: Which part of the view is seen, 0 to 1.
    """

    reveal_m: float
    frame_m: float
    mullions: tuple[float, ...]
    transoms: tuple[float, ...]
    view_shift: float


def draw_window_style(rng: np.random.Generator) -> WindowStyle:
    """Draw one of the common ways to divide a window."""
    mullions = ((), (0.5,), (0.5,), (1 / 3, 2 / 3))[int(rng.integers(4))]
    transoms = ((), (), (0.72,), (0.5,), (1 / 3, 2 / 3))[int(rng.integers(5))]
    reveal, frame = rng.uniform(0.12, 0.26), rng.uniform(0.04, 0.065)
    return WindowStyle(float(reveal), float(frame), mullions, transoms, float(rng.random()))


_PROUD_M = 0.012
"""How far a door's frame stands out from the wall."""
LEAF_M = 0.04
_THRESHOLD_M = 0.006
_ENTRANCE_M = 0.12
"""Depth of the front door's frame."""


def door_frame(hole: Opening, thickness_m: float) -> Mesh:
    """Two posts and a lintel that line an opening through the wall, in the wall's frame."""
    outer, inner = FRAME_M - FRAME_INSIDE_M, FRAME_INSIDE_M
    back, front = -thickness_m - _PROUD_M, _PROUD_M
    top = hole.top - inner
    lower = [(hole.left - outer, 0, back), (hole.right - inner, 0, back), (hole.left - outer, top, back)]
    upper = [
        (hole.left + inner, top, front),
        (hole.right + outer, top, front),
        (hole.right + outer, hole.top + outer, front),
    ]
    return boxes(lower, upper)


def door_leaf(width_m: float, height_m: float, rng: np.random.Generator, palette: Palette) -> list[Part]:
    """A leaf hinged at x = 0 that reaches to +x, its middle plane at z = 0."""
    parts = [Part(boxes([(0, 0.008, -LEAF_M / 2)], [(width_m, height_m, LEAF_M / 2)]), palette.door)]
    rows = int(rng.integers(0, 4))
    if rows:
        parts.append(Part(_leaf_panels(width_m, height_m, rows, int(rng.integers(1, 3))), palette.door))
    knob = cylinder(0.011, 0.1 + LEAF_M, (0.0, -0.05 - LEAF_M / 2, 0.0), sides=8)
    lever = boxes(
        [(-0.11, -0.009, side * 0.06 - 0.009) for side in (-1, 1)],
        [(0.01, 0.009, side * 0.06 + 0.009) for side in (-1, 1)],
    )
    handle = merged([rotated(knob, "x", pi / 2), lever])
    parts.append(Part(translated(handle, (width_m - 0.07, 1.02, 0.0)), palette.metal))
    return parts


def _leaf_panels(width_m: float, height_m: float, rows: int, columns: int) -> Mesh:
    """Raised panels on both faces."""
    margin, gap = 0.11, 0.09
    u = np.linspace(margin, width_m - margin + gap, columns + 1)
    v = np.linspace(0.2, height_m - margin + gap, rows + 1)
    lower, upper = [], []
    for i in range(columns):
        for j in range(rows):
            lower.append((u[i], v[j], -LEAF_M / 2 - 0.008))
            upper.append((u[i + 1] - gap, v[j + 1] - gap, LEAF_M / 2 + 0.008))
    return boxes(lower, upper)


def _threshold(hole: Opening, thickness_m: float) -> Mesh:
    """A thin strip on the floor that fills an opening through the wall, in the wall's frame."""
    inset = (FRAME_INSIDE_M if hole.kind != "arch" else 0.0) - 0.005
    lower = (hole.left + inset, -0.01, -thickness_m - 0.004)
    return boxes([lower], [(hole.right - inset, _THRESHOLD_M, 0.004)])


def add_passage(builder: BuildingBuilder, room: int, wall: Wall, hole: Opening, palette: Palette) -> None:
    """The frame and the threshold of an opening between rooms."""
    x, z = wall.at(0.0)
    place, yaw = (x, 0.0, z), wall.yaw_rad
    strip = _threshold(hole, wall.thickness_m)
    builder.add([Part(strip, palette.wood_dark)], category="floor", room=room, position=place, yaw_rad=yaw)
    if hole.kind == "door":
        builder.add(
            [Part(door_frame(hole, wall.thickness_m), palette.trim)],
            category="door_frame",
            room=room,
            position=place,
            yaw_rad=yaw,
        )


def add_open_leaf(
    builder: BuildingBuilder,
    room: int,
    wall: Wall,
    hole: Opening,
    swing: tuple[bool, float],
    palette: Palette,
    rng: np.random.Generator,
) -> None:
    """A leaf that stands open into the room.

    Args:
        builder: Where it goes.
        room: Index of the room it opens into.
        wall: Of that room.
        hole: The doorway.
        swing: Whether it hangs at the left, and how far it is open, radians.
        palette: Materials.
        rng: Draws its style.
    """
    at_left, angle = swing
    width, height = hole.right - hole.left - 2 * FRAME_INSIDE_M, hole.top - FRAME_INSIDE_M - 0.004
    leaf = door_leaf(width, height, rng, palette)
    u = hole.left + FRAME_INSIDE_M - LEAF_M / 2 if at_left else hole.right - FRAME_INSIDE_M + LEAF_M / 2
    x, z = wall.at(u, _PROUD_M + LEAF_M / 2 + 0.004)
    turn = -angle if at_left else pi + angle
    builder.add(leaf, category="door", room=room, position=(x, 0.0, z), yaw_rad=wall.yaw_rad + turn)


def add_entrance(
    builder: BuildingBuilder, room: int, wall: Wall, hole: Opening, palette: Palette, rng: np.random.Generator
) -> None:
    """A closed front door in its frame."""
    x, z = wall.at(0.0)
    frame = door_frame(hole, _ENTRANCE_M)
    builder.add([Part(frame, palette.trim)], category="door_frame", room=room, position=(x, 0, z), yaw_rad=wall.yaw_rad)
    strip = [Part(_threshold(hole, _ENTRANCE_M), palette.stone_top)]
    builder.add(strip, category="floor", room=room, position=(x, 0, z), yaw_rad=wall.yaw_rad)
    width, height = hole.right - hole.left - 2 * FRAME_INSIDE_M, hole.top - FRAME_INSIDE_M
    leaf = door_leaf(width + 0.01, height + 0.01, rng, palette)
    backing = rectangles(
        [
            [
                (-0.05, -0.02, -0.06),
                (width + 0.05, -0.02, -0.06),
                (width + 0.05, height + 0.05, -0.06),
                (-0.05, height + 0.05, -0.06),
            ]
        ]
    )
    x, z = wall.at(hole.left + FRAME_INSIDE_M - 0.005, -0.04)
    parts = [*leaf, Part(backing, palette.door)]
    builder.add(parts, category="door", room=room, position=(x, 0.0, z), yaw_rad=wall.yaw_rad)


def add_window(
    builder: BuildingBuilder, room: int, wall: Wall, hole: Opening, palette: Palette, style: WindowStyle
) -> None:
    """The reveal of a window, its frame with bars, its sill and the view outside."""
    x, z = wall.at(0.0)
    depth, frame = style.reveal_m, style.frame_m
    left, right, bottom, top = hole.left, hole.right, hole.bottom, hole.top
    reveal = rectangles(cut_faces(left, right, bottom, top, -depth))
    builder.add([Part(reveal, palette.wall)], category="wall", room=room, position=(x, 0, z), yaw_rad=wall.yaw_rad)
    front, back = -depth + 0.07, -depth - 0.01
    lower = [
        (left - 0.01, bottom - 0.01, back),
        (right - frame, bottom - 0.01, back),
        (left + frame, bottom - 0.01, back),
        (left + frame, top - frame, back),
    ]
    upper = [
        (left + frame, top + 0.01, front),
        (right + 0.01, top + 0.01, front),
        (right - frame, bottom + frame, front),
        (right - frame, top + 0.01, front),
    ]
    for share in style.mullions:
        u = left + share * (right - left)
        lower.append((u - 0.5 * frame, bottom + frame, back))
        upper.append((u + 0.5 * frame, top - frame, front - 0.012))
    for share in style.transoms:
        v = bottom + share * (top - bottom)
        lower.append((left + frame, v - 0.4 * frame, back))
        upper.append((right - frame, v + 0.4 * frame, front - 0.024))
    sill = boxes([(left - 0.04, bottom - 0.03, -0.02)], [(right + 0.04, bottom + 0.004, 0.05)])
    ledge = boxes([(left + 0.001, bottom - 0.02, front - 0.01)], [(right - 0.001, bottom + 0.004, -0.02)])
    parts = [
        Part(boxes(lower, upper), palette.trim),
        Part(merged([sill, ledge]), palette.stone_top),
        Part(_view(left, right, bottom, top, -depth + 0.02, palette, style), palette.sky),
    ]
    builder.add(parts, category="window", room=room, position=(x, 0.0, z), yaw_rad=wall.yaw_rad)


_VIEW_M = 3.2
"""Width and height that the picture of the outside spans, its horizon at half of it."""


def _view(left: float, right: float, bottom: float, top: float, z: float, palette: Palette, style: WindowStyle) -> Mesh:
    """The lit pane that closes a window, with its part of the view."""
    lap = 0.004
    pane = rectangles(
        [
            [
                (left - lap, bottom - lap, z),
                (right + lap, bottom - lap, z),
                (right + lap, top + lap, z),
                (left - lap, top + lap, z),
            ]
        ]
    )
    across = (pane.vertices[:, 0] - left) / max(_VIEW_M, right - left)
    down = np.clip(1.0 - pane.vertices[:, 1] / _VIEW_M, 0.0, 1.0)
    room_left = max(0.0, 1.0 - (right - left) / _VIEW_M)
    fractions = np.stack([across + style.view_shift * room_left, down], axis=-1)
    uvs = fractions * np.asarray(palette.sky.texture_size_m)
    return Mesh(pane.vertices, pane.normals, uvs.astype(np.float32), pane.triangles)
