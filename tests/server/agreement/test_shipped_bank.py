"""Every task of the shipped bank, by every way to ask: what a server answers is what is computed here."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perception import Bank, LocalEncoder, RemoteEncoder
from tests.server.agreement.asking import WAYS
from tests.server.agreement.conftest import SET
from tests.server.agreement.serving import (
    BFLOAT16,
    FLOAT32,
    HALF,
    MAX_BATCH,
    Expected,
    Served,
    difference,
    pictures,
    served,
)  # fmt: skip

SHAPES = ((3, 128, 128), (2, 100, 140))
"""Of images as encoders take them, and of others."""


@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
@pytest.mark.parametrize("way", WAYS)
def test_every_task_is_what_is_computed_here(
    bank: Bank, server: Served, expected: Expected, way: str, half: bool
) -> None:
    for shape in SHAPES:
        images = pictures(*shape)
        shown = WAYS[way].shown(images)
        wrong = {}
        for task in bank.tasks:
            found = WAYS[way].ask(server, images, [task], half)
            by = difference(found, expected.features(shown, [task]), HALF if half else 0)
            if by > FLOAT32:
                wrong[task] = by
        assert wrong == {}


@pytest.mark.parametrize("way", WAYS)
def test_batches_of_every_size_and_lists_of_tasks_are_what_is_computed_here(
    bank: Bank, server: Served, expected: Expected, way: str
) -> None:
    rng = np.random.default_rng(len(way))
    images = pictures(MAX_BATCH, seed=1)
    for count in range(1, MAX_BATCH + 1):
        lists = [SET, bank.tasks]
        if WAYS[way].takes_lists:
            lists += [SET[::-1], tuple(map(str, rng.permutation(bank.tasks)[: rng.integers(2, 7)]))]
        for tasks in lists:
            found = WAYS[way].ask(server, images[:count], tasks, False)
            shown = WAYS[way].shown(images)
            assert difference(found, expected.features(shown, tasks)[:count]) <= FLOAT32


@pytest.mark.parametrize("transport", ["grpc", "grpc-stream", "shared-memory"])
@pytest.mark.parametrize("count", [MAX_BATCH + 1, 2 * MAX_BATCH, 5 * MAX_BATCH - 1])
def test_batches_beyond_the_servers_largest_are_what_is_computed_here(
    server: Served, expected: Expected, transport: str, count: int
) -> None:
    images = pictures(5 * MAX_BATCH - 1, seed=2)
    with RemoteEncoder(f"grpc://{server.address}", transport=transport) as encoder:
        timed = encoder.encode_timed(images[:count], SET)
    assert len(timed.timings) == -(-count // MAX_BATCH)
    assert difference(timed.features, expected.features(images, SET)[:count]) <= FLOAT32


def test_tritonclient_gets_what_is_computed_here(
    bank: Bank, server: Served, expected: Expected, tmp_path: Path
) -> None:
    images = pictures(MAX_BATCH, seed=3)
    models = [*bank.tasks, ",".join(SET)]
    found = asked_by_tritonclient(server, images, models, tmp_path)
    for model in models:
        exact = expected.features(images, model.split(","))
        for count in range(1, MAX_BATCH + 1):
            assert difference(found[f"{model} {count} FP32"], exact[:count]) <= FLOAT32
        assert found[f"{model} {MAX_BATCH} FP16"].dtype == np.float16
        assert difference(found[f"{model} {MAX_BATCH} FP16"], exact, HALF) <= FLOAT32


def asked_by_tritonclient(server: Served, images: Any, models: list[str], folder: Path) -> Any:
    """What it gets, in a process of its own, by "model count type"."""
    np.save(folder / "images.npy", images)
    (folder / "models.json").write_text(json.dumps(models))
    command = [sys.executable, "-m", "tests.server.agreement.triton_asking", server.address, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return np.load(folder / "features.npz")


def test_in_bfloat16_a_server_agrees_with_the_same_precision_here(bank: Bank) -> None:
    local = LocalEncoder(bank, device="cpu", runtime="openvino", precision="bfloat16")
    expected = Expected(local, SET)
    images = pictures(MAX_BATCH, seed=4)
    with served("--precision", "bfloat16", "--features", ",".join(SET)) as server:
        for way in ("raw", "client, shared memory", "Open Inference"):
            for count in range(1, MAX_BATCH + 1):
                found = WAYS[way].ask(server, images[:count], SET, False)
                assert difference(found, expected.features(images, SET)[:count]) <= BFLOAT16
