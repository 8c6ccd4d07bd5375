"""A bank of the published architecture with random weights, at 256 px."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perception import Bank, LocalEncoder
from perception.bank import Card, Preprocessing, write_bank, write_checkpoint
from perception.networks import build_encoder
from tests.perception.bank.factory import with_statistics
from tests.server.agreement.asking import WAYS
from tests.server.agreement.serving import FLOAT32, HALF, Expected, Served, difference, pictures, served
from tests.server.agreement.test_shipped_bank import asked_by_tritonclient

TASKS = ("normal", "class_scene")
LARGEST = 2


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    folder = tmp_path_factory.mktemp("resnet50") / "bank"
    for seed, task in enumerate(TASKS):
        encoder = with_statistics(build_encoder("resnet50", seed), seed)
        write_checkpoint(folder, Card(task, "resnet50", Preprocessing(256)), encoder)
    return write_bank(folder, "random")


@pytest.fixture(scope="module")
def deep_server(deep: Bank) -> Iterator[Served]:
    with served("--bank", deep.folder, "--precision", "float32", "--max-batch", LARGEST) as it:
        yield it


@pytest.fixture(scope="module")
def deep_expected(deep: Bank) -> Expected:
    return Expected(LocalEncoder(deep, device="cpu", runtime="torch", precision="float32"), deep.tasks)


@pytest.mark.parametrize("way", WAYS)
def test_features_are_what_is_computed_here(deep_server: Served, deep_expected: Expected, way: str) -> None:
    images = pictures(LARGEST, 256, 256)
    exact = deep_expected.features(WAYS[way].shown(images), TASKS)
    tasks = TASKS if WAYS[way].takes_lists else TASKS[:1]
    found = WAYS[way].ask(deep_server, images, tasks, False)
    assert difference(found, exact[:, : 8 * len(tasks)]) <= FLOAT32
    half = WAYS[way].ask(deep_server, images[:1], TASKS[1:], True)
    assert difference(half, exact[:1, 8:], HALF) <= FLOAT32


def test_more_images_than_the_server_takes_at_a_time_are_sent_in_parts(
    deep_server: Served, deep_expected: Expected
) -> None:
    images = pictures(LARGEST + 1, 256, 256)
    found = WAYS["client"].ask(deep_server, images, TASKS, False)
    assert difference(found, deep_expected.features(images, TASKS)) <= FLOAT32


def test_tritonclient_gets_what_is_computed_here(deep_server: Served, deep_expected: Expected, tmp_path: Path) -> None:
    images = pictures(LARGEST, 256, 256)
    found = asked_by_tritonclient(deep_server, images, list(TASKS), tmp_path)
    for task in TASKS:
        exact = deep_expected.features(images, [task])
        for count in range(1, LARGEST + 1):
            assert difference(found[f"{task} {count} FP32"], exact[:count]) <= FLOAT32
        assert difference(found[f"{task} {LARGEST} FP16"], exact, HALF) <= FLOAT32
