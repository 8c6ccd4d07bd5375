"""Verification: silent on what is sound, and exact about every kind of damage."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perception import UserError
from taxonomy.dataset.verification import building_count, verify_dataset

HOUSE = "house_0001"
Damage = Callable[[Path], object]


def found(folder: Path) -> dict[str, str]:
    return {problem.path: problem.reason for problem in verify_dataset(folder).problems}


def test_a_clean_dataset_has_no_problems(rendered: Path) -> None:
    for folder in (rendered, rendered / "store", rendered / "published"):
        told: list[str] = []
        result = verify_dataset(folder, told.append)
        assert result.problems == ()
        assert len(told) == building_count(folder)
    files = [path for path in rendered.rglob("*") if path.is_file() and path.name != "index.json"]
    assert verify_dataset(rendered).files == len(files)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def rewrite(change: Callable[[np.ndarray], np.ndarray]) -> Damage:
    def damage(path: Path) -> None:
        np.save(path, change(np.load(path)))

    return damage


def with_value(value: float, row: int = 0) -> Damage:
    def change(array: np.ndarray) -> np.ndarray:
        array.reshape(-1)[row] = value
        return array

    return rewrite(change)


STORE_DAMAGE: list[tuple[str, Damage, str]] = [
    ("rgb.npy", Path.unlink, "missing"),
    ("rgb.npy", cut, "truncated: "),
    ("normal.npy", cut, "truncated: "),
    ("depth_zbuffer.npy", rewrite(lambda a: a.astype(np.float64)), "holds float64, expected uint16"),
    ("reshading.npy", rewrite(lambda a: a[:, :-1].repeat(2, axis=1)), "has shape"),
    ("edge_texture.npy", with_value(3), "differs from its hash"),
    ("curvature.npy", with_value(np.inf), "holds infinite values"),
    ("class_scene.npy", with_value(77), "holds 77, outside the range 0 to 1"),
    ("segment_semantic.npy", with_value(200), "holds 200, outside the range"),
    ("camera_position.npy", with_value(np.nan), "not finite"),
    ("camera_rotation.npy", rewrite(lambda a: a[:2]), "truncated"),
    ("group_fixated_pairs.npy", with_value(900), "expected 0 to 8"),
    ("group_matching.npy", with_value(2), "expected 0 to 1"),
    ("normal.npy", lambda path: path.write_bytes(b"x" * path.stat().st_size), "is no .npy file"),
]


@pytest.mark.parametrize(("name", "damage", "reason"), STORE_DAMAGE)
def test_damage_to_the_store_is_found_and_nothing_else(
    store_copy: Path, name: str, damage: Damage, reason: str
) -> None:
    damage(store_copy / HOUSE / name)
    problems = found(store_copy)
    assert list(problems) == [f"{HOUSE}/{name}"]
    assert reason in problems[f"{HOUSE}/{name}"]


def save_as(array: "np.typing.ArrayLike", dtype: str) -> Damage:
    return lambda path: Image.fromarray(np.asarray(array, dtype)).save(path)


PUBLISHED_DAMAGE: list[tuple[str, Damage, str]] = [
    ("normal/point_0_view_1_domain_normal.png", Path.unlink, "missing"),
    ("rgb/point_1_view_0_domain_rgb.png", cut, "truncated"),
    ("depth_zbuffer/point_0_view_0_domain_depth_zbuffer.png", save_as(np.ones((24, 24)), "uint8"), ""),
    ("rgb/point_0_view_0_domain_rgb.png", save_as(np.zeros((99, 99, 3)), "uint8"), ""),
    ("class_object/point_0_view_0_domain_class_object.npy", with_value(np.nan), "not finite"),
    ("point_info/point_0_view_0_domain_point_info.json", lambda p: p.write_text("{" + " " * 900), "no JSON"),
    (
        "point_info/point_0_view_0_domain_point_info.json",
        lambda p: p.write_text("{}" + " " * 900) and None,
        "camera_lo",
    ),
    ("groups.json", lambda p: p.write_text('{"matching": [[[' + " " * 9000), "no JSON"),
    ("groups.json", lambda p: p.write_text('{"fixated_pairs": [[1], "x"]}' + " " * 9000), "malformed"),
    ("groups.json", lambda p: p.write_text(p.read_text().replace("[0, 1]", "[0, 99]", 1)), "expected 0 to 8"),
]


@pytest.mark.parametrize(("name", "damage", "reason"), PUBLISHED_DAMAGE)
def test_damage_to_published_files_is_found(copy: Path, name: str, damage: Damage, reason: str) -> None:
    damage(copy / "published" / HOUSE / name)
    problems = found(copy / "published")
    assert list(problems) == [f"{HOUSE}/{name}"]
    assert reason in problems[f"{HOUSE}/{name}"]


def test_a_picture_in_the_wrong_folder_is_found(copy: Path) -> None:
    folder = copy / "published" / HOUSE
    name = "point_0_view_0_domain_reshading.png"
    (folder / "reshading" / name).rename(folder / "edge_texture" / name)
    problems = found(copy / "published")
    assert problems[f"{HOUSE}/reshading/{name}"] == "missing"
    assert problems[f"{HOUSE}/edge_texture/{name}"] == "not listed in the index"


def test_extra_files_and_what_a_killed_run_left_are_found(copy: Path) -> None:
    (copy / "store" / HOUSE / "notes.txt").write_text("x")
    (copy / "store" / "house_0009").mkdir()
    (copy / "store" / ".partial-house_0002-77").mkdir()
    (copy / "other").mkdir()
    problems = found(copy)
    assert problems.pop(f"store/{HOUSE}/notes.txt") == "not listed in the index"
    assert "killed" in problems.pop("store/.partial-house_0002-77")
    assert problems == {"store/house_0009": "does not belong to the dataset", "other": "belongs to no layout"}


def test_a_missing_building_is_found(store_copy: Path) -> None:
    for path in sorted((store_copy / HOUSE).iterdir()):
        path.unlink()
    assert found(store_copy) == {f"{HOUSE}/index.json": "missing"}
    (store_copy / HOUSE).rmdir()
    assert found(store_copy) == {f"{HOUSE}": "missing"}


def edit_manifest(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    document = json.loads((folder / "manifest.json").read_text())
    change(document)
    document.pop("sha256")
    document["sha256"] = hashlib.sha256(json.dumps(document).encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(document))


def test_a_manifest_that_was_changed_by_hand_is_found(store_copy: Path) -> None:
    path = store_copy / "manifest.json"
    path.write_text(path.read_text().replace('"sofa"', '"seal"'))
    assert found(store_copy) == {"manifest.json": "was changed after it was written"}


@pytest.mark.parametrize(
    "change",
    [
        {"spec": "large"},
        {"splits": ["train"]},
        {"quantisation": {"rgb": 3}},
        {"spec": {"buildings": "three", "views": 9, "size": 24, "seed": 5, "world": "boxes", "labels": []}},
    ],
)
def test_nonsense_in_a_manifest_is_told_in_a_sentence(store_copy: Path, change: dict[str, object]) -> None:
    edit_manifest(store_copy, lambda document: document.update(change))
    with pytest.raises(UserError, match="damaged"):
        verify_dataset(store_copy)


def test_a_building_in_the_wrong_split_is_found(store_copy: Path) -> None:
    def swap(document: dict[str, object]) -> None:
        splits = document["splits"]
        assert isinstance(splits, dict)
        splits["train"], splits["test"] = splits["test"], splits["train"]

    edit_manifest(store_copy, swap)
    problems = found(store_copy)
    assert len(problems) == 2
    assert all("says split" in reason for reason in problems.values())


def test_a_building_in_two_splits_is_found(store_copy: Path) -> None:
    def double(document: dict[str, object]) -> None:
        splits = document["splits"]
        assert isinstance(splits, dict)
        splits["train"] = [*splits["train"], *splits["test"]]

    edit_manifest(store_copy, double)
    assert "is in the splits" in found(store_copy)["manifest.json"]


def test_an_unfinished_dataset_is_found(store_copy: Path) -> None:
    edit_manifest(store_copy, lambda document: document.update(shards=None))
    assert found(store_copy) == {"manifest.json": "rendering has not finished"}


def test_an_index_that_was_changed_is_found(store_copy: Path) -> None:
    path = store_copy / HOUSE / "index.json"
    document = json.loads(path.read_text())
    document["files"].pop("rgb.npy")
    path.write_text(json.dumps(document))
    problems = found(store_copy)
    assert problems[f"{HOUSE}/index.json"] == "differs from its hash in the manifest"
    assert "not listed in the index" in problems[f"{HOUSE}/rgb.npy"]


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="another project's data"):
        verify_dataset(tmp_path)
    with pytest.raises(UserError, match="is no folder"):
        verify_dataset(tmp_path / "absent")
