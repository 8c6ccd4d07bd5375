"""The encoder of a bank on this machine."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perception.encoding.encoder import FEATURE_CHANNELS, FEATURE_SIDE, Features, check_task_list
from perception.encoding.runtime import Precision, Program, choose_device, choose_runtime
from perception.errors import UserError
from perception.photos import check_images, squares

if TYPE_CHECKING:
    from perception.bank.bank import Bank
    from perception.bank.checkpoint import Checkpoint

_PROGRAMS_KEPT = 32


class LocalEncoder:
    """Runs a bank's encoders here; satisfies `Encoder` and may be called from several threads.

    Networks are read, and their hashes checked, when a task is first asked for; each list of tasks becomes one program,
    which is kept.

    Args:
        bank: Where the encoders come from.
        device: "cpu", "cuda", or "auto": a GPU where there is one.
        runtime: "openvino", "torch", or "auto": OpenVINO on the CPU where it is installed, else PyTorch.
        precision: "float32", "bfloat16", or "auto": bfloat16 where the machine multiplies it faster.

    Raises:
        UserError: If device or runtime are unknown, missing, or do not go together.
    """

    def __init__(
        self, bank: "Bank", *, device: str = "auto", runtime: str = "auto", precision: str | Precision = "auto"
    ) -> None:
        if precision not in tuple(Precision):
            raise UserError(f"the precision {str(precision)!r} is unknown; use {', '.join(Precision)}.")
        self.bank = bank
        self.device = choose_device(device)
        self.runtime = choose_runtime(runtime, self.device)
        self.precision = Precision(precision)
        self._compile = self.runtime.load()
        self._checkpoints: dict[str, Checkpoint] = {}
        self._programs: OrderedDict[tuple[str, ...], Program] = OrderedDict()
        self._lock = Lock()

    def encode(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> Features:
        """See `Encoder.encode`."""
        pixels = check_images(images)
        names = self._names(tasks)
        if not len(pixels):
            return np.empty((0, FEATURE_CHANNELS * len(names), FEATURE_SIDE, FEATURE_SIDE), np.float32)
        program = self._program(names)
        return program(squares(pixels, self._checkpoints[names[0]].card.preprocessing.side_px))

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
                for name in names:
                    if name not in self._checkpoints:
                        self._checkpoints[name] = self.bank.checkpoint(name)
                self._programs[names] = self._compiled(names)
                if len(self._programs) > _PROGRAMS_KEPT:
                    self._programs.popitem(last=False)
            self._programs.move_to_end(names)
            return self._programs[names]

    def _compiled(self, names: tuple[str, ...]) -> Program:
        cards = [self._checkpoints[name].card for name in names]
        for card in cards[1:]:
            if card.preprocessing != cards[0].preprocessing:
                raise UserError(
                    f"{cards[0].task!r} and {card.task!r} take images prepared differently; encode them apart."
                )
        encoders = [self._checkpoints[name].encoder for name in names]
        return self._compile(encoders, cards[0].preprocessing, self.device, self.precision)
