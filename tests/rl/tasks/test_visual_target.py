"""Visual targets: reached when near and in view, not otherwise."""

import numpy as np
import pytest

from perception import UserError
from rl.environments import Batch
from rl.environments.batch import Step
from rl.episodes.episode import Episode
from rl.targets import plan_distance_m, target_boxes
from rl.tasks import VisualTarget
from sim import AgentSpec, Sensor
from sim.raycast import RaycastSimulator
from tests.sim.hand_made import two_rooms

FORWARD, LEFT, RIGHT = range(3)


def batch_from(start: tuple[float, float, float], heading_rad: float, target: str | None = "table") -> Batch:
    spec = AgentSpec(height=32, width=32, turn_deg=90.0, sensors=(Sensor.SEMANTIC,))
    simulator = RaycastSimulator([two_rooms()], spec)
    return Batch(VisualTarget(), simulator, [Episode("a", "two_rooms", start, heading_rad, target=target)], count=1)


def test_walking_up_to_the_thing_succeeds_once_it_is_within_reach() -> None:
    batch = batch_from((-0.6, 0.0, 1.0), np.pi / 2)  # looks along -x, at the table
    batch.reset()
    (_, high), *others = target_boxes(two_rooms(), "table")
    assert not others
    outcomes: list[Step] = []
    while not outcomes or not outcomes[-1].is_over[0]:
        outcomes.append(batch.step(np.array([FORWARD]), renew=False))
        assert len(outcomes) < 12
    position = batch.simulator.agents.positions[0]
    assert 0.75 < position[0] - high[0] <= 1.0
    assert [float(step.reward[0]) for step in outcomes] == [-0.025] * (len(outcomes) - 1) + [10 - 0.025]
    assert outcomes[-1].summaries[0] is not None
    assert outcomes[-1].summaries[0].is_success


def test_standing_beside_the_thing_without_looking_at_it_is_no_success() -> None:
    batch = batch_from((-1.6, 0.0, 1.0), -np.pi / 2)  # its back to the table
    batch.reset()
    turned = batch.step(np.array([LEFT]), renew=False)
    assert not turned.is_over[0]
    assert turned.reward[0] == -0.025
    assert batch.step(np.array([LEFT]), renew=False).is_over[0]


def test_distances_in_plan_are_to_the_nearest_box() -> None:
    boxes = np.array([[[0, 0, 0], [1, 9, 1]], [[5, 0, 0], [6, 1, 1]]], np.float32)
    points = np.array([[0.5, 3, 0.5], [2, 0, 2], [4.5, 0, 0.5], [-3, 0, 5]], np.float32)
    np.testing.assert_allclose(plan_distance_m(points, boxes), [0, np.sqrt(2), 0.5, 5])


def test_a_building_without_such_a_thing_is_refused_with_what_it_has() -> None:
    with pytest.raises(UserError, match=r"no 'piano' in the building 'two_rooms'; it has .*table"):
        batch_from((-0.6, 0.0, 1.0), 0.0, "piano").reset()
    with pytest.raises(UserError, match="a has no target"):
        batch_from((-0.6, 0.0, 1.0), 0.0, None).reset()
