"""One look a step, and stacks of frames that never mix episodes."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from perception import ConstantEncoder, UserError
from rl.vision import BlindVision, EncodedVision, LabelVision, PixelVision, Vision, VisionWrapper
from sim import AgentSpec
from tests.rl.vision.fakes import PX, CountingEncoder, ScriptedEnvironments
from tests.sim.hand_made import box_room, two_rooms

CAMERA = AgentSpec(height=PX, width=PX)
STAY = np.zeros(3, np.int64)


def encoded(encoder: CountingEncoder | None = None) -> EncodedVision:
    return EncodedVision(encoder or CountingEncoder(), ["normal", "reshading"], {"bank": "b"})


def wrapped(env: ScriptedEnvironments, vision: Vision, stack: int = 4) -> Any:
    """SB3's types know nothing of observations by name."""
    return VisionWrapper(env, vision, stack)  # type: ignore[arg-type]


def frames_in(stack: NDArray[Any]) -> list[int]:
    """The grey levels of a stack [4 * 16, 16, 16] that `CountingEncoder` made; 0 where there is no frame."""
    parts = stack.reshape(4, 16, 16, 16).astype(np.float64)
    for part in parts:
        expected = part[0, 0, 0] + np.arange(16)[:, None, None] if part.any() else np.zeros((16, 1, 1))
        np.testing.assert_array_equal(part, np.broadcast_to(expected, part.shape))
    return [int(part[0, 0, 0]) for part in parts]


def test_encodes_once_a_step_with_last_frames_in_the_same_call() -> None:
    encoder = CountingEncoder()
    env = wrapped(ScriptedEnvironments([2, 3, 100]), encoded(encoder))
    env.reset()
    for _ in range(6):
        env.step(STAY)
    assert encoder.batches == [3, 3, 4, 4, 4, 3, 5]


def test_stacks_are_the_last_four_frames_of_the_episode_and_zeros_before_it() -> None:
    """Agent 1 of the script sees levels 10, 11, 12 | 13, 14, 15, 16 | ...: episodes of 3 steps have 4 frames."""
    env = wrapped(ScriptedEnvironments([100, 3]), encoded())
    seen = [env.reset()["features"]]
    ends: list[Any] = []
    for _ in range(7):
        observations, _, is_done, infos = env.step(STAY[:2])
        seen.append(observations["features"])
        ends += [infos[1]["terminal_observation"]["features"]] if is_done[1] else []
    assert [frames_in(each[0]) for each in seen[:6]] == [
        [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5],
    ]  # fmt: skip
    assert [frames_in(each[1]) for each in seen] == [
        [0, 0, 0, 10], [0, 0, 10, 11], [0, 10, 11, 12], [0, 0, 0, 14], [0, 0, 14, 15], [0, 14, 15, 16], [0, 0, 0, 18],
        [0, 0, 18, 19],
    ]  # fmt: skip
    assert [frames_in(each) for each in ends] == [[10, 11, 12, 13], [14, 15, 16, 17]]


def test_what_was_shown_is_never_written_to_again() -> None:
    """SB3 puts an observation into its buffer after the step that follows it."""
    env = wrapped(ScriptedEnvironments([2, 3, 4]), encoded())
    shown = [env.reset()["features"]]
    copies = [shown[0].copy()]
    for _ in range(8):
        shown.append(env.step(STAY)[0]["features"])
        copies.append(shown[-1].copy())
    np.testing.assert_array_equal(shown, copies)


def test_spaces_hold_what_is_shown_and_nothing_of_the_sensors() -> None:
    visions: list[tuple[Vision, dict[str, tuple[tuple[int, ...], str]]]] = [
        (encoded(), {"features": ((64, 16, 16), "float16")}),
        (PixelVision(CAMERA), {"pixels": ((12, PX, PX), "uint8")}),
        (LabelVision(CAMERA), {"features": ((20, 16, 16), "float16")}),
        (BlindVision(), {}),
    ]
    for vision, expected in visions:
        env = wrapped(ScriptedEnvironments([2, 9], ("rgb", "depth", "normal")), vision)
        shapes = {name: (box.shape, str(box.dtype)) for name, box in env.observation_space.spaces.items()}
        assert shapes == expected | {"vector": ((2,), "float32")}
        for observations in (env.reset(), env.step(STAY[:2])[0]):
            assert {name: (array.shape[1:], str(array.dtype)) for name, array in observations.items()} == shapes
        last = env.step(STAY[:2])[3][0]["terminal_observation"]
        assert {name: (array.shape, str(array.dtype)) for name, array in last.items()} == shapes


