import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception import UserError
from rl.environments.summary import EpisodeSummary
from rl.evaluation.rollouts import roll_out
from tests.rl.evaluation.episodes import CountingEnvironments, Echo, episode


@given(count=st.integers(1, 20), lanes=st.integers(1, 7))
def test_every_episode_is_done_once_and_told_in_the_given_order(count: int, lanes: int) -> None:
    told: list[EpisodeSummary] = []
    actor = Echo()
    episodes = [episode(number) for number in range(count)]
    summaries = roll_out(CountingEnvironments(range(count), lanes), actor, episodes, on_episode=told.append)
    assert [summary.episode.key for summary in summaries] == [f"house/{number}" for number in range(count)]
    assert [summary.reward for summary in summaries] == list(range(count))  # each lane was asked about its own
    assert sorted(summary.episode.key for summary in told) == sorted(summary.episode.key for summary in summaries)
    assert len(actor.begun) == count


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([0, 1, 1], "house/1 was done twice"),
        ([0, 5], "house/5 was not asked for"),
        ([0, 1], "house/2 was left out: 2 of"),
    ],
)
def test_environments_that_repeat_add_or_leave_out_an_episode_are_refused(numbers: list[int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        roll_out(CountingEnvironments(numbers, 1), Echo(), [episode(number) for number in range(3)])


def test_no_episodes_and_equal_ones_are_refused() -> None:
    with pytest.raises(UserError, match="0 episodes"):
        roll_out(CountingEnvironments([], 1), Echo(), [])
    with pytest.raises(UserError, match="2 episodes with 1 keys"):
        roll_out(CountingEnvironments([1, 1], 1), Echo(), [episode(1), episode(1)])


def test_the_same_seed_draws_the_same() -> None:
    class Drawn(Echo):
        def act(self, observations, deterministic, generator):  # type: ignore[no-untyped-def]
            return generator.integers(0, 1000, len(observations["vector"]))

    def rewards(seed: int) -> list[float]:
        found = roll_out(CountingEnvironments(range(9), 2), Drawn(), [episode(n) for n in range(9)], seed=seed)
        return [summary.reward for summary in found]

    assert rewards(1) == rewards(1)
    assert rewards(1) != rewards(2)
    assert np.isfinite(rewards(3)).all()
