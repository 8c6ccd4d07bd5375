"""Labels by task name, for views of any size, and a user's own."""

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from perception import TASKS, UserError
from perception.labels import (
    LABELS,
    ClassLists,
    Label,
    LabelFunction,
    Labeller,
    RoomBox,
    View,
    compute_label,
    compute_labels,
)
from perception.tasks import OutputKind
from tests.perception.analytic_views import furnished_room

CLASSES = ClassLists(("ball", "column", "picture", "table"), ("ball",), structure=("wall", "floor", "ceiling"))
SINGLE = [name for name, entry in LABELS.items() if entry.views == 1]


def all_labels(view: View) -> dict[str, Label]:
    return compute_labels(view, classes=CLASSES)


def test_every_task_of_the_dictionary_has_a_label_function_of_its_views() -> None:
    assert list(LABELS) == list(TASKS)
    assert all(LABELS[name].views == TASKS[name].input.views for name in TASKS)


@pytest.mark.parametrize("size", [(128, 128), (45, 64), (9, 5), (2, 2), (1, 1)])
def test_labels_are_what_the_dictionary_says_at_any_size(size: tuple[int, int]) -> None:
    labels = all_labels(furnished_room(size=size))
    assert list(labels) == SINGLE
    for name, label in labels.items():
        output = TASKS[name].output
        assert output is not None
        values = label.values.astype(np.float64)
        if output.kind in (OutputKind.VECTOR, OutputKind.CLASSES):
            assert values.shape == (() if output.kind is OutputKind.CLASSES else (output.channels,))
            assert label.valid.shape == ()
        else:
            several = output.kind is OutputKind.IMAGE and output.channels != 1
            assert values.shape == ((*size, output.channels) if several else size)
            assert label.valid.shape == size
        if output.kind is not OutputKind.IMAGE:
            assert np.isfinite(values).all()
        shown = values[label.valid] / (255 if values.ndim == 3 and label.values.dtype == np.uint8 else 1)
        assert np.isfinite(shown).all()
        assert (shown >= output.minimum).all()
        if output.maximum is not None:
            assert (shown <= output.maximum).all()
        if output.invalid is None and output.kind is OutputKind.IMAGE:
            assert label.valid.all()
        if output.invalid is not None and math.isnan(output.invalid):
            assert np.isnan(values[~label.valid]).all()


def test_where_nothing_was_hit_no_geometry_is_claimed() -> None:
    view = furnished_room(size=(24, 32))
    nothing = dataclasses.replace(
        view,
        rgb=np.zeros_like(view.rgb),
        depth_m=np.zeros_like(view.depth_m),
        normal=np.zeros_like(view.normal),
        instance=np.zeros_like(view.instance),
        category=np.zeros_like(view.category),
        categories=("nothing",),
        room=None,
    )
    for name, label in all_labels(nothing).items():
        from_the_picture = TASKS[name].group == "2D"
        assert label.valid.all() == from_the_picture, name
        assert label.valid.any() == from_the_picture, name


@pytest.mark.parametrize("broken", [math.nan, math.inf, -1.0, 1e38, 3e38, 1e-30, 1e-45])
def test_a_broken_depth_is_as_good_as_none(broken: float) -> None:
    view = furnished_room(size=(32, 32))
    depth = view.depth_m.copy()
    depth[10:14, 8:12] = broken
    label = all_labels(dataclasses.replace(view, depth_m=depth))
    assert compute_label("fixated_pose", view, dataclasses.replace(view, depth_m=depth)).valid
    for name in ("depth_zbuffer", "depth_euclidean", "reshading", "edge_occlusion", "keypoints3d", "curvature"):
        assert not label[name].valid[10:14, 8:12].any()
        assert np.isfinite(label[name].values[label[name].valid]).all()


def test_aliases_and_choices_of_tasks_are_understood() -> None:
    view = furnished_room(size=(16, 16))
    assert list(compute_labels(view, ["rgb2sfnorm", "reshade"])) == ["normal", "reshading"]
    np.testing.assert_array_equal(compute_label("rgb2depth", view).values, view.depth_m)
    assert set(SINGLE) - set(compute_labels(view)) == {
        "class_object", "class_selected", "class_scene", "segment_semantic",
    }  # fmt: skip


