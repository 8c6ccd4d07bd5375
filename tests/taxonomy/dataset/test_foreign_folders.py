"""Folders that others wrote: Taskonomy's and Omnidata's, with everything that is wrong with such folders."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from perception import UserError
from perception.labels import vanishing_directions
from taxonomy.dataset import Dataset, open_dataset
from taxonomy.dataset.verification import verify_dataset

SIZE = 8
VIEWS = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]


def picture(name: str, rng: np.random.Generator) -> NDArray[np.generic]:
    """What the published folders have: 16 bits of depth and responses, 8 bits of all else."""
    if name in ("depth_zbuffer", "depth_euclidean"):
        depth = rng.integers(512, 5120, (SIZE, SIZE)).astype(np.uint16)
        depth[0, :4] = 65535
        return depth
    if name in ("edge_texture", "edge_occlusion", "keypoints2d", "keypoints3d"):
        return rng.integers(0, 65536, (SIZE, SIZE)).astype(np.uint16)
    if name in ("segment_unsup2d", "segment_semantic"):
        return rng.integers(0, 18, (SIZE, SIZE)).astype(np.uint8)
    return rng.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)


def write_view(folder: Path, building: str, point: int, view: int, names: list[str], order: str, seed: int) -> None:
    rng = np.random.default_rng([seed, point, view])

    def path(domain: str, label: str, suffix: str) -> Path:
        place = folder / order.format(building=building, domain=domain)
        place.mkdir(parents=True, exist_ok=True)
        return place / f"point_{point}_view_{view}_domain_{label}.{suffix}"

    for name in names:
        Image.fromarray(picture(name, rng)).save(path(name, name, "png"))
    np.save(path("class_object", "class_object", "npy"), rng.random(1000).astype(np.float32))
    camera = {
        "camera_location": [1.0 + view, 2.0, 1.5],
        "camera_rotation_final_quaternion": [0.5**0.5, 0.5**0.5, 0, 0],
        "field_of_view_rads": 1.0,
        "resolution": 512,
        "point_location": [1.0, 5.0, 1.5],
    }
    path("point_info", "fixatedpose", "json").write_text(json.dumps(camera))


PICTURES = ["rgb", "depth_zbuffer", "normal", "principal_curvature", "reshading", "edge_texture", "segment_semantic"]
ORDERS = {
    "building first": "{building}/{domain}",
    "domain first": "{domain}/{building}",
    "Omnidata": "{domain}/taskonomy/{building}",
}


def make(folder: Path, order: str = "{building}/{domain}", buildings: tuple[str, ...] = ("allen", "cauthron")) -> Path:
    for seed, building in enumerate(buildings):
        for point, view in VIEWS:
            write_view(folder, building, point, view, PICTURES, order, seed)
    return folder


@pytest.mark.parametrize("order", list(ORDERS.values()), ids=list(ORDERS))
def test_any_order_of_folders_is_read(tmp_path: Path, order: str) -> None:
    dataset = open_dataset(make(tmp_path, order))
    assert len(dataset) == 10
    assert [name.split("/")[-1] for name in dataset.buildings] == ["allen", "cauthron"]
    expected = {"depth_zbuffer", "normal", "curvature", "reshading", "edge_texture", "segment_semantic", "class_object"}
    assert set(dataset.tasks) >= expected
    assert dataset.skipped == ()


def test_a_single_building_without_a_folder_of_its_own_is_read(tmp_path: Path) -> None:
    dataset = open_dataset(make(tmp_path / "sample", "{domain}", ("only",)))
    assert (len(dataset), dataset.buildings) == (5, ("sample",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path / "data")


def test_depth_of_65535_is_missing_in_depth_and_in_what_follows_from_geometry(folder: Path) -> None:
    labels = (
        open_dataset(folder).sample(0, ["depth_zbuffer", "normal", "curvature", "reshading", "edge_texture"]).labels
    )
    expected = np.ones((SIZE, SIZE), bool)
    expected[0, :4] = False
    for name in ("depth_zbuffer", "normal", "curvature", "reshading"):
        assert np.array_equal(labels[name].valid, expected)
        assert np.isnan(labels[name].values[~expected].astype(float)).all()
    assert labels["edge_texture"].valid.all()
    depth = np.asarray(Image.open(folder / "allen/depth_zbuffer/point_0_view_0_domain_depth_zbuffer.png"))
    assert np.allclose(labels["depth_zbuffer"].values[expected], depth[expected] / 512)


def test_normals_and_curvature_are_centred_on_127(folder: Path) -> None:
    path = folder / "allen/normal/point_0_view_0_domain_normal.png"
    Image.fromarray(np.full((SIZE, SIZE, 3), (127, 127, 254), np.uint8)).save(path)
    path = folder / "allen/principal_curvature/point_0_view_0_domain_principal_curvature.png"
    Image.fromarray(np.full((SIZE, SIZE, 3), (127, 254, 9), np.uint8)).save(path)
    labels = open_dataset(folder).sample(0, ["normal", "curvature"]).labels
    assert labels["normal"].values[-1, -1].tolist() == [0, 0, 1]
    assert labels["curvature"].values[-1, -1].tolist() == [0, 1]


def test_class_vectors_give_the_most_likely_class(folder: Path) -> None:
    scores = np.load(folder / "cauthron/class_object/point_1_view_0_domain_class_object.npy")
    dataset = open_dataset(folder)
    assert dataset.sample(8, ["class_1000"]).labels["class_object"].values == scores.argmax()


def kept(dataset: Dataset) -> set[tuple[str, int, int]]:
    samples = [dataset.sample(index, []) for index in range(len(dataset))]
    return {(sample.building, sample.point, sample.view) for sample in samples}


def test_a_truncated_picture_leaves_its_view_out_for_every_task(folder: Path) -> None:
    path = folder / "allen/normal/point_0_view_1_domain_normal.png"
    path.write_bytes(path.read_bytes()[:-20])
    dataset = open_dataset(folder)
    assert len(dataset) == 9
    assert ("allen", 0, 1) not in kept(dataset)
    assert [(skip.path, skip.reason.split(";")[0]) for skip in dataset.skipped] == [
        ("allen/normal/point_0_view_1_domain_normal.png", "truncated")
    ]
    assert len(dataset.batch(range(9)).labels["depth_zbuffer"].values) == 9
    assert found(folder) == {"allen/normal/point_0_view_1_domain_normal.png": "truncated"}


def found(folder: Path) -> dict[str, str]:
    return {problem.path: problem.reason for problem in verify_dataset(folder).problems}


def test_a_missing_file_leaves_its_view_out_for_every_task(folder: Path) -> None:
    (folder / "cauthron/reshading/point_1_view_1_domain_reshading.png").unlink()
    dataset = open_dataset(folder)
    assert kept(dataset) == {(b, p, v) for b in ("allen", "cauthron") for p, v in VIEWS} - {("cauthron", 1, 1)}
    assert "missing" in dataset.skipped[0].reason
    assert found(folder) == {"cauthron, point 1, view 1": "reshading is missing"}


def test_a_domain_that_a_building_lacks_is_left_out_unless_asked_for(folder: Path) -> None:
    shutil.rmtree(folder / "cauthron/normal")
    dataset = open_dataset(folder)
    assert (len(dataset), "normal" in dataset.tasks) == (10, False)
    assert "1 of 2 buildings" in dataset.skipped[0].reason
    assert found(folder) == {"cauthron": "has no normal at all"}
    wanted = open_dataset(folder, tasks=["normal", "depth_zbuffer"])
    assert (len(wanted), set(wanted.buildings)) == (5, {"allen"})
    with pytest.raises(UserError, match="no folder holds labels of 'egomotion'"):
        open_dataset(folder, tasks=["egomotion"])


def test_a_domain_that_nobody_has_is_no_task(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert "keypoints3d" not in dataset.tasks
    with pytest.raises(UserError, match="keypoints3d"):
        dataset.sample(0, ["keypoints3d"])


def test_cameras_are_turned_from_z_up_to_y_up(folder: Path) -> None:
    views = open_dataset(folder).index.views
    assert views.position[1].tolist() == [2, 1.5, -2]
    forward = -views.rotation[0][:, 2]
    assert forward == pytest.approx([0, 0, -1], abs=1e-6)  # +Y there, which is -Z here
    assert views.hfov_deg[0] == pytest.approx(np.degrees(1.0))


def test_cameras_without_quaternions_are_turned_by_their_angles(folder: Path) -> None:
    """The sample building's files have angles alone; these are one of its cameras, which looks at its point."""
    place, point = np.array([6.898015, -5.431954, 1.505657]), np.array([-2.781230, -8.742630, 1.004150])
    camera = {
        "camera_location": place.tolist(),
        "camera_rotation_final": [1.5218113660812378, 0.00010736288095358759, -4.382829666137695],
        "point_location": point.tolist(),
        "field_of_view_rads": 1.2366,
    }
    for path in folder.glob("*/point_info/*.json"):
        path.write_text(json.dumps(camera))
    views = open_dataset(folder).index.views
    towards = views.target[0] - views.position[0]
    assert -views.rotation[0][:, 2] == pytest.approx(towards / np.linalg.norm(towards), abs=2e-3)
    assert views.rotation[0][1, 0] == pytest.approx(0, abs=2e-3)  # no roll
    assert np.linalg.det(views.rotation[0]) == pytest.approx(1)


