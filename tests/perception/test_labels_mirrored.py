"""Labels of a scene seen in a mirror: what `OutputSpec.mirror_signs` and `Objective.mirrored` say, measured."""

import dataclasses

import numpy as np
import pytest

from perception import TASKS, UserError
from perception.labels import Label, RoomBox, View, compute_label
from perception.objectives import objective_for
from perception.objectives.objective import Targets
from perception.objectives.regression import ImageObjective
from perception.tasks import OutputKind, OutputSpec
from tests.perception.analytic_views import furnished_room, looking_at, turned

MIRROR = np.diag([-1.0, 1.0, 1.0])
ACROSS = ("room_layout", "vanishing_point", "normal", "depth_zbuffer", "depth_euclidean", "curvature", "reshading")
PICTURES = ("autoencoding", "colorization", "edge_texture", "keypoints2d", "edge_occlusion", "keypoints3d")
CLASSES = {"class_object": 9, "class_selected": 5, "class_scene": 14, "segment_semantic": 7}


def mirrored(view: View) -> View:
    """What a camera sees in the world whose x runs the other way; a picture of it has its columns exchanged."""
    room = view.room
    if room is not None:
        room = RoomBox(room.kind, (-room.upper[0], *room.lower[1:]), (-room.lower[0], *room.upper[1:]))
    return dataclasses.replace(
        view,
        rgb=view.rgb[:, ::-1].copy(),
        depth_m=view.depth_m[:, ::-1].copy(),
        instance=view.instance[:, ::-1].copy(),
        category=view.category[:, ::-1].copy(),
        normal=np.ascontiguousarray(view.normal[:, ::-1] @ MIRROR.astype(np.float32)),
        position=(MIRROR @ view.position).astype(np.float32),
        rotation=(MIRROR @ view.rotation @ MIRROR).astype(np.float32),
        room=room,
    )


def view_of(yaw: float = 25.0, pitch: float = -12.0, roll: float = 4.0) -> View:
    view = furnished_room(position=(0.4, 1.5, 0.7), rotation=turned(yaw, pitch, roll), size=(128, 128))
    return dataclasses.replace(view, room=RoomBox("office", (-2.0, 0.0, -3.0), (2.5, 2.6, 2.0)))


def signs_of(task: str) -> tuple[int, ...]:
    output = TASKS[task].output
    assert output is not None
    assert output.mirror_signs is not None
    return output.mirror_signs


def test_every_task_of_the_dictionary_says_what_a_mirror_does() -> None:
    for name, task in TASKS.items():
        assert task.output is not None
        assert len(signs_of(name)) in {0, task.output.channels}, name


@pytest.mark.parametrize("task", ACROSS + PICTURES)
def test_targets_of_the_mirrored_scene_are_the_mirrored_targets(task: str) -> None:
    view = view_of()
    labels = [compute_label(task, v) for v in (view, mirrored(view))]
    labels = [Label(np.asarray(label.values)[None], np.asarray(label.valid)[None]) for label in labels]
    objective = objective_for(TASKS[task]).fitted([labels[0], batch_of_others(task)])
    here, there = (objective.targets(label) for label in labels)
    found = objective.mirrored(here, signs_of(task))
    assert found.dtype == there.dtype
    if here.dtype.kind == "f":
        agree = np.isclose(found.astype(float), there.astype(float), atol=0.02, equal_nan=True)
    else:
        agree = found == there
    assert agree.mean() > 0.97  # cells at the rim of what is valid may differ, and colours are sampled off-centre
    assert not np.array_equal(here, there, equal_nan=here.dtype.kind == "f")


def batch_of_others(task: str) -> Label:
    """Another view's label, so that a channel has a mean that is not 0 and a spread."""
    label = compute_label(task, view_of(-8, 20, -3))
    return Label(np.asarray(label.values)[None], np.asarray(label.valid)[None])


@pytest.mark.parametrize("task", ["fixated_pose", "nonfixated_pose", "egomotion"])
def test_poses_in_a_mirror(task: str) -> None:
    target = np.array([0.0, 1.6, -2.98])
    places = [(-1.0, 1.2, 1.0), (0.8, 1.7, 0.4), (1.2, 1.0, 1.4)][: TASKS[task].input.views]
    views = [furnished_room(place, looking_at(place, target)) for place in places]
    here, there = (compute_label(task, *seen).values[None] for seen in (views, [mirrored(view) for view in views]))
    objective = objective_for(TASKS[task]).fitted(
        [Label(np.concatenate([here, 2 * here + 1]).astype(np.float32), np.ones(2, bool))]
    )
    targets = objective.targets(Label(here, np.ones(1, bool)))
    wanted = objective.targets(Label(there, np.ones(1, bool)))
    np.testing.assert_allclose(
        objective.mirrored(targets, signs_of(task)).astype(float), wanted.astype(float), atol=1e-4
    )


@pytest.mark.parametrize("task", [name for name, task in TASKS.items() if task.output is not None])
def test_a_mirror_before_a_mirror_changes_nothing(task: str) -> None:
    rng = np.random.default_rng(0)
    output = TASKS[task].output
    assert output is not None
    channels = output.channels or CLASSES[task]
    objective = objective_for(TASKS[task], channels)
    targets: Targets
    if output.kind is OutputKind.EMBEDDING:
        targets = rng.integers(-1, 32 * 32, (4, 3, 128)).astype(np.int16)
    elif output.kind in (OutputKind.CLASSES, OutputKind.PIXEL_CLASSES):
        targets = rng.integers(-1, channels, (4, *objective.output_shape[1:])).astype(np.int16)
    else:
        values = rng.normal(1, 2, (4, *objective.output_shape)).astype(np.float32)
        objective = objective.with_scaling(type(objective.scaling).of(values))
        targets = objective.scaling.apply(values)
    twice = objective.mirrored(objective.mirrored(targets, signs_of(task)), signs_of(task))
    np.testing.assert_allclose(twice.astype(float), targets.astype(float), atol=1e-5)


def test_triplets_name_the_same_points_in_the_mirrored_picture() -> None:
    objective = objective_for(TASKS["segment_unsup2d"])
    picture = np.random.default_rng(1).permutation(32 * 32).reshape(32, 32)
    targets = np.random.default_rng(2).integers(0, 32 * 32, (1, 3, 128)).astype(np.int16)
    found = objective.mirrored(targets, ())
    np.testing.assert_array_equal(picture[:, ::-1].reshape(-1)[found], picture.reshape(-1)[targets])
    nothing = np.full((1, 3, 128), -1, np.int16)
    np.testing.assert_array_equal(objective.mirrored(nothing, ()), nothing)


def test_a_sign_that_a_compression_loses_is_refused() -> None:
    objective = ImageObjective("flow", 2, 64, compression="log")
    with pytest.raises(UserError, match="flow: mirrored labels change their sign, which 'log' does not keep"):
        objective.mirrored(np.zeros((1, 2, 64, 64), np.float16), (-1, 1))


@pytest.mark.parametrize("signs", [(1, 1), (-1,), (0, 1, 1)])
def test_signs_that_do_not_fit_the_channels_are_refused(signs: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"mirror_signs are .* for 3 channels; expected 1 or -1 for each channel"):
        OutputSpec(OutputKind.IMAGE, 3, -1, 1, "m", mirror_signs=signs)
