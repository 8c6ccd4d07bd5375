"""Exploration: what the scanner sees, counted again cell by cell."""

import numpy as np
import pytest
from numpy.typing import NDArray

from perception import UserError
from rl.environments import Batch
from rl.episodes.episode import Episode
from rl.tasks import Explore
from rl.tasks.explore import ExploreProgress
from rl.tasks.floor_grid import FloorGrid
from sim import AgentSpec
from sim.raycast import RaycastSimulator
from tests.sim.hand_made import box_room, two_rooms

FORWARD, LEFT, RIGHT = range(3)


def batch_in(
    start: tuple[float, float, float], heading_rad: float, task: Explore, building: str = "two_rooms"
) -> Batch:
    simulator = RaycastSimulator([two_rooms(), box_room()], AgentSpec(turn_deg=30.0, sensors=()))
    return Batch(task, simulator, [Episode("a", building, start, heading_rad)], count=1)


def progress_of(batch: Batch) -> ExploreProgress:
    progress = batch.progress
    assert isinstance(progress, ExploreProgress)
    return progress


def visible_by_brute_force(
    grid: FloorGrid, position: NDArray[np.float32], heading_rad: float, range_m: float, scan_deg: float
) -> NDArray[np.bool_]:
    """Which free cells a fine fan of rays meets before a cell that is not free."""
    seen = np.zeros_like(grid.free)
    for angle in np.linspace(-np.radians(scan_deg) / 2, np.radians(scan_deg) / 2, 2000):
        for distance in np.linspace(0, range_m, 400):
            x = position[0] - np.sin(heading_rad + angle) * distance
            z = position[2] - np.cos(heading_rad + angle) * distance
            row, column = int((z - grid.origin[1]) // grid.cell_m), int((x - grid.origin[0]) // grid.cell_m)
            if distance > 0 and not grid.free[row, column]:
                break
            seen[row, column] |= grid.free[row, column]
    return seen


@pytest.mark.parametrize(("start", "heading_rad"), [((-1.0, 0.0, 0.0), -np.pi / 2), ((1.3, 0.0, -0.4), 0.7)])
def test_the_scanner_sees_nearly_what_a_much_finer_one_sees(
    start: tuple[float, float, float], heading_rad: float
) -> None:
    task = Explore()
    batch = batch_in(start, heading_rad, task)
    batch.reset()
    progress = progress_of(batch)
    grid = progress.grid(0)
    assert grid is not None
    found = progress.seen[0, : grid.free.shape[0], : grid.free.shape[1]]
    expected = visible_by_brute_force(grid, np.array(start, np.float32), heading_rad, task.range_m, task.scan_deg)
    assert not (found & ~expected).any()
    assert found.sum() >= 0.93 * expected.sum() > 20  # single cells whose corner alone is met may be missed


def test_rewards_are_for_new_cells_alone_and_add_up_to_the_area_covered() -> None:
    task = Explore(cell_reward=0.5)
    batch = batch_in((-1.0, 0.0, 0.0), 0.0, task)
    batch.reset()
    at_first = int(progress_of(batch).seen.sum())
    rng = np.random.default_rng(0)
    total = sum(float(batch.step(rng.integers(0, 3, 1)).reward[0]) for _ in range(80))
    assert total == 0.5 * (progress_of(batch).seen.sum() - at_first) > 10
    turning = [float(batch.step(np.array([LEFT])).reward[0]) for _ in range(24)]
    assert turning[12:] == [0.0] * 12  # all around was seen in the first turn


def test_cells_behind_a_wall_are_not_seen() -> None:
    batch = batch_in((-0.6, 0.0, 1.5), -np.pi / 2, Explore(range_m=3.0))  # towards the wall beside the doorway
    batch.reset()
    progress = progress_of(batch)
    grid = progress.grid(0)
    assert grid is not None
    columns = np.flatnonzero(progress.seen[0].any(axis=0)) * grid.cell_m + grid.origin[0]
    assert columns.max() < 0.0


def test_what_was_seen_is_forgotten_with_a_new_episode_and_survives_a_state() -> None:
    batch = batch_in((-1.0, 0.0, 0.0), 0.0, Explore(horizon_steps=10))
    batch.reset()
    at_first = progress_of(batch).seen.copy()
    for _ in range(5):
        batch.step(np.array([RIGHT]))
    kept, covered = batch.state(), progress_of(batch).seen.copy()
    assert covered.sum() > at_first.sum()
    for _ in range(5):
        step = batch.step(np.array([RIGHT]))
    assert step.is_cut_off[0]
    np.testing.assert_array_equal(progress_of(batch).seen, at_first)
    other = batch_in((-1.0, 0.0, 0.0), 0.0, Explore(horizon_steps=10))
    other.restore(kept)
    np.testing.assert_array_equal(progress_of(other).seen, covered)
    reward = other.step(np.array([FORWARD])).reward[0]
    assert reward == pytest.approx(0.02 * (progress_of(other).seen.sum() - covered.sum()))
    assert reward > 0


def test_the_measures_are_the_area_and_its_share_of_all_that_can_be_walked_on() -> None:
    batch = batch_in((0.0, 0.0, 0.0), 0.0, Explore(horizon_steps=13), building="box_room")
    batch.reset()
    for _ in range(13):
        step = batch.step(np.array([LEFT]))
    (summary,) = step.summaries
    assert summary is not None
    # A disc of 1.5 m, cells whose middle or part of them lies in it.
    assert np.pi * 1.5**2 * 0.95 < summary.measures["covered_m2"] < np.pi * 1.7**2
    walkable_m2 = (6 - 0.36) * (4 - 0.36)
    assert summary.measures["covered_share"] == pytest.approx(summary.measures["covered_m2"] / walkable_m2, rel=0.08)
    assert np.isnan(summary.spl)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UserError, match="cell_m is 0"):
        Explore(cell_m=0)
    with pytest.raises(UserError, match="range_m is -1"):
        Explore(range_m=-1)
