"""Pictures of labels and predictions, and sheets of them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from perception import UserError
from perception.labels import LABELS, Labeller, layout_corners
from perception.pictures import Tile, caption, draw, feature_picture, sheet
from tests.perception.test_labels_pictures import picture_view

PHOTO = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
TRUE = np.array(True)


def everywhere(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    return np.ones(values.shape[:2], np.bool_)


def test_every_single_view_label_can_be_drawn() -> None:
    view = picture_view(PHOTO)
    for name, label in Labeller().labels(view, _drawable()).items():
        picture = draw(name, label.values, np.asarray(label.valid), view.rgb, view.hfov_deg)
        assert picture.shape == PHOTO.shape
        assert picture.dtype == np.uint8


def _drawable() -> list[str]:
    return [name for name, entry in LABELS.items() if entry.views == 1 and not entry.uses_classes]


def test_normals_are_drawn_as_red_right_green_up_blue_towards_the_camera() -> None:
    normals = np.zeros((2, 2, 3), np.float32)
    normals[0, 0], normals[0, 1], normals[1, 0], normals[1, 1] = (1, 0, 0), (0, 1, 0), (0, 0, 1), (np.nan, 0, 0)
    valid = ~np.isnan(normals).any(axis=-1)
    picture = draw("normal", normals, np.asarray(valid), PHOTO)
    np.testing.assert_array_equal(picture[0, 0], [255, 127, 127])
    np.testing.assert_array_equal(picture[0, 1], [127, 255, 127])
    np.testing.assert_array_equal(picture[1, 0], [127, 127, 255])
    np.testing.assert_array_equal(picture[1, 1], [96, 96, 96])


def test_predicted_photos_and_labelled_ones_look_the_same() -> None:
    label = draw("autoencoding", PHOTO, everywhere(PHOTO), PHOTO)
    np.testing.assert_array_equal(label, PHOTO)
    np.testing.assert_array_equal(draw("denoising", PHOTO / np.float32(255), everywhere(PHOTO), PHOTO), label)


def test_embeddings_are_drawn_so_that_segments_have_colours_of_their_own() -> None:
    segments = np.repeat(np.repeat(np.arange(4).reshape(2, 2), 8, axis=0), 8, axis=1)
    vectors = np.random.default_rng(1).normal(size=(4, 64))[segments]
    picture = draw("segment_unsup2d", vectors, everywhere(vectors), PHOTO)
    colours = [np.unique(picture[segments == k], axis=0) for k in range(4)]
    assert [len(own) for own in colours] == [1] * 4
    assert len(np.unique(np.concatenate(colours), axis=0)) == 4
    np.testing.assert_array_equal(picture, draw("segment_unsup2d", vectors, everywhere(vectors), PHOTO))
    alike = np.zeros((4, 4, 64), np.float32)
    assert draw("segment_unsup25d", alike, everywhere(alike), PHOTO).shape == (4, 4, 3)
    assert (draw("segment_unsup25d", alike, np.zeros((4, 4), np.bool_), PHOTO) == 96).all()


def test_depth_grows_brighter_with_distance_and_grey_where_unknown() -> None:
    depth = np.linspace(1, 5, 64, dtype=np.float32).reshape(8, 8)
    valid = np.ones((8, 8), np.bool_)
    valid[0, 0] = False
    picture = draw("depth_zbuffer", depth, valid, PHOTO).astype(int)
    luma = picture @ [0.299, 0.587, 0.114]
    assert (np.diff(luma.reshape(-1)[1:50]) >= 0).all()
    np.testing.assert_array_equal(picture[0, 0], 96)


def test_a_rooms_corners_lie_where_the_camera_sees_them() -> None:
    layout = np.array([0, 0, -4, 4, 2, 4, 0, 0, 0], np.float32)
    picture = draw("room_layout", layout, TRUE, PHOTO, 90.0)
    x, y, z = layout_corners(layout)[layout_corners(layout)[:, 2] < -5].T
    columns, rows = np.floor(32 - 32 * x / z).astype(int), np.floor(32 + 32 * y / z).astype(int)
    assert len(columns) == 4
    for row, column in zip(rows, columns, strict=True):
        near = picture[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].reshape(-1, 3)
        assert (near == (255, 200, 0)).all(axis=1).any()
    np.testing.assert_array_equal(draw("room_layout", layout, np.array(False), PHOTO), PHOTO // 2)


def test_captions_say_the_class_with_its_probability_or_how_far_a_camera_moved() -> None:
    assert (
        caption("class_scene", np.array(1), names=("attic", "kitchen"), probability=0.625)
        == "class_scene: kitchen, 62 %"
    )
    assert caption("jigsaw", np.array(7)) == "jigsaw: permutation 7"
    assert caption("jigsaw", np.array(19), probability=0.01) == "jigsaw: permutation 19, 1 %"
    assert caption("of_my_own", np.array(7)) == "of_my_own: 7"
    assert caption("fixated_pose", np.array([3, 0, 4, 0, np.pi / 2, 0])) == "fixated_pose: 5.0 m, 90 deg"
    two = np.array([3, 0, 4, 0, np.pi / 2, 0, 0, 0, 1, 0, 0, 0])
    assert caption("egomotion", two) == "egomotion: 5.0 m, 90 deg; 1.0 m, 0 deg"
    assert caption("point_matching", np.array(1)) == "point_matching: yes"
    assert caption("normal", np.zeros((4, 4, 3))) == "normal"


def test_sheets_hold_every_tile_at_its_place() -> None:
    colours = [np.full((4, 4, 3), 40 * k, np.uint8) for k in range(5)]
    picture = np.asarray(sheet([Tile(colour, f"{k}") for k, colour in enumerate(colours)], columns=3, side_px=32))
    assert picture.shape == (2 * (32 + 16 + 4), 3 * 36, 3)
    for k in range(5):
        row, column = divmod(k, 3)
        assert (picture[row * 52 + 2 : row * 52 + 34, column * 36 + 2 : column * 36 + 34] == 40 * k).all()
    with pytest.raises(UserError, match="a sheet of 0 pictures"):
        sheet([], 3)


def test_values_of_many_images_are_refused() -> None:
    with pytest.raises(UserError, match=r"normal: values of shape \[2, 4, 4, 3\] cannot be drawn"):
        draw("normal", np.zeros((2, 4, 4, 3)), TRUE, PHOTO)


def test_the_same_feature_has_the_same_colour_whatever_else_is_in_the_picture() -> None:
    features = np.zeros((8, 16, 16), np.float32)
    features[0, 3, 4], features[1, 3, 4], features[7] = 9.0, -9.0, 5.0
    picture = feature_picture(features)
    assert (picture.shape, picture.dtype.name) == ((16, 16, 3), "uint8")
    assert picture[3, 4].tolist() == [255, 0, 128]
    assert picture[0, 0].tolist() == [128, 128, 128]
    assert feature_picture(features[:1])[3, 4].tolist() == [255, 255, 255]
