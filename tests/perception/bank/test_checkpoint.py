"""Checkpoints: what is written, what comes back, and what is refused."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from perception import UserError
from perception.bank import (
    Bank,
    Card,
    Frozen,
    HeadKind,
    Preprocessing,
    read_checkpoint,
    weights_sha256,
    write_checkpoint,
)
from perception.networks import PublishedHead, TaskNetwork, build_encoder
from tests.perception.bank.factory import card_for, networks_for


def written(folder: Path, task: str = "normal") -> tuple[Card, nn.Module, nn.Module]:
    card = card_for(task)
    encoder, head = networks_for(card, 3)
    return write_checkpoint(folder, card, encoder, head), encoder, head


def test_what_is_read_is_what_was_written_rounded_to_float16(tmp_path: Path) -> None:
    card, encoder, head = written(tmp_path)
    found = read_checkpoint(tmp_path, "normal")
    assert found.card == card
    for ours, theirs in ((encoder, found.encoder.network), (head, found.head and found.head.network)):
        assert theirs is not None
        for name, tensor in theirs.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            original = ours.state_dict()[name]
            assert tensor.dtype == torch.float32
            torch.testing.assert_close(
                tensor, original.half().float() if original.ndim > 1 else original, rtol=0, atol=0
            )


def test_kernels_are_stored_in_float16_and_statistics_in_float32_and_counters_not_at_all(tmp_path: Path) -> None:
    written(tmp_path)
    arrays = load_file(tmp_path / "normal.safetensors")
    assert {array.dtype for array in arrays.values() if array.ndim > 1} == {np.dtype(np.float16)}
    assert {array.dtype for array in arrays.values() if array.ndim == 1} == {np.dtype(np.float32)}
    assert not [name for name in arrays if "num_batches" in name]


def test_numbers_that_float16_cannot_hold_stay_float32(tmp_path: Path) -> None:
    card = card_for("normal")
    encoder, head = networks_for(card, 0)
    with torch.no_grad():
        next(encoder.parameters())[0, 0, 0, 0] = 1e6
    card = write_checkpoint(tmp_path, card, encoder, head)
    found = next(read_checkpoint(tmp_path, "normal").encoder.parameters())
    assert found[0, 0, 0, 0] == 1e6


def test_the_hash_is_of_names_shapes_and_values_alone(tmp_path: Path) -> None:
    card, _, _ = written(tmp_path)
    arrays = load_file(tmp_path / "normal.safetensors")
    digest = hashlib.sha256()
    for name in sorted(arrays):
        if name.startswith("encoder."):
            array = arrays[name].astype(np.float32)
            digest.update(f"{name.removeprefix('encoder.')} {list(array.shape)}\n".encode() + array.tobytes())
    assert card.encoder_sha256 == digest.hexdigest()
    assert weights_sha256(read_checkpoint(tmp_path, "normal").encoder) == card.encoder_sha256
    before = (tmp_path / "normal.safetensors").read_bytes()
    save_file({name: array.astype(np.float32) for name, array in arrays.items()}, tmp_path / "normal.safetensors")
    assert (tmp_path / "normal.safetensors").read_bytes() != before
    assert read_checkpoint(tmp_path, "normal").card == card


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path / name)
    for file in ("normal.json", "normal.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_frozen_networks_refuse_to_train_however_they_are_asked(tmp_path: Path) -> None:
    written(tmp_path)
    checkpoint = read_checkpoint(tmp_path, "normal")
    encoder, before = checkpoint.encoder, weights_sha256(checkpoint.encoder)
    with pytest.raises(UserError, match="the encoder of 'normal' is frozen and cannot be trained"):
        encoder.train()
    with pytest.raises(UserError, match="is frozen"):
        TaskNetwork(encoder, nn.Identity()).train()
    with pytest.raises(UserError, match="takes no gradients"):
        encoder.requires_grad_()
    encoder.eval()
    assert not any(module.training for module in encoder.modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    for _ in range(3):
        encoder(torch.randn(4, 3, 128, 128))
    assert weights_sha256(encoder) == before
    encoder.network.train()
    encoder(torch.randn(4, 3, 128, 128))
    assert weights_sha256(encoder) != before


def test_a_frozen_network_computes_what_its_network_does() -> None:
    encoder = build_encoder("compact", 5).eval()
    images = torch.randn(2, 3, 128, 128)
    with torch.no_grad():
        torch.testing.assert_close(Frozen(encoder, "it")(images), encoder(images), rtol=0, atol=0)


def test_cards_survive_the_file(tmp_path: Path) -> None:
    card = replace(
        card_for("class_scene"),
        training={"dataset": "d", "images": 3, "buildings": ["a"], "epochs": 2, "seed": 0},
        metrics={"win rate": 0.75, "loss": 1e-9},
    ).with_hashes("0" * 64, "f" * 64)
    assert Card.from_text(card.to_text(), "x") == card
    published = Card("rgb2depth", "resnet50", Preprocessing(256), HeadKind.PUBLISHED, output=PublishedHead(1))
    published = published.with_hashes("0" * 64, "")
    assert published.task == "depth_zbuffer"
    assert Card.from_text(published.to_text(), "x") == published


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metrics": {"loss": float("nan")}}, "the metric 'loss' is nan"),
        ({"head": HeadKind.NONE}, "the head 'none'; expected an objective with a head of ours"),
        ({"head": HeadKind.PUBLISHED}, "an output range with a published one"),
        ({"views": 0}, "asks for 0 views"),
        ({"task": "../evil"}, "cannot name a file"),
    ],
)
def test_cards_that_contradict_themselves_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        replace(card_for("normal"), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("preprocessing", [(0, -1, 1), (128, 1, -1), (128, float("nan"), 1), (9999, 0, 1)])
def test_impossible_preprocessing_is_refused(preprocessing: tuple[int, float, float]) -> None:
    with pytest.raises(UserError, match="expected 1 to 4096 px and a finite range"):
        Preprocessing(*preprocessing)


def altered(bank: Bank, **changes: object) -> Path:
    path = bank.folder / "normal.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, **changes}))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, r"normal\.json has the format version 2; this midlevel reads 1"),
        ({"task": "curvature"}, r"is the card of 'curvature'; expected that of 'normal'"),
        ({"head": "other"}, r"normal\.json is no card of a checkpoint: ValueError"),
        ({"preprocessing": None}, r"is no card of a checkpoint: TypeError"),
        ({"sha256": {"encoder": "zz", "head": None}}, r"not 64 hexadecimal digits"),
        ({"sha256": {"encoder": "0" * 64, "head": "0" * 64}}, r"are not those that the card normal\.json describes"),
        ({"architecture": "compcat"}, r"unknown architecture 'compcat'; did you mean 'compact'"),
        ({"architecture": "resnet50"}, r"resnet50 takes images of 256 px, the card says 128"),
        ({"objective": {"kind": "image"}}, r"an objective is malformed"),
        ({"views": 2}, r"has shape \[48, 8, 3, 3\], DenseHead has \[48, 16, 3, 3\]"),
    ],
)
def test_cards_that_do_not_fit_are_refused(small_bank: Bank, changes: dict[str, object], message: str) -> None:
    altered(small_bank, **changes)
    with pytest.raises(UserError, match=message) as caught:
        read_checkpoint(small_bank.folder, "normal")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("channels", [-1, 2, 10**12, 10**30])
def test_objectives_of_impossible_size_are_refused_before_memory_is_taken(small_bank: Bank, channels: int) -> None:
    objective = {**(small_bank.card("normal").objective or {}), "channels": channels}
    altered(small_bank, objective=objective)
    with pytest.raises(UserError, match=r"describes no head|has shape"):
        read_checkpoint(small_bank.folder, "normal")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"card"', "[" * 100_000])
def test_files_that_are_no_cards_are_refused(small_bank: Bank, text: str) -> None:
    (small_bank.folder / "normal.json").write_text(text)
    with pytest.raises(UserError, match=r"normal\.json"):
        read_checkpoint(small_bank.folder, "normal")


def test_truncated_empty_and_missing_weights_are_refused(small_bank: Bank) -> None:
    path = small_bank.folder / "normal.safetensors"
    data = path.read_bytes()
    for part in (data[:-1], data[: len(data) // 2], data[:20], b"\xff" * 64):
        path.write_bytes(part)
        with pytest.raises(UserError, match=r"normal\.safetensors is no sound safetensors file"):
            read_checkpoint(small_bank.folder, "normal")
    path.write_bytes(b"")
    with pytest.raises(UserError, match=r"normal\.safetensors is empty"):
        read_checkpoint(small_bank.folder, "normal")
    path.unlink()
    with pytest.raises(UserError, match=r"normal\.safetensors: No such file"):
        read_checkpoint(small_bank.folder, "normal")


def test_a_single_flipped_bit_of_a_weight_is_noticed_without_the_banks_list(small_bank: Bank) -> None:
    path = small_bank.folder / "normal.safetensors"
    data = bytearray(path.read_bytes())
    data[-1001] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="are not those that the card"):
        read_checkpoint(small_bank.folder, "normal")


def test_nothing_is_written_that_could_not_be_read(tmp_path: Path) -> None:
    card = card_for("normal")
    encoder, head = networks_for(card, 0)
    with pytest.raises(UserError, match="says head 'objective', but none was given"):
        write_checkpoint(tmp_path, card, encoder)
    with pytest.raises(UserError, match="does not fit CompactEncoder"):
        write_checkpoint(tmp_path, card, head, head)
    with pytest.raises(UserError, match="does not fit VectorHead"):
        write_checkpoint(tmp_path, card_for("class_scene"), encoder, head)
    with torch.no_grad():
        next(head.parameters())[0] = float("inf")
    with pytest.raises(UserError, match=r"normal: the weight head\.\S+ holds a value that is not finite"):
        write_checkpoint(tmp_path, card, encoder, head)
    unserialisable = replace(card, training={"path": Path("x")})
    with pytest.raises(UserError, match="cannot be written as JSON"):
        write_checkpoint(tmp_path, unserialisable, *networks_for(card, 0))
    assert list(tmp_path.iterdir()) == []
