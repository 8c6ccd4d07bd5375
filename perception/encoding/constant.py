"""A fake encoder for tests and dry runs: features that depend on the task alone."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from perception.encoding.encoder import FEATURE_CHANNELS, FEATURE_SIDE, Features, check_task_list
from perception.errors import UnknownNameError
from perception.photos import check_images
from perception.tasks import TASKS


class ConstantEncoder:
    """Gives each task's features one value everywhere, whatever the images show.

    Args:
        values: By task; a task that is not here is unknown. By default the k-th task of the dictionary has the value k.
    """

    def __init__(self, values: Iterable[tuple[str, float]] | None = None) -> None:
        pairs = [(task, float(k)) for k, task in enumerate(TASKS)] if values is None else list(values)
        self.values = {TASKS[task].name if task in TASKS else task: value for task, value in pairs}

    def encode(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> Features:
        """See `Encoder.encode`."""
        from perception.bank.bank import check_distinct

        count = len(check_images(images))
        names = [TASKS[task].name if task in TASKS else task for task in check_task_list(tasks)]
        for name, given in zip(names, tasks, strict=True):
            if name not in self.values:
                raise UnknownNameError("task", given, self.values)
        values = np.repeat([self.values[name] for name in check_distinct(names)], FEATURE_CHANNELS)
        shape = (count, len(values), FEATURE_SIDE, FEATURE_SIDE)
        return np.broadcast_to(values[None, :, None, None], shape).astype(np.float32)
