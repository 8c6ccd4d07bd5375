"""What a generated house may be like, and how to read it from YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

from sim.errors import SimulatorError, unknown_name
from sim.houses.room_types import ESSENTIAL_KINDS, ROOM_TYPES

MOST_ROOMS = 20
_RANGE_LIMITS: dict[str, tuple[float, float]] = {
    "rooms": (1, MOST_ROOMS),
    "room_height_m": (2.2, 4.5),
    "door_width_m": (0.84, 1.3),
    "wall_thickness_m": (0.1, 0.4),
}
_FRACTIONS = ("window_ratio", "open_plan", "furniture_density", "clutter_density")


@dataclass(frozen=True)
class HouseSpec:
    """The ranges a house is drawn from; pairs are (least, most), both possible.

    Args:
        rooms: Number of rooms, corridors included.
        kinds: Room kinds that may occur; a house of more than three rooms always has the essential ones among them.
        room_height_m: Floor to ceiling.
        door_width_m: Of the opening in the wall; frames take 4 cm of it, and agents need 0.8 m clear.
        wall_thickness_m: Of the walls between rooms.
        window_ratio: Share of the outer walls' possible window places that get one, 0 to 1.
        open_plan: Probability that living, dining and cooking are joined by a wide opening, 0 to 1.
        furniture_density: 0 leaves the rooms empty, 1 furnishes all that fits well.
        clutter_density: The same for small things, on furniture and floors.
        photographs: Whether photographic textures of installed packages may join the procedural ones.

    Raises:
        SimulatorError: If a value is out of its range, or a room kind is unknown.
    """

    rooms: tuple[int, int] = (6, 10)
    kinds: tuple[str, ...] = tuple(ROOM_TYPES)
    room_height_m: tuple[float, float] = (2.4, 3.0)
    door_width_m: tuple[float, float] = (0.86, 1.0)
    wall_thickness_m: tuple[float, float] = (0.1, 0.22)
    window_ratio: float = 0.85
    open_plan: float = 0.6
    furniture_density: float = 1.0
    clutter_density: float = 0.7
    photographs: bool = False

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGE_LIMITS.items():
            object.__setattr__(self, name, _checked_range(name, getattr(self, name), least, most))
        for name in _FRACTIONS:
            value = getattr(self, name)
            if not (_is_number(value) and 0 <= value <= 1):
                raise SimulatorError(f"house {name} is {value!r}; a number from 0 to 1 is expected.")
        if not isinstance(self.photographs, bool):
            raise SimulatorError(f"house photographs is {self.photographs!r}; true or false is expected.")
        if any(count != int(count) for count in self.rooms):
            raise SimulatorError(f"house rooms is {self.rooms}; whole numbers are expected.")
        object.__setattr__(self, "rooms", (int(self.rooms[0]), int(self.rooms[1])))
        object.__setattr__(self, "kinds", _checked_kinds(self.kinds))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "HouseSpec":
        """A spec from names and values; what is left out keeps its default.

        Raises:
            SimulatorError: If a name is unknown or a value does not fit.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise unknown_name("house setting", name, known)
        return cls(**values)


def load_spec(path: str | Path) -> HouseSpec:
    """Read a spec from a YAML file such as those in `sim_configs/buildings`.

    Raises:
        SimulatorError: If the file cannot be read, is not a YAML mapping, or holds a value that does not fit.
    """
    import yaml

    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SimulatorError(f"cannot read house settings {path}: {error.strerror}; give a YAML file.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SimulatorError(f"house settings {path} are not YAML: {reason}.") from error
    if not isinstance(values or {}, Mapping):
        raise SimulatorError(f"house settings {path} hold a {type(values).__name__}; `name: value` lines are expected.")
    try:
        return HouseSpec.from_mapping(values or {})
    except SimulatorError as error:
        raise SimulatorError(f"{path}: {error}") from error


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _checked_range(name: str, value: object, least: float, most: float) -> tuple[float, float]:
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or not all(_is_number(number) for number in pair):
        raise SimulatorError(f"house {name} is {value!r}; a number or a pair [least, most] is expected.")
    low, high = pair
    if not least <= low <= high <= most:
        raise SimulatorError(f"house {name} is {value!r}; expected {least} <= least <= most <= {most}.")
    return low, high


def _checked_kinds(value: object) -> tuple[str, ...]:
    if not isinstance(value, (tuple, list)) or not value:
        raise SimulatorError(f"house kinds is {value!r}; a list of room kinds is expected.")
    for kind in value:
        if kind not in ROOM_TYPES:
            raise unknown_name("room kind", kind, ROOM_TYPES)
    kinds = tuple(dict.fromkeys(value))
    if not set(kinds) & set(ESSENTIAL_KINDS):
        raise SimulatorError(
            f"house kinds {', '.join(kinds)} hold none to live in; add one of {', '.join(ESSENTIAL_KINDS)}."
        )
    return kinds
