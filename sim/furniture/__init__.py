"""Furniture and everything else that stands in a house, made to measure from a random generator.

`make("bed", rng, palette)` gives a `Piece`; `CATALOGUE` says what there is and where it belongs.
"""

from sim.furniture import (  # noqa: F401 - each enters its categories into the catalogue
    bathroom,
    beds,
    books,
    child,
    crockery,
    decoration,
    electronics,
    hall,
    kitchen,
    lamps,
    laundry,
    music,
    seating,
    sports,
    storage,
    tables,
)
from sim.furniture.draft import CATALOGUE, Category, Mount, Size, make
from sim.furniture.piece import Bulb, Piece, Support

__all__ = ["CATALOGUE", "Bulb", "Category", "Mount", "Piece", "Size", "Support", "make"]
