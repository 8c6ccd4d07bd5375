"""How rooms are furnished: groups on walls, bare rooms, what stands apart, and the light of lamps."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest

from sim.houses import HouseSpec
from sim.houses.hangings import Gallery
from sim.houses.house import House, draw_house
from sim.houses.plan import PlannedRoom
from sim.houses.space import Placed, Space
from sim.houses.strategies import Fill
from sim.houses.walls import Wall
from sim.materials import draw_palette

SEEDS = range(20, 28)
WHITE = 0.75
"""Irradiance from which a white ceiling is burnt out, beside the ambient light."""


@cache
def house(seed: int) -> House:
    return draw_house(seed, HouseSpec())


def empty_room(width: float, depth: float, seed: int = 0) -> Space:
    corners = ((0.0, 0.0), (0.0, depth), (width, depth), (width, 0.0))
    sides = (width, depth, width, depth)
    walls = tuple(Wall(corners[i], i * np.pi / 2, sides[i]) for i in range(4))
    rng = np.random.default_rng(seed)
    return Space(PlannedRoom("office", (0.0, 0.0), (width, depth), 2.6, walls), draw_palette(rng), rng)


def placed(seed: int, category: str) -> list[list[Placed]]:
    """Things of a category in each room of a house."""
    return [[item for item in space.placed if item.piece.category == category] for space in house(seed).spaces]


def distance(a: Placed, b: Placed) -> float:
    return float(np.hypot(a.position[0] - b.position[0], a.position[2] - b.position[2]))


@pytest.mark.parametrize("seed", range(6))
def test_a_gallery_is_of_equal_pictures_equally_spaced_on_one_wall(seed: int) -> None:
    space = empty_room(5.0, 4.0, seed)
    Gallery(1.0).furnish(space)
    pictures = space.placed
    assert len(pictures) >= 2
    assert len({item.yaw_rad for item in pictures}) == 1
    assert len({tuple(np.round(item.piece.size_m[:2], 6)) for item in pictures}) == 1
    heights = sorted({round(item.position[1], 6) for item in pictures})
    assert len(heights) <= 2
    for height in heights:
        row = np.array([item.position for item in pictures if item.position[1] == pytest.approx(height)])
        steps = np.linalg.norm(np.diff(row, axis=0), axis=1)
        assert len(row) >= 2
        np.testing.assert_allclose(steps, steps[0], atol=1e-6)
        assert steps[0] > pictures[0].piece.size_m[0]


def test_a_bare_room_is_filled_until_furniture_takes_its_share_and_no_more() -> None:
    space = empty_room(4.0, 4.0)
    fill = Fill(0.2, ("bookshelf", "sideboard", "wardrobe", "armchair", "dresser", "plant", "filing_cabinet", "bench"))
    fill.furnish(space)
    areas = [item.piece.size_m[0] * item.piece.size_m[2] for item in space.placed]
    assert sum(areas) / 16 == pytest.approx(space.covered)
    assert sum(areas) / 16 >= 0.2 > sum(areas[:-1]) / 16
    before = len(space.placed)
    fill.furnish(space)
    assert len(space.placed) == before


@pytest.mark.parametrize("seed", SEEDS)
def test_lamps_do_not_stand_or_hang_beside_their_like(seed: int) -> None:
    for on_floor in placed(seed, "floor_lamp"):
        assert all(distance(a, b) >= 1.5 for a, b in combinations(on_floor, 2))
    for plain, pendants in zip(placed(seed, "ceiling_lamp"), placed(seed, "pendant_lamp"), strict=True):
        assert all(distance(a, b) >= 1.2 for a, b in combinations(plain + pendants, 2))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_television_stand_carries_a_television_that_a_sofa_faces(seed: int) -> None:
    for stands, sets, sofas in zip(*(placed(seed, name) for name in ("tv_stand", "television", "sofa")), strict=True):
        assert len(stands) == len(sets)
        for item in sets:
            assert item.parent in stands
            ahead = [sofa.to_local(item.position[0], item.position[2]) for sofa in sofas]
            assert any(z > 1.0 and abs(x) < 0.7 * z for x, z in ahead)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_lamp_burns_a_wide_white_spot_into_the_ceiling(seed: int) -> None:
    """At r from the point above a light, d below the ceiling, irradiance is I d / (d^2 + r^2)^(3/2)."""
    building = house(seed).building
    for light in building.lights:
        if light.direction is not None:
            continue
        below = building.rooms[light.room].upper[1] - light.position[1]
        reach = np.linspace(0, 2, 401)
        irradiance = np.mean(light.intensity) * below / (below**2 + reach**2) ** 1.5
        assert reach[irradiance > WHITE].max(initial=0.0) < 0.65
