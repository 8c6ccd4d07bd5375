"""What every encoder does, and so all that agents and tools may ask of one."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError

Features = NDArray[np.float32]

FEATURE_CHANNELS = 8
"""Channels of one task's features."""

FEATURE_SIDE = 16
"""Rows and columns of features."""


@runtime_checkable
class Encoder(Protocol):
    """Images to features: a bank on this machine, a server, or a fake."""

    def encode(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> Features:
        """Features of images.

        Args:
            images: uint8 RGB [N, H, W, 3], of any size; resizing and normalisation are the encoder's part.
            tasks: Names or aliases.

        Returns:
            float32 [N, 8 * len(tasks), 16, 16]: the tasks' features one after the other, in the order asked for.

        Raises:
            UserError: If the images are anything else, or a task is unknown or named twice.
        """


def check_task_list(tasks: object) -> tuple[str, ...]:
    """The names as a tuple.

    Raises:
        UserError: If they are one string, no sequence of strings, or none.
    """
    if isinstance(tasks, str):
        raise UserError(f"tasks are the text {tasks!r}; pass a list of names, or what Bank.feature_set makes of it.")
    if not isinstance(tasks, Sequence) or not all(isinstance(task, str) for task in tasks):
        raise UserError(f"tasks are {type(tasks).__name__}; expected a list of names.")
    if not tasks:
        raise UserError("no task was named; name at least one.")
    return tuple(tasks)
