"""What encoders, pixels and exact labels become."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from perception import ConstantEncoder, LocalEncoder, UserError, load_bank
from rl.vision import BlindVision, EncodedVision, LabelVision, PixelVision, untrained_encoder
from rl.vision.labels import CategoryTable
from sim import AgentSpec, Sensor
from tests.sim.hand_made import box_room, two_rooms

CAMERA = AgentSpec(height=64, width=64)


def noise(count: int = 3, side: int = 64) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


class OddEncoder:
    """Returns what it was given."""

    def __init__(self, features: NDArray[np.float32]) -> None:
        self.features = features

    def encode(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> NDArray[np.float32]:
        return self.features


def test_features_are_the_encoders_in_float16() -> None:
    encoder = ConstantEncoder([("normal", 1.5), ("curvature", -2.0)])
    vision = EncodedVision(encoder, ["curvature", "normal"], {"bank": "b", "sha256": "0"})
    features = vision.see({"rgb": noise()})
    assert features.dtype == np.float16
    assert features.shape == (3, 16, 16, 16)
    assert (features[:, :8] == -2).all()
    assert (features[:, 8:] == 1.5).all()
    assert vision.identity == {"kind": "features", "tasks": ["curvature", "normal"], "bank": "b", "sha256": "0"}


def test_features_of_another_shape_are_refused() -> None:
    vision = EncodedVision(OddEncoder(np.zeros((3, 8, 8, 8), np.float32)), ["normal"], {})
    with pytest.raises(UserError, match=r"features \[3, 8, 8, 8\] for 3 frames .* expects \[3, 8, 16, 16\]"):
        vision.see({"rgb": noise()})


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e5])
def test_features_that_float16_cannot_hold_are_refused(value: float) -> None:
    features = np.zeros((3, 16, 16, 16), np.float32)
    features[1, 9, 3, 3] = value
    vision = EncodedVision(OddEncoder(features), ["normal", "curvature"], {})
    with pytest.raises(UserError, match="'curvature' that are not finite, or too large"):
        vision.see({"rgb": noise()})


def test_a_banks_features_are_rounded_and_nothing_else_and_its_weights_stay() -> None:
    tasks, local = ("normal", "reshading"), LocalEncoder(load_bank("buildings-v1"))
    frames = noise(5)
    expected = local.encode(frames, tasks)
    found = EncodedVision(local, tasks, {}).see({"rgb": frames})
    np.testing.assert_allclose(found, expected, rtol=2**-11, atol=1e-7)
    assert local.weights_sha256() == {task: local.bank.card(task).encoder_sha256 for task in tasks}


def test_untrained_encoders_depend_on_the_seed_alone_and_tell_images_apart() -> None:
    one, same, other = untrained_encoder(2, 7), untrained_encoder(2, 7), untrained_encoder(2, 8)
    assert one.sha256 == same.sha256 != other.sha256
    assert one.tasks == ("random_weights_1", "random_weights_2")
    features = one.encoder.encode(noise(4), one.tasks)
    np.testing.assert_array_equal(features, same.encoder.encode(noise(4), same.tasks))
    assert features.shape == (4, 16, 16, 16)
    assert not np.allclose(features[:, :8], features[:, 8:])
    assert 0.2 < features.std() < 5
    assert features.std(axis=0).mean() > 0.02


@pytest.mark.parametrize("count", [0, -1, 65, 1.0])
def test_untrained_encoders_come_in_sensible_numbers(count: int) -> None:
    with pytest.raises(UserError, match="expected 1 to 64"):
        untrained_encoder(count, 0)


def test_pixels_are_the_frame_with_channels_in_front() -> None:
    vision = PixelVision(CAMERA)
    frames = noise()
    np.testing.assert_array_equal(vision.see({"rgb": frames}), np.moveaxis(frames, 3, 1))
    with pytest.raises(UserError, match=r"frames are uint8 \[3, 32, 32, 3\]; expected uint8 \[N, 64, 64, 3\]"):
        vision.see({"rgb": noise(side=32)})


@pytest.mark.parametrize(("height", "width"), [(60, 60), (64, 80)])
def test_cameras_that_pixels_cannot_come_from_are_refused(height: int, width: int) -> None:
    with pytest.raises(UserError, match=f"camera has {height} x {width} px"):
        PixelVision(AgentSpec(height=height, width=width))


def test_the_blind_measure_nothing_and_see_nothing() -> None:
    vision = BlindVision()
    assert (vision.sensors, vision.sight, vision.identity) == ((), None, {"kind": "blind"})
    with pytest.raises(UserError, match="blind"):
        vision.see({})


def test_labels_are_means_and_extremes_of_fields() -> None:
    rng = np.random.default_rng(1)
    depth = rng.uniform(0.5, 5, (2, 64, 64)).astype(np.float32)
    depth[0, :4, :4] = 0  # nothing was hit
    normal = rng.normal(size=(2, 64, 64, 3)).astype(np.float32)
    category = rng.integers(-1, 2, (2, 64, 64)).astype(np.int16)
    vision = LabelVision(CAMERA, ("floor", "door"))
    labels = vision.see({"depth": depth, "normal": normal, "category": category})
    assert labels.dtype == np.float16
    assert labels.shape == (2, 7, 16, 16)
    assert (labels[0, :2, 0, 0] == 0).all()
    for image, row, column in ((0, 3, 5), (1, 15, 0)):
        field = (image, slice(4 * row, 4 * row + 4), slice(4 * column, 4 * column + 4))
        near = [1 / (1 + value) for value in depth[field].ravel()]
        expected = [sum(near) / 16, max(near), *normal[field].reshape(16, 3).sum(axis=0) / 16]
        expected += [sum(category[field].ravel() == index) / 16 for index in (0, 1)]
        np.testing.assert_allclose(labels[image, :, row, column], expected, rtol=1e-3, atol=1e-3)


def test_an_oracle_asks_for_instances_only_where_it_knows_categories() -> None:
    assert LabelVision(CAMERA).sensors == (Sensor.DEPTH, Sensor.NORMAL)
    assert LabelVision(CAMERA, ("chair",)).sensors == (Sensor.DEPTH, Sensor.NORMAL, Sensor.SEMANTIC)
    with pytest.raises(UserError, match="name each once"):
        LabelVision(CAMERA, ("chair", "chair"))
    with pytest.raises(UserError, match="multiples of 16"):
        LabelVision(AgentSpec(height=60, width=64))


def test_a_category_is_looked_up_in_the_images_own_building() -> None:
    buildings = (box_room(), two_rooms())
    categories = ("table", "wall")
    ids = np.arange(len(buildings[0].instances), dtype=np.int32)[None, None].repeat(2, axis=0)
    found = CategoryTable(buildings, categories)(ids, np.array([0, 1], np.int32))
    for building, row in zip(buildings, found[:, 0], strict=True):
        names = [instance.category for instance in building.instances[: ids.shape[2]]]
        assert row.tolist() == [categories.index(name) if name in categories else -1 for name in names]
