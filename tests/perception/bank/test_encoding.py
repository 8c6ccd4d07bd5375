"""Encoders: the contract, the runtimes against each other, and what they refuse."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from perception import TASKS, UserError
from perception.bank import Bank, weights_sha256
from perception.encoding import ConstantEncoder, Encoder, LocalEncoder, check_encoder
from perception.encoding import runtime as runtime_module

BFLOAT16_LARGEST, BFLOAT16_MEAN = 0.1, 0.005
"""Tolerated errors of bfloat16, as shares of the spread (standard deviation) of the features."""

FEATURES = ("normal", "keypoints2d", "segment_unsup2d", "segment_semantic")


def frames(count: int, side: int = 128, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth pictures with some noise, more like photos than noise alone."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 8, 8, 3)).astype(np.float64)
    smooth = coarse.repeat(-(-side // 8), axis=1).repeat(-(-side // 8), axis=2)[:, :side, :side]
    return np.clip(smooth + rng.normal(0, 10, smooth.shape), 0, 255).astype(np.uint8)


def by_hand(bank: Bank, images: NDArray[np.uint8], tasks: Sequence[str]) -> NDArray[np.float32]:
    """Features as one writes them down: one network after the other, float32."""
    pixels = torch.from_numpy(images.astype(np.float32).transpose(0, 3, 1, 2)) / 127.5 - 1
    with torch.no_grad():
        return torch.cat([bank.checkpoint(task).encoder.network(pixels) for task in tasks], dim=1).numpy()


@pytest.fixture(scope="module")
def openvino(whole_bank: Bank) -> LocalEncoder:
    return LocalEncoder(whole_bank, device="cpu", runtime="openvino", precision="bfloat16")


@pytest.fixture(scope="module")
def eager(whole_bank: Bank) -> LocalEncoder:
    return LocalEncoder(whole_bank, device="cpu", runtime="torch", precision="float32")


@pytest.mark.parametrize(
    ("runtime", "precision"), [("openvino", "bfloat16"), ("openvino", "float32"), ("torch", "auto")]
)
def test_every_runtime_keeps_the_contract(whole_bank: Bank, runtime: str, precision: str) -> None:
    encoder = LocalEncoder(whole_bank, device="cpu", runtime=runtime, precision=precision)
    check_encoder(encoder, ("normal", "jigsaw"))
    assert isinstance(encoder, Encoder)


def test_the_fake_keeps_the_contract_and_says_which_task_it_was_asked_for() -> None:
    encoder = ConstantEncoder()
    check_encoder(encoder, list(TASKS))
    features = encoder.encode(frames(2), ["denoise", "autoencoding"])
    assert (features[:, :8] == 1).all()
    assert (features[:, 8:] == 0).all()
    own = ConstantEncoder([("rgb2sfnorm", 0.5)])
    assert (own.encode(frames(1), ["normal"]) == 0.5).all()


@pytest.mark.parametrize("runtime", ["openvino", "torch"])
def test_float32_equals_the_networks_run_by_hand(whole_bank: Bank, runtime: str) -> None:
    images = frames(3)
    encoder = LocalEncoder(whole_bank, device="cpu", runtime=runtime, precision="float32")
    expected = by_hand(whole_bank, images, FEATURES)
    np.testing.assert_allclose(encoder.encode(images, FEATURES), expected, atol=2e-5 * expected.std(), rtol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 19])
def test_bfloat16_stays_within_the_stated_tolerance_at_every_batch_size(
    whole_bank: Bank, openvino: LocalEncoder, count: int
) -> None:
    images = frames(count, seed=count)
    expected = by_hand(whole_bank, images, FEATURES)
    found = openvino.encode(images, FEATURES)
    errors = np.abs(found - expected) / expected.std()
    assert errors.max() < BFLOAT16_LARGEST
    assert errors.mean() < BFLOAT16_MEAN
    each = [expected[:, 8 * k : 8 * k + 8] for k in range(len(FEATURES))]
    nearest = [
        np.abs(found[:, 8 * k : 8 * k + 8, None] - np.stack(each, 2)).mean((0, 1, 3, 4)).argmin() for k in range(4)
    ]
    assert nearest == [0, 1, 2, 3]


def test_what_is_put_out_stays_put_when_the_encoder_is_used_again(openvino: LocalEncoder) -> None:
    for count in (1, 4):
        first = openvino.encode(frames(count), FEATURES)
        kept = first.copy()
        openvino.encode(frames(count, seed=9), FEATURES)
        np.testing.assert_array_equal(first, kept)


def test_threads_that_share_an_encoder_get_their_own_features(openvino: LocalEncoder) -> None:
    batches = [frames(1 + seed % 5, seed=seed) for seed in range(24)]
    expected = [openvino.encode(batch, FEATURES) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda batch: openvino.encode(batch, FEATURES), batches))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_images_of_another_size_are_cut_to_their_central_square_and_averaged_down(eager: LocalEncoder) -> None:
    photo = frames(1, side=384)[:, :, :, :]
    wide = np.concatenate([np.zeros_like(photo[:, :, :50]), photo, np.full_like(photo[:, :, :50], 255)], axis=2)
    np.testing.assert_array_equal(eager.encode(wide, ["normal"]), eager.encode(photo, ["normal"]))
    # A fine chequerboard is grey from afar; without antialiasing it would be black or white.
    board = np.indices((768, 768)).sum(axis=0) % 2 * 255
    chequered = np.repeat(board.astype(np.uint8)[None, ..., None], 3, axis=3)
    grey = np.full((1, 128, 128, 3), 128, np.uint8)
    spread = eager.encode(frames(4), ["normal"]).std()
    difference = np.abs(eager.encode(chequered, ["normal"]) - eager.encode(grey, ["normal"]))
    assert difference.max() < 0.05 * spread


def test_encoding_leaves_every_weight_as_it_was(whole_bank: Bank, openvino: LocalEncoder) -> None:
    openvino.encode(frames(2), FEATURES)
    hashes = openvino.weights_sha256()
    assert set(FEATURES) <= set(hashes)
    assert all(whole_bank.card(task).encoder_sha256 == sha256 for task, sha256 in hashes.items())
    assert hashes["normal"] == weights_sha256(whole_bank.checkpoint("normal").encoder)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (frames(1).astype(np.float32) / 255, "images are float32; expected uint8"),
        (frames(1).astype(np.int64), "images are int64; expected uint8"),
        (frames(1)[0], r"shape \[128, 128, 3\]; .*for one image, images\[None\]"),
        (frames(1).transpose(0, 3, 1, 2), r"channels go last, images\.transpose\(0, 2, 3, 1\)"),
        (frames(1)[..., :1], r"images\.repeat\(3, axis=3\)"),
        (np.zeros((1, 9, 9, 4), np.uint8), r"without alpha: images\[\.\.\., :3\]"),
        (np.zeros((1, 0, 9, 3), np.uint8), "expected at least one pixel"),
        ([[1]], "images are a list; expected a numpy array"),
    ],
)
def test_images_that_are_none_are_refused_with_the_mend(openvino: LocalEncoder, images: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        openvino.encode(images, ["normal"])


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ("normal", "tasks are the text 'normal'; pass a list"),
        ([], "no task was named"),
        ([3], "expected a list of names"),
        (["nrmal"], "did you mean 'normal'"),
        (["normal", "rgb2sfnorm"], "named twice"),
    ],
)
def test_task_lists_that_make_no_sense_are_refused(openvino: LocalEncoder, tasks: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        openvino.encode(frames(1), tasks)


def test_no_image_gives_no_features(openvino: LocalEncoder) -> None:
    assert openvino.encode(frames(0), FEATURES).shape == (0, 32, 16, 16)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"runtime": "opnvino"}, "unknown runtime 'opnvino'; did you mean 'openvino'"),
        ({"precision": "int4"}, "the precision 'int4' is unknown; use auto, float32, bfloat16, int8"),
    ],
)
def test_settings_that_do_not_exist_are_refused(whole_bank: Bank, how: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        LocalEncoder(whole_bank, **how)


def test_what_the_machine_lacks_is_said(whole_bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_module, "_DEVICES", {"cuda": lambda: False, "cpu": lambda: True})
    with pytest.raises(UserError, match="the device 'cuda' is not there"):
        LocalEncoder(whole_bank, device="cuda")
    assert LocalEncoder(whole_bank).device == "cpu"
    monkeypatch.setattr(runtime_module, "_DEVICES", {"cuda": lambda: True, "cpu": lambda: True})
    with pytest.raises(UserError, match="the runtime 'openvino' cannot use the device 'cuda'; use torch"):
        LocalEncoder(whole_bank, device="cuda", runtime="openvino")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "openvino" else object())
    with pytest.raises(UserError, match="needs the package openvino: pip install openvino"):
        LocalEncoder(whole_bank, device="cpu", runtime="openvino")
    assert LocalEncoder(whole_bank, device="cpu").runtime.name == "torch"


class Broken(ConstantEncoder):
    """Breaks one clause of the contract."""

    def __init__(self, clause: str) -> None:
        super().__init__()
        self.clause = clause
        self.calls = 0

    def encode(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> NDArray[np.float32]:
        self.calls += 1
        if self.clause == "takes floats":
            images = np.asarray(images, np.uint8)
        if self.clause == "takes channels in front" and images.ndim == 4 and images.shape[1] == 3:
            images = images.transpose(0, 2, 3, 1)
        if self.clause == "takes unknown tasks" and tasks[0] == "no_such_task":
            return super().encode(images, ["normal"])
        features = super().encode(images, tasks)
        return self._spoilt(images, features)

    def _spoilt(self, images: NDArray[np.uint8], features: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.clause == "float64":
            return features.astype(np.float64)
        if self.clause == "side" and len(features):
            return features[..., :8]
        if self.clause == "nan":
            features[:, 0] = np.nan
        if self.clause == "batch" and len(features):
            features += len(features)
        if self.clause == "drifts":
            features += 0.1 * self.calls
        if self.clause == "order":
            features = np.sort(features, axis=1)
        if self.clause == "writes" and len(images):
            images[0, 0, 0] ^= 1
        return features


@pytest.mark.parametrize(
    ("clause", "message"),
    [
        ("float64", r"encode gave float64 .*expected float32 \[5, 16, 16, 16\]"),
        ("side", "expected float32"),
        ("nan", "not all finite"),
        ("batch", "depend on the rest of the batch"),
        ("drifts", "other features the second time"),
        ("order", "not in the order of the tasks"),
        ("writes", "writes to the images"),
        ("takes floats", "floats was taken"),
        ("takes channels in front", "channels in front was taken"),
        ("takes unknown tasks", "an unknown task was taken"),
    ],
)
def test_the_checker_names_the_clause_that_is_broken(clause: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_encoder(Broken(clause), ("normal", "curvature"))
