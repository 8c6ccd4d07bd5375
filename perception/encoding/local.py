"""The encoder of a bank on this machine."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perception.encoding.encoder import FEATURE_CHANNELS, FEATURE_SIDE, Features, check_task_list
from perception.encoding.runtime import Images, Precision, Program, choose_device, choose_runtime
from perception.errors import UserError
from perception.photos import check_images, squares

if TYPE_CHECKING:
    from perception.bank.bank import Bank
    from perception.bank.checkpoint import Checkpoint

_PROGRAMS_KEPT = 32
"""By default; enough for every task of the dictionary by itself and some sets."""


class LocalEncoder:
    """Runs a bank's encoders here; satisfies `Encoder` and may be called from several threads.

    Networks are read, and their hashes checked, when a task is first asked for; each list of tasks becomes one program,
    which is kept.

    Args:
        bank: Where the encoders come from.
        device: "cpu", "cuda", or "auto": a GPU where there is one.
        runtime: "openvino", "torch", or "auto": OpenVINO on the CPU where it is installed, else PyTorch.
        precision: "float32", "bfloat16", "int8" (OpenVINO with the package nncf), or "auto": bfloat16 where the machine
            multiplies it faster.
        programs_kept: Lists of tasks that stay compiled; of more, those go that were not used for longest.

    Raises:
        UserError: If device, runtime or precision are unknown, missing, or do not go together.
    """

    def __init__(
        self,
        bank: "Bank",
        *,
        device: str = "auto",
        runtime: str = "auto",
        precision: str | Precision = "auto",
        programs_kept: int = _PROGRAMS_KEPT,
    ) -> None:
        if precision not in tuple(Precision):
            raise UserError(f"the precision {str(precision)!r} is unknown; use {', '.join(Precision)}.")
        self.bank = bank
        self.device = choose_device(device)
        self.runtime = choose_runtime(runtime, self.device)
        self._library = self.runtime.load()
        self.precision = self._library.choose_precision(self.device, Precision(precision))
        self._programs_kept = programs_kept
        self._checkpoints: dict[str, Checkpoint] = {}
        self._programs: OrderedDict[tuple[str, ...], Program] = OrderedDict()
        self._lock = Lock()

    def encode(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> Features:
        """See `Encoder.encode`."""
        pixels = check_images(images)
        names = self._names(tasks)
        if not len(pixels):
            return np.empty((0, FEATURE_CHANNELS * len(names), FEATURE_SIDE, FEATURE_SIDE), np.float32)
        return self._program(names)(squares(pixels, self._side_px(names)))

    def encode_together(
        self, parts: Sequence[tuple[Images, Sequence[str]]], on_idle: Callable[[], None] = lambda: None
    ) -> list[Features]:
        """What `encode` makes of each part, sooner than one after the other: no core waits between them.

        Args:
            parts: Images in one or several arrays, together at least one, and tasks as `encode` takes them; no list of
                tasks twice.
            on_idle: Called when a core first has nothing left to do, so that another thread may begin what comes next.

        Raises:
            UserError: As `encode`, or if a part has no image or its tasks are another's.
        """
        lists = [self._names(tasks) for _, tasks in parts]
        images = [[check_images(pixels) for pixels in arrays] for arrays, _ in parts]
        if len(set(lists)) < len(lists) or not all(sum(map(len, arrays)) for arrays in images):
            raise UserError("parts have no image, or the same tasks; encode those apart.")
        sides_px = [self._side_px(names) for names in lists]
        return self._library.run_together(
            [
                (self._program(names), [squares(pixels, side_px) for pixels in arrays])
                for arrays, names, side_px in zip(images, lists, sides_px, strict=True)
            ],
            on_idle,
        )

    def prepare(self, tasks: Sequence[str], largest_batch: int) -> None:
        """Read, compile and run once all that batches of 1 to `largest_batch` images need.

        Raises:
            UserError: If a task is unknown, or the bank is damaged.
        """
        self._program(self._names(tasks)).warm(largest_batch)

    def checkpoint(self, task: str) -> "Checkpoint":
        """A task's networks as they are in use here; on this encoder's device once the task was encoded.

        Raises:
            UserError: If the task is unknown, or the bank is damaged.
        """
        name = self.bank.task_named(task)
        with self._lock:
            return self._checkpoint(name)

    def warm(self, tasks: Sequence[str], batch_sizes: Sequence[int] = (1,)) -> None:
        """Read, compile and run once for each batch size, so that the first real call is as fast as the others.

        Raises:
            UserError: If a task is unknown, or the bank is damaged.
        """
        for count in batch_sizes:
            self.encode(np.zeros((count, 8, 8, 3), np.uint8), tasks)

    def weights_sha256(self) -> dict[str, str]:
        """What the weights in memory hash to now, by task, of those that were used so far."""
        from perception.bank.frozen import weights_sha256

        return {task: weights_sha256(checkpoint.encoder) for task, checkpoint in self._checkpoints.items()}

    def _names(self, tasks: Sequence[str]) -> tuple[str, ...]:
        from perception.bank.bank import check_distinct

        return check_distinct([self.bank.task_named(task) for task in check_task_list(tasks)])

    def _program(self, names: tuple[str, ...]) -> Program:
        with self._lock:
            if names not in self._programs:
                self._programs[names] = self._compiled(names)
                if len(self._programs) > self._programs_kept:
                    self._programs.popitem(last=False)
            self._programs.move_to_end(names)
            return self._programs[names]

    def _side_px(self, names: tuple[str, ...]) -> int:
        return self.checkpoint(names[0]).card.preprocessing.side_px

    def _checkpoint(self, name: str) -> "Checkpoint":
        if name not in self._checkpoints:
            self._checkpoints[name] = self.bank.checkpoint(name)
        return self._checkpoints[name]

    def _compiled(self, names: tuple[str, ...]) -> Program:
        cards = [self._checkpoint(name).card for name in names]
        for card in cards[1:]:
            if card.preprocessing != cards[0].preprocessing:
                raise UserError(
                    f"{cards[0].task!r} and {card.task!r} take images prepared differently; encode them apart."
                )
        encoders = [self._checkpoints[name].encoder for name in names]
        return self._library.compile_encoders(encoders, cards[0].preprocessing, self.device, self.precision)
