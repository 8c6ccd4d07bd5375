"""Rooms in which it is known what can be learned, and through which eyes."""

from collections.abc import Sequence

from sim import Building, BuildingBuilder, Light, Material, Part, Room
from sim.shapes import boxes

HEIGHT_M = 2.5
_OUTER_M = 0.2

_RED = Material("red", (0.9, 0.05, 0.05))

Corner = tuple[float, float, float]


class Hall:
    """An empty room with its floor's middle at the origin, into which things are put.

    Args:
        name: Of the building.
        width_m: Along x.
        depth_m: Along z.
    """

    def __init__(self, name: str, width_m: float, depth_m: float) -> None:
        x, z = width_m / 2, depth_m / 2
        self._builder = BuildingBuilder(name)
        self._room = self._builder.add_room(Room("hall_1", "hall", (-x, 0, -z), (x, HEIGHT_M, z)))
        out_x, out_z = x + _OUTER_M, z + _OUTER_M
        grey, white = Material("grey", (0.4, 0.4, 0.4)), Material("white", (0.8, 0.8, 0.8))
        self.add("floor", (-out_x, -_OUTER_M, -out_z), (out_x, 0, out_z), grey)
        self.add("ceiling", (-out_x, HEIGHT_M, -out_z), (out_x, HEIGHT_M + _OUTER_M, out_z), white)
        for side in (-1, 1):
            self.add("wall", *_ordered(side * x, side * out_x, -out_z, out_z), white)
            self.add("wall", *_ordered(-out_x, out_x, side * z, side * out_z), white)
        self._builder.add_light(Light((0, HEIGHT_M - 0.2, 0), (4, 4, 4), room=self._room))

    def add(self, category: str, lower: Corner, upper: Corner, material: Material) -> None:
        """Put a box there."""
        self._builder.add([Part(boxes([lower], [upper]), material)], category=category, room=self._room)

    def build(self) -> Building:
        """The building."""
        return self._builder.build()


def door_halls(
    name: str, doors_m: Sequence[float], *, width_m: float = 6.0, depth_m: float = 4.0, door_m: float = 1.5
) -> tuple[Building, ...]:
    """Halls with a wall across, a doorway in it at one of the x of `doors_m`, and a pillar at the far wall."""
    orange, blue = Material("orange", (0.8, 0.4, 0.1)), Material("blue", (0.1, 0.2, 0.8))
    halls = []
    for middle_m in doors_m:
        hall = Hall(f"{name}_{middle_m:+.1f}", width_m, depth_m)
        left_m, right_m = middle_m - door_m / 2, middle_m + door_m / 2
        hall.add("wall", *_ordered(-width_m / 2, left_m, -0.1, 0.1), orange)
        hall.add("wall", *_ordered(right_m, width_m / 2, -0.1, 0.1), orange)
        hall.add("door", (left_m, 1.7, -0.3), (right_m, HEIGHT_M, 0.3), blue)  # above the heads of those who pass
        end_m = -depth_m / 2
        hall.add("pillar", *_ordered(-middle_m / 2 - 0.3, -middle_m / 2 + 0.3, end_m, end_m + 0.4), _RED)
        halls.append(hall.build())
    return tuple(halls)


def pillar_halls(name: str, places_m: Sequence[tuple[float, float]], side_m: float = 6.0) -> tuple[Building, ...]:
    """Square halls with a red pillar, its middle at one of the (x, z) of `places_m`."""
    halls = []
    for number, (x, z) in enumerate(places_m):
        hall = Hall(f"{name}_{number}", side_m, side_m)
        hall.add("pillar", *_ordered(x - 0.3, x + 0.3, z - 0.3, z + 0.3), _RED)
        halls.append(hall.build())
    return tuple(halls)


def _ordered(x0: float, x1: float, z0: float, z1: float) -> tuple[Corner, Corner]:
    return (min(x0, x1), 0.0, min(z0, z1)), (max(x0, x1), HEIGHT_M, max(z0, z1))
