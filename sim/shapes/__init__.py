"""Shapes that furniture and houses are made of: closed meshes in metres, Y up, seen from outside.

Every one has unit normals, counter-clockwise triangles, and uv in metres along the surface.
"""

from sim.shapes.blocks import block, box, boxes, extrude, quad, rounded_box
from sim.shapes.revolved import cylinder, ellipsoid, frustum, lathe, pipe, sphere, torus
from sim.shapes.soft import leaves, pillow, sheet
from sim.shapes.swept import rod, rods, rounded_path, tube
from sim.shapes.transforms import bounds, merged, repeated, rotated, scaled, translated

__all__ = [
    "block",
    "bounds",
    "box",
    "boxes",
    "cylinder",
    "ellipsoid",
    "extrude",
    "frustum",
    "lathe",
    "leaves",
    "merged",
    "pillow",
    "pipe",
    "quad",
    "repeated",
    "rod",
    "rods",
    "rotated",
    "rounded_box",
    "rounded_path",
    "scaled",
    "sheet",
    "sphere",
    "torus",
    "translated",
    "tube",
]
