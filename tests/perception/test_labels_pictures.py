"""Labels and inputs made from the picture alone."""

import dataclasses
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from skimage.color import rgb2lab
from skimage.feature import hessian_matrix_det
from skimage.filters import sobel_h, sobel_v

from perception import TASKS, UserError
from perception.labels import (
    Label,
    View,
    colour_bins,
    compute_label,
    decode_colour,
    grey,
    lab_from_srgb,
    masked,
    noisy,
    permutations,
    shuffled,
)

RNG = np.random.default_rng(0)
SIZES = [(64, 64), (37, 50), (1, 1), (2, 9)]


def picture_view(rgb: NDArray[np.uint8]) -> View:
    """A picture without any geometry."""
    size = rgb.shape[:2]
    return View(
        rgb, np.zeros(size, np.float32), np.zeros((*size, 3), np.float32), np.zeros(size, np.int32),
        np.zeros(size, np.int32), ("nothing",), 60.0, np.zeros(3, np.float32), np.eye(3, dtype=np.float32),
    )  # fmt: skip


def random_picture(height: int, width: int, smooth: float = 1.5) -> NDArray[np.uint8]:
    values = ndimage.gaussian_filter(np.random.default_rng(5).random((height, width, 3)), (smooth, smooth, 0))
    return np.asarray((values - values.min()) / max(float(np.ptp(values)), 1e-9) * 255, np.uint8)


