"""Small things on furniture: what stands on what, spread over the level places each piece offers."""

import numpy as np

from sim.furniture import Piece, Support
from sim.houses.carrying import carried
from sim.houses.space import Placed, Space

_TABLE = ("cup", "book", "vase", "plate", "bowl", "candle", "bottle", "fruit")
_DECOR = ("vase", "plant", "book", "candle", "statue", "box", "bowl")
_SHELF = ("book_row", "book_row", "book_row", "book_row", "box", "vase", "book", "basket", "statue", "plant")
_KITCHEN = ("microwave", "kettle", "toaster", "knife_block", "pot", "bowl", "bottle", "cup", "plate", "fruit", "plant")
_BATH = ("cup", "soap", "soap", "bottle", "candle", "towel_stack")
_WASHING = ("detergent", "detergent", "towel_stack", "basket", "box")
_TOYS = ("book_row", "book_row", "book", "teddy_bear", "toy_car", "toy_blocks", "ball", "box")
_STORE = ("cardboard_box", "box", "basket", "bucket", "suitcase", "bottle", "pot")

THINGS: dict[str, tuple[tuple[str, ...], float]] = {
    "dining_table": (_TABLE, 6.0),
    "coffee_table": (("book", "book", "cup", "cup", "vase", "candle", "bowl", "fruit"), 4.0),
    "side_table": (("book", "cup", "plant", "vase"), 1.0),
    "desk": (("book", "cup", "book", "printer", "box", "plant", "book_row"), 4.0),
    "console_table": (_DECOR, 2.5),
    "bookshelf": (_SHELF, 4.0),
    "wall_shelf": (("book_row", "plant", "vase", "book", "candle", "box"), 2.5),
    "dresser": (_DECOR, 2.5),
    "nightstand": (("book", "cup", "candle"), 2.5),
    "sideboard": ((*_DECOR, "bottle", "bowl", "table_lamp"), 3.0),
    "tv_stand": (("vase", "book", "speaker", "plant"), 1.2),
    "filing_cabinet": (("printer", "box", "plant", "book"), 1.0),
    "shoe_cabinet": (("vase", "bag", "bowl", "plant"), 1.2),
    "storage_rack": (_STORE, 4.0),
    "kitchen_counter": (_KITCHEN, 4.0),
    "dishwasher": (_KITCHEN, 2.0),
    "kitchen_island": (("fruit", "bowl", "bottle", "cup", "plate", "vase"), 2.5),
    "kitchen_sink": (("cup", "plate", "bottle"), 1.0),
    "stove": (("pot", "pot", "kettle"), 1.2),
    "washbasin": (_BATH, 4.0),
    "bathtub": (("bottle", "candle"), 0.7),
    "washing_machine": (("box", "basket", "bottle"), 1.0),
    "dryer": (("basket", "box"), 0.8),
    "fireplace": (("candle", "vase", "statue"), 2.0),
    "piano": (("book", "vase", "table_lamp"), 1.0),
    "bed": (("cushion", "teddy_bear", "book"), 0.6),
    "sofa": (("cushion",), 2.0),
    "armchair": (("cushion",), 0.5),
    "bench": (("bag", "cushion", "book"), 0.6),
    "wardrobe": (("box", "suitcase", "basket"), 0.7),
    "toy_box": (("teddy_bear", "ball", "toy_blocks"), 1.0),
    "ottoman": (("book",), 0.4),
}
"""For each piece: what may stand on it, and how many of them on each full metre of its supports, at full clutter."""

