"""Agents act alike on every backend."""

import numpy as np
import pytest

from sim import Action, Agents, AgentSpec, Sensor, Simulator, SimulatorError
from sim.motion import agents_at
from tests.sim.contract.scene import BEDROOM, KITCHEN, SPEC, Make


def test_the_buildings_are_those_loaded(simulator: Simulator) -> None:
    assert [building.name for building in simulator.buildings] == ["two_rooms", "box_room"]
    assert simulator.spec == SPEC


def test_placed_agents_are_where_they_were_put(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN, BEDROOM], [0.0, 1.0]))
    np.testing.assert_allclose(simulator.agents.positions, [KITCHEN, BEDROOM], atol=1e-6)
    np.testing.assert_allclose(simulator.agents.headings_rad, [0.0, 1.0], atol=1e-6)


def test_the_number_of_agents_may_change(simulator: Simulator) -> None:
    for count in (3, 1, 5):
        simulator.place(agents_at([KITCHEN] * count))
        assert simulator.step([Action.TURN_LEFT] * count).shape == (count,)
        observed = simulator.observe().rgb
        assert observed is not None
        assert len(observed) == count


def test_nobody_sees_nothing_and_may_step(simulator: Simulator) -> None:
    simulator.place(agents_at([]))
    assert simulator.step([]).shape == (0,)
    seen = simulator.observe()
    assert seen.rgb is not None
    assert seen.rgb.shape == (0, 48, 64, 3)


def test_a_simulator_keeps_agents_of_its_own_in_the_types_of_the_contract(simulator: Simulator) -> None:
    given = Agents(np.array([KITCHEN]), np.zeros(1), np.zeros(1, np.int64))  # type: ignore[arg-type]
    simulator.place(given)
    given.positions[:] = 99
    np.testing.assert_allclose(simulator.agents.positions, [KITCHEN], atol=1e-6)
    kept = simulator.agents
    assert [str(a.dtype) for a in (kept.positions, kept.headings_rad, kept.buildings)] == [
        "float32",
        "float32",
        "int32",
    ]


@pytest.mark.parametrize(
    ("agents", "message"),
    [
        ((np.full((1, 3), np.nan), np.zeros(1), np.zeros(1, int)), "not finite"),
        ((np.array([KITCHEN]), np.array([np.inf]), np.zeros(1, int)), "not finite"),
        ((np.array([KITCHEN] * 3), np.zeros(2), np.zeros(3, int)), "got 2 and 3 values"),
        ((np.array([KITCHEN]), np.zeros(1), np.array([0.5])), "buildings are float64"),
        ((np.array([KITCHEN]), np.zeros(1), np.array([-1])), "building -1 is not loaded"),
    ],
)
def test_agents_that_make_no_sense_are_refused_and_nobody_moves(
    simulator: Simulator, agents: tuple[np.ndarray, np.ndarray, np.ndarray], message: str
) -> None:
    simulator.place(agents_at([BEDROOM]))
    with pytest.raises(SimulatorError, match=message):
        simulator.place(Agents(*agents))
    np.testing.assert_allclose(simulator.agents.positions, [BEDROOM], atol=1e-6)


@pytest.mark.parametrize("count", [-1, 1.5])
def test_a_number_of_random_points_that_is_none_is_refused(simulator: Simulator, count: int) -> None:
    with pytest.raises(SimulatorError, match=r"points were asked for; 0 or a positive whole number"):
        simulator.random_navigable_points(count, np.random.default_rng(0))


def test_a_start_in_an_obstacle_is_refused_and_nobody_moves(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN]))
    with pytest.raises(SimulatorError, match=r"agent 1 cannot start at \(-3\.00, 0\.00, 1\.00\)"):
        simulator.place(agents_at([BEDROOM, (-3, 0, 1)]))
    np.testing.assert_allclose(simulator.agents.positions, [KITCHEN], atol=1e-6)