def numbers_of(task: str, rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    return label_of(task, rgb).values.astype(np.float64)


def label_of(task: str, rgb: NDArray[np.uint8]) -> Label:
    return compute_label(task, picture_view(rgb))


@pytest.mark.parametrize("task", ["autoencoding", "denoising", "inpainting"])
def test_the_clean_picture_is_the_label_of_its_reconstructions(task: str) -> None:
    rgb = random_picture(20, 30)
    label = label_of(task, rgb)
    np.testing.assert_array_equal(label.values, rgb)
    assert label.valid.all()


def test_noise_has_the_stated_strength_and_depends_on_the_generator_alone() -> None:
    rgb = np.full((200, 200, 3), 128, np.uint8)
    noise = noisy(rgb, np.random.default_rng(3)).astype(float) - 128
    assert noise.std() == pytest.approx(25, rel=0.02)
    assert abs(noise.mean()) < 0.3
    np.testing.assert_array_equal(noisy(rgb, np.random.default_rng(3)), noisy(rgb, np.random.default_rng(3)))
    assert noisy(np.zeros_like(rgb), np.random.default_rng(3)).min() == 0


def test_the_middle_half_is_masked() -> None:
    rgb = random_picture(64, 32)
    hidden = masked(rgb)
    assert (hidden[16:48, 8:24] == 128).all()
    changed = (hidden != rgb).any(axis=-1)
    changed[16:48, 8:24] = False
    assert not changed.any()


def test_grey_is_luma_in_three_channels() -> None:
    rgb = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    np.testing.assert_array_equal(grey(rgb), np.repeat([[[76], [150], [29], [255]]], 3, axis=2))


@pytest.mark.parametrize("size", [(9, 9), (64, 49), (3, 5), (128, 128)])
def test_the_inverse_permutation_restores_the_picture(size: tuple[int, int]) -> None:
    rgb = RNG.integers(0, 256, (*size, 3), dtype=np.uint8)
    for index in (1, 57, 99):
        order = permutations()[index]
        mixed = shuffled(rgb, order)
        assert (mixed != rgb).any()
        np.testing.assert_array_equal(shuffled(mixed, np.argsort(order)), rgb)


def test_a_tile_goes_where_the_permutation_says() -> None:
    rgb = np.arange(9, dtype=np.uint8).reshape(3, 3)[..., None].repeat(3, axis=2).repeat(4, axis=0).repeat(5, axis=1)
    order = permutations()[13]
    np.testing.assert_array_equal(shuffled(rgb, order)[::4, ::5, 0].ravel(), order)


def test_what_is_no_permutation_is_refused() -> None:
    rgb = np.zeros((9, 9, 3), np.uint8)
    with pytest.raises(UserError, match="0 to 8, each once"):
        shuffled(rgb, [0, 1, 2, 3, 4, 5, 6, 7, 7])
    with pytest.raises(UserError, match="no 3 x 3 tiles"):
        shuffled(rgb[:2], np.arange(9))


def test_permutations_are_as_far_apart_as_100_can_be() -> None:
    orders = permutations()
    assert orders.shape == (100, 9)
    assert (np.sort(orders, axis=1) == np.arange(9)).all()
    distances = [int((a != b).sum()) for a, b in combinations(orders, 2)]
    assert min(distances) == 7
    assert np.mean(distances) > 8.0
    assert orders[0].tolist() == list(range(9))
    assert TASKS["jigsaw"].output is not None
    assert TASKS["jigsaw"].output.channels == len(orders)


def test_views_spread_over_the_permutations() -> None:
    labels = [int(label_of("jigsaw", RNG.integers(0, 256, (6, 6, 3), dtype=np.uint8)).values) for _ in range(400)]
    assert min(labels) >= 0
    assert max(labels) < 100
    assert len(set(labels)) > 85
    rgb = random_picture(8, 8)
    assert label_of("jigsaw", rgb).values == label_of("jigsaw", rgb.copy()).values


def test_lab_agrees_with_scikit_image() -> None:
    rgb = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    np.testing.assert_allclose(lab_from_srgb(rgb), rgb2lab(rgb), atol=0.01)


def test_every_colour_decodes_within_its_bin() -> None:
    levels = np.append(np.arange(0, 255, 5), 255).astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(len(levels), -1, 3)
    bins = label_of("colorization", cube).values
    assert bins.min() == 0
    assert np.abs(decode_colour(bins) - lab_from_srgb(cube)[..., 1:]).max() <= 5 + 1e-4


def test_the_bins_are_the_grid_cells_that_hold_a_colour() -> None:
    """Every colour on the faces of the cube and a grid within, by scikit-image."""
    full, coarse = np.arange(256), np.append(np.arange(0, 255, 15), 255)
    faces = [np.stack(np.meshgrid(*([full if k != axis else np.array([0, 255]) for k in range(3)])), -1).reshape(-1, 3)
             for axis in range(3)]  # fmt: skip
    inner = np.stack(np.meshgrid(coarse, coarse, coarse), axis=-1).reshape(-1, 3)
    colours = np.concatenate([*faces, inner]).astype(np.uint8)[None]
    cells = np.unique(np.rint(rgb2lab(colours)[0, :, 1:] / 10).astype(int), axis=0)
    np.testing.assert_array_equal(cells * 10, colour_bins())
    assert TASKS["colorization"].output is not None
    assert TASKS["colorization"].output.channels == len(cells)


@pytest.mark.parametrize("size", SIZES)
def test_texture_edges_agree_with_scikit_image(size: tuple[int, int]) -> None:
    rgb = random_picture(*size)
    luma = rgb @ np.array([0.299, 0.587, 0.114]) / 255
    padded = np.pad(luma, 8, mode="edge")
    smooth = ndimage.gaussian_filter(padded, 1.0, mode="nearest", truncate=3.0)
    expected = np.hypot(sobel_h(smooth), sobel_v(smooth))[8:-8, 8:-8]
    step = np.zeros((17, 32))
    step[:, 16:] = 1
    largest = np.abs(sobel_v(ndimage.gaussian_filter(step, 1.0, truncate=3.0)))[8].max()
    np.testing.assert_allclose(numbers_of("edge_texture", rgb), expected / largest, atol=2e-6)


def test_a_step_from_black_to_white_is_the_largest_edge() -> None:
    rgb = np.zeros((32, 32, 3), np.uint8)
    rgb[:, 16:] = 255
    edges = numbers_of("edge_texture", rgb)
    assert edges.max() == pytest.approx(1, abs=1e-5)
    assert np.unique(np.nonzero(edges > 0.99)[1]).tolist() == [15, 16]
    for _ in range(20):
        random = (RNG.random((24, 24, 1)) > 0.5).astype(np.uint8).repeat(3, axis=2) * 255
        assert numbers_of("edge_texture", random).max() <= 1


def box_hessian(luma: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Largest-normalised determinant of Hessian with SURF's boxes written out as kernels."""
    lobe, half = size // 3, size // 2
    dyy = np.zeros((size, size))
    dyy[:, half - lobe + 1 : half + lobe] = 1
    dyy[lobe : 2 * lobe, half - lobe + 1 : half + lobe] = -2
    dxy = np.zeros((size, size))
    dxy[half - lobe : half, half + 1 : half + 1 + lobe] = dxy[half + 1 : half + 1 + lobe, half - lobe : half] = 1
    dxy[half - lobe : half, half - lobe : half] = dxy[half + 1 : half + 1 + lobe, half + 1 : half + 1 + lobe] = -1
    xx, yy, xy = (ndimage.correlate(luma, kernel, mode="nearest") for kernel in (dyy.T, dyy, dxy))
    largest = (dyy + dyy.T).clip(min=0).sum() / 2
    return np.asarray((xx * yy - 0.81 * xy**2) / largest**2)


@pytest.mark.parametrize("size", SIZES)
def test_2d_keypoints_agree_with_box_filters_written_out(size: tuple[int, int]) -> None:
    rgb = random_picture(*size)
    luma = rgb @ np.array([0.299, 0.587, 0.114]) / 255
    expected = np.sqrt(np.max([box_hessian(luma, k) for k in (9, 15, 21, 27)], axis=0).clip(min=0))
    np.testing.assert_allclose(numbers_of("keypoints2d", rgb), expected, atol=2e-4)


def test_2d_keypoints_resemble_scikit_images_hessian() -> None:
    rgb = random_picture(96, 96, smooth=3)
    luma = rgb @ np.array([0.299, 0.587, 0.114]) / 255
    peer = np.sqrt(np.max([hessian_matrix_det(luma, sigma=size / 3) for size in (9, 15, 21, 27)], axis=0).clip(min=0))
    ours = numbers_of("keypoints2d", rgb)
    inner = (slice(16, -16), slice(16, -16))
    assert np.corrcoef(ours[inner].ravel(), peer[inner].ravel())[0, 1] > 0.7


def test_blobs_are_keypoints_and_edges_are_not() -> None:
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[20:23, 20:23] = 255
    rgb[:, 48:] = 255
    response = numbers_of("keypoints2d", rgb)
    assert response.argmax() == 21 * 64 + 21
    assert response[:, 44:].max() < 0.01
    assert response.max() <= 1


def test_the_largest_response_is_one() -> None:
    rgb = np.zeros((41, 41, 3), np.uint8)
    rgb[19:22, 16:25] = rgb[16:25, 19:22] = 0
    plus = np.zeros((9, 9), bool)
    plus[3:6, 2:7] = plus[2:7, 3:6] = True
    rgb[16:25, 16:25][plus] = 255
    assert 0.85 < numbers_of("keypoints2d", rgb).max() <= 1


def test_pictures_do_not_need_geometry_and_a_black_one_is_no_trouble() -> None:
    view = picture_view(np.zeros((16, 16, 3), np.uint8))
    for task in ("edge_texture", "keypoints2d"):
        assert (compute_label(task, view).values == 0).all()
    assert len(np.unique(compute_label("colorization", view).values)) == 1
    with pytest.raises(UserError, match=r"rgb is float64 \[16, 16, 3\]; expected uint8"):
        dataclasses.replace(view, rgb=np.zeros((16, 16, 3)))  # type: ignore[arg-type]
