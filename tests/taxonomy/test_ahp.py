"""AHP against the double loop, power iteration and LAPACK, and on tournaments whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from perception import UserError
from taxonomy import Missing, Tournament, priorities
from taxonomy.ahp import CHUNK_IMAGES, principal_priorities


def win_rates_by_double_loop(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every pair on the images that both have; a tie is half a win."""
    m = losses.shape[1]
    rates = np.empty((m, m))
    for i in range(m):
        for j in range(m):
            both = ~np.isnan(losses[:, i]) & ~np.isnan(losses[:, j])
            a, b = losses[both, i], losses[both, j]
            rates[i, j] = np.mean((a < b) + 0.5 * (a == b))
    return rates


def power_iteration(matrix: NDArray[np.float64], steps: int = 20_000) -> NDArray[np.float64]:
    vector = np.ones(len(matrix))
    for _ in range(steps):
        vector = matrix @ vector
        vector = vector / vector.sum()
    return vector


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 12), st.booleans(), st.booleans())
def test_win_rates_equal_the_double_loop(seed: int, images: int, m: int, ties: bool, gaps: bool) -> None:
    rng = np.random.default_rng(seed)
    losses = rng.integers(0, 4, (images, m)).astype(float) if ties else rng.random((images, m))
    if gaps:
        losses[rng.random((images, m)) < 0.2] = np.nan
    tournament = Tournament(m, Missing.PAIRWISE)
    tournament.update(losses)
    present = ~np.isnan(losses)
    if not (present.T.astype(int) @ present).all():
        with pytest.raises(UserError, match="no image in common"):
            tournament.win_rates()
        return
    np.testing.assert_allclose(tournament.win_rates(), win_rates_by_double_loop(losses), rtol=0, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_streaming_in_any_pieces_gives_the_same_counts(dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(0)
    losses = rng.random((2 * CHUNK_IMAGES + 333, 21)).astype(dtype)
    whole, pieces = Tournament(21), Tournament(21)
    whole.update(losses)
    for start, stop in ((0, 1), (1, CHUNK_IMAGES + 5), (CHUNK_IMAGES + 5, len(losses))):
        pieces.update(losses[start:stop])
    np.testing.assert_array_equal(whole.win_rates(), pieces.win_rates())
    np.testing.assert_allclose(whole.win_rates(), win_rates_by_double_loop(losses.astype(float)), atol=1e-15)


def test_a_transfer_that_always_wins_is_counted_to_the_last_image() -> None:
    losses = np.tile(np.arange(3.0), (5 * CHUNK_IMAGES + 7, 1))
    tournament = Tournament(3)
    tournament.update(losses)
    np.testing.assert_array_equal(tournament.win_rates(), [[0.5, 1, 1], [0, 0.5, 1], [0, 0, 0.5]])


def test_infinite_losses_lose_to_everything_and_tie_among_themselves() -> None:
    tournament = Tournament(3)
    tournament.update(np.array([[1.0, np.inf, np.inf]]))
    np.testing.assert_array_equal(tournament.win_rates(), [[0.5, 1, 1], [0, 0.5, 0.5], [0, 0.5, 0.5]])


def test_missing_losses_are_refused_unless_said_otherwise() -> None:
    losses = np.array([[1.0, 2.0, 3.0], [2.0, 1.0, np.nan], [1.0, np.nan, 2.0]])
    with pytest.raises(UserError, match="image 1 lacks the loss of a transfer, and others may; say how to treat"):
        Tournament(3).update(losses)
    dropped = Tournament(3, Missing.DROP)
    dropped.update(losses)
    assert (dropped.images, dropped.images_with_missing) == (3, 2)
    np.testing.assert_array_equal(dropped.win_rates()[0], [0.5, 1, 1])
    pairwise = Tournament(3, Missing.PAIRWISE)
    pairwise.update(losses)
    np.testing.assert_array_equal(pairwise.win_rates()[0], [0.5, 0.5, 1])


def test_losses_of_another_shape_are_refused() -> None:
    with pytest.raises(UserError, match=r"shape \(2, 4\); expected \[images, 3 transfers\]"):
        Tournament(3).update(np.zeros((2, 4)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 30))
def test_weights_equal_power_iteration_and_lapack(seed: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    rates = rng.random((m, m))
    rates = np.triu(rates, 1) + np.tril(1 - rates.T, -1) + 0.5 * np.eye(m)
    result = priorities(rates)
    odds = np.clip(rates, 0.001, 0.999) / np.clip(rates, 0.001, 0.999).T
    np.testing.assert_allclose(result.weights, power_iteration(odds), rtol=0, atol=1e-10)
    values, vectors = np.linalg.eig(odds)
    principal = np.abs(vectors[:, values.real.argmax()])
    np.testing.assert_allclose(result.weights, principal / principal.sum(), rtol=0, atol=1e-10)
    assert result.eigenvalue == pytest.approx(values.real.max(), rel=1e-10)
    assert result.weights.sum() == pytest.approx(1)
    assert (result.weights > 0).all()


def test_a_nearly_cyclic_tournament_converges() -> None:
    """Rock, paper, scissors: the second eigenvalue is nearly as large as the first."""
    rates = np.array([[0.5, 0.999, 0.001], [0.001, 0.5, 0.9985], [0.999, 0.0015, 0.5]])
    odds = rates / rates.T
    np.testing.assert_allclose(priorities(rates).weights, power_iteration(odds, 200_000), rtol=0, atol=1e-10)
    assert priorities(rates).consistency_ratio > 1


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=20))
def test_a_consistent_matrix_returns_its_weights_exactly(weights: list[float]) -> None:
    w = np.array(weights) / np.sum(weights)
    result = principal_priorities(w[:, None] / w[None, :])
    np.testing.assert_allclose(result.weights, w, rtol=1e-13)
    assert result.eigenvalue == pytest.approx(len(w))
    assert result.consistency_ratio == pytest.approx(0, abs=1e-12)


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_permuting_transfers_permutes_the_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    losses = rng.integers(0, 9, (50, 7)).astype(float)
    order = rng.permutation(7)

    def weights(of: NDArray[np.float64]) -> NDArray[np.float64]:
        tournament = Tournament(7)
        tournament.update(of)
        return priorities(tournament.win_rates()).weights

    np.testing.assert_allclose(weights(losses[:, order]), weights(losses)[order], rtol=1e-12)


def test_random_matrices_have_a_consistency_ratio_of_about_one() -> None:
    """The random index is the mean over random matrices of Saaty's scale: check ours against that definition."""
    rng = np.random.default_rng(0)
    scale = np.array([*range(1, 10), *(1 / np.arange(2, 10))])
    for m in (5, 10, 15):
        ratios = []
        for _ in range(200):
            upper = np.triu(rng.choice(scale, (m, m)), 1)
            odds = upper + np.eye(m) + np.tril(1 / np.where(upper == 0, 1, upper).T, -1)
            ratios.append(principal_priorities(odds).consistency_ratio)
        assert np.mean(ratios) == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (np.full((2, 3), 0.5), "expected a square matrix"),
        (np.array([[0.5, 1.2], [-0.2, 0.5]]), "transfer 0 over 1 is 1.2; expected 0 to 1"),
        (np.array([[0.5, np.nan], [0.5, 0.5]]), "is nan"),
        (np.array([[0.5, 0.7], [0.7, 0.5]]), "must sum to 1"),
    ],
)
def test_impossible_tournaments_are_refused(rates: NDArray[np.float64], message: str) -> None:
    with pytest.raises(UserError, match=message):
        priorities(rates)


def test_odds_that_are_not_positive_and_finite_are_refused() -> None:
    with pytest.raises(UserError, match="not positive and finite"):
        principal_priorities(np.array([[1.0, np.inf], [0.0, 1.0]]))
    with pytest.raises(UserError, match=r"the clip is 0\.0"):
        priorities(np.array([[0.5, 1.0], [0.0, 0.5]]), clip=0.0)
