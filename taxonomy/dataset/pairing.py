"""Which views belong together: pairs and triplets that truly share a point, and pairs that do not."""

import numpy as np
from numpy.typing import NDArray

from taxonomy.dataset.casting import sees
from taxonomy.dataset.views import GroupTable, ViewTable, fixated_groups
from taxonomy.dataset.world import Renderer

MOST_PARTNERS = 8
"""Non-fixated pairs that one view starts."""

APART_M = 0.25
"""Two centres show different points if these lie further apart."""

_FRAME = 0.9  # of the half image: points at the very rim do not count as seen
_OFF_CENTRE_DEG = 3.0


def group_views(views: ViewTable, renderer: Renderer, rng: np.random.Generator) -> GroupTable:
    """Find the pairs and triplets among the views of one building.

    Args:
        views: Of the building that `renderer` shows; square images.
        renderer: Decides by a ray whether a point is seen.
        rng: Draws which of many possible pairs are kept.
    """
    pairs, triplets = fixated_groups(views.point)
    shared = _nonfixated_pairs(views, renderer, rng)
    others = _different_centres(views, shared, rng, len(pairs))
    matching = np.concatenate([np.ones(len(pairs), np.int32), np.zeros(len(others), np.int32)])
    return GroupTable(pairs, triplets, shared, np.concatenate([pairs, others]), matching)


def points_in_frame(views: ViewTable) -> NDArray[np.bool_]:
    """Bool [N, N]: whether the point that view i fixates lies within the frame of view j, seen or hidden."""
    offset = views.target.astype(np.float64)[:, None] - views.position[None]
    local = np.einsum("ijc,jck->ijk", offset, views.rotation)
    forward = -local[..., 2]
    half = np.tan(np.radians(views.hfov_deg.astype(np.float64)) / 2)
    reach = np.abs(local[..., :2]).max(axis=-1)
    inside = (forward > 0.1) & (reach < _FRAME * half[None] * forward)
    off_centre = np.hypot(local[..., 0], local[..., 1]) > np.tan(np.radians(_OFF_CENTRE_DEG)) * forward
    return np.asarray(inside & off_centre)


def _nonfixated_pairs(views: ViewTable, renderer: Renderer, rng: np.random.Generator) -> NDArray[np.int32]:
    possible = points_in_frame(views) & (views.point[:, None] != views.point[None])
    first, second = np.nonzero(possible)
    order = rng.permutation(len(first))
    order = order[np.argsort(first[order], kind="stable")]
    first, second = first[order], second[order]
    _, start, inverse = np.unique(first, return_index=True, return_inverse=True)
    few = np.arange(len(first)) - start[inverse] < 2 * MOST_PARTNERS
    first, second = first[few], second[few]
    seen = sees(renderer, views.position[second], views.target[first])
    first, second = first[seen], second[seen]
    _, start, inverse = np.unique(first, return_index=True, return_inverse=True)
    few = np.arange(len(first)) - start[inverse] < MOST_PARTNERS
    return np.stack([first[few], second[few]], axis=-1).astype(np.int32)


def _different_centres(
    views: ViewTable, shared: NDArray[np.int32], rng: np.random.Generator, count: int
) -> NDArray[np.int32]:
    """Pairs whose centres differ: half of them share a point all the same, which makes them hard."""
    hard = _apart(views, shared)
    hard = hard[rng.permutation(len(hard))[: count // 2]]
    drawn = rng.integers(0, len(views), (4 * count + 16, 2), dtype=np.int32)
    easy = _apart(views, drawn)
    _, kept = np.unique(np.concatenate([hard, easy]), axis=0, return_index=True)
    return np.concatenate([hard, easy])[np.sort(kept)][:count].reshape(-1, 2)


def _apart(views: ViewTable, pairs: NDArray[np.int32]) -> NDArray[np.int32]:
    gap = np.linalg.norm(views.target[pairs[:, 0]] - views.target[pairs[:, 1]], axis=-1)
    return np.asarray(pairs[(views.point[pairs[:, 0]] != views.point[pairs[:, 1]]) & (gap > APART_M)])
