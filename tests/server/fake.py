"""A backend without networks: features that tell images, their order and the tasks apart."""

import asyncio
from collections.abc import Callable, Sequence

import numpy as np

from perception import TASKS, Bank, load_bank
from perception.bank.predictor import Predictor
from perception.encoding import Features
from perception.photos import Pixels, check_images
from server.backend import Caller, Encoded, Predicted, Spent

SPENT = Spent(queue_us=11, inference_us=22, batch_images=3)


def fake_features(images: Sequence[Pixels] | Pixels, tasks: Sequence[str]) -> Features:
    """float32 [N, 8k, 16, 16]: each task's channels are (its place in the dictionary + 1) * (the image's sum + 1)."""
    places = [list(TASKS).index(TASKS[task].name) + 1 for task in tasks]
    sums = np.array([float(image.astype(np.int64).sum()) + 1 for image in images])
    values = sums[:, None] * np.repeat(places, 8)[None]
    return np.broadcast_to(values[:, :, None, None], (*values.shape, 16, 16)).astype(np.float32)


class FakeBackend:
    """Satisfies `server.backend.Backend`.

    Args:
        error: Raised by every request, if given.
        hold: Requests wait for it, if given.
    """

    def __init__(self, error: Exception | None = None, hold: asyncio.Event | None = None) -> None:
        self.bank: Bank = load_bank("buildings-v1")
        self.precision = "float32"
        self.largest_batch = 64
        self.error = error
        self.hold = hold
        self.callers: list[Caller] = []

    async def encode(self, images: Sequence[Pixels] | Pixels, tasks: Sequence[str], caller: Caller) -> Encoded:
        self.callers.append(caller)
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        for image in images:
            check_images(image[None])
        names = tuple(self.bank.task_named(task) for task in tasks)
        return Encoded(fake_features(images, names), names, SPENT, self.bank.sha256)

    def begin(
        self,
        images: Pixels,
        tasks: Sequence[str],
        caller: Caller,
        tell: Callable[[Encoded | Exception], None],
        end: Callable[[], None],
    ) -> Callable[[], None] | None:
        async def answer() -> None:
            try:
                encoded = await self.encode(images, tasks, caller)
            except Exception as error:
                tell(error)
            else:
                await asyncio.to_thread(tell, encoded)
            end()

        return asyncio.ensure_future(answer()).cancel  # type: ignore[return-value]  # whether it was is nobody's care

    async def predict(self, task: str, images: Sequence[Pixels], caller: Caller, *, seed: int = 0) -> Predicted:
        self.callers.append(caller)
        if self.error is not None:
            raise self.error
        prediction = Predictor(self.bank.checkpoint(task)).predict(images, seed=seed)
        return Predicted(prediction, SPENT, self.bank.sha256)
