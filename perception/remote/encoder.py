"""The blocking client."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
from numpy.typing import NDArray

from perception.encoding.encoder import Features, check_task_list
from perception.errors import UserError
from perception.photos import check_images
from perception.remote.answers import TimedFeatures
from perception.remote.catalogue import Catalogue, catalogue_of
from perception.remote.channel import Calls, open_calls
from perception.remote.client import BANKS_TRIED, IN_FLIGHT, Client
from perception.remote.forks import CALL
from perception.remote.frame_stream import FrameStream
from perception.remote.job import Job
from perception.remote.options import SHARED_MEMORY
from protos.perception.v1.perception_pb2 import ListFeaturesRequest


class RemoteEncoder(Client):
    """A server's encoders, as if they were here; satisfies `Encoder` and may be called from several threads."""

    __doc__ = f"{__doc__}\n{(Client.__doc__ or '').partition(chr(10))[2]}"

    _workers: ThreadPoolExecutor | None = None

    def encode(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> Features:
        """See `Encoder.encode`.

        Raises:
            UserError: If images or tasks are not what they should be.
            RemoteError: If the server cannot be reached, refuses, or fails; a `UserError` too.
        """
        return self.encode_timed(images, tasks).features

    def encode_timed(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> TimedFeatures:
        """As `encode`, with the server's timings and its bank's hash."""
        pixels, names = check_images(images), check_task_list(tasks)
        for _ in range(BANKS_TRIED):
            job = self._job(pixels, names)
            self._run(job)
            if not job.bank_changed:
                return job.result()
            self._catalogue = None
        raise self._changing()

    def catalogue(self) -> Catalogue:
        """Ask the server what it has.

        Raises:
            RemoteError: If it does not say.
        """
        return self._kept(catalogue_of(self._patiently(lambda calls: calls.list_features, ListFeaturesRequest())))

    def feature_set(self, name: str) -> tuple[str, ...]:
        """The tasks of one of the server's feature sets, such as "max-coverage:4" or "normal,reshading".

        Raises:
            UserError: If it has no such set.
        """
        return (self._catalogue or self.catalogue()).feature_set(name)

    def stream(self, tasks: Sequence[str]) -> FrameStream:
        """A stream of a robot's frames, of which the latest matters and the others do not.

        Args:
            tasks: Names or aliases.

        Raises:
            UserError: If tasks are no names, or the transport is shared memory, which streams do not take.
        """
        names = check_task_list(tasks)
        if self._options.transport == SHARED_MEMORY:
            raise UserError(
                "streams do not go through shared memory; make another RemoteEncoder with transport='grpc'."
            )

        def begin(frame: NDArray[np.uint8], renew: bool) -> Job:
            self._catalogue = None if renew else self._catalogue
            return self._job(check_images(frame), names)

        return FrameStream(self._options, self._open, begin)

    def close(self) -> None:
        """Let go of the connection and of shared memory; a later call makes them anew."""
        with self._lock:
            calls, self._calls = self._calls, None
            workers, self._workers = self._workers, None
        if workers is not None:
            workers.shutdown(cancel_futures=True)
        if calls is not None:
            calls.close()
            calls.channel.close()
        self._carrier.close()

    def forget(self) -> None:
        """See `Client.forget`."""
        super().forget()
        self._workers = None

    def _job(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> Job:
        return self._known_job(images, tasks) or self._new_job(images, tasks, self.catalogue())

    def _run(self, job: Job) -> None:
        if len(job.parts) > 1:
            list(self._pool().map(partial(self._exchange, job), job.parts))
            return
        for start in job.parts:
            self._exchange(job, start)

    def _exchange(self, job: Job, start: int) -> None:
        with self._carrier.pack(job.pixels(start), job.tasks, self._options.precision) as parcel:
            response = self._patiently(lambda calls: calls.encode, parcel.request)
            job.take(start, response, parcel.features_of(response))

    def _patiently(self, choose: Callable[[Calls], Callable[..., Any]], request: object) -> Any:
        attempts = self._attempts()
        while True:
            try:
                with CALL:
                    return choose(self._open())(request, timeout=attempts.left_s, metadata=self._options.metadata)
            except grpc.RpcError as error:
                wait_s = attempts.wait_after(error)
            time.sleep(wait_s)

    def _open(self) -> Calls:
        calls = self._calls
        if calls is None:
            with self._lock:
                calls = self._calls = self._calls or open_calls(self._options)
        return calls

    def _pool(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="midlevel-remote")
            return self._workers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