def edit_camera(folder: Path, name: str, **entries: object) -> None:
    path = folder / "allen/point_info" / f"{name}_domain_fixatedpose.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def test_nonfixated_pairs_are_those_that_the_cameras_files_list(folder: Path) -> None:
    assert len(open_dataset(folder).pairs("nonfixated_pose")) == 0
    edit_camera(folder, "point_0_view_1", nonfixated_points_in_view=[1, 0, 77, "x"])
    dataset = open_dataset(folder)
    pairs = dataset.pairs("nonfixated_pose")
    assert pairs.indices.tolist() == [[3, 1]]  # the first view of point 1, then the view that sees it
    matching = dataset.pairs("point_matching")
    assert matching.label.values.tolist() == [1] * 8 + [0]


def test_vanishing_points_are_read_from_the_cameras_files(folder: Path) -> None:
    named = {"x": [-0.32362, -0.04637, 0.94505], "y": [0.94619, -0.01575, 0.32324], "z": [-0.00011, 0.9988, 0.04897]}
    assert "vanishing_point" not in open_dataset(folder).tasks
    for path in folder.glob("*/point_info/*.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "vanishing_points_gaussian_sphere": named}))
    label = open_dataset(folder).sample(0, ["vanishing_point"]).labels["vanishing_point"]
    right, up, forward = vanishing_directions(label.values)
    assert label.valid
    assert right == pytest.approx(named["y"], abs=1e-3)
    assert up == pytest.approx(named["z"], abs=1e-3)
    assert forward == pytest.approx(np.negative(named["x"]) * np.sign(named["x"][2]), abs=1e-3)


def test_palettes_of_class_pictures_are_indices_and_of_photographs_colours(folder: Path) -> None:
    path = folder / "allen/segment_semantic/point_0_view_0_domain_segment_semantic.png"
    classes = np.arange(SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE) % 18
    picture = Image.fromarray(classes)
    picture.putpalette([200 - level // 2 for level in range(256) for _ in range(3)])
    picture.save(path)
    colours = folder / "allen/rgb/point_0_view_0_domain_rgb.png"
    picture.save(colours)
    sample = open_dataset(folder).sample(0, ["segment_semantic"])
    label = sample.labels["segment_semantic"]
    assert np.array_equal(label.values, np.where(classes == 0, -1, classes.astype(int)))
    assert sample.rgb[0, 5].tolist() == [198, 198, 198]
    assert found(folder) == {}


def test_a_grey_photograph_is_read_as_colours(folder: Path) -> None:
    grey = np.arange(SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE)
    Image.fromarray(grey).save(folder / "allen/rgb/point_0_view_0_domain_rgb.png")
    rgb = open_dataset(folder).batch([0, 1], []).rgb
    assert np.array_equal(rgb[0], np.repeat(grey[..., None], 3, axis=-1))


def test_pairs_follow_from_points(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert len(dataset.pairs("fixated_pose")) == 2 * (3 + 1)
    assert len(dataset.pairs("egomotion")) == 2
    pose = dataset.pairs("fixated_pose").label.values[0]
    assert pose == pytest.approx([1, 0, 0, 0, 0, 0], abs=1e-5)


def test_without_cameras_there_are_images_but_no_poses(folder: Path) -> None:
    shutil.rmtree(folder / "allen/point_info")
    dataset = open_dataset(folder)
    assert len(dataset) == 10
    with pytest.raises(UserError, match="does not tell where its cameras stand"):
        dataset.pairs("fixated_pose")
    assert len(dataset.pairs("point_matching")) == 8


def test_nonsense_in_a_cameras_file_is_an_unknown_pose(folder: Path) -> None:
    path = folder / "allen/point_info/point_0_view_0_domain_fixatedpose.json"
    path.write_text(
        '{"camera_location": "here", "camera_rotation_final_quaternion": [1, "x"], "field_of_view_rads": []}'
    )
    dataset = open_dataset(folder)
    assert np.isnan(dataset.index.views.position[0]).all()
    assert np.isfinite(dataset.index.views.position[1:]).all()
    path.write_text("[1, 2")
    assert len(open_dataset(folder)) == 9


def test_splits_are_read_from_taskonomys_table(folder: Path) -> None:
    (folder / "splits.csv").write_text("id,train,val,test\nallen,0,0,1\ncauthron,1,0,0\nunknown,0,1,0\n")
    dataset = open_dataset(folder)
    assert (len(dataset.split("train")), len(dataset.split("val")), len(dataset.split("test"))) == (5, 0, 5)
    (folder / "splits.csv").write_text("id,train,val,test\nallen,0,0,1\n")
    with pytest.raises(UserError, match="'cauthron' in no split"):
        open_dataset(folder)


def test_a_folder_where_no_view_is_whole_says_why(folder: Path) -> None:
    for path in folder.glob("*/depth_zbuffer/*.png"):
        path.write_bytes(b"")
    with pytest.raises(UserError, match=r"no view with a whole file.*empty"):
        open_dataset(folder)


def test_a_picture_of_another_size_than_its_view_leaves_the_view_out(folder: Path) -> None:
    path = folder / "allen/normal/point_0_view_0_domain_normal.png"
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(path)
    dataset = open_dataset(folder)
    assert ("allen", 0, 0) not in kept(dataset)
    assert dataset.skipped[0].reason.startswith("6 x 4 pixels, its rgb has 8 x 8")
    assert found(folder) == {path.relative_to(folder).as_posix(): "has 6 x 4 pixels, its rgb has 8 x 8"}


def test_images_of_two_sizes_do_not_stack(folder: Path) -> None:
    for path in folder.glob("allen/*/point_0_view_0_domain_*.png"):
        with Image.open(path) as picture:
            picture.crop((0, 0, 4, 4)).save(path)
    dataset = open_dataset(folder)
    assert dataset.sample(0, []).rgb.shape == (4, 4, 3)
    with pytest.raises(UserError, match="different sizes"):
        dataset.batch([0, 1], [])


def test_verification_finds_wrong_kinds_of_files(folder: Path) -> None:
    depth = folder / "allen/depth_zbuffer/point_0_view_0_domain_depth_zbuffer.png"
    Image.fromarray(np.zeros((SIZE, SIZE), np.uint8)).save(depth)
    blind = folder / "allen/depth_zbuffer/point_0_view_1_domain_depth_zbuffer.png"
    Image.fromarray(np.full((SIZE, SIZE), 65535, np.uint16)).save(blind)
    scores = folder / "allen/class_object/point_0_view_0_domain_class_object.npy"
    np.save(scores, np.full(1000, np.nan, np.float32))
    problems = found(folder)
    assert problems.pop(depth.relative_to(folder).as_posix()) == "has 8 bits; depth has 16, in 1/512 m."
    assert problems.pop(blind.relative_to(folder).as_posix()) == "every pixel is marked as missing"
    assert "not finite" in problems.pop(scores.relative_to(folder).as_posix())
    assert problems == {}
