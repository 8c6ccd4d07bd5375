"""Unsupervised segments."""

import dataclasses
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from perception.labels import View, compute_label
from perception.labels.graph_cuts import normalised_cuts
from tests.perception.analytic_views import Patch, Plane, box_room, furnished_room, trace, turned
from tests.perception.test_labels_pictures import picture_view

SEGMENTATIONS = ["segment_unsup2d", "segment_unsup25d"]


def agreement(found: NDArray[np.generic], truth: NDArray[np.generic]) -> float:
    """Share of pixels whose segment's majority is their own true part."""
    pairs = [truth[found == part] for part in np.unique(found)]
    return sum(int(np.unique(part, return_counts=True)[1].max()) for part in pairs) / truth.size


@pytest.mark.parametrize(("height", "width"), [(128, 128), (60, 100), (33, 47)])
def test_a_picture_of_two_colours_has_two_segments(height: int, width: int) -> None:
    left = np.arange(width) < width // 3 + np.arange(height)[:, None] // 4
    rgb = np.where(left[..., None], np.array([200, 60, 40]), np.array([40, 90, 180])).astype(np.uint8)
    found = compute_label("segment_unsup2d", picture_view(rgb)).values
    assert np.unique(found).tolist() == [0, 1]
    assert ((found == 0) == left).mean() > 0.995


def test_a_plain_picture_is_one_segment() -> None:
    found = compute_label("segment_unsup2d", picture_view(np.full((96, 96, 3), 77, np.uint8)))
    assert (found.values == 0).all()
    assert found.valid.all()


@pytest.mark.parametrize("task", SEGMENTATIONS)
def test_segments_are_numbered_without_gaps_connected_and_the_same_every_time(task: str) -> None:
    view = furnished_room()
    found = compute_label(task, view).values
    assert found.dtype == np.uint8
    ids, first = np.unique(found, return_index=True)
    assert ids.tolist() == list(range(len(ids)))
    assert (np.diff(first) > 0).all()
    assert len(ids) > 5
    for part in ids:
        _, count = ndimage.label(found == part)
        assert count <= 3  # superpixels themselves may come in pieces of a few pixels
    np.testing.assert_array_equal(found, compute_label(task, dataclasses.replace(view)).values)


def grey_steps() -> tuple[View, NDArray[np.bool_]]:
    """Two boards of the same colour, one half a metre behind the other."""
    view = trace([Patch((-3, 0, -2.0), (0, 0, 1), 3.0), Plane((0, 0, -2.5), (0, 0, 1))])
    return dataclasses.replace(view, rgb=np.full_like(view.rgb, 120)), view.depth_m < 2.2


def test_surfaces_of_one_colour_at_different_depths_part_in_25d_only() -> None:
    view, near = grey_steps()
    flat, deep = (compute_label(task, view).values for task in SEGMENTATIONS)
    assert flat.max() == 0
    assert np.unique(deep).tolist() == [0, 1]
    assert max(((deep == 0) == near).mean(), ((deep == 1) == near).mean()) > 0.995


def test_walls_of_one_colour_part_by_their_normals_and_a_slanted_wall_stays_whole() -> None:
    room = trace(box_room((-2, 0, -3), (2.5, 2.6, 2)), position=(0.4, 1.3, 0.7), rotation=turned(25, -14))
    plain = dataclasses.replace(room, rgb=np.full_like(room.rgb, 120))
    found = compute_label("segment_unsup25d", plain).values
    assert agreement(found, room.instance) > 0.98
    assert len(np.unique(found)) == len(np.unique(room.instance))


def test_25d_segments_follow_the_things_of_a_textured_room() -> None:
    view = furnished_room()
    found = compute_label("segment_unsup25d", view).values
    assert agreement(found, view.instance) > 0.95
    assert len(np.unique(found)) <= 3 * len(np.unique(view.instance))


def test_what_was_not_hit_belongs_to_no_segment() -> None:
    view, near = grey_steps()
    depth = np.where(near, 0, view.depth_m).astype(np.float32)
    label = compute_label("segment_unsup25d", dataclasses.replace(view, depth_m=depth))
    np.testing.assert_array_equal(label.valid, ~near)
    assert (label.values == 0).all()


def ncut(affinity: NDArray[np.float64], part: NDArray[np.bool_]) -> float:
    cut = affinity[part][:, ~part].sum()
    return float(cut / affinity[part].sum() + cut / affinity[~part].sum())


def test_the_first_cut_is_close_to_the_best_of_all() -> None:
    """Brute force over every split of small random graphs with two loosely joined halves."""
    rng = np.random.default_rng(4)
    for _ in range(10):
        count = 9
        affinity = rng.random((count, count)) * 0.1
        affinity[:4, :4] += rng.random((4, 4))
        affinity[4:, 4:] += rng.random((5, 5))
        affinity = np.triu(affinity, 1) + np.triu(affinity, 1).T
        splits = [np.array(s, bool) for s in product([0, 1], repeat=count) if 0 < sum(s) < count]
        best = min(ncut(affinity, split) for split in splits)
        parts = normalised_cuts(affinity, largest_cut=best * 1.1)
        assert len(parts) >= 2
        assert np.sort(np.concatenate(parts)).tolist() == list(range(count))
        assert len(normalised_cuts(affinity, largest_cut=best * 0.99)) == 1


def test_unconnected_nodes_are_parts_of_their_own() -> None:
    affinity = np.zeros((5, 5))
    affinity[0, 3] = affinity[3, 0] = 1.0
    parts = sorted(part.tolist() for part in normalised_cuts(affinity, largest_cut=0.0))
    assert parts == [[0, 3], [1], [2], [4]]
    assert normalised_cuts(np.zeros((0, 0))) == []
