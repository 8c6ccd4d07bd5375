"""The backend that serves a bank: images are cut to size, wait in the batcher, and are computed on its threads."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Self, TypeAlias, TypeGuard, cast

import numpy as np

from perception import Bank, UserError
from perception.bank.predictor import Prediction
from perception.encoding import FEATURE_CHANNELS, FEATURE_SIDE, Features
from perception.photos import Pixels, check_images, squares
from server.backend import Caller, Encoded, Predicted, Spent
from server.batching import Answer, Batcher, Observer
from server.errors import Draining
from server.inference.background import in_background
from server.inference.served import Options, ServedBank
from server.inference.usage import Usage

_QUICK_PIXELS = 100_000
"""Images up to so many pixels together are resized on the event loop: it takes less time than to hand them over."""

_RESIZING_THREADS = 2


@dataclass(frozen=True, eq=False)
class _Encoding:
    """Images to be encoded by the bank that was served when they came."""

    served: ServedBank
    images: Pixels
    tasks: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Predicting:
    """Images to be predicted from likewise; alone in its batch."""

    served: ServedBank
    images: Pixels
    task: str
    seed: int


_Work: TypeAlias = _Encoding | _Predicting
_Result: TypeAlias = Features | Prediction


@dataclass(frozen=True, eq=False)
class _Generation:
    """A bank between two swaps, and the requests that it has to answer."""

    served: ServedBank
    requests: Usage = field(default_factory=Usage)


class LiveBackend:
    """Satisfies `server.backend.Backend` with a bank's networks; made by `start`, ended by `drain`.

    Args:
        served: The bank, ready.
        delay_us: See `Batcher`.
        largest_queue: Likewise.
        observer: Likewise.
    """

    def __init__(
        self, served: ServedBank, *, delay_us: int = 0, largest_queue: int = 256, observer: Observer | None = None
    ) -> None:
        self._options = served.options
        self._generation = _Generation(served)
        self._batcher: Batcher[_Work, _Result] = Batcher(
            _compute, largest_batch=self._options.largest_batch, delay_us=delay_us, largest_queue=largest_queue,
            observer=observer,
        )  # fmt: skip
        self._resizing = _Resizing(self._batcher)
        self._swapping = asyncio.Lock()
        self._requests = Usage()
        self._is_draining = False

    @classmethod
    async def start(
        cls,
        bank: Bank,
        options: Options | None = None,
        *,
        delay_us: int = 0,
        largest_queue: int = 256,
        observer: Observer | None = None,
    ) -> Self:
        """Compile and warm everything that requests may need, off the event loop; takes seconds.

        Args:
            bank: To be served.
            options: How; by default all its tasks, on the best device.
            delay_us: How long a request may be kept for others to join its batch; see `Batcher`.
            largest_queue: Images that may wait.
            observer: Is told what the batcher does.

        Raises:
            UserError: If a feature set is unknown, the bank is damaged, a limit is too small, or the device is missing.
        """
        served = await in_background(partial(ServedBank, bank, Options() if options is None else options))
        return cls(served, delay_us=delay_us, largest_queue=largest_queue, observer=observer)

    @property
    def bank(self) -> Bank:
        """See `Backend`."""
        return self._generation.served.bank

    @property
    def precision(self) -> str:
        """See `Backend`."""
        return self._generation.served.precision

    @property
    def largest_batch(self) -> int:
        """See `Backend`."""
        return self._options.largest_batch

    @property
    def tasks(self) -> tuple[str, ...]:
        """That are served, in the bank's order."""
        return self._generation.served.tasks

    @property
    def feature_sets(self) -> dict[str, tuple[str, ...]]:
        """Tasks of the sets that the options name; each is one program."""
        return dict(self._generation.served.feature_sets)

    @property
    def queued_images(self) -> int:
        """That wait for inference now."""
        return self._batcher.queued_images

    async def encode(self, images: Sequence[Pixels] | Pixels, tasks: Sequence[str], caller: Caller) -> Encoded:
        """See `Backend.encode`."""
        generation = self._open()
        with self._requests, generation.requests:
            served = generation.served
            names = served.tasks_named(tasks)
            side_px = served.side_px(names[0])
            if _is_ready(images, side_px):
                pixels = images
            else:
                checked = self._checked(images)
                if not len(checked):
                    features = np.empty((0, FEATURE_CHANNELS * len(names), FEATURE_SIDE, FEATURE_SIDE), np.float32)
                    return Encoded(features, names, Spent(0, 0, 0), served.bank.sha256)
                pixels = await self._resizing.squares(checked, side_px)
            answer = await self._batcher.submit(_Encoding(served, pixels, names), len(pixels), caller)
            return Encoded(cast(Features, answer.result), names, _spent(answer), served.bank.sha256)

    def begin(
        self,
        images: Pixels,
        tasks: Sequence[str],
        caller: Caller,
        tell: Callable[[Encoded | Exception], None],
        end: Callable[[], None],
    ) -> Callable[[], None] | None:
        """See `Backend.begin`."""
        generation = self._open()
        served = generation.served
        names = served.tasks_named(tasks)
        if not _is_ready(images, served.side_px(names[0])):
            return None
        uses = self._requests, generation.requests

        def told(outcome: Answer[_Result] | Exception) -> None:
            if isinstance(outcome, Answer):
                tell(Encoded(cast(Features, outcome.result), names, _spent(outcome), served.bank.sha256))
            else:
                tell(outcome)

        def ended() -> None:
            for use in uses:
                use.end()
            end()

        withdraw = self._batcher.begin(_Encoding(served, images, names), len(images), caller, told, ended)
        for use in uses:
            use.begin()

        def withdrawn() -> None:
            withdraw()
            for use in uses:
                use.end()

        return withdrawn

    async def predict(self, task: str, images: Sequence[Pixels], caller: Caller, *, seed: int = 0) -> Predicted:
        """See `Backend.predict`."""
        generation = self._open()
        with self._requests, generation.requests:
            served = generation.served
            name = served.task_named(task)
            checked = self._checked(images)
            served.check_views(name, len(checked))
            pixels = await self._resizing.squares(checked, served.side_px(name))
            work = _Predicting(served, pixels, name, seed)
            answer = await self._batcher.submit(work, len(pixels), caller, alone=True)
            return Predicted(cast(Prediction, answer.result), _spent(answer), served.bank.sha256)

    async def swap(self, bank: Bank) -> None:
        """Serve another bank from now on, with the same options; what was accepted before is answered by the old one.

        The old one serves until the new one is ready. Returns when the old one has answered its last request and its
        memory is given back; swaps wait for each other.

        Raises:
            UserError: If it cannot be served; the old one stays.
            Draining: If `drain` was called.
        """
        async with self._swapping:
            generation = _Generation(await in_background(partial(ServedBank, bank, self._options)))
            retired = [self._open()]
            self._generation = generation
            await retired[0].requests.ended()
            await asyncio.to_thread(retired.clear)  # to free so many graphs takes time that the event loop has not

    async def drain(self) -> None:
        """Answer everything that was accepted, then end the threads; new requests raise `Draining`."""
        self._is_draining = True
        await self._requests.ended()
        await self._batcher.drain()
        self._resizing.close()

    def _open(self) -> _Generation:
        if self._is_draining:
            raise Draining
        return self._generation

    def _checked(self, images: Sequence[Pixels] | Pixels) -> Sequence[Pixels] | Pixels:
        if isinstance(images, np.ndarray):
            images = check_images(images)
        if len(images):
            self._batcher.check_size(len(images))
        if isinstance(images, np.ndarray):
            return images
        return [_checked_image(image, number, len(images)) for number, image in enumerate(images, start=1)]


