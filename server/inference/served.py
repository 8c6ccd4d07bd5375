"""A bank made ready: every program that requests may need, compiled and warm."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perception import Bank, LocalEncoder, Predictor, UnknownNameError, UserError
from perception.bank import HeadKind
from perception.bank.bank import check_distinct
from perception.bank.predictor import Prediction
from perception.encoding import FEATURE_CHANNELS, FEATURE_SIDE, Features
from perception.encoding.encoder import check_task_list
from perception.photos import Pixels
from server.inference.plan import Step, fused_sets, plan


@dataclass(frozen=True)
class Options:
    """How a bank is served.

    Args:
        features: Names of feature sets. Their tasks are served, by themselves and in any combination, and each set is
            one program. Empty for all tasks of the bank and no set.
        device: As `LocalEncoder` takes it.
        runtime: Likewise.
        precision: Likewise.
        largest_batch: Images that are computed together.
    """

    features: tuple[str, ...] = ()
    device: str = "auto"
    runtime: str = "auto"
    precision: str = "auto"
    largest_batch: int = 32


class ServedBank:
    """Encodes and predicts; constructing one takes seconds.

    `encode` and `predict` are for one thread at a time, another one from `on_idle` on.

    Args:
        bank: Whose encoders.
        options: How.

    Raises:
        UserError: If a feature set is unknown, a checkpoint is damaged, or the runtime cannot be used.
    """

    def __init__(self, bank: Bank, options: Options) -> None:
        self.bank = bank
        self.options = options
        self.feature_sets = {name: bank.feature_set(name) for name in options.features}
        of_sets = {task for tasks in self.feature_sets.values() for task in tasks}
        self.tasks = tuple(task for task in bank.tasks if task in of_sets or not self.feature_sets)
        self._fused = fused_sets(list(self.feature_sets.values()))
        self._sets = frozenset(self.feature_sets.values())
        self._encoder = LocalEncoder(
            bank, device=options.device, runtime=options.runtime, precision=options.precision,
            programs_kept=len(self.tasks) + len(self._fused),
        )  # fmt: skip
        self.precision = self._encoder.precision.value
        self._predictors: dict[str, Predictor] = {}
        self._sides_px = {task: self._encoder.checkpoint(task).card.preprocessing.side_px for task in self.tasks}
        for program in [*((task,) for task in self.tasks), *self._fused.values()]:
            self._encoder.prepare(program, options.largest_batch)

    def side_px(self, task: str) -> int:
        """Rows and columns of the images that a served task takes."""
        return self._sides_px[task]

    def task_named(self, name: str) -> str:
        """Canonical name of a task that is served.

        Raises:
            UnknownNameError: If the bank lacks it, or it is not served.
        """
        task = self.bank.task_named(name)
        if task not in self.tasks:
            raise UnknownNameError("served task", name, self.tasks)
        return task

    def tasks_named(self, names: Sequence[str]) -> tuple[str, ...]:
        """Canonical names of tasks that take the same images.

        Raises:
            UserError: If there is none, one is not served or named twice, or they take images prepared differently.
        """
        if isinstance(names, tuple) and names in self._sets:
            return names  # as nearly every request has them
        tasks = check_distinct([self.task_named(name) for name in check_task_list(names)])
        prepared = self._encoder.checkpoint(tasks[0]).card.preprocessing
        for task in tasks[1:]:
            if self._encoder.checkpoint(task).card.preprocessing != prepared:
                raise UserError(f"{tasks[0]!r} and {task!r} take images prepared differently; encode them apart.")
        return tasks

    def check_views(self, task: str, images: int) -> None:
        """Raise what `predict` would, before anything is computed.

        Raises:
            UserError: If the task has no head, or the number of images does not fit its views.
        """
        card = self._encoder.checkpoint(task).card
        if card.head is HeadKind.NONE:
            raise UserError(f"{task!r} has an encoder but no head, so it predicts nothing.")
        if not images or images % card.views:
            expected = "at least one" if card.views == 1 else f"a multiple of {card.views}"
            raise UserError(
                f"{task!r} looks at {card.views} images at a time; {images} were given, expected {expected}."
            )

    def encode(
        self, requests: Sequence[tuple[Pixels, tuple[str, ...]]], on_idle: Callable[[], None] = lambda: None
    ) -> list[Features]:
        """Features of each request, computed together.

        Args:
            requests: Images uint8 [N, side, side, 3], at least one, and tasks as `tasks_named` returned them.
            on_idle: See `LocalEncoder.encode_together`.

        Returns:
            float32 [N, 8k, 16, 16] each.
        """
        steps = plan([tasks for _, tasks in requests], self._fused)
        parts = [([requests[k][0] for k in step.requests], step.tasks) for step in steps]
        return _put_together(requests, steps, self._encoder.encode_together(parts, on_idle))

    def predict(self, task: str, images: Pixels, seed: int) -> Prediction:
        """See `Predictor.predict`, after `check_views`."""
        if task not in self._predictors:
            checkpoint = self._encoder.checkpoint(task)
            self._predictors[task] = Predictor(checkpoint, device=self._encoder.device)
        return self._predictors[task].predict(images, seed=seed)


def _put_together(
    requests: Sequence[tuple[Pixels, tuple[str, ...]]], steps: Sequence[Step], computed: Sequence[Features]
) -> list[Features]:
    """Each request's features, from the rows and channels that are its own; passed on as they are where they can be."""
    results: list[Features | None] = [None] * len(requests)
    for step, features in zip(steps, computed, strict=True):
        start = 0
        for request in step.requests:
            images, tasks = requests[request]
            rows = features[start : start + len(images)]
            start += len(images)
            if tasks == step.tasks:
                results[request] = rows
                continue
            result = results[request]
            if result is None:
                shape = (len(images), FEATURE_CHANNELS * len(tasks), FEATURE_SIDE, FEATURE_SIDE)
                result = results[request] = np.empty(shape, np.float32)
            _copy_tasks(rows, step.tasks, result, tasks)
    return [result for result in results if result is not None]


def _copy_tasks(rows: Features, tasks: tuple[str, ...], result: Features, wanted: tuple[str, ...]) -> None:
    for k, task in enumerate(tasks):
        place = FEATURE_CHANNELS * wanted.index(task)
        result[:, place : place + FEATURE_CHANNELS] = rows[:, FEATURE_CHANNELS * k : FEATURE_CHANNELS * (k + 1)]
