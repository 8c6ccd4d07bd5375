"""Both layouts give the same samples, and each sample is what the renderer and the label functions said."""

import json
from dataclasses import fields
from functools import cache
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perception import TASKS, UserError
from perception.labels import Label, Labeller, View, compute_label, relative_pose
from sim import Cameras, Sensor
from taxonomy.dataset import Dataset, open_dataset
from taxonomy.dataset.labelling import DERIVED, views_of
from taxonomy.dataset.manifest import split_buildings
from taxonomy.dataset.quantisation import PUBLISHED, STORED
from taxonomy.dataset.relative_poses import GROUPED
from taxonomy.dataset.rendering import building_seed
from taxonomy.dataset.views import GroupTable
from tests.taxonomy.dataset.box_world import BoxWorld
from tests.taxonomy.dataset.conftest import SPEC

BOTH = pytest.mark.parametrize("layout", ["store", "published"])


@cache
def rerendered(dataset: Dataset, building: int) -> tuple[list[int], list[View]]:
    """Indices of a building's views, and what the renderer says of each."""
    world = BoxWorld()
    house = world.building(building_seed(SPEC, building))
    indices = np.flatnonzero(dataset.index.building_of == building)
    table = dataset.index.views[indices]
    cameras = Cameras(table.position, table.rotation, table.hfov_deg, np.zeros(len(table), np.int32))
    seen = world.renderer(house).render(cameras, SPEC.size, SPEC.size, tuple(Sensor))
    return indices.tolist(), views_of(house, table, seen)


def largest_gap(found: Label, expected: Label) -> float:
    assert np.array_equal(found.valid, expected.valid)
    if not expected.valid.any():
        return 0.0
    gap = np.abs(found.values.astype(np.float64) - np.asarray(expected.values, np.float64))
    return float(gap[expected.valid].max())


@BOTH
@pytest.mark.parametrize("task", [name for name in TASKS if name not in GROUPED])
def test_labels_read_back_are_those_computed_within_the_formats_quantisation(
    layout: str, task: str, stored: Dataset, published: Dataset
) -> None:
    dataset = {"store": stored, "published": published}[layout]
    indices, views = rerendered(stored, 1)
    labeller = Labeller(BoxWorld().classes)
    how = {**STORED, **(PUBLISHED if layout == "published" else {})}.get(task)
    for index, view in zip(indices, views, strict=True):
        expected, found = labeller.label(task, view), dataset.sample(index, [task]).labels[task]
        if how is None or how.index:
            assert largest_gap(found, expected) == 0
        elif how.unit_length:
            assert largest_gap(found, expected) < 0.006
        elif how.dtype == "float16":
            assert largest_gap(found, expected) <= 2.0**-11 * np.nanmax(np.abs(expected.values), initial=1)
        else:
            assert largest_gap(found, expected) <= how.scale / 2 + 1e-6 if how.dtype != "float32" else 1e-6


@BOTH
def test_pictures_are_stored_without_loss(rendered: Path, layout: str, stored: Dataset) -> None:
    dataset = open_dataset(rendered / layout)
    indices, views = rerendered(stored, 2)
    assert np.array_equal(dataset.batch(indices, []).rgb, np.stack([view.rgb for view in views]))


def test_both_layouts_have_the_same_cameras_groups_and_splits(stored: Dataset, published: Dataset) -> None:
    assert stored.buildings == published.buildings
    assert stored.index.splits == published.index.splits
    for name, tolerance in (("position", 0), ("target", 0), ("rotation", 1e-6), ("hfov_deg", 1e-5), ("point", 0)):
        ours, theirs = getattr(stored.index.views, name), getattr(published.index.views, name)
        assert np.abs(ours - theirs).max() <= tolerance
    for field in fields(GroupTable):
        assert np.array_equal(getattr(stored.index.groups, field.name), getattr(published.index.groups, field.name))
    for task in GROUPED:
        assert np.allclose(stored.pairs(task).label.values, published.pairs(task).label.values, atol=1e-6)


def test_a_batch_is_its_samples_stacked(stored: Dataset) -> None:
    batch = stored.batch([5, 20, 5], ["normal", "rgb2depth", "room_layout", "jigsaw"])
    assert list(batch.labels) == ["normal", "depth_zbuffer", "room_layout", "jigsaw"]
    for row, index in enumerate([5, 20, 5]):
        sample = stored.sample(index, list(batch.labels))
        assert np.array_equal(batch.rgb[row], sample.rgb)
        for name, label in sample.labels.items():
            assert np.array_equal(batch.labels[name].values[row], label.values, equal_nan=True)
            assert np.array_equal(batch.labels[name].valid[row], label.valid)


def test_poses_are_those_of_the_label_function(stored: Dataset) -> None:
    _, views = rerendered(stored, 0)
    groups = stored.pairs("fixated_pose")
    here = [row for row, pair in enumerate(groups.indices.tolist()) if max(pair) < len(views)]
    assert len(here) > 3
    for row in here:
        first, second = groups.indices[row]
        assert groups.label.values[row] == pytest.approx(relative_pose(views[first], views[second]), abs=1e-5)


