"""Semantic labels: the object in view, the kind of room, the category of each pixel."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.labels.view import Label, View, single

STRUCTURE_CATEGORIES = (
    "wall", "floor", "ceiling", "door", "door_frame", "window", "window_frame", "baseboard", "moulding",
)  # fmt: skip
"""What rooms are made of: never the object in view."""

SCENES = (
    "bathroom", "bedroom", "childs_room", "corridor", "dining_room", "gym", "hallway",
    "kitchen", "laundry", "library", "living_room", "nursery", "office", "storage",
)  # fmt: skip
"""Kinds of room."""

INVALID_CLASS = 255
"""Marks a pixel without a category."""

LEAST_OBJECT_WEIGHT = 0.02
"""Least centre-weighted share of the image that makes an object the one in view."""


@dataclass(frozen=True)
class ClassLists:
    """What class indices mean, the same for every image of a dataset.

    Args:
        objects: Object categories, without structure.
        selected: Those among `objects` that `class_selected` knows.
        scenes: Kinds of room.
        structure: Categories that are no objects; `segment_semantic` knows them all the same.

    Raises:
        UserError: If a name occurs twice in a list, a selected class is no object, an object is structure, or there are
            more than 255 categories for `segment_semantic`.
    """

    objects: tuple[str, ...]
    selected: tuple[str, ...]
    scenes: tuple[str, ...] = SCENES
    structure: tuple[str, ...] = STRUCTURE_CATEGORIES

    def __post_init__(self) -> None:
        for kind in ("objects", "selected", "scenes", "structure"):
            names = getattr(self, kind)
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise UserError(f"class lists: {kind} name {', '.join(twice)} twice; name each class once.")
        unknown = sorted(set(self.selected) - set(self.objects))
        if unknown:
            raise UserError(f"class lists: selected {', '.join(unknown)} are not among the objects; add them there.")
        both = sorted(set(self.objects) & set(self.structure))
        if both:
            raise UserError(f"class lists: {', '.join(both)} are objects and structure; choose one.")
        if len(self.segments) > INVALID_CLASS:
            raise UserError(f"class lists: {len(self.segments)} categories; at most {INVALID_CLASS} fit into 8 bits.")

    @property
    def segments(self) -> tuple[str, ...]:
        """Categories of `segment_semantic`: structure, then objects."""
        return (*self.structure, *self.objects)

    @classmethod
    def of(
        cls, categories: Iterable[str], selected: Iterable[str] = (), scenes: Iterable[str] = SCENES
    ) -> "ClassLists":
        """Lists for every category that occurs, sorted; what is structure (and "nothing") is no object.

        Args:
            categories: All categories of all buildings.
            selected: A subset of the objects.
            scenes: Kinds of room.
        """
        found = set(categories) - {"nothing"}
        structure = tuple(name for name in STRUCTURE_CATEGORIES if name in found)
        return cls(tuple(sorted(found - set(structure))), tuple(selected), tuple(scenes), structure)


def class_object(view: View, classes: ClassLists) -> Label:
    """Index in `classes.objects` of the category with the largest centre-weighted area, int64.

    The weight is a Gaussian about the image's centre with a standard deviation of a quarter of each side. Invalid (and
    0) where no object has 2 % of all weight.
    """
    return _most_prominent(view, classes.objects)


def class_selected(view: View, classes: ClassLists) -> Label:
    """The same among `classes.selected` alone."""
    return _most_prominent(view, classes.selected)


def class_scene(view: View, classes: ClassLists) -> Label:
    """Index in `classes.scenes` of the kind of room the camera stands in, int64; invalid where it is not listed."""
    if view.room is None or view.room.kind not in classes.scenes:
        return single(np.int64(0), False)
    return single(np.int64(classes.scenes.index(view.room.kind)), True)


def segment_semantic(view: View, classes: ClassLists) -> Label:
    """Index in `classes.segments` of each pixel's category, uint8 [H, W]; 255 and invalid where it is not listed."""
    values = _lookup(view.categories, classes.segments)[view.category]
    values = np.where(view.hit, values, INVALID_CLASS).astype(np.uint8)
    return Label(values, values != INVALID_CLASS)


def _most_prominent(view: View, names: tuple[str, ...]) -> Label:
    table = _lookup(view.categories, names)
    per_category = np.bincount(
        view.category[view.hit], weights=_centre_weight(view.height, view.width)[view.hit], minlength=len(table)
    )
    known = table != INVALID_CLASS
    weights = np.zeros(len(names) + 1)
    np.add.at(weights, table[known], per_category[: len(table)][known])
    best = int(weights.argmax())
    prominent = bool(weights[best] >= LEAST_OBJECT_WEIGHT)
    return single(np.int64(best if prominent else 0), prominent)


@lru_cache(maxsize=8)
def _centre_weight(height: int, width: int) -> NDArray[np.float64]:
    """float64 [H, W]: Gaussian about the centre, summing to 1."""
    y, x = ((np.arange(n) + 0.5) / n - 0.5 for n in (height, width))
    weight = np.exp(-0.5 * (y / 0.25) ** 2)[:, None] * np.exp(-0.5 * (x / 0.25) ** 2)
    return np.asarray(weight / weight.sum())


@lru_cache(maxsize=64)
def _lookup(categories: tuple[str, ...], names: tuple[str, ...]) -> NDArray[np.int64]:
    """int64 [len(categories)]: index of each category in `names`, or 255; the first, "nothing", is never listed."""
    index = {name: i for i, name in enumerate(names)}
    return np.array([INVALID_CLASS if c == "nothing" else index.get(c, INVALID_CLASS) for c in categories], np.int64)
