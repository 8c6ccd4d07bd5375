"""int8: close to float32, always the same, quiet, and refused in a sentence where it cannot be."""

import importlib.util

import numpy as np
import pytest

from perception import LocalEncoder, UserError, check_encoder, load_bank
from perception.bank import Bank
from perception.encoding import quantising
from tests.perception.bank.test_encoding import frames

TASKS = ("reshading", "class_object")
LARGEST_ERROR, LEAST_CORRELATION = 0.1, 0.995
"""Root mean square of the error as a share of the features' spread, and correlation, with float32."""

is_installed = importlib.util.find_spec("nncf") is not None
needs_nncf = pytest.mark.skipif(not is_installed, reason="nncf is an extra of its own")


@pytest.fixture(scope="module")
def bank() -> Bank:
    return load_bank("buildings-v1")


@needs_nncf
def test_features_are_near_those_in_float32_and_not_the_same(bank: Bank, capfd: pytest.CaptureFixture[str]) -> None:
    images = frames(6, seed=3)
    exact = LocalEncoder(bank, device="cpu", precision="float32").encode(images, TASKS)
    encoder = LocalEncoder(bank, device="cpu", precision="int8")
    found = encoder.encode(images, TASKS)
    assert encoder.precision == "int8"
    for task in range(len(TASKS)):
        one, other = found[:, 8 * task : 8 * task + 8], exact[:, 8 * task : 8 * task + 8]
        assert 0.003 < np.sqrt(np.square(one - other).mean()) / other.std() < LARGEST_ERROR
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > LEAST_CORRELATION
    assert capfd.readouterr().out == ""


@needs_nncf
def test_an_encoder_is_quantised_alike_every_time_alone_and_with_others(bank: Bank) -> None:
    images = frames(3, seed=4)
    together = LocalEncoder(bank, device="cpu", precision="int8").encode(images, TASKS)
    again = LocalEncoder(bank, device="cpu", precision="int8")
    alone = np.concatenate([again.encode(images, [task]) for task in TASKS], axis=1)
    np.testing.assert_array_equal(together, alone)
    check_encoder(again, TASKS)


def test_pictures_are_of_any_size_and_always_the_same() -> None:
    for side in (128, 250):
        pictures = quantising.pictures(side)
        assert pictures.shape == (16, side, side, 3)
        assert pictures.min() == 0
        assert pictures.max() == 255
        np.testing.assert_array_equal(pictures, quantising.pictures(side))


def test_what_cannot_be_is_refused_in_a_sentence(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="runs no encoder in int8 here; use the CPU with OpenVINO"):
        LocalEncoder(bank, device="cpu", runtime="torch", precision="int8")
    monkeypatch.setattr(quantising, "_PACKAGE", "no_such_package")
    with pytest.raises(UserError, match=r"needs the package no_such_package: pip install 'midlevel\[int8\]'"):
        LocalEncoder(bank, device="cpu", runtime="openvino", precision="int8")