def test_terminal_observations_keep_the_vector_of_the_old_episode() -> None:
    env = wrapped(ScriptedEnvironments([2]), BlindVision())
    env.reset()
    env.step(STAY[:1])
    observations, _, _, infos = env.step(STAY[:1])
    assert infos[0]["terminal_observation"]["vector"].tolist() == [2, 2]
    assert observations["vector"].tolist() == [[3, 0]]


@pytest.mark.parametrize("vision", [encoded(), PixelVision(CAMERA), BlindVision()], ids=["features", "pixels", "blind"])
def test_going_on_from_a_state_is_as_if_nothing_had_happened(vision: Vision) -> None:
    env = wrapped(ScriptedEnvironments([2, 3, 5]), vision)
    env.reset()
    for _ in range(4):
        env.step(STAY)
    state = env.state()
    kept = {name: values.copy() for name, values in state.items()}
    expected = [env.step(STAY)[0] for _ in range(6)]
    again = wrapped(ScriptedEnvironments([2, 3, 5]), vision)
    again.reset()
    again.restore(state)
    for observations in expected:
        for name, values in again.step(STAY)[0].items():
            np.testing.assert_array_equal(values, observations[name])
    for name, values in state.items():
        np.testing.assert_array_equal(values, kept[name])


def test_a_state_of_another_agent_is_refused() -> None:
    env = wrapped(ScriptedEnvironments([2, 3]), encoded())
    env.reset()
    other = wrapped(ScriptedEnvironments([2, 3]), encoded(), stack=2)
    with pytest.raises(UserError, match=r"the saved frames are float16 \[2, 64, 16, 16\]; this agent has .*32"):
        other.restore(env.state())


def test_time_is_split_into_simulating_and_encoding() -> None:
    env = wrapped(ScriptedEnvironments([2, 3]), encoded())
    env.reset()
    first = dict(env.seconds)
    env.step(STAY[:2])
    assert 0 < first["sim"] < env.seconds["sim"]
    assert 0 < first["encode"] < env.seconds["encode"]


def test_an_oracle_sees_categories_of_the_building_that_the_frame_is_of() -> None:
    """The first instance of one building is a floor, that of the other a wall."""
    room, rooms = box_room(), two_rooms()
    first, second = room.instances[1].category, rooms.instances[1].category
    assert first != second
    vision = LabelVision(CAMERA, (first, second))
    scripted = ScriptedEnvironments([2], ("depth", "normal", "semantic"), [room, rooms])
    env = wrapped(scripted, vision)
    env.reset()
    env.step(STAY[:1])
    observations, _, _, infos = env.step(STAY[:1])
    old, new = infos[0]["terminal_observation"]["features"][-7:], observations["features"][0][-7:]
    assert (old[5] == 1).all()
    assert (old[6] == 0).all()
    assert (new[5] == 0).all()
    assert (new[6] == 1).all()


def test_closing_closes_the_encoder_too() -> None:
    encoder = CountingEncoder()
    wrapped(ScriptedEnvironments([2]), encoded(encoder)).close()
    assert encoder.is_closed
    wrapped(ScriptedEnvironments([2]), EncodedVision(ConstantEncoder(), ["normal"], {})).close()


@pytest.mark.parametrize("stack", [0, -1, 2.0, True])
def test_stacks_of_no_frames_are_refused(stack: Any) -> None:
    with pytest.raises(UserError, match="expected a whole number of frames, at least 1"):
        wrapped(ScriptedEnvironments([2]), encoded(), stack)


def test_environments_without_the_sensor_are_refused() -> None:
    with pytest.raises(UserError, match="measure depth, vector, and the agent needs rgb too"):
        wrapped(ScriptedEnvironments([2], ("depth",)), encoded())


def test_more_channels_of_pixels_than_columns_are_refused() -> None:
    with pytest.raises(UserError, match="11 frames of pixels are too many for images 32 px wide"):
        wrapped(ScriptedEnvironments([2]), PixelVision(CAMERA), 11)
