"""Videos of episodes: H.264 in MP4, small files that every browser plays."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.pictures import feature_picture
from rl.environments.floor_plan import Picture
from rl.environments.painter import Painter
from rl.environments.summary import EpisodeSummary
from rl.evaluation.trajectories import Trajectory, chosen_trajectories
from rl.tasks.task import NavigationTask
from rl.vision.labels import CategoryTable, LabelVision
from rl.vision.vision import Vision
from sim import Agents, Observations, Simulator
from sim.files import replacing

FRAMES_PER_SECOND = 8
_LAST_FRAMES = 12  # that the end stays in view
_QUALITY_CRF = 23  # x264's own default
_MOST_TILES = 8


def write_video(path: Path, frames: Iterable[Picture], frames_per_second: int = FRAMES_PER_SECOND) -> int:
    """Write a video, whole or not at all, and return how many frames it has.

    Args:
        path: Ends in `.mp4`.
        frames: uint8 [H, W, 3] each, all of the same even height and width; they may come as they are drawn.
        frames_per_second: How fast it plays.

    Raises:
        UserError: If the name is another, there are no frames, or one has an odd or another size.
        SimulatorError: If the file cannot be written.
    """
    import av

    if path.suffix != ".mp4":
        raise UserError(f"a video is to be written to {path}; expected a name that ends in .mp4.")
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise UserError(f"no frames to write to {path}.")
    height, width = _checked_size(first)
    count = 0
    with replacing(path) as temporary, av.open(str(temporary), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream(
            "libx264", rate=frames_per_second, options={"crf": str(_QUALITY_CRF), "preset": "veryfast"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in chain([first], frames):
            if frame.shape != first.shape:
                raise UserError(
                    f"frame {count} is {list(frame.shape)}, the first {list(first.shape)}; equal sizes are expected."
                )
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
            count += 1
        container.mux(stream.encode(None))
    return count


def frames_of(
    trajectory: Trajectory, simulator: Simulator, task: NavigationTask, vision: Vision | None = None
) -> Iterator[Picture]:
    """An episode as pictures, one for each pose, the last one held.

    The simulator's agents are moved: nobody else may be using them.

    Args:
        trajectory: What is shown.
        simulator: With the episode's building at the same index.
        task: Of the episode.
        vision: What the agent saw through, to show that too; None for the plain view.
    """
    painter = Painter(simulator, task)
    reward = 0.0
    for index in range(len(trajectory.actions)):
        simulator.place(_pose(trajectory.agents, index))
        if index == 0:
            painter.begin(trajectory.summary.episode)
        else:
            painter.follow()
        yield painter.frame(f"reward {reward:.2f}", _tiles(simulator, vision))
        reward += float(trajectory.rewards[index])
    simulator.step(trajectory.actions[-1:])
    painter.follow()
    last = painter.frame(f"reward {reward:.2f}   {_outcome(trajectory)}", _tiles(simulator, vision))
    for _ in range(_LAST_FRAMES):
        yield last


def write_videos(
    folder: Path,
    trajectories: Sequence[Trajectory],
    count: int,
    simulator: Simulator,
    task: NavigationTask,
    vision: Vision | None = None,
) -> tuple[Path, ...]:
    """Write videos of up to `count` successes and `count` failures, named after what they show.

    Args:
        folder: Where to; made if missing.
        trajectories: What there is to show.
        count: Of each kind.
        simulator: With the buildings; its agents are moved.
        task: Of the episodes.
        vision: What the agent saw through.

    Returns:
        The files.

    Raises:
        SimulatorError: If a file cannot be written.
    """
    paths = []
    for trajectory in chosen_trajectories(trajectories, count):
        path = folder / f"{_kind(trajectory.summary)}_{trajectory.summary.episode.key.replace('/', '_')}.mp4"
        write_video(path, frames_of(trajectory, simulator, task, vision))
        paths.append(path)
    return tuple(paths)


def _tiles(simulator: Simulator, vision: Vision | None) -> list[tuple[Picture, str]]:
    """What the agent's camera saw, and what its policy saw of that."""
    if vision is None:
        return []
    seen = simulator.observe()
    tiles = [] if seen.rgb is None else [(np.asarray(seen.rgb[0]), "camera")]
    if vision.sight is None or vision.sight.dtype == "uint8":
        return tiles
    features = vision.see(_measured(simulator, seen, vision))[0]
    names = [str(name) for name in vision.identity.get("tasks", ())]
    parts = np.split(features, len(names)) if names and len(features) % len(names) == 0 else [features]
    named = zip(parts, names or [str(vision.identity.get("kind", "features"))], strict=False)
    return (tiles + [(feature_picture(part), name) for part, name in named])[:_MOST_TILES]


def _measured(simulator: Simulator, seen: Observations, vision: Vision) -> dict[str, NDArray[Any]]:
    found = {str(sensor): getattr(seen, sensor) for sensor in vision.sensors}
    if isinstance(vision, LabelVision) and seen.semantic is not None:
        found["category"] = CategoryTable(simulator.buildings, vision.categories)(
            seen.semantic, simulator.agents.buildings
        )
    return found


def _pose(agents: Agents, index: int) -> Agents:
    one = slice(index, index + 1)
    return Agents(agents.positions[one], agents.headings_rad[one], agents.buildings[one])


def _kind(summary: EpisodeSummary) -> str:
    """An SPL is what tasks have that can be fulfilled; exploring just ends."""
    return "episode" if np.isnan(summary.spl) else ("success" if summary.is_success else "failure")


def _outcome(trajectory: Trajectory) -> str:
    summary = trajectory.summary
    parts = ["out of time" if summary.is_cut_off else _kind(summary)]
    parts += [f"SPL {summary.spl:.2f}"] if summary.is_success and np.isfinite(summary.spl) else []
    parts += [f"saw {summary.measures['covered_m2']:.1f} sq. m"] if "covered_m2" in summary.measures else []
    parts += [f"{summary.measures['distance_m']:.2f} m to go"] if "distance_m" in summary.measures else []
    return "   ".join(parts)


def _checked_size(frame: Picture) -> tuple[int, int]:
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.shape[0] % 2 or frame.shape[1] % 2:
        raise UserError(f"a frame is {frame.dtype} {list(frame.shape)}; expected uint8 [H, W, 3] with even H and W.")
    return frame.shape[0], frame.shape[1]
