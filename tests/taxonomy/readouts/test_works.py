import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from perception import TASKS, Input, UserError
from perception.networks import build_encoder, to_network_range
from perception.photos import squares
from taxonomy.dataset import open_dataset
from taxonomy.dataset.files import sha256_of
from taxonomy.engine import Event, LocalExecutor, Store, Unit
from taxonomy.readouts import (
    PixelsWork,
    ReadoutsWork,
    RepresentationsWork,
    encode_images,
    open_representations,
    readout_predictions,
    variant_of,
)
from taxonomy.training import DataSource, ObjectiveWork, Samples, Schedule, first_views, read_objective
from taxonomy.training.samples import load_images, load_targets

SCHEDULE = Schedule(2, batch_size=4, learning_rate=5e-3)
TRANSFERS = (("normal",), ("random",), ("normal", "random"))


def data_of(folder: Path) -> DataSource:
    return DataSource("0" * 64, folder=folder)


@pytest.fixture(scope="module")
def represented(dataset_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Folders of representations, and of the encoder behind one of them."""
    root = tmp_path_factory.mktemp("represented")
    for name in ("network", "normal", "random"):
        (root / name).mkdir()
    save_file(
        {name: value.contiguous() for name, value in build_encoder("compact", 7).state_dict().items()},
        root / "network" / "encoder.safetensors",
    )
    work = RepresentationsWork("compact", data_of(dataset_folder), variants=("rgb", "noisy"))
    work(root / "normal", {"network": root / "network"})
    work(root / "random", {})
    return {name: root / name for name in ("network", "normal", "random")}


def run_readouts(target: str, dataset: Path, represented: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Folders "objective" and "readouts"."""
    made = {name: folder / name for name in ("objective", "readouts")}
    for path in made.values():
        path.mkdir()
    ObjectiveWork(target, data_of(dataset))(made["objective"], {})
    sources = {name: represented[name] for name in ("normal", "random")}
    ReadoutsWork(target, TRANSFERS, data_of(dataset), SCHEDULE)(
        made["readouts"], {"objective": made["objective"], **sources}
    )
    return made


def test_representations_are_those_of_the_encoder_in_the_file(
    dataset_folder: Path, represented: Mapping[str, Path]
) -> None:
    dataset = open_dataset(dataset_folder)
    encoder = build_encoder("compact", 7).eval()
    images = squares(load_images(dataset, dataset.split("test")), 128)
    with torch.no_grad():
        expected = encoder(to_network_range(images)).numpy()
    found = open_representations(represented["normal"], "test")
    assert isinstance(found, np.memmap)
    np.testing.assert_allclose(found.astype(np.float32), expected, rtol=2e-3, atol=1e-3)
    assert len(open_representations(represented["random"], "val")) == len(dataset.split("val"))
    assert (open_representations(represented["random"], "test") != found).any()


def test_noisy_images_have_the_noise_that_their_networks_test_has(
    dataset_folder: Path, represented: Mapping[str, Path]
) -> None:
    dataset = open_dataset(dataset_folder)
    images = load_images(dataset, dataset.split("test"))
    rows = np.arange(len(images))[:, None]
    noisy, _ = Samples(TASKS["denoising"], images, rows, np.zeros(len(images))).fixed(0, len(images))
    expected = encode_images(build_encoder("compact", 7), noisy[:, 0], 128)
    np.testing.assert_array_equal(open_representations(represented["normal"], "test", "noisy"), expected)
    assert (expected != open_representations(represented["normal"], "test")).any()


@pytest.mark.parametrize("target", ["denoising", "reshading", "class_object", "egomotion", "segment_unsup2d"])
def test_readouts_through_files_leave_the_encoder_as_it_was(
    target: str, dataset_folder: Path, represented: Mapping[str, Path], tmp_path: Path
) -> None:
    files = sorted(path for folder in represented.values() for path in folder.iterdir())
    before = [sha256_of(path) for path in files]
    made = run_readouts(target, dataset_folder, represented, tmp_path)
    assert [sha256_of(path) for path in files] == before

    dataset, objective = open_dataset(dataset_folder), read_objective(made["objective"])
    rows, targets = load_targets(dataset, TASKS[target], objective, dataset.split("test"))
    losses = np.load(made["readouts"] / "losses.npy")
    assert losses.shape == (len(rows), 3)
    assert losses.dtype == np.float32
    assert json.loads((made["readouts"] / "transfers.json").read_text()) == [list(t) for t in TRANSFERS]
    result = json.loads((made["readouts"] / "result.json").read_text())
    assert result["diverged"] == []
    np.testing.assert_allclose(list(result["test_loss"].values()), np.nanmean(losses, axis=0), rtol=1e-6)

    for place, sources in enumerate(TRANSFERS):
        stored = [open_representations(represented[name], "test", variant_of(TASKS[target])) for name in sources]
        views = [values[rows].reshape(len(rows), -1, 16, 16) for values in stored]
        outputs = readout_predictions(made["readouts"], sources, views, objective)
        assert outputs.shape == (len(rows), *objective.output_shape)
        again = objective.losses(torch.from_numpy(outputs), torch.from_numpy(targets)).numpy()
        np.testing.assert_allclose(again, losses[:, place], rtol=1e-4, atol=1e-6)


def test_a_rerun_gives_the_same_bytes(dataset_folder: Path, represented: Mapping[str, Path], tmp_path: Path) -> None:
    hashes = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        made = run_readouts("class_object", dataset_folder, represented, tmp_path / name)
        hashes.append({path.name: sha256_of(path) for path in made["readouts"].iterdir()})
    assert hashes[0] == hashes[1]
    assert set(hashes[0]) == {"losses.npy", "transfers.json", "readouts.safetensors", "result.json"}


def test_units_of_all_three_kinds_run_in_the_engine(dataset_folder: Path, tmp_path: Path) -> None:
    data, store = data_of(dataset_folder), Store(tmp_path / "units")
    events: list[Event] = []
    objective = Unit("reshading", ObjectiveWork("reshading", data))
    random = Unit("random", RepresentationsWork("compact", data, images=8))
    needs = {"objective": objective.key, "random": random.key}
    work = ReadoutsWork("reshading", (("random",),), data, SCHEDULE, images=8)
    readouts = Unit("reshading", work, needs)
    executor = LocalExecutor()
    executor.run([objective, random], store, events.append)
    (outcome,) = executor.run([readouts], store, events.append)
    losses = np.load(store.folder_of(readouts) / "losses.npy")
    assert outcome.unit is readouts
    assert len(losses) == len(first_views(open_dataset(dataset_folder), "test", None))
    assert replace(readouts, work=replace(work, device="cuda")).key != readouts.key
    assert replace(readouts, work=replace(work, seed=1)).key != readouts.key


def test_a_network_from_scratch_learns_from_the_validation_split(tmp_path: Path) -> None:
    from taxonomy.dataset import RenderSpec, render_dataset
    from tests.taxonomy.dataset.box_world import BoxWorld

    render_dataset(tmp_path / "data", RenderSpec(buildings=3, views=6, size=128, seed=5), world=BoxWorld())
    data = data_of(tmp_path / "data")
    for name in ("objective", "pixels"):
        (tmp_path / name).mkdir()
    ObjectiveWork("reshading", data)(tmp_path / "objective", {})
    work = PixelsWork("reshading", "compact", data, SCHEDULE, images=4)
    work(tmp_path / "pixels", {"objective": tmp_path / "objective"})
    result = json.loads((tmp_path / "pixels" / "result.json").read_text())
    assert result["learned_from"] == 4
    assert np.isfinite(np.load(tmp_path / "pixels" / "losses.npy")).all()


def test_representations_of_another_number_of_images_are_refused(
    dataset_folder: Path, represented: Mapping[str, Path], tmp_path: Path
) -> None:
    ObjectiveWork("reshading", data_of(dataset_folder))(tmp_path, {})
    work = ReadoutsWork("reshading", (("random",),), data_of(dataset_folder), SCHEDULE, images=4)
    with pytest.raises(UserError, match="'random' represents 12 images of the val split, not 4; make the"):
        work(tmp_path, {"objective": tmp_path, "random": represented["random"]})


def test_damaged_files_and_unknown_transfers_are_refused(
    dataset_folder: Path, represented: Mapping[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="cannot read the representations"):
        open_representations(tmp_path, "val")
    np.save(tmp_path / "val_rgb.npy", np.zeros((2, 8, 16, 16)))
    with pytest.raises(UserError, match=r"holds float64 \(2, 8, 16, 16\); expected float16"):
        open_representations(tmp_path, "val")
    (tmp_path / "encoder.safetensors").write_bytes(b"rubbish, and more of it")
    with pytest.raises(UserError, match="cannot read the encoder"):
        RepresentationsWork("compact", data_of(dataset_folder))(tmp_path, {"network": tmp_path})
    made = run_readouts("class_object", dataset_folder, represented, tmp_path)
    objective = read_objective(made["objective"])
    values = np.zeros((1, 8, 16, 16), np.float16)
    with pytest.raises(UserError, match="normals"):
        readout_predictions(made["readouts"], ("normals",), [values], objective)
    with pytest.raises(UserError, match="takes 16 channels, not 8"):
        readout_predictions(made["readouts"], ("normal", "random"), [values], objective)
    (made["readouts"] / "readouts.safetensors").write_bytes(b"rubbish, and more of it")
    with pytest.raises(UserError, match="cannot read the readouts"):
        readout_predictions(made["readouts"], ("normal",), [values], objective)


def test_variants_follow_the_targets_input() -> None:
    assert variant_of(TASKS["normal"]) == "rgb"
    assert variant_of(TASKS["denoising"]) == "noisy"
    assert variant_of(TASKS["egomotion"]) == "rgb"
    assert variant_of(replace(TASKS["normal"], input=Input.GREY)) == "grey"
    with pytest.raises(UserError, match="'jigsaw' looks at images that its labels shuffle"):
        variant_of(TASKS["jigsaw"])


def test_an_encoder_that_overflows_is_refused() -> None:
    encoder = build_encoder("compact", 0)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.mul_(1e6)
    with pytest.raises(UserError, match="not finite in float16"):
        encode_images(encoder, np.full((2, 128, 128, 3), 200, np.uint8), 128)


def test_saved_weights_have_names_and_shapes_of_layers(
    dataset_folder: Path, represented: Mapping[str, Path], tmp_path: Path
) -> None:
    weights = load_file(
        run_readouts("reshading", dataset_folder, represented, tmp_path)["readouts"] / "readouts.safetensors"
    )
    assert weights["normal__random/first.weight"].shape == (16, 16, 3, 3)
    assert weights["normal/output.weight"].shape == (16, 16)
    assert weights["random/mean"].shape == (8,)