def test_a_start_in_a_building_that_is_not_loaded_is_refused(simulator: Simulator) -> None:
    with pytest.raises(SimulatorError, match="building 2 is not loaded"):
        simulator.place(agents_at([KITCHEN], 0.0, 2))


@pytest.mark.parametrize("heading_deg", [0, 30, 90, 200])
def test_forward_goes_where_the_agent_faces(simulator: Simulator, heading_deg: float) -> None:
    heading = np.radians(heading_deg)
    simulator.place(agents_at([KITCHEN], heading))
    assert not simulator.step([Action.FORWARD]).any()
    moved = simulator.agents.positions[0] - np.array(KITCHEN)
    np.testing.assert_allclose(moved, [-0.25 * np.sin(heading), 0, -0.25 * np.cos(heading)], atol=2e-3)


def test_left_turns_counter_clockwise_and_right_turns_back(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN, KITCHEN], [0.0, 0.0]))
    simulator.step([Action.TURN_LEFT, Action.TURN_RIGHT])
    np.testing.assert_allclose(np.degrees(simulator.agents.headings_rad), [15, -15], atol=1e-3)
    simulator.step([Action.TURN_RIGHT, Action.TURN_LEFT])
    np.testing.assert_allclose(simulator.agents.headings_rad, 0, atol=1e-5)


def test_a_whole_turn_ends_where_it_began(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN], 0.3))
    for _ in range(24):
        simulator.step([Action.TURN_LEFT])
    np.testing.assert_allclose(simulator.agents.headings_rad, 0.3, atol=1e-4)
    np.testing.assert_allclose(simulator.agents.positions, [KITCHEN], atol=1e-6)


def test_stop_does_not_move(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN], 0.7))
    assert not simulator.step([Action.STOP]).any()
    np.testing.assert_allclose(simulator.agents.positions, [KITCHEN], atol=1e-6)
    np.testing.assert_allclose(simulator.agents.headings_rad, 0.7, atol=1e-6)


def test_a_wall_stops_the_agent_and_says_so(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN], 0.0))
    met = [bool(simulator.step([Action.FORWARD])[0]) for _ in range(12)]
    assert not any(met[:6])
    assert met[-1]
    assert -2.0 + SPEC.radius_m - 0.11 < simulator.agents.positions[0, 2] < -1.6


def test_sliding_keeps_what_goes_along_the_wall(make: Make) -> None:
    ends = {}
    for sliding in (True, False):
        spec = AgentSpec(sensors=(Sensor.DEPTH,), height=8, width=8, sliding=sliding)
        simulator = make(spec)
        simulator.place(agents_at([(-2.0, 0.0, -1.5)], np.radians(45)))
        for _ in range(6):
            simulator.step([Action.FORWARD])
        ends[sliding] = simulator.agents.positions[0]
    assert ends[True][0] < ends[False][0] - 0.3  # slid on along -x
    assert np.abs(ends[True][2] - ends[False][2]) < 0.3


def test_the_doorway_can_be_walked_through(simulator: Simulator) -> None:
    simulator.place(agents_at([(-1.0, 0.0, 0.0)], -np.pi / 2))
    for _ in range(8):
        assert not simulator.step([Action.FORWARD])[0]
    np.testing.assert_allclose(simulator.agents.positions[0], [1, 0, 0], atol=0.01)


@pytest.mark.parametrize("actions", [[], [1, 1, 1], [[1, 1]]])
def test_as_many_actions_as_agents_are_asked_for(simulator: Simulator, actions: list[int]) -> None:
    simulator.place(agents_at([KITCHEN, BEDROOM]))
    with pytest.raises(SimulatorError, match="2 agents need 2 actions"):
        simulator.step(actions)


def test_an_unknown_action_is_refused_and_nobody_moves(simulator: Simulator) -> None:
    simulator.place(agents_at([KITCHEN, BEDROOM]))
    with pytest.raises(SimulatorError, match="unknown action 7"):
        simulator.step([Action.FORWARD, 7])
    np.testing.assert_allclose(simulator.agents.positions, [KITCHEN, BEDROOM], atol=1e-6)
