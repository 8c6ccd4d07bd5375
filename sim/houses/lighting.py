"""Lamps and daylight: how bright, how warm, and from where.

A surface shows albedo * (ambient + intensity * cos / d^2) of at most a room's two strongest lights, so a lamp of a
normal room has a radiant intensity of 1 to 4.
"""

from dataclasses import dataclass

import numpy as np

from sim.building import BuildingBuilder, Light, Material
from sim.houses.plan import PlannedRoom
from sim.houses.walls import Opening, Wall

_TINTS = {"warm": (1.12, 0.98, 0.78), "neutral": (1.04, 1.0, 0.92), "cold": (0.94, 1.0, 1.08)}
"""Linear RGB of lamps of about 2700, 3500 and 4800 K beside a white balance of about 3800 K."""


@dataclass(frozen=True)
class Mood:
    """The light of one house.

    Args:
        lamp: Linear RGB tint of its lamps.
        day: Linear RGB tint of what comes through windows.
        day_strength: 0 is night, 1 a bright day.
    """

    lamp: tuple[float, float, float]
    day: tuple[float, float, float]
    day_strength: float


def draw_mood(rng: np.random.Generator, sky: Material) -> Mood:
    """Draw the lamps of a house; daylight has the tint of the sky that is seen from its windows."""
    lamp = list(_TINTS)[int(rng.choice(3, p=(0.5, 0.3, 0.2)))]
    return Mood(_TINTS[lamp], _tint_of(sky), float(rng.uniform(0.45, 1.0)))


def _tint_of(sky: Material) -> tuple[float, float, float]:
    """Half the tint of the upper half of a view, half white; its mean is 1."""
    color = np.multiply(sky.base_color, sky.emission)
    if sky.texture is not None:
        upper = sky.texture[: len(sky.texture) // 2].astype(np.float64) / 255
        color = color * (upper**2.2).mean(axis=(0, 1))
    red, green, blue = (0.5 + 0.5 * color / max(float(color.mean()), 1e-6)).tolist()
    return red, green, blue


def ambient(mood: Mood) -> tuple[float, float, float]:
    """Linear RGB of the light that walls throw back, between the lamps' tint and the day's."""
    level = 0.325 + 0.08 * mood.day_strength
    red, green, blue = (level * (1 + lamp + day) / 3 for lamp, day in zip(mood.lamp, mood.day, strict=True))
    return red, green, blue


def lamp_intensity(room: PlannedRoom, lamps: int) -> float:
    """Radiant intensity of each of a room's ceiling lamps."""
    return float(np.clip(0.7 + 0.17 * min(room.size_m) ** 2, 1.0, 4.2)) / (1.0 if lamps == 1 else 1.25)


def tinted(tint: tuple[float, float, float], strength: float) -> tuple[float, float, float]:
    """A light's linear RGB intensity."""
    return tint[0] * strength, tint[1] * strength, tint[2] * strength


def add_daylight(builder: BuildingBuilder, room: int, wall: Wall, hole: Opening, mood: Mood) -> None:
    """The light of one window, just inside it, falling off with the cosine to its normal."""
    x, z = wall.at(hole.middle, 0.06)
    inward = (wall.at(0.0, 1.0)[0] - wall.at(0.0)[0], 0.0, wall.at(0.0, 1.0)[1] - wall.at(0.0)[1])
    width, height = hole.right - hole.left, hole.top - hole.bottom
    strength = mood.day_strength * float(np.clip(1.9 * width * height, 0.8, 4.5))
    y = hole.bottom + 0.6 * height
    radius = float(0.4 * min(width, height))
    builder.add_light(Light((x, y, z), tinted(mood.day, strength), inward, radius, room))
