"""Point navigation episodes, in Habitat-Lab's files (`.json.gz`, PointNav v1)."""

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.errors import SimulatorError
from sim.files import replacing

LARGEST_FILE_MIB = 1024
"""Unpacked; the training sets of HM3D and Gibson come in files of less than 100 MiB, one for each scene."""

Point = tuple[float, float, float]


@dataclass(frozen=True)
class PointNavEpisode:
    """Go from a start to a point.

    Args:
        episode_id: Unique within a file.
        scene_id: The scene file, as the data set names it.
        start_position: x, y, z of the agent's feet, metres.
        start_heading_rad: 0 faces -Z, positive turns left.
        goal_position: x, y, z, metres.
        goal_radius_m: How near is there; None where the task says.
        geodesic_distance_m: Of the shortest walk; None where the file does not say.
        difficulty: As the data set calls it, or None.

    Raises:
        SimulatorError: If a number is not finite, or a radius or distance is negative.
    """

    episode_id: str
    scene_id: str
    start_position: Point
    start_heading_rad: float
    goal_position: Point
    goal_radius_m: float | None = None
    geodesic_distance_m: float | None = None
    difficulty: str | None = None

    def __post_init__(self) -> None:
        numbers = (*self.start_position, self.start_heading_rad, *self.goal_position)
        if len(numbers) != 7 or not np.isfinite(numbers).all():
            raise SimulatorError(f"episode {self.episode_id!r}: start and goal need finite x, y, z, not {numbers}.")
        for name in ("goal_radius_m", "geodesic_distance_m"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value >= 0):
                raise SimulatorError(f"episode {self.episode_id!r}: {name} is {value}; expected 0 or more.")


def read_episodes(path: Path) -> tuple[PointNavEpisode, ...]:
    """Read a Habitat-Lab PointNav file.

    Args:
        path: `.json.gz`, or the same unpacked.

    Raises:
        SimulatorError: If it cannot be read, is too large, is cut off, holds no episodes, or one of them is broken.
    """
    content = _unpacked(path)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SimulatorError(f"{path} is no JSON ({error}); expected Habitat-Lab PointNav episodes.") from error
    entries = document.get("episodes") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise SimulatorError(f"{path} has no list 'episodes'; expected Habitat-Lab PointNav episodes.")
    if not entries:
        raise SimulatorError(
            f"{path} has no episodes; data sets keep one file for each scene in the folder 'content' beside it."
        )
    episodes = tuple(_episode(path, index, entry) for index, entry in enumerate(entries))
    _check_unique(path, episodes)
    return episodes


def write_episodes(path: Path, episodes: Iterable[PointNavEpisode]) -> None:
    """Write a Habitat-Lab PointNav file; the same episodes give the same bytes.

    Args:
        path: `.json.gz`; replaced as a whole or left as it was.
        episodes: At least one; their ids differ.

    Raises:
        SimulatorError: If there are none, ids repeat, or the file cannot be written.
    """
    episodes = tuple(episodes)
    if not episodes:
        raise SimulatorError(f"no episodes to write to {path}.")
    _check_unique(path, episodes)
    text = json.dumps({"episodes": [_entry(episode) for episode in episodes]}, separators=(",", ":"), allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(text.encode(), compresslevel=6, mtime=0))


def _unpacked(path: Path) -> bytes:
    limit = LARGEST_FILE_MIB << 20
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            content = gzip.GzipFile(fileobj=file).read(limit + 1) if packed else file.read(limit + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SimulatorError(f"{path} is cut off or broken ({error}); copy it again.") from error
    except OSError as error:
        raise SimulatorError(f"cannot read {path}: {error.strerror}.") from error
    if len(content) > limit:
        raise SimulatorError(f"{path} has more than {LARGEST_FILE_MIB} MiB; is it an episode file?")
    return content


def _episode(path: Path, index: int, entry: Any) -> PointNavEpisode:
    try:
        goals = entry["goals"]
        if len(goals) != 1:
            raise SimulatorError(f"{len(goals)} goals, and one is expected")
        info: Mapping[str, Any] = entry.get("info") or {}
        return PointNavEpisode(
            episode_id=str(entry["episode_id"]),
            scene_id=str(entry["scene_id"]),
            start_position=_point(entry["start_position"]),
            start_heading_rad=heading_of(entry["start_rotation"]),
            goal_position=_point(goals[0]["position"]),
            goal_radius_m=_number(goals[0].get("radius")),
            geodesic_distance_m=_number(info.get("geodesic_distance")),
            difficulty=None if info.get("difficulty") is None else str(info["difficulty"]),
        )
    except KeyError as error:
        raise SimulatorError(f"{path}: episode number {index} has no {error}.") from error
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise SimulatorError(f"{path}: episode number {index} is broken: {error}.") from error


def heading_of(rotation: Iterable[float]) -> float:
    """The heading in radians of a quaternion (x, y, z, w): where it turns -Z, seen from above; positive is left.

    Raises:
        SimulatorError: If it is no unit quaternion.
    """
    x, y, z, w = (float(value) for value in rotation)
    if not abs(x * x + y * y + z * z + w * w - 1) < 1e-3:
        raise SimulatorError(f"rotation {[x, y, z, w]} is no unit quaternion (x, y, z, w)")
    return float(np.arctan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y)))


def _entry(episode: PointNavEpisode) -> dict[str, Any]:
    half = episode.start_heading_rad / 2
    info = {"geodesic_distance": episode.geodesic_distance_m, "difficulty": episode.difficulty}
    return {
        "episode_id": episode.episode_id,
        "scene_id": episode.scene_id,
        "start_position": list(episode.start_position),
        "start_rotation": [0.0, float(np.sin(half)), 0.0, float(np.cos(half))],
        "info": {name: value for name, value in info.items() if value is not None},
        "goals": [{"position": list(episode.goal_position), "radius": episode.goal_radius_m}],
        "shortest_paths": None,
        "start_room": None,
    }


def _point(values: Any) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _check_unique(path: Path, episodes: tuple[PointNavEpisode, ...]) -> None:
    seen: set[tuple[str, str]] = set()
    for episode in episodes:
        key = (episode.scene_id, episode.episode_id)
        if key in seen:
            raise SimulatorError(f"{path}: episode {episode.episode_id!r} of {episode.scene_id!r} is there twice.")
        seen.add(key)
