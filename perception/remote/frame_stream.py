"""A robot's frames: sent as they are seen, answered as fast as the server can, none of them stale."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Condition, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import grpc

from perception.errors import UserError
from perception.remote.answers import TimedFeatures
from perception.remote.attempts import Attempts
from perception.remote.carriers import StreamCarrier
from perception.remote.channel import Calls
from perception.remote.errors import RemoteError, TimedOutError, as_user_error, failure_error
from perception.remote.forks import CALL, pause_for_forks
from perception.remote.job import Job
from perception.remote.options import Options
from protos.perception.v1 import perception_pb2 as messages

if TYPE_CHECKING:
    from perception.photos import Pixels


@dataclass(frozen=True, eq=False)
class Frame:
    """What the server made of a frame.

    Args:
        sequence: What `send` returned for it.
        encoded: Its features, [1, 8 * tasks, 16, 16], and how they came about.
        skipped: Frames since the last answer that were left out in favour of later ones.
    """

    sequence: int
    encoded: TimedFeatures
    skipped: int


class FrameStream:
    """Made by `RemoteEncoder.stream`. One thread sends, one (the same or another) takes answers.

    Frames that wait while one is computed are dropped, here and at the server, except the latest. When the connection
    breaks, it is made anew; the frames that were under way are dropped too.

    Args:
        options: Of the client.
        open_calls: The client's connection.
        begin: Makes a frame's job, renewing what is known of the server if it is stale.
    """

    def __init__(
        self, options: Options, open_calls: Callable[[], Calls], begin: Callable[["Pixels", bool], Job]
    ) -> None:
        self._options = options
        self._open_calls = open_calls
        self._begin = begin
        self._pid = os.getpid()
        self._changed = Condition()  # guards all below
        self._sent = 0
        self._answered = 0
        self._jobs: dict[int, Job] = {}
        self._waiting: messages.EncodeStreamRequest | None = None
        self._outcome: Frame | UserError | None = None
        self._end: UserError | None = None
        self._bank_is_stale = False
        self._call: Any = None
        self._consumer = object()
        self._is_pausing = False
        pause_for_forks(self)
        self._listener = Thread(target=self._answers, name="midlevel-frames", daemon=True)
        self._listener.start()

    def send(self, frame: "Pixels") -> int:
        """Send a frame, in place of one that still waits to be sent.

        Args:
            frame: uint8 RGB [H, W, 3].

        Returns:
            Its number, from 1.

        Raises:
            UserError: If it is no such image, or the stream has ended.
        """
        self._check_open()
        job = self._begin(frame[None], self._bank_is_stale)
        self._bank_is_stale = False
        request = StreamCarrier().pack(job.pixels(0), job.tasks, self._options.precision).request
        request.latest_only = True
        with self._changed:
            self._sent += 1
            request.sequence = self._sent
            self._jobs[self._sent] = job
            if self._waiting is not None:
                del self._jobs[self._waiting.sequence]
            self._waiting = request
            self._changed.notify_all()
            return self._sent

    def latest(self, timeout_s: float | None = None) -> Frame:
        """The newest answer that was not taken yet; waits for one if there is none.

        Args:
            timeout_s: How long to wait; the client's own timeout by default.

        Raises:
            TimedOutError: If no answer came in time.
            UserError: If the newest frame could not be encoded, or the stream has ended.
        """
        limit_s = self._options.timeout_s if timeout_s is None else timeout_s
        with self._changed:
            self._changed.wait_for(lambda: self._outcome is not None or self._end is not None, limit_s)
            outcome, self._outcome = self._outcome, None
            sent, answered = self._sent, self._answered
        if outcome is None:
            self._check_open()
            raise TimedOutError(
                f"the server at {self._options.address.text} answered no frame within {limit_s:g} s ({sent} were sent, "
                f"the last answer was to frame {answered})."
            )
        if isinstance(outcome, UserError):
            raise outcome
        return outcome

    def __iter__(self) -> Iterator[Frame]:
        """Answers as they come, until the stream is closed; of several that came meanwhile, the newest."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._outcome is not None or self._end is not None)
                if self._outcome is None and isinstance(self._end, _ClosedError):
                    return
            yield self.latest()

    def close(self) -> None:
        """End the stream."""
        self._finish(_ClosedError("the stream is closed; make another one with RemoteEncoder.stream."))
        if self._pid == os.getpid():
            self._listener.join()

    def _check_open(self) -> None:
        if self._pid != os.getpid():
            raise UserError("the stream belongs to the process that made it; make another one in a forked child.")
        if self._end is not None:
            raise self._end

    def _finish(self, reason: UserError) -> None:
        with self._changed:
            self._end = self._end or reason
            call = self._call
            self._changed.notify_all()
        if call is not None:
            call.cancel()

    def pause(self) -> None:
        """Before a fork: take the answers to what was sent, and go on with another call. Not meant for users."""
        with self._changed:
            self._is_pausing = True
            self._changed.notify_all()

    def _answers(self) -> None:
        attempts: Attempts | None = None
        while self._end is None:
            try:
                with CALL:
                    for response in self._opened():
                        self._take(response)
                        attempts = None
                if self._is_pausing:
                    self._is_pausing = False
                    continue
                return self._finish(RemoteError(f"the server at {self._options.address.text} ended the stream."))
            except grpc.RpcError as error:
                attempts = attempts or Attempts(self._options)
                self._recover(attempts, error)
            except UserError as error:
                return self._finish(error)
        return None

    def _recover(self, attempts: Attempts, error: grpc.RpcError) -> None:
        """Wait until a new call is worth it."""
        if self._end is not None:
            return
        try:
            wait_s = attempts.wait_after(error)
        except UserError as mistake:
            self._finish(mistake)
            return
        with self._changed:
            self._changed.wait_for(lambda: self._end is not None, wait_s)

    def _opened(self) -> Any:
        calls = self._open_calls()
        token = object()
        with self._changed:
            self._consumer = token
            call = self._call = calls.encode_stream(self._requests(token), metadata=self._options.metadata)
            self._changed.notify_all()
        if self._end is not None:
            call.cancel()
        return call

    def _requests(self, token: object) -> Iterator[messages.EncodeStreamRequest]:
        """What gRPC sends; of calls that broke, the last one alone goes on asking."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None or self._is_over(token))
                if self._is_over(token) or self._waiting is None:
                    return
                request, self._waiting = self._waiting, None
            yield request

    def _is_over(self, token: object) -> bool:
        return self._is_pausing or self._end is not None or self._consumer is not token

    def _take(self, response: messages.EncodeStreamResponse) -> None:
        with self._changed:
            job = self._jobs.get(response.sequence)
            if job is None:
                raise RemoteError(
                    f"the server at {self._options.address.text} answered frame {response.sequence}, which was not "
                    "sent, or answered before."
                )
            for sequence in [sequence for sequence in self._jobs if sequence <= response.sequence]:
                del self._jobs[sequence]
        outcome = self._read(job, response)
        with self._changed:
            if outcome is not None:
                self._outcome = outcome
            self._answered = response.sequence
            self._changed.notify_all()

    def _read(self, job: Job, response: messages.EncodeStreamResponse) -> Frame | UserError | None:
        if response.HasField("failure"):
            return as_user_error(failure_error(response.failure), self._options.address.text, self._options.timeout_s)
        job.take(0, response.response, response.response.features.data)
        if job.bank_changed:  # it may have been resized for the bank before
            self._bank_is_stale = True
            return None
        return Frame(response.sequence, job.result(), response.sequence - self._answered - 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _ClosedError(UserError):
    """The user ended the stream."""