def test_misuse_is_answered_in_a_sentence() -> None:
    view = furnished_room(size=(8, 8))
    with pytest.raises(UserError, match="unknown label 'normals'; did you mean 'normal'"):
        compute_label("normals", view)
    with pytest.raises(UserError, match="'fixated_pose' describes 2 views; 1 were given"):
        compute_label("fixated_pose", view)
    with pytest.raises(UserError, match="'class_object' is a class index; pass the ClassLists"):
        compute_label("class_object", view)
    with pytest.raises(UserError, match=r"depth_m has shape \[4, 8\]; expected \[8, 8\]"):
        dataclasses.replace(view, depth_m=view.depth_m[:4])
    with pytest.raises(UserError, match="category runs from 0 to 7; expected indices of the 1 categories"):
        dataclasses.replace(view, category=np.arange(64, dtype=np.int32).reshape(8, 8) // 8, categories=("nothing",))
    with pytest.raises(UserError, match="not finite"):
        dataclasses.replace(view, position=np.array([0, np.nan, 0], np.float32))
    with pytest.raises(UserError, match=r"rgb is uint8 \[0, 8, 3\]"):
        dataclasses.replace(view, rgb=view.rgb[:0])


def test_a_sensors_raw_numbers_are_not_taken_for_metres_or_ids() -> None:
    view = furnished_room(size=(8, 8))
    with pytest.raises(UserError, match="depth_m is uint16; expected floating numbers"):
        dataclasses.replace(view, depth_m=np.full((8, 8), 2000, np.uint16))
    with pytest.raises(UserError, match="category is float32; expected whole numbers"):
        dataclasses.replace(view, category=view.category.astype(np.float32))
    with pytest.raises(UserError, match="instance is float64; expected whole numbers"):
        dataclasses.replace(view, instance=view.instance.astype(np.float64))
    with pytest.raises(UserError, match="position is a list; expected a numpy array"):
        dataclasses.replace(view, position=[0.0, 1.0, 2.0])  # type: ignore[arg-type]


@pytest.mark.parametrize("rotation", [np.zeros((3, 3)), np.diag([1.0, 1, -1]), 1.1 * np.eye(3)])
def test_what_is_no_rotation_is_refused(rotation: NDArray[np.float64]) -> None:
    with pytest.raises(UserError, match="rotation is no rotation"):
        dataclasses.replace(furnished_room(size=(8, 8)), rotation=rotation.astype(np.float32))


@pytest.mark.parametrize("lower", [(math.nan, 0.0, 0.0), (3.0, 0.0, 0.0), (-math.inf, 0.0, 0.0)])
def test_what_is_no_box_is_refused(lower: tuple[float, float, float]) -> None:
    with pytest.raises(UserError, match="room 'attic' runs from"):
        RoomBox("attic", lower, (2.0, 2.0, 2.0))


def test_measurements_in_double_precision_have_the_same_labels() -> None:
    view = furnished_room(size=(32, 32))
    double = dataclasses.replace(view, depth_m=view.depth_m.astype(float), normal=view.normal.astype(float))
    for name, label in all_labels(double).items():
        same = all_labels(view)[name]
        assert label.values.dtype == same.values.dtype, name
        np.testing.assert_array_equal(label.values, same.values)


def height(view: View) -> Label:
    """Height above the world's origin."""
    return Label((view.points @ view.rotation.T + view.position)[..., 1], view.hit)


def test_a_user_adds_a_task_and_cannot_replace_one() -> None:
    view = furnished_room(size=(16, 16))
    ours = Labeller(CLASSES).extended([LabelFunction("height", height)])
    values = ours.labels(view)["height"].values
    floor = view.category == view.categories.index("floor")
    np.testing.assert_allclose(values[floor], 0, atol=1e-5)
    assert "height" not in LABELS
    with pytest.raises(UserError, match="'height' has a label function already"):
        ours.extended([LabelFunction("height", height)])
    with pytest.raises(UserError, match="'normal' has a label function already"):
        Labeller().extended([LabelFunction("normal", height)])


def test_labels_leave_the_measurements_as_they_were() -> None:
    view = furnished_room(size=(32, 32))
    before = [array.copy() for array in (view.rgb, view.depth_m, view.normal, view.instance, view.category)]
    all_labels(view)
    for was, array in zip(before, (view.rgb, view.depth_m, view.normal, view.instance, view.category), strict=True):
        np.testing.assert_array_equal(was, array)
