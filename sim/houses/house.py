"""A whole house from a seed: plan, shell, openings, furniture, lights."""

from dataclasses import dataclass

import numpy as np

from sim.building import Building, BuildingBuilder, Material, Room
from sim.errors import SimulatorError
from sim.houses.clutter import strew
from sim.houses.dressing import dress_windows, hang_leaf
from sim.houses.joinery import add_entrance, add_passage, add_window, draw_window_style
from sim.houses.lamps import hang_lamps
from sim.houses.lighting import Mood, add_daylight, ambient, draw_mood
from sim.houses.plan import FloorPlan, draw_plan
from sim.houses.recipes import RECIPES
from sim.houses.room_types import ROOM_TYPES
from sim.houses.shell import build_shell
from sim.houses.space import Space
from sim.houses.spec import HouseSpec
from sim.houses.walls import Opening, Wall
from sim.materials import Palette, draw_palette, vary


def generate_house(seed: int, spec: HouseSpec | None = None) -> Building:
    """Generate a furnished house; the same seed and spec give the same house.

    Args:
        seed: Any whole number from 0 on.
        spec: What it may be like.

    Raises:
        SimulatorError: If the seed is negative or no whole number.
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
        raise SimulatorError(f"house seed is {seed!r}; a whole number from 0 on is expected.")
    return draw_house(int(seed), spec or HouseSpec()).building


@dataclass(frozen=True, eq=False)
class House:
    """A generated building and what it was made from.

    Args:
        building: The result.
        plan: Its floor plan.
        spaces: Its furnished rooms; the things in each are the last instances of that room, in the same order.
    """

    building: Building
    plan: FloorPlan
    spaces: tuple[Space, ...]


def draw_house(seed: int, spec: HouseSpec) -> House:
    """Draw a house; every room has a stream of its own, so that no room depends on how another was furnished."""
    plan_rng, style_rng = (np.random.default_rng([seed, stream]) for stream in range(2))
    plan = draw_plan(spec, plan_rng)
    palette = draw_palette(style_rng, photographs=spec.photographs)
    mood = draw_mood(style_rng, palette.sky)
    builder = BuildingBuilder(f"house_{seed}", ambient=ambient(mood))
    for room, name in zip(plan.rooms, _names(plan), strict=True):
        (x0, z0), (x1, z1) = room.lower, room.upper
        builder.add_room(Room(name, room.kind, (x0, 0.0, z0), (x1, room.height_m, z1)))
    spaces = []
    for index, room in enumerate(plan.rooms):
        rng = np.random.default_rng([seed, 2, index])
        space = Space(room, vary(palette, rng, room_kind=room.kind), rng, spec.furniture_density, spec.clutter_density)
        _build_room(builder, space, index, palette, mood)
        spaces.append(space)
    return House(builder.build(), plan, tuple(spaces))


def _names(plan: FloorPlan) -> list[str]:
    counts: dict[str, int] = {}
    names = []
    for room in plan.rooms:
        counts[room.kind] = counts.get(room.kind, 0) + 1
        names.append(f"{room.kind}_{counts[room.kind]}")
    return names


def _build_room(builder: BuildingBuilder, space: Space, index: int, house: Palette, mood: Mood) -> None:
    room = space.room
    build_shell(builder, room, index, space.palette, space.rng, _surfaces(room.kind, house, space.palette, space.rng))
    windows = _fill_openings(builder, space, index, house, mood)
    if space.density > 0:
        for strategy in RECIPES[room.kind]:
            strategy.furnish(space)
    dress_windows(space, windows)
    strew(space)
    for light in hang_lamps(space, mood, index):
        builder.add_light(light)
    for item in space.placed:
        builder.add(
            item.piece.parts, category=item.piece.category, room=index, position=item.position, yaw_rad=item.yaw_rad
        )


def _fill_openings(
    builder: BuildingBuilder, space: Space, index: int, house: Palette, mood: Mood
) -> list[tuple[Wall, Opening]]:
    """Doors and windows; a passage is made by the first of its two rooms. Returns the windows."""
    style = draw_window_style(space.rng)
    windows: list[tuple[Wall, Opening]] = []
    for wall in space.room.walls:
        for hole in wall.openings:
            if hole.kind == "window":
                add_window(builder, index, wall, hole, space.palette, style)
                add_daylight(builder, index, wall, hole, mood)
                windows.append((wall, hole))
            elif hole.kind == "entrance":
                add_entrance(builder, index, wall, hole, house, space.rng)
            elif hole.other > index:
                add_passage(builder, index, wall, hole, house)
                if hole.kind == "door":
                    hang_leaf(builder, space, index, wall, hole, house)
    return windows


def _surfaces(kind: str, house: Palette, palette: Palette, rng: np.random.Generator) -> tuple[Material, Material]:
    """The floor and the walls of a room; rooms one walks through share the house's floor."""
    room_type = ROOM_TYPES[kind]
    floor = room_type.floors[int(rng.integers(len(room_type.floors)))]
    shared = room_type.public or kind in ("corridor", "hallway")
    wall = room_type.walls[int(rng.integers(len(room_type.walls)))]
    return getattr(house if shared else palette, floor), getattr(palette, wall)
