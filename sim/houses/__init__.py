"""Procedural houses: floor plan, shell, furniture and lights from a seed."""

from sim.houses.house import generate_house
from sim.houses.room_types import ROOM_TYPES, RoomType
from sim.houses.spec import HouseSpec, load_spec

__all__ = ["ROOM_TYPES", "HouseSpec", "RoomType", "generate_house", "load_spec"]
