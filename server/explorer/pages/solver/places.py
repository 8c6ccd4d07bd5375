"""Where tasks stand on the circle: at one place each, whatever is asked."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from taxonomy import TransferTable
from taxonomy.similarity import first_order_matrix, similarity_tree

RADIUS = 100.0
"""Of the circle, in the graph's own units."""


@dataclass(frozen=True)
class Place:
    """A place in the graph's units, y downward.

    Args:
        x: To the right.
        y: Down.
    """

    x: float
    y: float

    def scaled(self, factor: float) -> "Place":
        """Nearer to the centre, or further from it."""
        return Place(self.x * factor, self.y * factor)


@lru_cache(maxsize=32)
def circle_order(table: TransferTable) -> tuple[str, ...]:
    """Every task of the table, as the report's graphs place them: in the tree's order, then those that it lacks."""
    matrix = first_order_matrix(table)
    has_tree = len(matrix.sources) > 1 and not np.isnan(matrix.values).all()
    known = similarity_tree(matrix).order if has_tree else ()
    others = table.tasks.in_order({*table.trainable, *table.targets}.difference(known))
    trainable = [name for name in others if name in table.trainable]
    return (*known, *trainable, *(name for name in others if name not in table.trainable))


def angles(table: TransferTable) -> dict[str, float]:
    """For each task its angle in radians, counter-clockwise from the right; the first stands on top."""
    order = circle_order(table)
    return {name: math.pi / 2 - 2 * math.pi * index / len(order) for index, name in enumerate(order)}


def place(angle: float) -> Place:
    """The point of the circle at an angle."""
    return Place(RADIUS * math.cos(angle), -RADIUS * math.sin(angle))


def bend(start: Place, end: Place) -> float:
    """How far from the straight line to draw the one control point of a curve that leaves and arrives radially.

    Returns:
        Signed as Cytoscape's `control-point-distances`: to the right of the way from `start` to `end` on the screen.
    """
    middle = Place((start.x + end.x) / 2, (start.y + end.y) / 2)
    dx, dy = end.x - start.x, end.y - start.y
    pull = 0.25 + 0.75 * (1 - min(1.0, math.hypot(dx, dy) / RADIUS / 1.2))  # as the report's: flat between neighbours
    towards_centre = math.copysign(1.0, dy * middle.x - dx * middle.y)
    return towards_centre * 1.5 * (1 - pull) * math.hypot(middle.x, middle.y)
