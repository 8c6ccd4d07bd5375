"""The 100 tile orders of the jigsaw task, as far apart as 100 orders of nine tiles can be."""

import zlib
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from perception.labels.view import Label, View, single

PERMUTATION_COUNT = 100
_INFINITY = 8  # the ninth point of the projective line over the field of eight elements


@lru_cache(maxsize=1)
def permutations() -> NDArray[np.uint8]:
    """Permutations of the nine tiles, uint8 [100, 9], read-only; the first leaves every tile in its place.

    Any two differ in at least 7 places. No set of 100 does better: at most 72 permutations of nine differ pairwise in 8
    (Noroozi and Favaro 2016 take the farthest from all 362,880 greedily, which ends at 6). They are chosen, farthest
    first, from the 504 fractional linear maps of the projective line over GF(8), two of which agree in at most two of
    nine points.
    """
    group = _fractional_linear_maps()
    chosen = [0]
    least = np.full(len(group), 9)
    total = np.zeros(len(group), np.int64)
    while len(chosen) < PERMUTATION_COUNT:
        distance = (group != group[chosen[-1]]).sum(axis=1)
        least, total = np.minimum(least, distance), total + distance
        chosen.append(int(np.argmax(least * 1000 + total)))
    result = group[chosen]
    result.flags.writeable = False
    return result


def _fractional_linear_maps() -> NDArray[np.uint8]:
    """All maps x -> (a x + b) / (c x + d) with ad - bc = 1 over GF(8), uint8 [504, 9], sorted, the identity first."""
    images = set()
    for a, b, c, d in product(range(8), repeat=4):
        if _times(a, d) ^ _times(b, c) == 1:
            finite = (_quotient(_times(a, x) ^ b, _times(c, x) ^ d) for x in range(8))
            images.add((*finite, _quotient(a, c)))
    return np.array(sorted(images), np.uint8)


@lru_cache(maxsize=64)
def _times(a: int, b: int) -> int:
    """Product in GF(8) = GF(2)[t] / (t^3 + t + 1), elements as bit patterns."""
    result = 0
    for bit in range(3):
        if b >> bit & 1:
            result ^= a << bit
    for bit in (4, 3):
        if result >> bit & 1:
            result ^= 0b1011 << (bit - 3)
    return result


def _quotient(numerator: int, denominator: int) -> int:
    if denominator == 0:
        return _INFINITY
    return next(q for q in range(8) if _times(q, denominator) == numerator)


def jigsaw(view: View) -> Label:
    """Which permutation shuffles this view's tiles: an index into `permutations()`, int64.

    It is drawn by a checksum of the pixels, so that a view always gets the same one and views spread evenly; training
    may draw others, `shuffled(rgb, permutations()[index])` being the input and `index` the label.
    """
    return single(np.int64(zlib.crc32(view.rgb.tobytes()) % PERMUTATION_COUNT), True)
