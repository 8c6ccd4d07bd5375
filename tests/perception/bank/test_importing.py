"""Published checkpoints made into a bank, from a folder and over HTTP."""

import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from perception import TASKS, UserError
from perception.bank import Bank, HeadKind, import_bank
from perception.bank.published_files import PUBLISHED_FILES, PUBLISHED_URL, PublishedFiles
from perception.encoding import LocalEncoder
from perception.networks import PUBLISHED_HEADS, DenseDecoder, PublishedHead, ResNet50Encoder, VectorDecoder
from tests.perception.networks.test_published import randomised, saved


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Module]:
    return {
        "encoder": randomised(ResNet50Encoder()),
        "dense": randomised(DenseDecoder(3)),
        "vector": randomised(VectorDecoder(63)),
    }


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, networks: dict[str, nn.Module]) -> Path:
    """Two tasks with decoders, one under an old name, and one without."""
    folder = tmp_path_factory.mktemp("published")
    encoder = saved(networks["encoder"], folder / "rgb2sfnorm_encoder.pth")
    for name in ("class_places", "jigsaw"):
        os.link(encoder, folder / encoder.name.replace("rgb2sfnorm", name))
    saved(networks["dense"], folder / "rgb2sfnorm_decoder.pth")
    saved(networks["vector"], folder / "class_places_decoder.pth")
    (folder / "README.md").write_text("not a checkpoint")
    return folder


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Bank:
    return import_bank(source, tmp_path_factory.mktemp("imported") / "published")


def test_a_folder_becomes_a_bank_whose_features_equal_the_sources(
    imported: Bank, networks: dict[str, nn.Module]
) -> None:
    assert imported.tasks == ("jigsaw", "normal", "class_scene")
    assert imported.card("jigsaw").head is HeadKind.NONE
    assert imported.card("normal").output == PublishedHead(3)
    assert imported.card("class_scene").output == PublishedHead(63, dense=False)
    assert imported.card("normal").preprocessing.side_px == 256
    for task, kind in (("normal", "dense"), ("class_scene", "vector")):
        found = imported.checkpoint(task).head
        assert found is not None
        for name, tensor in networks[kind].state_dict().items():
            torch.testing.assert_close(found.network.state_dict()[name], tensor, rtol=0, atol=0)
    images = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), np.uint8)
    with torch.no_grad():
        pixels = torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2) / 127.5 - 1
        expected = networks["encoder"](pixels).numpy()
    encoder = LocalEncoder(imported, device="cpu", runtime="torch", precision="float32")
    np.testing.assert_allclose(encoder.encode(images, ["normal"]), expected, rtol=0, atol=1e-4 * expected.std())


def test_a_second_import_reads_nothing_again_and_ends_the_same(
    imported: Bank, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perception.bank.importing._import_task", lambda *_: pytest.fail("was imported again"))
    assert import_bank(source, imported.folder).sha256 == imported.sha256


@pytest.fixture
def address(source: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(source))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def offered(source: Path) -> dict[str, PublishedFiles]:
    decoder = next(source.glob("rgb2sfnorm_decoder-*")).name
    encoder = next(source.glob("rgb2sfnorm_encoder-*")).name
    return {"normal": PublishedFiles("rgb2sfnorm", encoder, decoder)}


def test_an_address_is_imported_as_its_folder_is(tmp_path: Path, imported: Bank, source: Path, address: str) -> None:
    remote = import_bank(address, tmp_path, files=offered(source))
    assert remote.tasks == ("normal",)
    for file in ("normal.json", "normal.safetensors"):
        assert (imported.folder / file).read_bytes() == (remote.folder / file).read_bytes()


def test_what_cannot_be_downloaded_or_is_altered_leaves_no_bank(tmp_path: Path, source: Path, address: str) -> None:
    lost = {"normal": PublishedFiles("normal", f"normal_encoder-{'0' * 64}.pth")}
    with pytest.raises(
        UserError, match=r"cannot download http://127\.0\.0\.1:\d+/normal_encoder-0+\.pth \(File not found"
    ):
        import_bank(address, tmp_path / "out", files=lost)
    with pytest.raises(UserError, match="is there a network"):
        import_bank("http://127.0.0.1:9/", tmp_path / "out", files=lost)
    os.link(next(source.glob("class_places_decoder-*")), source / f"normal_encoder-{'0' * 64}.pth")
    try:
        with pytest.raises(UserError, match="does not have the sha256 that its name promises"):
            import_bank(address, tmp_path / "out", files=lost)
    finally:
        (source / f"normal_encoder-{'0' * 64}.pth").unlink()
    assert not (tmp_path / "out").exists()


def linked(source: Path, folder: Path, **names: str) -> Path:
    """A folder with some of the source's files under other names."""
    folder.mkdir()
    for pattern, name in names.items():
        path = next(source.glob(f"{pattern}-*"))
        os.link(path, folder / f"{name}-{path.stem.rpartition('-')[2]}.pth")
    return folder


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({}, r"has no file named <task>_encoder-<sha256>\.pth"),
        ({"rgb2sfnorm_decoder": "normal_decoder"}, "has a decoder of 'normal' but no encoder"),
        ({"rgb2sfnorm_decoder": "normal_encoder"}, "is no ResNet50Encoder"),
        ({"rgb2sfnorm_encoder": "jigsaw_encoder", "rgb2sfnorm_decoder": "jigsaw_decoder"}, "no decoder of 'jigsaw'"),
        ({"rgb2sfnorm_encoder": "curvature_encoder", "rgb2sfnorm_decoder": "curvature_decoder"}, "has shape"),
        ({"rgb2sfnorm_encoder": "normal_encoder", "class_places_encoder": "rgb2sfnorm_encoder"}, "two encoders of one"),
    ],
)
def test_folders_that_hold_something_else_are_refused(
    tmp_path: Path, source: Path, names: dict[str, str], message: str
) -> None:
    folder = linked(source, tmp_path / "in", **names)
    with pytest.raises(UserError, match=message):
        import_bank(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_tasks_that_the_source_lacks_are_refused(tmp_path: Path, source: Path) -> None:
    with pytest.raises(UserError, match="has no encoder of 'curvature'; it has jigsaw, normal, class_scene"):
        import_bank(source, tmp_path, tasks=["curvature"])
    with pytest.raises(UserError, match="is no folder of published checkpoints"):
        import_bank(tmp_path / "none", tmp_path)


def test_the_list_of_published_files_is_the_one_of_visual_priors() -> None:
    from visualpriors import taskonomy_network as visualpriors

    names = [name for files in PUBLISHED_FILES.values() for name in (files.encoder, files.decoder) if name]
    assert sorted(names) == sorted(visualpriors.TASKONOMY_PRETRAINED_WEIGHT_FILES)
    assert visualpriors.TASKONOMY_PRETRAINED_WEIGHT_URL_TEMPLATE.format(filename="") == f"{PUBLISHED_URL}/"
    assert {TASKS[task].name for task in PUBLISHED_FILES} == set(PUBLISHED_FILES)
    assert {task for task, files in PUBLISHED_FILES.items() if files.decoder} == set(PUBLISHED_HEADS)
