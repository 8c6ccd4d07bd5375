"""Step III: from losses that cannot be compared between tasks to affinities that can.

Losses of different tasks have different units and scales, so only their order counts: for each target, every two
transfers are compared image by image, and the principal eigenvector of the matrix of odds turns the tournament into
affinities (Analytic Hierarchy Process; Taskonomy, section 3.3).
"""

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception import UserError

CLIP = 0.001
"""Win rates are kept this far from 0 and 1, so that odds stay finite (the paper's value)."""

_LANES = 8  # bytes of a 64-bit word: comparisons are counted eight at a time
_ROWS = 16  # transfers compared with all others in one call: few calls, for threads wait on each other between them
CHUNK_IMAGES = _LANES * 255  # as many as a lane's byte can count


class _Scratch(threading.local):
    """Arrays that each thread keeps from one chunk to the next: fresh memory costs more than the comparisons."""

    def __init__(self) -> None:
        self._arrays: dict[tuple[str, np.dtype[Any]], NDArray[Any]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """An array with whatever was in it last."""
        key = name, dtype
        if key not in self._arrays or self._arrays[key].shape != shape:
            self._arrays[key] = np.empty(shape, dtype)
        return self._arrays[key]


_scratch = _Scratch()


class Missing(StrEnum):
    """What to do about images on which some transfer has no loss (NaN)."""

    ERROR = "error"  # refuse the table
    DROP = "drop"  # leave out every image on which any transfer to the target has none
    PAIRWISE = "pairwise"  # compare each pair of transfers on the images that both have


class Tournament:
    """Counts, for one target, on how many images each transfer beats each other one.

    Feed it any number of chunks of images; memory is that of one chunk and an [m, m] matrix.

    Args:
        n_transfers: Number m of transfers to the target.
        missing: What a NaN means.
    """

    def __init__(self, n_transfers: int, missing: Missing = Missing.ERROR) -> None:
        self._missing = missing
        self._m = n_transfers
        # Of images without ties or gaps only the upper triangle is counted: whoever does not win there, loses.
        self._plain_less = np.zeros((n_transfers, n_transfers), dtype=np.int64)
        self._plain_images = 0
        self._less = np.zeros((n_transfers, n_transfers), dtype=np.int64)
        self._common = np.zeros((n_transfers, n_transfers), dtype=np.int64)
        self.images = 0
        """Images seen."""
        self.images_with_missing = 0
        """Images seen on which at least one transfer had no loss."""

    def update(self, losses: NDArray[np.floating]) -> None:
        """Count the comparisons of further images.

        Args:
            losses: [n, m], smaller is better; infinite for a transfer that failed on the image, NaN where not measured.

        Raises:
            UserError: If the shape does not fit, or a loss is missing and `missing` is ERROR.
        """
        if losses.ndim != 2 or losses.shape[1] != self._m:
            raise UserError(f"losses have shape {losses.shape}; expected [images, {self._m} transfers].")
        for start in range(0, len(losses), CHUNK_IMAGES):
            self._update(losses[start : start + CHUNK_IMAGES])

    def _update(self, losses: NDArray[np.floating]) -> None:
        ordered = np.sort(losses, axis=1)  # NaN last
        incomplete = np.isnan(ordered[:, -1])
        if incomplete.any() and self._missing is Missing.ERROR:
            raise UserError(
                f"image {self.images + int(incomplete.argmax())} lacks the loss of a transfer, and others may; "
                "say how to treat such images: drop or pairwise."
            )
        self.images += len(losses)
        self.images_with_missing += int(incomplete.sum())
        tied = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
        plain = ~(tied | incomplete)
        self._plain_less += self._count_less(losses if plain.all() else losses[plain], upper_only=True)
        self._plain_images += int(plain.sum())
        others = losses[~plain & ~incomplete] if self._missing is Missing.DROP else losses[~plain]
        if len(others):
            self._common += _images_in_common(others)
            self._less += self._count_less(others, upper_only=False)

    def _count_less(self, losses: NDArray[np.floating], *, upper_only: bool) -> NDArray[np.int64]:
        """[m, m] images on which transfer i is below j; with `upper_only` that is sure where j > i alone."""
        n, m = losses.shape
        width = -(-n // _LANES) * _LANES
        columns = _scratch.array("columns", (m, CHUNK_IMAGES), losses.dtype)[:, :width]
        columns[:, :n] = losses.T
        columns[:, n:] = np.nan  # below nothing
        results = _scratch.array("is_less", (_ROWS, m, CHUNK_IMAGES), np.dtype(np.bool_))[:, :, :width]
        lanes = np.zeros((m, m), dtype=np.uint64)
        for start in range(0, m, _ROWS):
            rows = slice(start, min(start + _ROWS, m))
            others = slice(start if upper_only else 0, m)
            is_less = results[: rows.stop - start, : m - others.start]
            np.less(columns[rows, None], columns[None, others], out=is_less)
            np.add.reduce(is_less.view(np.uint64), axis=2, out=lanes[rows, others])
        counts: NDArray[np.int64] = lanes.view(np.uint8).reshape(m, m, _LANES).sum(axis=2, dtype=np.int64)
        return counts

    def win_rates(self) -> NDArray[np.float64]:
        """[m, m] share of images on which the row's transfer has the lower loss than the column's; ties count half.

        Raises:
            UserError: If two transfers have no image in common.
        """
        common = self._common + self._plain_images
        if not common.all():
            i, j = np.argwhere(common == 0)[0]
            raise UserError(f"transfers {i} and {j} have no image in common; they cannot be compared.")
        upper = np.triu(self._plain_less, 1)
        less = self._less + upper + np.tril((self._plain_images - upper).T, -1)
        return np.asarray((common + less - less.T) / (2 * common))  # what is neither won nor lost is a tie


def _images_in_common(losses: NDArray[np.floating]) -> NDArray[np.int64] | int:
    """[m, m] images on which both transfers have a loss, or one number if that is all of them."""
    present = ~np.isnan(losses)
    if present.all():
        return len(losses)
    counts = present.astype(np.float32)
    return np.asarray(counts.T @ counts).astype(np.int64)


@dataclass(frozen=True)
class Priorities:
    """What AHP makes of one tournament.

    Args:
        weights: [m] positive, summing to 1: the affinities.
        eigenvalue: The principal eigenvalue, m if the tournament is perfectly consistent and larger otherwise.
        consistency_ratio: How far from consistent, against a random matrix of that size (0: consistent, 1: random).
    """

    weights: NDArray[np.float64]
    eigenvalue: float
    consistency_ratio: float


def priorities(win_rates: NDArray[np.float64], *, clip: float = CLIP) -> Priorities:
    """The affinities of one target's transfers from their tournament (Taskonomy, section 3.3).

    Args:
        win_rates: [m, m], share of images on which row beats column.
        clip: Win rates are clipped to [clip, 1 - clip], so that their odds are finite; above 0 and below 0.5.

    Returns:
        The principal eigenvector of the matrix of odds W / W^T, normalised to sum 1, and its consistency.

    Raises:
        UserError: If the matrix is no tournament, or the clip is out of its range.
    """
    check_win_rates(win_rates)
    if not 0 < clip < 0.5:
        raise UserError(f"the clip is {clip}; expected a number above 0 and below 0.5.")
    clipped = np.clip(win_rates, clip, 1 - clip)
    return principal_priorities(clipped / clipped.T)


def check_win_rates(win_rates: NDArray[np.float64]) -> None:
    """Check that a matrix is a tournament.

    Raises:
        UserError: If it is not square, not within [0, 1], or some pair's two win rates do not sum to 1.
    """
    if win_rates.ndim != 2 or win_rates.shape[0] != win_rates.shape[1] or not len(win_rates):
        raise UserError(f"the tournament has shape {win_rates.shape}; expected a square matrix.")
    bad = ~((win_rates >= 0) & (win_rates <= 1))
    if bad.any():
        i, j = np.argwhere(bad)[0]
        raise UserError(f"the win rate of transfer {i} over {j} is {win_rates[i, j]}; expected 0 to 1.")
    unequal = np.abs(win_rates + win_rates.T - 1) > 1e-6
    np.fill_diagonal(unequal, False)
    if unequal.any():
        i, j = np.argwhere(unequal)[0]
        raise UserError(
            f"the win rates of transfers {i} and {j} over each other are {win_rates[i, j]} and {win_rates[j, i]}; "
            "they must sum to 1, a tie counting half for each."
        )


def principal_priorities(odds: NDArray[np.float64]) -> Priorities:
    """The principal eigenvector of a positive matrix, by power iteration.

    By Perron's theorem the limit is real and positive. Should it be slow to come, the iterated matrix is squared, so
    that steps count double, and so on: a handful of squarings makes up for any gap to the second eigenvalue.

    Args:
        odds: [m, m] positive; for AHP reciprocal, `odds[j, i] == 1 / odds[i, j]`.

    Raises:
        UserError: If an entry is not positive and finite.
    """
    if not ((odds > 0).all() and (odds < 1e100).all()):
        raise UserError("the matrix of odds has entries that are not positive and finite; odds are both.")
    m = len(odds)
    weights = np.full(m, 1 / m)
    iterated = odds / odds.sum()
    for steps in range(1, 1001):
        before = weights
        for _ in range(8):
            weights = np.einsum("ij,j->i", iterated, weights)  # not BLAS, whose threads keep ours from the cores
        weights /= weights.sum()
        if np.abs(weights - before).max() <= 4 * np.finfo(np.float64).eps * weights.max():
            break
        if steps % 8 == 0:
            iterated = iterated @ iterated
            iterated /= iterated.sum()
    weights = np.einsum("ij,j->i", odds, weights)  # by the given matrix, free of what squarings rounded
    weights /= weights.sum()
    eigenvalue = float((odds * weights).sum())
    return Priorities(weights, eigenvalue, _consistency_ratio(m, eigenvalue))


def _consistency_ratio(m: int, eigenvalue: float) -> float:
    """Saaty's ratio, with the random index of Alonso and Lamata (2006), which holds for matrices of any size."""
    if m < 3:
        return 0.0  # one comparison cannot contradict itself
    expected_of_random = 2.7699 * m - 4.3513
    return max(0.0, (eigenvalue - m) / (expected_of_random - m))
