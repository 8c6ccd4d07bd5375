"""The object in view, the kind of room, the category of each pixel."""

import dataclasses

import numpy as np
import pytest

from perception import UserError
from perception.labels import INVALID_CLASS, ClassLists, RoomBox, compute_label
from tests.perception.analytic_views import Plane, Sphere, furnished_room, trace

CLASSES = ClassLists(
    objects=("lamp", "table", "ball", "column", "picture"),
    selected=("picture", "column"),
    scenes=("bathroom", "kitchen"),
    structure=("wall", "floor", "ceiling"),
)


def test_every_pixel_has_the_index_of_its_category() -> None:
    view = furnished_room()
    label = compute_label("segment_semantic", view, classes=CLASSES)
    assert label.values.dtype == np.uint8
    assert label.valid.all()
    names = np.array(CLASSES.segments)[label.values]
    np.testing.assert_array_equal(names, np.array(view.categories)[view.category])


def test_unlisted_categories_and_missing_surfaces_are_marked() -> None:
    view = furnished_room()
    fewer = dataclasses.replace(CLASSES, objects=("table", "ball"), selected=())
    label = compute_label("segment_semantic", view, classes=fewer)
    unlisted = np.isin(np.array(view.categories)[view.category], ["column", "picture"])
    np.testing.assert_array_equal(label.values == INVALID_CLASS, unlisted)
    np.testing.assert_array_equal(label.valid, ~unlisted)
    blind = dataclasses.replace(view, depth_m=np.zeros_like(view.depth_m))
    assert not compute_label("segment_semantic", blind, classes=CLASSES).valid.any()


def test_the_object_in_view_is_that_with_most_centre_weighted_area() -> None:
    wall, small, large = Plane((0, 0, -5), (0, 0, 1)), Sphere((0, 0, -3), 0.3), Sphere((1.4, 1.4, -3), 0.45, "lamp")
    centre_first = trace([wall, small, large])
    assert (centre_first.category == 2).sum() > (centre_first.category == 1).sum()  # the lamp is larger
    label = compute_label("class_object", centre_first, classes=CLASSES)
    assert label.valid
    assert CLASSES.objects[int(label.values)] == "ball"
    selected = compute_label("class_selected", centre_first, classes=CLASSES)
    assert not selected.valid
    room = furnished_room()
    selected = compute_label("class_selected", room, classes=CLASSES)
    assert CLASSES.selected[int(selected.values)] == "column"


def test_a_bare_wall_or_a_speck_is_no_object() -> None:
    wall = Plane((0, 0, -5), (0, 0, 1))
    assert not compute_label("class_object", trace([wall]), classes=CLASSES).valid
    assert not compute_label("class_object", trace([wall, Sphere((0, 0, -3), 0.04)]), classes=CLASSES).valid


def test_the_scene_is_the_kind_of_room() -> None:
    view = furnished_room()
    label = compute_label("class_scene", view, classes=CLASSES)
    assert label.valid
    assert CLASSES.scenes[int(label.values)] == "kitchen"
    for room in (None, RoomBox("sauna", (0, 0, 0), (1, 1, 1))):
        assert not compute_label("class_scene", dataclasses.replace(view, room=room), classes=CLASSES).valid


def test_lists_are_made_from_categories() -> None:
    lists = ClassLists.of(["nothing", "wall", "sofa", "bed", "floor", "bed"], selected=["bed"])
    assert lists.objects == ("bed", "sofa")
    assert lists.structure == ("wall", "floor")
    assert lists.segments == ("wall", "floor", "bed", "sofa")


def test_contradictory_lists_are_refused() -> None:
    with pytest.raises(UserError, match="objects name bed twice"):
        ClassLists(("bed", "bed"), ())
    with pytest.raises(UserError, match="selected sofa are not among the objects"):
        ClassLists(("bed",), ("sofa",))
    with pytest.raises(UserError, match="wall are objects and structure"):
        ClassLists(("bed", "wall"), ())
    with pytest.raises(UserError, match="300 categories; at most 255"):
        ClassLists(tuple(f"thing_{k}" for k in range(300)), (), structure=())
