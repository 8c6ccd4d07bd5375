"""The kinds of rooms, with the sizes people build them in and what they may open to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RoomType:
    """How one kind of room is built.

    Args:
        area_m2: Least and most floor area that is planned.
        least_side_m: No side is shorter.
        most_aspect: Longer side over shorter side, at most.
        weight: How often it joins a house beyond the essential rooms; 0 if never by chance.
        most: How many a house has at most.
        windows: Probability that a free outer wall gets windows, before the spec's ratio.
        floors: Palette surfaces its floor is drawn from.
        walls: Palette surfaces its walls are drawn from.
        public: Whether guests use it: these lie together at the entrance.
    """

    area_m2: tuple[float, float]
    least_side_m: float
    most_aspect: float
    weight: float
    most: int
    windows: float = 1.0
    floors: tuple[str, ...] = ("floor",)
    walls: tuple[str, ...] = ("wall",)
    public: bool = False


_SOFT = ("floor", "floor", "floor_carpet")
_WET = ("floor_tile",)

ROOM_TYPES: dict[str, RoomType] = {
    "living_room": RoomType((20, 32), 3.8, 1.8, 0.0, 1, floors=("floor", "floor", "floor_carpet"), public=True),
    "kitchen": RoomType((10, 18), 2.7, 1.9, 0.0, 1, floors=("floor_tile", "floor_tile", "floor"), public=True),
    "bedroom": RoomType((11, 19), 3.0, 1.6, 0.8, 3, floors=_SOFT),
    "bathroom": RoomType((4.5, 8.5), 1.8, 2.4, 0.7, 3, 0.6, _WET, ("wall_tile",)),
    "corridor": RoomType((3, 24), 1.1, 14.0, 0.0, 3, 0.9),
    "dining_room": RoomType((11, 18), 3.0, 1.7, 1.4, 1, public=True),
    "office": RoomType((8, 14), 2.5, 1.8, 1.1, 2, floors=_SOFT),
    "childs_room": RoomType((9, 15), 2.6, 1.7, 1.0, 2, floors=_SOFT),
    "storage": RoomType((3.6, 8), 1.6, 2.6, 0.9, 1, 0.25, ("floor_tile", "floor")),
    "laundry": RoomType((4.5, 8), 1.7, 2.4, 0.9, 1, 0.5, _WET),
    "library": RoomType((10, 18), 2.9, 1.7, 0.4, 1, floors=("floor", "floor_carpet")),
    "gym": RoomType((11, 19), 3.0, 1.7, 0.5, 1),
    "nursery": RoomType((8, 12), 2.6, 1.6, 0.5, 1, floors=("floor_carpet", "floor")),
    "hallway": RoomType((5.5, 11), 2.0, 2.4, 0.6, 1, 0.5, ("floor", "floor_tile")),
}
"""Every kind of room."""

ESSENTIAL_KINDS = ("living_room", "bedroom", "bathroom", "kitchen")
"""What a home has before anything else, in this order."""

OPEN_PLAN = frozenset({"living_room", "dining_room", "kitchen", "library"})
"""Kinds that a wide opening may join."""

CURTAINED = {
    "living_room": 0.8,
    "bedroom": 0.9,
    "dining_room": 0.7,
    "office": 0.5,
    "childs_room": 0.8,
    "nursery": 0.9,
    "library": 0.7,
}
"""Probability that the windows of a kind of room have curtains; 0 for all others."""

_HALLS = ("corridor", "hallway")
_DOOR_COSTS: dict[frozenset[str], float] = {
    frozenset({"corridor"}): 0.1,
    frozenset({"corridor", "hallway"}): 0.2,
    frozenset({"living_room", "dining_room"}): 0.6,
    frozenset({"kitchen", "dining_room"}): 0.5,
    frozenset({"living_room", "kitchen"}): 0.9,
    frozenset({"living_room", "library"}): 1.4,
    frozenset({"living_room", "office"}): 2.0,
    frozenset({"kitchen", "storage"}): 1.8,
    frozenset({"kitchen", "laundry"}): 1.8,
    frozenset({"bathroom", "laundry"}): 2.2,
    frozenset({"bedroom", "bathroom"}): 1.6,
    frozenset({"bedroom", "nursery"}): 2.4,
    frozenset({"bedroom", "office"}): 3.0,
}
ODD_DOOR = 8.0
"""Cost from which a door is between rooms that seldom share one."""


def door_cost(a: str, b: str) -> float:
    """How unusual a door between two kinds of rooms is: about 1 is common, `ODD_DOOR` and more is avoided."""
    known = _DOOR_COSTS.get(frozenset({a, b}))
    if known is not None:
        return known
    if a in _HALLS or b in _HALLS:
        return 1.0
    if "living_room" in (a, b):
        return 3.5
    if "bathroom" in (a, b):
        return ODD_DOOR * 1.5
    return ODD_DOOR
