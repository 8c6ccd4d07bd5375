from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from perception import UserError
from rl.environments.floor_plan import Picture
from rl.environments.pictures import view_from
from rl.evaluation.trajectories import Trajectory, TrajectoryRecorder, chosen_trajectories
from rl.evaluation.videos import frames_of, write_video, write_videos
from rl.tasks.point_goal import PointGoal
from rl.vision.pixels import PixelVision
from sim import Action, Agents, AgentSpec, Simulator
from sim.raycast import RaycastSimulator
from tests.rl.evaluation.episodes import summary
from tests.sim.navigation_cases import room

WALK = (Action.FORWARD, Action.TURN_LEFT, Action.FORWARD, Action.STOP)


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    return RaycastSimulator([room(3, 3)], AgentSpec(height=32, width=32))


def decoded(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def smooth_frames(count: int) -> list[Picture]:
    """A bright disc that moves over a gradient."""
    row, column = np.mgrid[:96, :128]
    ground = np.stack([row * 2, column, 128 + 0 * row], axis=-1)
    discs = [np.hypot(row - 48, column - 10 - 6 * index) < 12 for index in range(count)]
    return [np.where(disc[..., None], 240, ground).astype(np.uint8) for disc in discs]


def walked(simulator: Simulator, walk: tuple[Action, ...] = WALK) -> Trajectory:
    recorder = TrajectoryRecorder(simulator, PointGoal.actions)
    start = Agents(np.array([[1.5, 0, 2.0]], np.float32), np.zeros(1, np.float32), np.zeros(1, np.int32))
    simulator.place(start)
    for index, action in enumerate(walk):
        recorder.before_step()
        simulator.step([action])
        is_last = index == len(walk) - 1
        if is_last:
            simulator.place(start)  # the next episode, as environments begin it at once
        info = {"summary": summary(5, "boxes"), "terminal_observation": {}} if is_last else {}
        recorder.after_step(np.array([PointGoal.actions.index(action)]), np.array([0.25]), [info])
    return recorder.trajectories["boxes/5"]


def test_a_video_decodes_to_the_frames_that_were_written(tmp_path: Path) -> None:
    frames = smooth_frames(15)
    assert write_video(tmp_path / "a.mp4", iter(frames)) == 15
    found = decoded(tmp_path / "a.mp4")
    assert len(found) == 15
    for frame, given in zip(found, frames, strict=True):
        assert frame.shape == given.shape
        assert np.abs(frame.astype(int) - given).mean() < 4
    assert (tmp_path / "a.mp4").stat().st_size < 0.1 * sum(frame.nbytes for frame in frames)


def test_videos_are_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_video(path, smooth_frames(2))
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"frame 1 is \[96, 130, 3\], the first \[96, 128, 3\]"):
        write_video(path, [smooth_frames(1)[0], np.zeros((96, 130, 3), np.uint8)])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_a_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no frames to write"):
        write_video(tmp_path / "a.mp4", [])
    with pytest.raises(UserError, match=r"uint8 \[95, 128, 3\]; expected .* even"):
        write_video(tmp_path / "a.mp4", [smooth_frames(1)[0][1:]])
    with pytest.raises(UserError, match=r"ends in \.mp4"):
        write_video(tmp_path / "a.gif", smooth_frames(2))
    assert list(tmp_path.iterdir()) == []


def test_a_trajectory_has_the_poses_before_each_action(simulator: Simulator) -> None:
    trajectory = walked(simulator)
    assert trajectory.actions.tolist() == [int(action) for action in WALK]
    assert trajectory.rewards.tolist() == [0.25] * 4
    np.testing.assert_allclose(trajectory.agents.positions[:2, 2], [2.0, 1.75], atol=1e-6)
    np.testing.assert_allclose(np.degrees(trajectory.agents.headings_rad), [0, 0, 10, 10], atol=1e-4)


def test_an_episode_is_shown_from_each_pose_and_ends_where_it_ended(simulator: Simulator) -> None:
    trajectory = walked(simulator)
    frames = list(frames_of(trajectory, simulator, PointGoal()))
    assert len(frames) == len(WALK) + 12
    assert len({frame.tobytes() for frame in frames[: len(WALK)]}) == len(WALK)
    assert len({frame.tobytes() for frame in frames[len(WALK) :]}) == 1  # the end is held
    np.testing.assert_array_equal(frames[len(WALK) - 1][:384, :384], frames[-1][:384, :384])  # stopping moves nothing


def test_the_end_is_shown_after_the_last_action(simulator: Simulator) -> None:
    walk = (Action.FORWARD, Action.TURN_RIGHT, Action.FORWARD)
    trajectory = walked(simulator, walk)
    *_, last = frames_of(trajectory, simulator, PointGoal())
    simulator.place(Agents(np.array([[1.5, 0, 2.0]], np.float32), np.zeros(1, np.float32), np.zeros(1, np.int32)))
    for action in walk:
        simulator.step([action])
    np.testing.assert_array_equal(last[:384, :384], view_from(simulator, 0, (384, 384)))


def test_what_the_agent_saw_is_shown_below(simulator: Simulator) -> None:
    trajectory = walked(simulator)
    plain = next(frames_of(trajectory, simulator, PointGoal()))
    more = next(frames_of(trajectory, simulator, PointGoal(), PixelVision(simulator.spec)))
    assert more.shape[0] > plain.shape[0]
    simulator.place(Agents(trajectory.agents.positions[:1], trajectory.agents.headings_rad[:1], np.zeros(1, np.int32)))
    seen = simulator.observe().rgb
    assert seen is not None
    np.testing.assert_array_equal(more[384 : 384 + 96 : 3, :96:3], seen[0])


def test_videos_are_named_after_what_they_show(simulator: Simulator, tmp_path: Path) -> None:
    paths = write_videos(tmp_path / "videos", [walked(simulator)], 3, simulator, PointGoal())
    assert [path.name for path in paths] == ["success_boxes_5.mp4"]
    assert len(decoded(paths[0])) == len(WALK) + 12


def test_as_many_successes_as_failures_are_chosen_from_as_many_buildings_as_there_are() -> None:
    def trajectory(number: int, building: str, is_success: bool) -> Trajectory:
        nobody = Agents(np.zeros((0, 3), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32))
        facts = summary(number, building, is_success=is_success)
        return Trajectory(facts, nobody, np.zeros(0, np.int64), np.zeros(0))

    given = [trajectory(n, building, n % 2 == 0) for building in "abc" for n in range(6)]
    assert [item.summary.episode.key for item in chosen_trajectories(given, 2)] == ["a/0", "b/0", "a/1", "b/1"]
    assert [item.summary.episode.key for item in chosen_trajectories(given, 4)][:4] == ["a/0", "b/0", "c/0", "a/2"]
    assert len(chosen_trajectories(given, 100)) == len(given)
    assert chosen_trajectories(given, 0) == ()
