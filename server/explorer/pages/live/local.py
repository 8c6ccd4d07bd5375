"""Predictions by a bank on this machine, the same as `midlevel predict` makes, all tasks at once."""

import time
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from perception.pictures import png
from server.explorer.computing import workers
from server.explorer.content import Absent, Content
from server.explorer.pages.live.predicting import Answer, Predicted, spoken

if TYPE_CHECKING:
    from perception import Bank, Predictor
    from perception.bank import Preprocessing
    from perception.bank.predictor import Prediction


class LocalModels:
    """Satisfies `Models` with a bank; its networks are read when they are first needed, and kept.

    Args:
        content: Whose bank.
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self._loading = Lock()
        self._loaded: _Loaded | None = None

    def side_px(self) -> int:
        """See `Models`."""
        return self._ready().side_px

    def predict(self, square: NDArray[np.uint8]) -> Answer:
        """See `Models`."""
        return self._ready().predict(square)

    def _ready(self) -> "_Loaded":
        with self._loading:
            if self._loaded is None:
                if isinstance(self._content.bank, Absent):
                    raise UserError(self._content.bank.why)
                self._loaded = _Loaded(self._content.bank)
            return self._loaded


class _Loaded:
    """A bank's networks in memory."""

    def __init__(self, bank: "Bank") -> None:
        from perception import LocalEncoder

        self._bank = bank
        self._encoder: LocalEncoder = LocalEncoder(bank, device="cpu")  # as `midlevel predict`
        pairs = workers().map(self._predictor, bank.tasks)
        self._predictors = {task: predictor for task, predictor in pairs if predictor is not None}
        if not self._predictors:
            raise UserError(f"no task of the bank {bank.name} predicts anything from one photo; choose another bank.")
        self.side_px = next(iter(self._predictors.values())).card.preprocessing.side_px
        self.predict(np.zeros((8, 8, 3), np.uint8))  # what is compiled at the first call is no part of anybody's time

    def predict(self, square: NDArray[np.uint8]) -> Answer:
        began = time.perf_counter()
        predictions = list(workers().map(lambda predictor: predictor.predict(square), self._predictors.values()))
        predicted = time.perf_counter()
        features = self._features(square)
        encoded = time.perf_counter()
        pictures = list(workers().map(_drawn, predictions))
        drawn = time.perf_counter()
        return Answer(
            tuple(
                Predicted(task, picture, spoken(prediction.caption()), features[task])
                for task, picture, prediction in zip(self._predictors, pictures, predictions, strict=True)
            ),
            self._left_out,
            {"predictions": predicted - began, "features": encoded - predicted, "drawing": drawn - encoded},
            self._bank.name,
        )

    def _features(self, square: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """By task, [8, 16, 16]; tasks whose encoders take the same image are computed in one go."""
        found: dict[str, NDArray[np.float32]] = {}
        for tasks in self._alike:
            values = self._encoder.encode(square[None], tasks)[0]
            found |= dict(zip(tasks, values.reshape(len(tasks), -1, *values.shape[1:]), strict=True))
        return found

    @cached_property
    def _alike(self) -> list[tuple[str, ...]]:
        alike: dict[Preprocessing, list[str]] = {}
        for task, predictor in self._predictors.items():
            alike.setdefault(predictor.card.preprocessing, []).append(task)
        return [tuple(tasks) for tasks in alike.values()]

    def _predictor(self, task: str) -> "tuple[str, Predictor | None]":
        from perception import Predictor
        from perception.bank import HeadKind

        checkpoint = self._encoder.checkpoint(task)
        is_fit = checkpoint.card.views == 1 and checkpoint.card.head is not HeadKind.NONE
        return task, Predictor(checkpoint) if is_fit else None

    @cached_property
    def _left_out(self) -> tuple[str, ...]:
        return tuple(task for task in self._bank.tasks if task not in self._predictors)


def _drawn(prediction: "Prediction") -> bytes:
    return png(prediction.picture())