class _Resizing:
    """Cuts images to the encoders' size, off the event loop where that takes time.

    Args:
        batcher: Images that are being resized are as many as may wait in its queue, at most.
    """

    def __init__(self, batcher: Batcher[_Work, _Result]) -> None:
        self._batcher = batcher
        self._threads = ThreadPoolExecutor(_RESIZING_THREADS, "resize")
        self._images = 0

    async def squares(self, images: Sequence[Pixels] | Pixels, side_px: int) -> Pixels:
        """See `perception.photos.squares`.

        Raises:
            Overloaded: If too many are being resized already.
        """
        others = [image for image in images if image.shape[:2] != (side_px, side_px)]
        if sum(image.shape[0] * image.shape[1] for image in others) <= _QUICK_PIXELS:
            return squares(images, side_px)
        if self._images + len(images) > self._batcher.largest_queue:
            raise self._batcher.overloaded(len(images))
        self._images += len(images)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, squares, images, side_px)
        finally:
            self._images -= len(images)

    def close(self) -> None:
        """End the threads, which must be idle."""
        self._threads.shutdown(wait=False)


def _compute(batch: Sequence[_Work], on_idle: Callable[[], None]) -> list[_Result | Exception]:
    """Results of a batch, which during a swap may be for two banks."""
    results: dict[int, _Result | Exception] = {}
    for k, work in enumerate(batch):
        if isinstance(work, _Predicting):
            results[k] = work.served.predict(work.task, work.images, work.seed)
    banks = list(dict.fromkeys(work.served for work in batch))
    for served in banks:
        encodings = {k: work for k, work in enumerate(batch) if isinstance(work, _Encoding) and work.served is served}
        if encodings:
            requests = [(work.images, work.tasks) for work in encodings.values()]
            features = served.encode(requests, on_idle) if served is banks[-1] else served.encode(requests)
            results.update(zip(encodings, features, strict=True))
    return [results[k] for k in range(len(batch))]


def _is_ready(images: Sequence[Pixels] | Pixels, side_px: int) -> TypeGuard[Pixels]:
    """Whether images can be encoded as they are, as nearly all can: clients have shrunk them."""
    return (
        isinstance(images, np.ndarray)
        and images.dtype == np.uint8
        and images.shape[1:] == (side_px, side_px, 3)
        and len(images) > 0
        and images.flags.c_contiguous
    )


def _spent(answer: Answer[_Result]) -> Spent:
    return Spent(answer.queue_us, answer.compute_us, answer.batch_images)


def _checked_image(image: object, number: int, count: int) -> Pixels:
    try:
        one: Pixels = check_images(image[None] if isinstance(image, np.ndarray) else image)[0]
    except UserError as error:
        raise UserError(f"image {number} of {count}: {error}") from error
    return one
