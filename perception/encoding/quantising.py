"""Encoders in int8: NNCF's post-training quantisation of an OpenVINO graph.

Scales of what passes between layers are set on made pictures, since the package brings none: coarse patches with noise
use the range of every channel, and did better on rendered rooms than rendered rooms themselves, which use less of it.
The convolutions that take pixels or give features stay as they are: they err most and are a small part of the work.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module, util
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openvino._offline_transformations import apply_moc_transformations  # what convert_model itself ends with

from perception.encoding.encoder import FEATURE_CHANNELS
from perception.errors import UserError

_PACKAGE = "nncf"
_PICTURES = 16
_PATCHES = 8
_NOISE = 10
_PIXEL_CHANNELS = 3
_lock = Lock()


def check_installed() -> None:
    """Raise what `quantised` would if its package is missing.

    Raises:
        UserError: If it is.
    """
    if util.find_spec(_PACKAGE) is None:
        raise UserError(f"the precision 'int8' needs the package {_PACKAGE}: pip install 'midlevel[int8]'.")


def quantised(graph: Any) -> Any:
    """The graph with its inner convolutions in int8; always the same for the same graph.

    Args:
        graph: uint8 [1, side, side, 3] to features.

    Raises:
        UserError: If NNCF is not installed.
    """
    check_installed()
    side = int(graph.input(0).shape[1])
    with _lock, _quiet():
        nncf = _nncf()
        # Folds batch normalisations. What compiles other graphs does so itself, without keeping the interpreter's lock.
        apply_moc_transformations(graph, False)
        return nncf.quantize(
            graph,
            nncf.Dataset([picture[None] for picture in pictures(side)]),
            subset_size=_PICTURES,
            ignored_scope=nncf.IgnoredScope(names=_at_the_ends(graph)),
            advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=True),
        )


def pictures(side: int) -> NDArray[np.uint8]:
    """What scales are set on: uint8 [16, side, side, 3], always the same."""
    rng = np.random.default_rng(0)
    patch = -(-side // _PATCHES)
    patches = rng.integers(0, 256, (_PICTURES, _PATCHES, _PATCHES, 3)).repeat(patch, axis=1).repeat(patch, axis=2)
    patches = patches[:, :side, :side]
    return np.clip(patches + rng.normal(0, _NOISE, patches.shape), 0, 255).astype(np.uint8)


def _at_the_ends(graph: Any) -> list[str]:
    """Names of the convolutions from pixels, and to features."""
    kernels = {
        node.get_friendly_name(): tuple(node.input(1).get_shape())
        for node in graph.get_ops()
        if node.get_type_name() == "Convolution"
    }
    return [name for name, shape in kernels.items() if shape[0] == FEATURE_CHANNELS or shape[1] == _PIXEL_CHANNELS]


@lru_cache(maxsize=1)
def _nncf() -> Any:
    nncf = import_module(_PACKAGE)
    nncf.set_log_level(logging.ERROR)
    return nncf


@contextmanager
def _quiet() -> Iterator[None]:
    """Without NNCF's progress bars, which go to the standard output through rich's console."""
    console = import_module("rich").get_console()
    before, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = before
