"""What networks look at, by task, for whole batches."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from perception.labels.inputs import grey, masked, noisy, shuffled
from perception.labels.permutations import permutations
from perception.tasks import Input

Images = NDArray[np.uint8]

_Prepare = Callable[[Images, NDArray[np.generic], np.random.Generator], Images]

_PREPARE: Mapping[Input, _Prepare] = {
    Input.NOISY: lambda images, _, rng: noisy(images, rng),
    Input.MASKED: lambda images, _, __: np.stack([masked(image) for image in images]),
    Input.GREY: lambda images, _, __: grey(images.reshape(-1, *images.shape[2:])).reshape(images.shape),
    Input.SHUFFLED: lambda images, order, _: np.stack(
        [shuffled(image, permutations()[k]) for image, k in zip(images, order, strict=True)]
    ),
}


def prepared(looks_at: Input, images: Images, targets: NDArray[np.generic], rng: np.random.Generator) -> Images:
    """Images as a task's network sees them: noisy, masked, grey or shuffled; otherwise as they are.

    Args:
        looks_at: The task's input.
        images: uint8 [N, H, W, 3].
        targets: [N]; for shuffled images the permutation of each, else unused.
        rng: Draws the noise.
    """
    prepare = _PREPARE.get(looks_at)
    return images if prepare is None else prepare(images, targets, rng)
