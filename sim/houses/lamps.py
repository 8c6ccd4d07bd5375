"""The lamps of a room: on the ceiling, over tables, and those that stand about, with their light."""

import numpy as np

from sim.building import Light
from sim.houses.lighting import Mood, lamp_intensity, tinted
from sim.houses.space import Placed, Space

_PENDANT_KINDS = {
    "dining_room": 0.8,
    "living_room": 0.35,
    "kitchen": 0.35,
    "childs_room": 0.4,
    "bedroom": 0.35,
    "nursery": 0.4,
    "library": 0.4,
    "hallway": 0.4,
}
_LIT = {"floor_lamp": 0.65, "table_lamp": 0.6, "wall_lamp": 0.8}
_LEAST_HEADROOM_M = 1.95
_OVER_TABLE = 1.1
"""Radiant intensity of a lamp that hangs low over a table."""
_DOWN = 1.0
"""Share of a ceiling lamp's strength that falls down, with the cosine."""
_AROUND = (0.25, 0.85)
"""Share that goes everywhere, and from how far below the ceiling: free below the lamp it leaves no white spot there."""
_AROUND_PENDANT = (0.04, 0.35)
"""The same for a pendant, above its shade: from below, the shade would throw a dark disc on the ceiling."""
_GLOW = {"floor_lamp": 0.8, "table_lamp": 0.5, "wall_lamp": 0.5}
"""Radiant intensity of lamps that stand or hang on walls."""
_LIT_FIRST = 1.05
"""Of several lamps, the two a quarter from the ends are the stronger: where only two are rendered, they light all."""
_APART_M = 1.5
"""No ceiling lamp hangs nearer to another."""


def hang_lamps(space: Space, mood: Mood, room: int) -> list[Light]:
    """Hang a room's ceiling lamps and return the light of all its lamps.

    Args:
        space: The furnished room.
        mood: Of the house.
        room: Index of the room.
    """
    tables = _over_tables(space)
    grid = _on_grid(space, tables) if not tables or space.room.kind != "dining_room" else []
    strength = lamp_intensity(space.room, max(1, len(grid)))
    lights = [light for lamp in tables for light in _shine(lamp, mood, room, min(strength, _OVER_TABLE))]
    lit_first = {len(grid) // 4, len(grid) - 1 - len(grid) // 4}
    for index, lamp in enumerate(grid):
        lights += _shine(lamp, mood, room, strength * (_LIT_FIRST if index in lit_first else 1.0))
    if not lights:
        x, z = (float(value) for value in np.add(space.room.lower, space.room.upper) / 2)
        below = space.room.height_m - 0.3
        lights.append(Light((x, below, z), tinted(mood.lamp, strength), (0.0, -1.0, 0.0), 0.1, room))
    for item in space.placed:
        chance = _LIT.get(item.piece.category, 0.0)
        if item.piece.bulbs and space.chance(chance):
            lights.append(_glow(item, mood, room))
    return lights


def _shine(lamp: Placed, mood: Mood, room: int, strength: float) -> list[Light]:
    """The light of a ceiling lamp: most of it falls down, the rest goes everywhere."""
    x, top, z = lamp.position
    height = lamp.piece.size_m[1]
    share, below = _AROUND_PENDANT if lamp.piece.category == "pendant_lamp" else _AROUND
    return [
        Light((x, top - height - 0.02, z), tinted(mood.lamp, _DOWN * strength), (0.0, -1.0, 0.0), 0.1, room),
        Light((x, top - below, z), tinted(mood.lamp, share * strength), None, 0.1, room),
    ]


def _glow(item: Placed, mood: Mood, room: int) -> Light:
    """The light of a standing lamp, just above its shade."""
    bulb = item.piece.bulbs[0]
    x, _, z = item.to_world(*bulb.position)
    y = max(item.box.high + 0.04, item.position[1] + bulb.position[1])
    return Light((x, y, z), tinted(mood.lamp, _GLOW[item.piece.category]), None, 0.08, room)


def _over_tables(space: Space) -> list[Placed]:
    """A pendant lamp over a dining table or an island, in rooms that are lit by one."""
    tables = [item for item in space.placed if item.piece.category in ("dining_table", "kitchen_island")]
    if not tables or not space.chance(_PENDANT_KINDS.get(space.room.kind, 0.0)):
        return []
    pendant = space.make("pendant_lamp")
    x, _, z = tables[0].position
    lamp = space.from_ceiling(pendant, x, z)
    if lamp.box.low > 1.45 and space.try_place(lamp, windows=False):
        return [lamp]
    return []


def _on_grid(space: Space, others: list[Placed]) -> list[Placed]:
    """Lamps in the middle of the ceiling, several in long rooms, none beside another."""
    width, depth = space.room.size_m
    long, short = max(width, depth), min(width, depth)
    count = max(1, round(long / max(2.6, 1.25 * short)))
    pendant = count == 1 and space.chance(_PENDANT_KINDS.get(space.room.kind, 0.0))
    piece = space.make("pendant_lamp" if pendant else "ceiling_lamp")
    if space.room.height_m - piece.size_m[1] < _LEAST_HEADROOM_M:
        piece = space.make("ceiling_lamp")
    hung = []
    for index in range(count):
        share = np.array([0.5, 0.5])
        share[0 if width >= depth else 1] = (index + 0.5) / count
        for _ in range(6):
            x, z = np.add(space.room.lower, share * (width, depth))
            lamp = space.from_ceiling(piece, float(x), float(z))
            apart = all(np.hypot(x - other.position[0], z - other.position[2]) > _APART_M for other in others)
            if apart and space.try_place(lamp, windows=False):
                hung.append(lamp)
                break
            share = np.clip(share + space.rng.uniform(-0.12, 0.12, 2), 0.2, 0.8)
    return hung
