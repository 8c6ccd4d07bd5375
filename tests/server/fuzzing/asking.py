"""Requests that chance writes, through the services and the backend that are served, without a network."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
import numpy as np
from google.protobuf.message import DecodeError, Message

from perception import LocalEncoder, load_bank
from perception.encoding import Features
from perception.photos import Pixels, squares
from server.inference import LiveBackend, Options
from server.open_inference import OpenInferenceService
from server.service import PerceptionService, ServiceLimits
from tests.server.fuzzing.watching import ViolationError, Watch

TASKS = ("normal", "reshading")
SET = ",".join(TASKS)
LARGEST_BATCH = 8
REFUSALS = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)  # fmt: skip
"""How a request may end that is not answered."""

_HANGS_S = 60.0


class RefusedError(Exception):
    """A call was ended with a status."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message


class Context:
    """What services ask of a call."""

    def peer(self) -> str:
        return "ipv4:127.0.0.1:50000"

    def time_remaining(self) -> float | None:
        return None

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Sequence[Any] = ()) -> NoReturn:
        del trailing_metadata
        raise RefusedError(code, details)


@dataclass(frozen=True)
class Asked:
    """A request to be tried.

    Args:
        method: Of the service.
        request: Its message.
    """

    method: Callable[[Any, Any], Awaitable[Any]]
    request: Message


class Services:
    """Both protocols before a bank of two tasks; used from one thread, outside of its event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.bank = load_bank("buildings-v1")
        options = Options((SET,), precision="float32", largest_batch=LARGEST_BATCH)
        self._backend = self.loop.run_until_complete(self._start(options))
        limits = ServiceLimits(largest_message_bytes=4 << 20, decode_threads=1)
        self.perception = PerceptionService(self._backend, [SET], limits)
        self.inference = OpenInferenceService(self._backend, [SET], largest_message_bytes=4 << 20)
        self._local = LocalEncoder(self.bank, precision="float32")

    async def _start(self, options: Options) -> LiveBackend:
        return await LiveBackend.start(self.bank, options)

    def features(self, images: Sequence[Pixels], tasks: Sequence[str]) -> Features:
        """What the answer to these should be."""
        return self._local.encode(squares(list(images), 128), tasks)

    def answered(self, asked: Asked, check: Callable[[Any], None], watch: Watch) -> None:
        """Ask, as the server would be asked; the answer is right, or the refusal is one that is meant."""

        def attempt() -> str:
            call = asyncio.wait_for(asked.method(asked.request, Context()), _HANGS_S)
            try:
                answer = self.loop.run_until_complete(call)
            except RefusedError as refused:
                if refused.code not in REFUSALS or "\n" in refused.message or not refused.message.endswith((".", "?")):
                    raise ViolationError(str(refused)) from refused
                return refused.code.name
            check(answer)
            return "answered"

        watch.tried(asked.request.SerializeToString(), attempt)

    def close(self) -> None:
        """End the threads."""
        self.loop.run_until_complete(self._backend.drain())
        self.perception.close()
        self.loop.close()


def check_features(found: Features, wanted: Features) -> None:
    """Refuse features that are not those of the request's images."""
    if found.shape != wanted.shape:
        raise ViolationError(f"answered {found.shape} for {wanted.shape}")
    with np.errstate(over="ignore", invalid="ignore"):
        if not np.allclose(found, wanted.astype(found.dtype), rtol=2e-3, atol=1e-3 * max(1.0, float(wanted.std()))):
            raise ViolationError(f"the answer errs by {np.abs(found - wanted).max()}")


def parsed(kind: type[Message], data: bytes) -> Any:
    """A message, or None if the bytes are none."""
    try:
        return kind.FromString(data)
    except DecodeError:
        return None
