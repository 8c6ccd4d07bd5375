"""Habitat-Lab's PointNav files as episodes of our scenes."""

from pathlib import Path, PurePosixPath

from perception import UserError
from rl.episodes.episode import Episode
from rl.episodes.validation import check_unique
from rl.scenes import Scenes, Split
from sim.episodes import PointNavEpisode, read_episodes
from sim.scene_files import SCENE_SUFFIXES


def from_habitat(path: Path, scenes: Scenes, split: Split, *, others: bool = False) -> tuple[Episode, ...]:
    """Read Habitat-Lab's PointNav episodes.

    An episode is of the building that its scene file is named after, whatever folder that is in. Lengths of shortest
    walks are as the file says; `with_walks` measures them for an agent of another size.

    Args:
        path: `.json.gz`, or the same unpacked.
        scenes: The buildings.
        split: Which of them.
        others: Whether the file may have episodes of other scenes, which are left out.

    Raises:
        UserError: If an episode's scene is not among the split's buildings and `others` is false, no episode is left,
            or ids repeat.
        SimulatorError: If the file cannot be read or is broken.
    """
    known = set(scenes.names(split))
    found = [(_building(episode.scene_id, known), episode) for episode in read_episodes(path)]
    strange = sorted({episode.scene_id for building, episode in found if building not in known})
    episodes = tuple(_episode(building, episode) for building, episode in found if building in known)
    if strange and not (others and episodes):
        has = ", ".join(scenes.names(split)[:10]) or "no buildings"
        raise UserError(
            f"{path} has episodes in {len(strange)} scenes that are not for {split.value}: {', '.join(strange[:5])}. "
            f"{split.value.capitalize()} has {has}; add the scenes, or leave their episodes out with others=True."
        )
    check_unique(episodes)
    return episodes


def _building(scene_id: str, known: set[str]) -> str:
    """The name of a scene file, without its ending; HM3D's are called `NAME.basis.glb`."""
    name = PurePosixPath(scene_id.replace("\\", "/")).name
    name = name.removesuffix(next((suffix for suffix in SCENE_SUFFIXES if name.endswith(suffix)), ""))
    return name if name in known else name.removesuffix(".basis")


def _episode(building: str, episode: PointNavEpisode) -> Episode:
    return Episode(
        episode_id=episode.episode_id,
        building=building,
        start=episode.start_position,
        heading_rad=episode.start_heading_rad,
        goal=episode.goal_position,
        geodesic_distance_m=episode.geodesic_distance_m,
    )
