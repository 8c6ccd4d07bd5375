"""Graphs made from a converted architecture and each encoder's weights: nothing but the time to make them is new."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from perception.bank import Frozen, Preprocessing, weights_sha256
from perception.encoding import openvino_graph
from perception.encoding.openvino_graph import side_by_side
from perception.networks import ARCHITECTURES, build_encoder
from perception.networks.compact import CompactEncoder
from tests.perception.bank.factory import with_statistics

ROUNDING = 2e-5
"""Of float32, as a share of the features' spread: batch normalisations are folded elsewhere."""

PREPARED = {name: Preprocessing(architecture.side_px) for name, architecture in ARCHITECTURES.items()}


class Plain(nn.Module):
    """The same as one network, written down for a conversion of its own."""

    def __init__(self, encoders: Sequence[nn.Module]) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)

    def forward(self, images: Tensor) -> Tensor:
        pixels = ((images.float() - 127.5) * (1 / 127.5)).permute(0, 3, 1, 2)
        return torch.cat([encoder(pixels) for encoder in self.encoders], dim=1)


def converted(encoders: Sequence[nn.Module], side: int) -> Any:
    import openvino

    example = torch.zeros((1, side, side, 3), dtype=torch.uint8)
    with warnings.catch_warnings(action="ignore"), torch.no_grad():
        traced = torch.jit.trace(Plain(encoders).eval(), example, check_trace=False)  # type: ignore[no-untyped-call]
        return openvino.convert_model(traced, example_input=example, input=list(example.shape))


def run(graph: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    import openvino

    graph.reshape(images.shape)
    compiled = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    result: NDArray[np.float32] = compiled(images)[0].copy()
    return result


def frozen(architecture: str, seed: int) -> Frozen:
    return Frozen(with_statistics(build_encoder(architecture, seed), seed), f"encoder {seed}")


@pytest.mark.parametrize(("architecture", "count"), [("compact", 3), ("resnet50", 2)])
def test_features_are_those_of_a_conversion_of_their_own_but_for_rounding(architecture: str, count: int) -> None:
    prepared = PREPARED[architecture]
    encoders = [frozen(architecture, seed) for seed in range(count)]
    before = [weights_sha256(encoder) for encoder in encoders]
    images = np.random.default_rng(0).integers(0, 256, (2, prepared.side_px, prepared.side_px, 3), np.uint8)
    expected = run(converted(encoders, prepared.side_px), images)
    found = run(side_by_side(encoders, prepared), images)
    assert found.shape == (2, 8 * count, 16, 16)
    assert found.std() > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING * expected.std())
    assert [weights_sha256(encoder) for encoder in encoders] == before


def test_an_architecture_is_converted_once_and_one_of_another_shape_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    sides: list[int] = []

    def convert(network: nn.Module, side: int, convert: Callable[..., Any] = openvino_graph._converted) -> Any:
        sides.append(side)
        return convert(network, side)

    monkeypatch.setattr(openvino_graph, "_architectures", {})
    monkeypatch.setattr(openvino_graph, "_converted", convert)
    prepared = PREPARED["compact"]
    for seed in range(3):
        side_by_side([frozen("compact", seed), frozen("compact", seed + 10)], prepared)
    assert sides == [128]
    for network in (CompactEncoder((16, 32, 48)), CompactEncoder(blocks=1)):
        images = np.random.default_rng(1).integers(0, 256, (1, 128, 128, 3), np.uint8)
        encoder = Frozen(with_statistics(network, 0), "another")
        expected = run(converted([encoder], 128), images)
        found = run(side_by_side([encoder], prepared), images)
        np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING * expected.std())
    assert sides == [128, 128, 128]
