"""The published architecture against the package that published it, and its files, sound and not."""

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from visualpriors import taskonomy_network as visualpriors

from perception import TASKS, UserError
from perception.networks import (
    PUBLISHED_HEADS,
    DenseDecoder,
    PublishedHead,
    ResNet50Encoder,
    VectorDecoder,
    load_published,
)


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """Weights of sensible size everywhere, running statistics included."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        elif tensor.ndim > 1:
            scale = (2 / tensor[0].numel()) ** 0.5
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * scale)
        elif tensor.is_floating_point():
            offset = 1.0 if name.endswith("weight") else 0.0
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1 + offset)
    return network.eval()


def decoder_for(head: PublishedHead) -> nn.Module:
    return DenseDecoder(head.channels, head.bounded) if head.dense else VectorDecoder(head.channels)


def saved(network: nn.Module, path: Path, **extra: Any) -> Path:
    """As visual-priors saved: under "state_dict", the file's sha256 in its name."""
    torch.save({"state_dict": network.state_dict(), **extra}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return path.rename(path.with_name(f"{path.stem}-{digest}.pth"))


@pytest.fixture(scope="module")
def peer_encoder() -> Any:
    return randomised(visualpriors.TaskonomyEncoder(normalize_outputs=False))


@pytest.fixture(scope="module")
def representations(peer_encoder: Any) -> torch.Tensor:
    images = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        return torch.as_tensor(peer_encoder(images))


def test_the_encoder_equals_the_published_one(peer_encoder: Any, representations: torch.Tensor, tmp_path: Path) -> None:
    images = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(1)) * 2 - 1
    ours = ResNet50Encoder()
    load_published(ours, saved(peer_encoder, tmp_path / "normal_encoder.pth"))
    with torch.no_grad():
        found = ours(images)
    assert found.shape == (2, 8, 16, 16)
    assert representations.std() > 0.01
    torch.testing.assert_close(found, representations, rtol=0, atol=1e-5)


@pytest.mark.parametrize("task", sorted(PUBLISHED_HEADS))
def test_every_published_decoder_equals_ours(task: str, representations: torch.Tensor, tmp_path: Path) -> None:
    head = PUBLISHED_HEADS[task]
    assert head.channels == visualpriors.TASKS_TO_CHANNELS[task]
    assert head.dense == (task in visualpriors.PIX_TO_PIX_TASKS)
    assert head.bounded == (task not in visualpriors.DONT_APPLY_TANH_TASKS)
    peer = randomised(visualpriors.TaskonomyDecoder(head.channels, True, not head.dense, head.bounded))
    ours = decoder_for(head)
    load_published(ours, saved(peer, tmp_path / f"{task}_decoder.pth"))
    with torch.no_grad():
        expected, found = peer(representations), ours(representations)
    assert expected.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_heads_are_listed_for_every_decoder_that_was_published() -> None:
    files = visualpriors.TASKONOMY_PRETRAINED_WEIGHT_FILES
    assert set(PUBLISHED_HEADS) == {name.split("_decoder-")[0] for name in files if "_decoder-" in name}
    assert set(PUBLISHED_HEADS) <= set(TASKS)


def test_checkpoints_without_batch_counters_load(tmp_path: Path) -> None:
    network = randomised(VectorDecoder(5))
    state = {name: tensor for name, tensor in network.state_dict().items() if "num_batches" not in name}
    torch.save(state, tmp_path / "bare.pth")
    other = VectorDecoder(5)
    load_published(other, tmp_path / "bare.pth")
    torch.testing.assert_close(other.fc2.weight, network.get_parameter("fc2.weight"))
    assert not other.training


def test_a_file_that_is_not_what_its_name_promises_is_refused(tmp_path: Path) -> None:
    path = saved(VectorDecoder(5), tmp_path / "class_scene_decoder.pth")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="does not have the sha256 that its name promises"):
        load_published(VectorDecoder(5), path)


class Hostile:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_hostile_file_is_refused_and_not_run(tmp_path: Path, zipped: bool) -> None:
    path, target = tmp_path / "evil.pth", tmp_path / "ran"
    if zipped:
        torch.save({"state_dict": {"fc2.weight": Hostile(target)}}, path)
    else:
        path.write_bytes(pickle.dumps(Hostile(target)))
    with pytest.raises(UserError, match=r"evil\.pth is no checkpoint of tensors alone"):
        load_published(VectorDecoder(5), path)
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [([1, 2], "holds list"), ({"state_dict": {"a": 1}}, "holds dict"), (torch.zeros(3), "holds Tensor")],
)
def test_what_is_no_dictionary_of_tensors_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(UserError, match=message):
        load_published(VectorDecoder(5), tmp_path / "x.pth")


def test_other_shapes_and_names_are_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    network = VectorDecoder(5)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    torch.save(randomised(VectorDecoder(6)).state_dict(), tmp_path / "six.pth")
    with pytest.raises(UserError, match=r"fc2\.weight has shape \(6, 2048\), expected \(5, 2048\)"):
        load_published(network, tmp_path / "six.pth")
    torch.save(DenseDecoder(3).state_dict(), tmp_path / "dense.pth")
    with pytest.raises(UserError, match=r"is no VectorDecoder: \d+ parameters are missing .* unknown"):
        load_published(network, tmp_path / "dense.pth")
    broken = VectorDecoder(5).state_dict()
    broken["fc2.bias"][0] = float("nan")
    torch.save(broken, tmp_path / "nan.pth")
    with pytest.raises(UserError, match=r"fc2\.bias holds a value that is not finite"):
        load_published(network, tmp_path / "nan.pth")
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name])


def test_text_and_empty_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.pth").write_text("not a checkpoint")
    (tmp_path / "e.pth").write_bytes(b"")
    for name in ("t.pth", "e.pth", "none.pth"):
        with pytest.raises(UserError, match=name.replace(".", r"\.")):
            load_published(VectorDecoder(5), tmp_path / name)


@pytest.mark.parametrize("content", [b"\x80\x02.", b"\x80\x02}b.", b"\x80\x02\x85.", b"\x80\x02s.", b"\x80\x02t."])
def test_pickles_that_make_the_reader_stumble_are_refused_in_a_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"odd\.pth is no checkpoint of tensors alone"):
        load_published(VectorDecoder(3), path)