IN_ROOM: dict[str, dict[str, tuple[tuple[str, ...], float]]] = {
    "bathroom": {
        "storage_rack": (("towel_stack", "towel_stack", "basket", "soap", "box", "bottle"), 4.0),
        "shoe_cabinet": (("towel_stack", "soap", "plant", "candle"), 2.0),
        "wall_shelf": (("towel_stack", "soap", "bottle", "candle", "plant"), 3.0),
        "bathtub": (("soap", "bottle", "candle"), 0.7),
    },
    "laundry": {
        "storage_rack": (("detergent", "towel_stack", "basket", "box", "bucket"), 4.5),
        "shoe_cabinet": (("detergent", "towel_stack", "basket"), 2.0),
        "wall_shelf": (("detergent", "towel_stack", "box"), 4.0),
        "washing_machine": (_WASHING, 2.0),
        "dryer": (_WASHING, 1.6),
        "kitchen_sink": (("soap", "detergent", "bucket"), 2.0),
    },
    "kitchen": {
        "storage_rack": (("pot", "bowl", "bottle", "basket", "box", "plate"), 4.5),
        "wall_shelf": (("cup", "plate", "bowl", "bottle", "plant"), 3.0),
        "kitchen_sink": (("cup", "plate", "soap"), 1.2),
    },
    "office": {
        "desk": (("printer", "printer", "book", "cup", "book_row", "plant"), 4.0),
        "sideboard": (("printer", "book_row", "plant", "box", "vase"), 3.0),
    },
    "gym": {
        "storage_rack": (("towel_stack", "ball", "box", "bottle", "bag", "speaker"), 4.0),
        "bench": (("towel_stack", "bottle", "bag"), 0.8),
    },
    "childs_room": {
        "bookshelf": (_TOYS, 4.0),
        "wall_shelf": (_TOYS, 3.0),
        "dresser": (("teddy_bear", "toy_car", "book", "table_lamp"), 2.5),
    },
    "nursery": {
        "bookshelf": (_TOYS, 4.0),
        "wall_shelf": (_TOYS, 3.0),
        "dresser": (("teddy_bear", "toy_car", "towel_stack", "table_lamp"), 2.5),
    },
}
"""The same, for what is used otherwise in some kinds of rooms."""

_MOST_ON_ONE = 16
_KINDS_IN_ROOM = 3


def strew(space: Space) -> None:
    """Put small things on everything in a room that carries some; after a few of a kind the same ones come again."""
    if space.clutter <= 0:
        return
    known: dict[str, list[Piece]] = {}
    carriers = THINGS | IN_ROOM.get(space.room.kind, {})
    for item in list(space.placed):
        entry = carriers.get(item.piece.category)
        if entry is None or item.parent is not None:
            continue
        things, per_metre = entry
        budget = _MOST_ON_ONE
        for support in item.piece.supports:
            width = support.upper[0] - support.lower[0]
            count = min(int(space.rng.poisson(space.clutter * per_metre * width)), budget)
            for _ in range(count):
                thing = _draw_thing(space, space.choice(things), known)
                budget -= any(_put(space, item, support, piece) for piece in thing)


def _draw_thing(space: Space, category: str, known: dict[str, list[Piece]]) -> list[Piece]:
    """Pieces to try one after another: a new one, or those of its kind that there are already."""
    pieces = known.setdefault(category, [])
    if len(pieces) < _KINDS_IN_ROOM:
        pieces.append(space.make(category))
        return [pieces[-1]]
    return [pieces[i] for i in space.rng.permutation(len(pieces))]


def _put(space: Space, item: Placed, support: Support, thing: Piece) -> bool:
    """Stand one thing somewhere on a support; False where it does not fit."""
    width, height, depth = thing.size_m
    if height > support.clearance_m - 0.01:
        return False
    free_x = (support.upper[0] - support.lower[0] - width) / 2
    free_z = (support.upper[1] - support.lower[1] - depth) / 2
    if free_x < 0 or free_z < 0:
        return False
    middle = np.add(support.lower, support.upper) / 2
    for _ in range(3):
        x = float(middle[0] + space.rng.uniform(-free_x, free_x))
        z = float(middle[1] + space.rng.uniform(-free_z, free_z))
        placed = carried(space, thing, item, (x, support.height_m, z))
        if placed.box.high < space.room.height_m and space.try_carry(placed):
            return True
    return False
