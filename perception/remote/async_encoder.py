"""The client for asyncio."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
from numpy.typing import NDArray

from perception.encoding.encoder import Features, check_task_list
from perception.photos import check_images
from perception.remote.answers import TimedFeatures
from perception.remote.catalogue import Catalogue, catalogue_of
from perception.remote.channel import Calls, open_async_calls
from perception.remote.client import BANKS_TRIED, IN_FLIGHT, Client
from perception.remote.job import Job
from protos.perception.v1.perception_pb2 import ListFeaturesRequest


class AsyncRemoteEncoder(Client):
    """`RemoteEncoder` with methods to await; one event loop at a time, any number of calls at once."""

    __doc__ = f"{__doc__}\n{(Client.__doc__ or '').partition(chr(10))[2]}"

    _loop: asyncio.AbstractEventLoop | None = None

    async def encode(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> Features:
        """See `RemoteEncoder.encode`."""
        return (await self.encode_timed(images, tasks)).features

    async def encode_timed(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> TimedFeatures:
        """See `RemoteEncoder.encode_timed`."""
        pixels, names = check_images(images), check_task_list(tasks)
        for _ in range(BANKS_TRIED):
            job = self._known_job(pixels, names) or self._new_job(pixels, names, await self.catalogue())
            await self._run(job)
            if not job.bank_changed:
                return job.result()
            self._catalogue = None
        raise self._changing()

    async def catalogue(self) -> Catalogue:
        """See `RemoteEncoder.catalogue`."""
        request = ListFeaturesRequest()
        return self._kept(catalogue_of(await self._patiently(lambda calls: calls.list_features, request)))

    async def feature_set(self, name: str) -> tuple[str, ...]:
        """See `RemoteEncoder.feature_set`."""
        return (self._catalogue or await self.catalogue()).feature_set(name)

    async def close(self) -> None:
        """See `RemoteEncoder.close`."""
        calls, self._calls = self._calls, None
        if calls is not None:
            calls.close()
            await calls.channel.close()
        self._carrier.close()

    def forget(self) -> None:
        """See `Client.forget`."""
        super().forget()
        self._loop = None

    async def _run(self, job: Job) -> None:
        if len(job.parts) < 2:
            for start in job.parts:
                await self._exchange(job, start)
            return
        window = asyncio.Semaphore(IN_FLIGHT)

        async def exchange(start: int) -> None:
            async with window:
                await self._exchange(job, start)

        exchanges = [asyncio.ensure_future(exchange(start)) for start in job.parts]
        try:
            await asyncio.gather(*exchanges)
        finally:
            for unfinished in exchanges:
                unfinished.cancel()

    async def _exchange(self, job: Job, start: int) -> None:
        pixels = await asyncio.to_thread(job.pixels, start) if job.resizes else job.pixels(start)
        with self._carrier.pack(pixels, job.tasks, self._options.precision) as parcel:
            response = await self._patiently(lambda calls: calls.encode, parcel.request)
            job.take(start, response, parcel.features_of(response))

    async def _patiently(self, choose: Callable[[Calls], Callable[..., Any]], request: object) -> Any:
        attempts = self._attempts()
        while True:
            try:
                return await choose(self._open())(request, timeout=attempts.left_s, metadata=self._options.metadata)
            except grpc.RpcError as error:
                wait_s = attempts.wait_after(error)
            await asyncio.sleep(wait_s)

    def _open(self) -> Calls:
        loop = asyncio.get_running_loop()
        if self._calls is None or self._loop is not loop:  # a channel belongs to one event loop
            if self._calls is not None:
                self._calls.close()
            self._calls, self._loop = open_async_calls(self._options), loop
        return self._calls

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
