"""A check that anyone can run on an encoder of their own: does it keep the contract?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perception.encoding.encoder import FEATURE_CHANNELS, FEATURE_SIDE, Encoder, Features
from perception.errors import UserError

TOLERANCE = 0.02
"""Largest difference, as a share of the features' spread, that batching and order of tasks may make."""


def check_encoder(encoder: Encoder, tasks: Sequence[str], *, tolerance: float = TOLERANCE, seed: int = 0) -> None:
    """Raise an error that says which clause of the `Encoder` contract is broken, if one is.

    Checked are shape and type, sizes of images, order of tasks, independence of the batch, repeatability, that images
    are not written to, and that wrong input is refused.

    Args:
        encoder: To be checked.
        tasks: At least two that it knows.
        tolerance: Share of the features' standard deviation by which numbers may differ between batches.
        seed: Of the images shown.

    Raises:
        UserError: With the clause that is broken.
    """
    if len(tasks) < 2:
        raise UserError(f"{len(tasks)} tasks were given to check an encoder with; expected at least two.")
    images = np.random.default_rng(seed).integers(0, 256, (5, 48, 64, 3), np.uint8)
    before = images.copy()
    features = _features(encoder, images, tasks)
    _require((images == before).all(), "encode writes to the images it is given")
    _same(features, _features(encoder, images, tasks), 0.0, "the same images gave other features the second time")
    _same(features[1:2], _features(encoder, images[1:2], tasks), tolerance, "features depend on the rest of the batch")
    backwards = _features(encoder, images, tasks[::-1])
    blocks = backwards.reshape(len(images), len(tasks), -1)[:, ::-1].reshape(features.shape)
    _same(features, blocks, tolerance, "features are not in the order of the tasks")
    for height, width in ((1, 1), (16, 16), (128, 128), (301, 7)):
        _features(encoder, np.full((1, height, width, 3), 200, np.uint8), tasks)
    _features(encoder, images[:0], tasks)
    _refuses(encoder, images.astype(np.float32), tasks, "floats")
    _refuses(encoder, images.transpose(0, 3, 1, 2).copy(), tasks, "channels in front")
    _refuses(encoder, images[0], tasks, "an image without a batch")
    _refuses(encoder, images, ["no_such_task"], "an unknown task")
    _refuses(encoder, images, [tasks[0], tasks[0]], "a task named twice")


def _features(encoder: Encoder, images: NDArray[np.uint8], tasks: Sequence[str]) -> Features:
    features = encoder.encode(images, tasks)
    shape = (len(images), FEATURE_CHANNELS * len(tasks), FEATURE_SIDE, FEATURE_SIDE)
    is_array = isinstance(features, np.ndarray) and features.dtype == np.float32 and features.shape == shape
    found = f"{getattr(features, 'dtype', type(features).__name__)} {list(getattr(features, 'shape', []))}"
    _require(is_array, f"encode gave {found} for images {list(images.shape)}; expected float32 {list(shape)}")
    _require(bool(np.isfinite(features).all()), f"features of images {list(images.shape)} are not all finite")
    return features


def _same(one: Features, other: Features, tolerance: float, message: str) -> None:
    difference = float(np.abs(one - other).max()) if one.size else 0.0
    _require(difference <= tolerance * float(one.std()), f"{message}: they differ by {difference:.2g}")


def _refuses(encoder: Encoder, images: NDArray[np.generic], tasks: Sequence[str], what: str) -> None:
    try:
        encoder.encode(images, tasks)  # type: ignore[arg-type]
    except UserError:
        return
    raise UserError(f"encoder contract: {what} was taken; expected a UserError.")


def _require(condition: object, message: str) -> None:
    if not condition:
        raise UserError(f"encoder contract: {message}.")
