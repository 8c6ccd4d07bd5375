"""Buildings small enough to know everything about."""

import numpy as np

from sim import Building, BuildingBuilder, Light, Material, Mesh, Part, Room
from sim.shapes import boxes

Corner = tuple[float, float, float]


def block(lower: Corner, upper: Corner, material: Material) -> Part:
    """A box between two corners."""
    return Part(boxes([lower], [upper]), material)


def inside_out(mesh: Mesh) -> Mesh:
    """The same surface, seen from within."""
    return Mesh(mesh.vertices, -mesh.normals, mesh.uvs, np.ascontiguousarray(mesh.triangles[:, ::-1]))


def two_rooms(name: str = "two_rooms", wall_thickness_m: float = 0.1) -> Building:
    """Two rooms of 4 x 4 x 2.5 m side by side, a doorway of 1 x 2 m between them, a table, and a shut closet.

    The floor is y = 0; the kitchen spans x in [-4, 0], the bedroom [0, 4], both z in [-2, 2]. The table stands in the
    kitchen around (-3, 0, 1); the closet fills the bedroom's corner x > 2.5, z > 0.5.
    """
    builder = BuildingBuilder(name)
    kitchen = builder.add_room(Room("kitchen_1", "kitchen", (-4, 0, -2), (0, 2.5, 2)))
    bedroom = builder.add_room(Room("bedroom_1", "bedroom", (0, 0, -2), (4, 2.5, 2)))
    half = wall_thickness_m / 2
    checks = (np.indices((8, 8)).sum(axis=0) % 2 * 120 + 100).astype(np.uint8)
    floor = Material("floor", texture=np.repeat(np.kron(checks, np.ones((4, 4), np.uint8))[..., None], 3, axis=2))
    white, brown = Material("white", (0.8, 0.8, 0.8)), Material("brown", (0.4, 0.25, 0.1))
    thick = 0.2
    builder.add([block((-4.2, -thick, -2.2), (4.2, 0, 2.2), floor)], category="floor", room=kitchen)
    builder.add([block((-4.2, 2.5, -2.2), (4.2, 2.7, 2.2), white)], category="ceiling", room=kitchen)
    outer = (
        ((-4.2, 0, -2.2), (-4, 2.5, 2.2)),
        ((4, 0, -2.2), (4.2, 2.5, 2.2)),
        ((-4, 0, -2.2), (4, 2.5, -2)),
        ((-4, 0, 2), (4, 2.5, 2.2)),
    )
    for lower, upper in outer:
        builder.add([block(lower, upper, white)], category="wall", room=kitchen)
    inner = (
        ((-half, 0, -2), (half, 2.5, -0.5)),
        ((-half, 0, 0.5), (half, 2.5, 2)),
        ((-half, 2, -0.5), (half, 2.5, 0.5)),
        ((2.5, 0, 0.5), (2.6, 2.5, 2)),
        ((2.6, 0, 0.5), (4, 2.5, 0.6)),
    )
    for lower, upper in inner:
        builder.add([block(lower, upper, white)], category="wall", room=bedroom)
    builder.add([block((-3.5, 0, 0.6), (-2.5, 0.75, 1.4), brown)], category="table", room=kitchen)
    builder.add_light(Light((-2, 2.3, 0), (2, 2, 2), room=kitchen))
    builder.add_light(Light((2, 2.3, 0), (2, 2, 2), room=bedroom))
    return builder.build()


def box_room(size_m: Corner = (6.0, 3.0, 4.0), name: str = "box_room", lit: bool = True) -> Building:
    """An empty room with its floor's middle at the origin; one instance for each of its six sides."""
    builder = BuildingBuilder(name)
    x, y, z = size_m[0] / 2, size_m[1], size_m[2] / 2
    room = builder.add_room(Room("room_1", "living_room", (-x, 0, -z), (x, y, z)))
    material = Material("grey", (0.5, 0.5, 0.5))
    shell = inside_out(boxes([(-x, 0, -z)], [(x, y, z)]))
    for side in range(6):
        normal = shell.normals[shell.triangles[:, 0]]
        chosen = (normal == np.unique(shell.normals, axis=0)[side]).all(axis=1)
        category = "floor" if normal[chosen][0, 1] > 0 else "ceiling" if normal[chosen][0, 1] < 0 else "wall"
        part = Part(Mesh(shell.vertices, shell.normals, shell.uvs, shell.triangles[chosen]), material)
        builder.add([part], category=category, room=room)
    if lit:
        builder.add_light(Light((0, y - 0.2, 0), (2, 2, 2), room=room))
    return builder.build()