@pytest.mark.parametrize(("task", "orders"), [("fixated_pose", 2), ("egomotion", 6)])
def test_groups_in_every_order_have_the_labels_of_that_order(stored: Dataset, task: str, orders: int) -> None:
    _, views = rerendered(stored, 0)
    plain, groups = stored.pairs(task), stored.pairs(task, every_order=True)
    assert len(groups) == orders * len(plain)
    wanted = {order for row in plain.indices.tolist() for order in permutations(row)}
    assert {tuple(row) for row in groups.indices.tolist()} == wanted
    here = [row for row, members in enumerate(groups.indices) if members.max() < len(views)]
    assert len(here) > orders
    for row in here[:: max(1, len(here) // 40)]:
        label = compute_label(task, *(views[member] for member in groups.indices[row]))
        np.testing.assert_allclose(groups.label.values[row].astype(float), label.values.astype(float), atol=1e-5)


def test_pairs_match_or_not_in_either_order(stored: Dataset) -> None:
    plain, groups = (stored.pairs("point_matching", every_order=every) for every in (False, True))
    labels = dict(zip(map(tuple, plain.indices.tolist()), plain.label.values.tolist(), strict=True))
    for row, label in zip(groups.indices.tolist(), groups.label.values.tolist(), strict=True):
        first, second = row
        assert label == labels.get((first, second), labels.get((second, first)))
    assert len(groups) == 2 * len(plain)


def test_the_order_of_views_that_do_not_fixate_one_point_stays(stored: Dataset) -> None:
    plain, groups = (stored.pairs("nonfixated_pose", every_order=every) for every in (False, True))
    np.testing.assert_array_equal(plain.indices, groups.indices)


def test_poses_of_a_triplet_close_the_circle(stored: Dataset) -> None:
    from scipy.spatial.transform import Rotation

    values = stored.pairs("egomotion").label.values
    assert len(values) > 3
    for row in values:
        turn, place = np.eye(3), np.zeros(3)
        for pose in row.reshape(3, 6).astype(np.float64):
            place = place + turn @ pose[:3]
            turn = turn @ Rotation.from_rotvec(pose[3:]).as_matrix()
        assert np.abs(turn - np.eye(3)).max() < 1e-5
        assert np.abs(place).max() < 1e-4


def test_splits_are_disjoint_by_building_and_cover_all(stored: Dataset) -> None:
    parts = {name: stored.split(name) for name in ("train", "val", "test")}
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(stored)))
    buildings = [set(stored.index.building_of[part].tolist()) for part in parts.values()]
    assert sum(len(some) for some in buildings) == len(set.union(*buildings)) == 3
    groups = stored.pairs("point_matching", "val")
    assert set(groups.indices.ravel().tolist()) <= set(parts["val"].tolist())


@pytest.mark.parametrize("count", [1, 2, 3, 4, 10, 101])
def test_buildings_divide_70_15_15(count: int) -> None:
    names = tuple(f"b{index:03d}" for index in range(count))
    splits = split_buildings(names)
    assert sorted(name for part in splits.values() for name in part) == sorted(names)
    assert all(splits[name] for name in ("train", "val", "test")) == (count >= 3)
    if count == 101:
        assert len(splits["val"]) == len(splits["test"]) == 15


def test_a_building_in_two_splits_is_refused(copy: Path) -> None:
    path = copy / "store" / "manifest.json"
    document = json.loads(path.read_text())
    document["splits"]["val"] += document["splits"]["train"]
    path.write_text(json.dumps(document))
    with pytest.raises(UserError, match="put it in one"):
        open_dataset(copy / "store")


def test_published_files_are_as_taskonomy_has_them(rendered: Path, stored: Dataset) -> None:
    folder = rendered / "published" / "house_0001"
    first = int(np.flatnonzero(stored.index.building_of == 1)[0])
    sample = stored.sample(first)
    depth = np.asarray(Image.open(folder / "depth_zbuffer/point_0_view_0_domain_depth_zbuffer.png"))
    assert depth.dtype == np.uint16
    assert np.abs(depth / 512 - np.asarray(sample.labels["depth_zbuffer"].values, np.float64)).max() < 1e-6
    normal = (np.asarray(Image.open(folder / "normal/point_0_view_0_domain_normal.png")).astype(int) - 127) / 127
    assert np.abs(normal - np.asarray(sample.labels["normal"].values, np.float64)).max() < 0.01
    curvature = np.asarray(Image.open(folder / "principal_curvature/point_0_view_0_domain_principal_curvature.png"))
    assert (curvature[..., :2][sample.labels["curvature"].valid] == 127).all()  # boxes are flat
    scores = np.load(folder / "class_scene/point_0_view_0_domain_class_scene.npy")
    assert scores.argmax() == sample.labels["class_scene"].values
    camera = json.loads((folder / "point_info/point_0_view_0_domain_point_info.json").read_text())
    x, y, z = stored.index.views.position[first].tolist()
    assert camera["camera_location"] == pytest.approx([x, -z, y])
    assert camera["field_of_view_rads"] == pytest.approx(np.radians(stored.index.views.hfov_deg[first]))


