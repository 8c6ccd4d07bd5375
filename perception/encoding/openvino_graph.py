"""Encoders as one OpenVINO graph, without converting each.

To convert a network from PyTorch takes a tenth of a second, and a long list of them takes seconds. So an architecture
is converted once, with its weights as inputs, and each encoder is a copy of that graph with its own weights put there.
"""

import copy
import warnings
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any

import numpy as np
import openvino
import torch
from openvino import opset13 as operators
from torch import Tensor, nn

from perception.bank.card import Preprocessing
from perception.bank.frozen import Frozen, weight_tensors

_architectures: dict[tuple[str, int], Any] = {}
_lock = Lock()


def side_by_side(encoders: Sequence[nn.Module], preprocessing: Preprocessing) -> Any:
    """A graph that normalises images once for all encoders: uint8 [1, side, side, 3] to float [1, 8k, 16, 16].

    Args:
        encoders: Frozen networks; of two that print alike, one graph is made.
        preprocessing: That they have in common.
    """
    side = preprocessing.side_px
    images = operators.parameter([1, side, side, 3], np.uint8, name="images")
    pixels = _normalised(images, preprocessing)
    networks = [encoder.network if isinstance(encoder, Frozen) else encoder for encoder in encoders]
    features = [_with_weights(_architecture(network, side), network, pixels) for network in networks]
    return openvino.Model([operators.concat(features, axis=1)], [images], "encoders")


def _normalised(images: Any, preprocessing: Preprocessing) -> Any:
    scale = (preprocessing.highest - preprocessing.lowest) / 255
    shifted = operators.subtract(operators.convert(images, "f32"), np.float32(-preprocessing.lowest / scale))
    return operators.transpose(operators.multiply(shifted, np.float32(scale)), np.array([0, 3, 1, 2]))


def _with_weights(architecture: Any, network: nn.Module, pixels: Any) -> Any:
    """The output of a copy of the graph, on these pixels and with the network's weights."""
    graph = architecture.clone()
    sources = [pixels, *(operators.constant(tensor.numpy()) for _, tensor in weight_tensors(network))]
    for parameter, source in zip(graph.get_parameters(), sources, strict=True):
        parameter.output(0).replace(source.output(0))
    return graph.get_results()[0].input_value(0)


def _architecture(network: nn.Module, side: int) -> Any:
    """A graph whose inputs are pixels float [1, 3, side, side] and the weights in the order of `weight_tensors`."""
    with _lock:
        key = (repr(network), side)
        if key not in _architectures:
            _architectures[key] = _converted(network, side)
        return _architectures[key]


def _converted(network: nn.Module, side: int) -> Any:
    skeleton = copy.deepcopy(network)
    places = list(_emptied(skeleton, [name for name, _ in weight_tensors(network)]))

    def forward(pixels: Tensor, *weights: Tensor) -> Tensor:
        for (module, name), weight in zip(places, weights, strict=True):
            setattr(module, name, weight)
        result: Tensor = skeleton(pixels)
        return result

    examples = (torch.zeros(1, 3, side, side), *(tensor for _, tensor in weight_tensors(network)))
    with warnings.catch_warnings(action="ignore"), torch.no_grad():  # PyTorch calls its tracer deprecated
        traced = torch.jit.trace(forward, examples, check_trace=False)  # type: ignore[no-untyped-call]
        return openvino.convert_model(traced, example_input=examples, input=[list(each.shape) for each in examples])


def _emptied(network: nn.Module, names: Sequence[str]) -> Iterator[tuple[nn.Module, str]]:
    """Take weights out of a network; where they were, so that others can be put there."""
    for path, _, name in (full.rpartition(".") for full in names):
        module = network.get_submodule(path)
        delattr(module, name)
        yield module, name
