"""Unsupervised segments: superpixels, parted by normalised cuts (Shi and Malik 2000).

The picture is cut into SLIC superpixels (Achanta et al. 2012); neighbours are joined by the length of their border
times exp(-d^2), d their distance in features, each divided by how much of it is a clear difference; that graph is cut.
Everything is deterministic.
"""

import numpy as np
from numpy.typing import NDArray

from perception.labels.graph_cuts import normalised_cuts
from perception.labels.view import Label, View, everywhere

SUPERPIXELS = 160
"""How many superpixels are asked for, whatever the size of the image."""

CLEAR_LAB = 6.0
"""A clear difference of colour, CIE L*a*b* units."""

CLEAR_LAB_BESIDE_GEOMETRY = 15.0
"""The same for 2.5D segments, where colour says less than geometry."""

CLEAR_NORMAL = 0.6
"""A clear difference of unit normals, length of the difference; about 35 degrees."""

CLEAR_GAP = 0.03
"""A clear gap between the planes of two surfaces, as a share of their depth."""

CLEAR_LOG_DEPTH = 0.15
"""A clear difference of depth within which superpixels form, logarithmic."""

COMPACTNESS = 1.0
"""Weight of distance in the image against features in forming superpixels."""

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]


def segment_unsup2d(view: View) -> Label:
    """Segments of the picture by colour, uint8 [H, W]; ids without gaps, from 0, in the order of their first pixel."""
    return everywhere(_segments(*affinities_2d(view)))


def segment_unsup25d(view: View) -> Label:
    """Segments by colour, depth and normals together, uint8 [H, W], ids as above; 0 and invalid where nothing was hit.

    Depth counts by the gap between the planes of two superpixels, so that a slanted surface stays whole.
    """
    return Label(_segments(*affinities_25d(view)), view.hit)


def affinities_2d(view: View) -> tuple[Integers, Floats]:
    """Superpixel of each pixel, int64 [H, W], and affinities of all pairs of superpixels, [K, K], by colour."""
    colours = view.lab / np.float32(CLEAR_LAB)
    nodes = _superpixels(colours, np.ones(colours.shape[:2], np.bool_))
    pairs, lengths = _borders(nodes)
    return nodes, _affinity(nodes, pairs, lengths * np.exp(-_squares(_means(nodes, colours), pairs)))


def affinities_25d(view: View) -> tuple[Integers, Floats]:
    """The same by colour, gaps between planes, and normals; -1 for pixels that hit nothing."""
    hit = view.hit
    colours = view.lab / np.float32(CLEAR_LAB_BESIDE_GEOMETRY)
    normals = view.surface_normal / np.float32(CLEAR_NORMAL)
    log_depth = np.log(np.where(hit, view.surface_depth_m, 1)) / np.float32(CLEAR_LOG_DEPTH)
    nodes = _superpixels(np.concatenate([colours, normals, log_depth[..., None]], axis=-1), hit)
    pairs, lengths = _borders(nodes)
    squares = _squares(_means(nodes, np.concatenate([colours, normals], axis=-1)), pairs)
    gaps = _plane_gaps(_means(nodes, view.points), _means(nodes, view.surface_normal), pairs)
    return nodes, _affinity(nodes, pairs, lengths * np.exp(-squares - (gaps / CLEAR_GAP) ** 2))


def _affinity(nodes: Integers, pairs: Integers, weights: Floats) -> Floats:
    count = int(nodes.max()) + 1
    affinity = np.zeros((count, count))
    affinity[pairs[:, 0], pairs[:, 1]] = affinity[pairs[:, 1], pairs[:, 0]] = weights
    return affinity


def _superpixels(features: Floats, valid: NDArray[np.bool_]) -> Integers:
    """Superpixel of each pixel, int64 [H, W], without gaps; -1 where invalid."""
    from skimage.segmentation import slic

    height, width = valid.shape
    if not valid.any():
        return np.full(valid.shape, -1)
    count = min(SUPERPIXELS, max(1, height * width // 4))
    features = np.where(valid[..., None], features, 0).astype(np.float64)
    spread = max(float(np.ptp(features)), 1e-6)  # which slic divides the features by
    labels = slic(features, count, compactness=COMPACTNESS / spread, max_num_iter=5, convert2lab=False, start_label=0)
    nodes = np.full(valid.shape, -1)
    nodes[valid] = np.unique(labels[valid], return_inverse=True)[1]
    return nodes


def _borders(nodes: Integers) -> tuple[Integers, Floats]:
    """Neighbouring superpixels, int64 [E, 2] with the lesser first, and the length of their border [E] in pixels."""
    a = np.concatenate([nodes[:, :-1].ravel(), nodes[:-1].ravel()])
    b = np.concatenate([nodes[:, 1:].ravel(), nodes[1:].ravel()])
    apart = (a != b) & (a >= 0) & (b >= 0)
    low, high = np.minimum(a, b)[apart], np.maximum(a, b)[apart]
    count = int(nodes.max()) + 1
    keys, lengths = np.unique(low * count + high, return_counts=True)
    return np.stack([keys // max(count, 1), keys % max(count, 1)], axis=1), lengths.astype(np.float64)


def _means(nodes: Integers, features: Floats) -> Floats:
    """Mean features of each superpixel, float64 [K, C]."""
    inside = nodes >= 0
    ids = nodes[inside]
    count = np.maximum(np.bincount(ids), 1)
    return np.stack([np.bincount(ids, features[inside, c]) / count for c in range(features.shape[2])], axis=1)


def _squares(means: Floats, pairs: Integers) -> Floats:
    difference = means[pairs[:, 0]] - means[pairs[:, 1]]
    return np.asarray((difference * difference).sum(axis=1))


def _plane_gaps(points: Floats, normals: Floats, pairs: Integers) -> Floats:
    """How far superpixels' mean points lie off each other's mean planes, the mean of both, as a share of the depth."""
    a, b = pairs.T
    step = points[a] - points[b]
    gap = np.abs((step * normals[a]).sum(axis=1)) + np.abs((step * normals[b]).sum(axis=1))
    return np.asarray(gap / -(points[a, 2] + points[b, 2]))


def _segments(nodes: Integers, affinity: Floats) -> NDArray[np.uint8]:
    """Parts of the graph of superpixels as an image of ids, uint8 [H, W]; 0 where there is no superpixel."""
    part_of_node = np.zeros(len(affinity), np.int64)
    for number, part in enumerate(normalised_cuts(affinity)):
        part_of_node[part] = number
    inside = nodes >= 0
    parts = part_of_node[nodes[inside]]
    _, first, parts = np.unique(parts, return_index=True, return_inverse=True)
    result = np.zeros(nodes.shape, np.uint8)
    result[inside] = np.argsort(np.argsort(first))[parts]
    return result