@BOTH
def test_bad_questions_are_answered_in_a_sentence(rendered: Path, layout: str) -> None:
    dataset = open_dataset(rendered / layout)
    with pytest.raises(UserError, match="did you mean 'normal'"):
        dataset.sample(0, ["normals"])
    with pytest.raises(UserError, match="labels come from `pairs`"):
        dataset.sample(0, ["egomotion"])
    with pytest.raises(UserError, match="looks at one view"):
        dataset.pairs("normal")
    with pytest.raises(UserError, match="it has 0 to 26"):
        dataset.batch([27])
    with pytest.raises(UserError, match="unknown split 'dev'"):
        dataset.split("dev")


def test_a_folder_of_another_project_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UserError, match="another project's data"):
        open_dataset(tmp_path)
    (tmp_path / "manifest.json").write_text('{"name": "web app"}')
    with pytest.raises(UserError, match="another program's"):
        open_dataset(tmp_path)
    with pytest.raises(UserError, match="is no folder"):
        open_dataset(tmp_path / "absent")


def test_a_truncated_store_file_is_named_when_it_is_read(copy: Path) -> None:
    path = copy / "store" / "house_0000" / "normal.npy"
    path.write_bytes(path.read_bytes()[:-100])
    dataset = open_dataset(copy)
    with pytest.raises(UserError, match=r"house_0000/normal\.npy.*data verify"):
        dataset.sample(0, ["normal"])
    assert dataset.sample(0, ["reshading"]).labels["reshading"].valid.any()


def test_a_view_left_out_takes_its_pairs_along_and_no_others(copy: Path, published: Dataset) -> None:
    path = copy / "published" / "house_0001" / "rgb" / "point_0_view_1_domain_rgb.png"
    path.write_bytes(path.read_bytes()[:50])
    dataset = open_dataset(copy / "published")
    lost = int(np.flatnonzero(published.index.building_of == 1)[1])
    assert len(dataset) == len(published) - 1
    for task in GROUPED:
        before, after = published.pairs(task), dataset.pairs(task)
        kept = (before.indices != lost).all(axis=1)
        assert not kept.all() or task == "nonfixated_pose"
        assert np.array_equal(after.label.values, before.label.values[kept])
        assert np.array_equal(after.indices, before.indices[kept] - (before.indices[kept] > lost))


def test_a_store_travels_to_another_process(stored: Dataset) -> None:
    import pickle

    stored.sample(0, ["normal"])
    again = pickle.loads(pickle.dumps(stored))
    assert np.array_equal(again.sample(3, ["normal"]).rgb, stored.sample(3, ["normal"]).rgb)


def test_derived_tasks_are_not_stored(rendered: Path) -> None:
    names = {path.stem for path in (rendered / "store" / "house_0000").iterdir()}
    assert not names & set(DERIVED)


def test_few_file_descriptors_read_the_same_as_many(
    rendered: Path, stored: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = stored.batch(range(len(stored)))
    monkeypatch.setattr("resource.getrlimit", lambda which: (64, 64))
    few = open_dataset(rendered / "store")
    before = len(list(Path("/proc/self/fd").iterdir()))
    again = few.batch(range(len(few)))
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= 16
    assert np.array_equal(again.rgb, everything.rgb)
    for name, label in everything.labels.items():
        assert np.array_equal(again.labels[name].values, label.values, equal_nan=label.values.dtype.kind == "f")


def test_damage_beyond_the_open_files_is_told(store_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda which: (64, 64))
    dataset = open_dataset(store_copy)
    dataset.batch([0])  # takes all the maps there may be
    path = store_copy / "house_0002" / "vanishing_point.npy"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match="lists all that is damaged"):
        dataset.batch([len(dataset) - 1], ["vanishing_point"])
    path.unlink()
    with pytest.raises(UserError, match="lists all that is damaged"):
        dataset.batch([len(dataset) - 1], ["vanishing_point"])


def test_a_view_without_its_camera_is_left_out_of_our_published_layout(copy: Path) -> None:
    (copy / "published/house_0001/point_info/point_0_view_0_domain_point_info.json").unlink()
    path = copy / "published/house_0001/point_info/point_0_view_1_domain_point_info.json"
    path.write_text("{}")
    dataset = open_dataset(copy / "published")
    assert len(dataset) == 25
    assert len(dataset.skipped) == 2
    assert "house_0001/point_info/point_0_view_0" in dataset.skipped[0].path


@pytest.mark.parametrize("other", ["segment_unsup2d", "camera_room", "group_fixated_pairs"])
def test_a_table_that_holds_another_ones_values_is_told(store_copy: Path, other: str) -> None:
    house = store_copy / "house_0001"
    (house / "group_fixated_triplets.npy").write_bytes((house / f"{other}.npy").read_bytes())
    with pytest.raises(UserError, match=r"group_fixated_triplets\.npy holds"):
        open_dataset(store_copy)
