"""One server of the whole shipped bank, and the same encoders here."""

from collections.abc import Iterator

import pytest

from perception import Bank, LocalEncoder, load_bank
from tests.server.agreement.serving import Expected, Served, served

SET = ("normal", "reshading", "keypoints3d", "class_scene")
"""That is one program of the server; all other tasks are programs of their own."""


@pytest.fixture(scope="package")
def bank() -> Bank:
    return load_bank("buildings-v1")


@pytest.fixture(scope="package")
def server(bank: Bank) -> Iterator[Served]:
    """In float32, every task by itself and two sets."""
    with served("--precision", "float32", "--features", ",".join(SET), "--features", ",".join(bank.tasks)) as it:
        yield it


@pytest.fixture(scope="package")
def expected(bank: Bank) -> Expected:
    """Computed here by PyTorch, which has no code of the server's OpenVINO in it."""
    return Expected(LocalEncoder(bank, device="cpu", runtime="torch", precision="float32"), bank.tasks)
