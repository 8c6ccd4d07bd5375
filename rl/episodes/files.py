"""Sets of episodes in files."""

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any

from perception import UserError
from perception.files import read_bytes, write_atomically
from rl.episodes.candidates import EpisodeRules
from rl.episodes.episode import Episode
from rl.episodes.rules import rules_of
from rl.episodes.validation import check_unique
from rl.scenes import Scenes, Split
from sim.checks import is_number
from sim.episodes import Point

FORMAT = "midlevel-episodes-1"

LARGEST_FILE_MIB = 256
"""Unpacked; an episode takes about 250 bytes."""


@dataclass(frozen=True)
class EpisodeSet:
    """Episodes, and what they are for.

    Args:
        task: "PointGoal", "VisualTarget" or "Explore".
        split: Whose buildings they are in.
        scenes: Fingerprint of the scenes.
        seed: They were drawn from; None for those of others.
        rules: They satisfy.
        episodes: At least one.

    Raises:
        UserError: If there are none, ids repeat, the rules are for another task, or the seed or fingerprint is none.
    """

    task: str
    split: Split
    scenes: str
    seed: int | None
    rules: EpisodeRules
    episodes: tuple[Episode, ...]

    def __post_init__(self) -> None:
        rules_of(self.task, self.rules)
        if not isinstance(self.scenes, str):
            raise UserError(f"a set of episodes: scenes is {self.scenes!r}; their fingerprint is expected.")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int | None):
            raise UserError(f"a set of episodes: seed is {self.seed!r}; a whole number or None is expected.")
        if not self.episodes:
            raise UserError(f"a set of {self.task} episodes has none; generate at least one.")
        check_unique(self.episodes)


def write_episode_set(path: Path, episode_set: EpisodeSet) -> None:
    """Write a set of episodes; the same set gives the same bytes.

    Args:
        path: `.json.gz`; replaced as a whole or left as it was.
        episode_set: Any.

    Raises:
        UserError: If it cannot be written, or a number in it is not finite.
    """
    content = {
        "format": FORMAT,
        "task": episode_set.task,
        "split": episode_set.split.value,
        "scenes": episode_set.scenes,
        "seed": episode_set.seed,
        "rules": asdict(episode_set.rules),  # type: ignore[call-overload]  # rules are dataclasses
        "episodes": [asdict(episode) for episode in episode_set.episodes],
    }
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise UserError(f"episodes for {path} hold a number that is not finite; validate them first.") from error
    write_atomically(path, gzip.compress(text.encode(), compresslevel=6, mtime=0))


def read_episode_set(
    path: Path, *, task: str | None = None, scenes: Scenes | None = None, split: Split | None = None
) -> EpisodeSet:
    """Read a set of episodes that `write_episode_set` wrote.

    Args:
        path: `.json.gz`.
        task: It has to be for, if given.
        scenes: It has to be for, if given; buildings of its episodes have to be among them.
        split: It has to be for, if given.

    Raises:
        UserError: If it is no such file or broken, or is for another task, split or scenes; it names both.
    """
    content = _content(path)
    try:
        found = EpisodeSet(
            task=content["task"],
            split=Split.parse(content["split"]),
            scenes=content["scenes"],
            seed=content["seed"],
            rules=rules_of(content["task"], content["rules"]),
            episodes=tuple(_episode(entry) for entry in content["episodes"]),
        )
    except KeyError as error:
        raise UserError(f"{path} has no {error}; was it written by another version?") from error
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} is broken: {str(error).rstrip('.')}.") from error
    _check_for(path, "task", found.task, task)
    _check_for(path, "split", found.split, split)
    _check_for(path, "scenes", found.scenes, scenes.fingerprint if scenes else None)
    if scenes:
        strange = {episode.building for episode in found.episodes} - set(scenes.names(found.split))
        if strange:
            raise UserError(f"{path} has episodes in {sorted(strange)[0]!r}, which is not for {found.split.value}.")
    return found


def _content(path: Path) -> Mapping[str, Any]:
    limit = LARGEST_FILE_MIB << 20
    try:
        text = gzip.GzipFile(fileobj=BytesIO(read_bytes(path, limit_mib=LARGEST_FILE_MIB))).read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is cut off, broken or no .json.gz ({error}); write it again.") from error
    if len(text) > limit:
        raise UserError(f"{path} has more than {LARGEST_FILE_MIB} MiB unpacked; is it an episode file?")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no JSON ({error}); expected episodes.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise UserError(
            f"{path} is of the format {found!r}, and {FORMAT!r} is expected; from_habitat reads Habitat-Lab's files."
        )
    return content


def _check_for(path: Path, what: str, found: str, expected: str | None) -> None:
    if expected is not None and found != expected:
        raise UserError(
            f"{path} is for the {what} {str(found)!r}, and {str(expected)!r} is expected; take another file, or "
            "generate one."
        )


def _episode(entry: Any) -> Episode:
    known = {field.name for field in fields(Episode)}
    if not isinstance(entry, dict) or set(entry) != known:
        raise UserError(f"an episode has {', '.join(sorted(known))}, and one is {str(entry)[:200]}")
    label = f"episode {entry['episode_id']!r}"
    for name in ("episode_id", "building"):
        if not isinstance(entry[name], str) or not entry[name]:
            raise UserError(f"{label}: {name} is {entry[name]!r}; a name is expected")
    length_m, target = entry["geodesic_distance_m"], entry["target"]
    if not (target is None or isinstance(target, str)):
        raise UserError(f"{label}: target is {target!r}; a category or nothing is expected")
    if not (length_m is None or (_is_number(length_m) and length_m >= 0)):
        raise UserError(f"{label}: geodesic_distance_m is {length_m!r}; 0 or more metres are expected")
    if not _is_number(entry["heading_rad"]):
        raise UserError(f"{label}: heading_rad is {entry['heading_rad']!r}; a finite number is expected")
    goal = None if entry["goal"] is None else _point(f"{label}: goal", entry["goal"])
    return Episode(**{**entry, "start": _point(f"{label}: start", entry["start"]), "goal": goal})


def _is_number(value: object) -> bool:
    return is_number(value) and not isinstance(value, bool)


def _point(label: str, values: Any) -> Point:
    if not isinstance(values, list) or len(values) != 3 or not all(map(_is_number, values)):
        raise UserError(f"{label} is {values!r}; finite x, y, z are expected")
    x, y, z = (float(value) for value in values)
    return x, y, z
