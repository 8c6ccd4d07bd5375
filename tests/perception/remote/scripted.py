"""A server in this process that does what a test tells it to."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np

from perception.remote.shared_memory import FOLDER
from protos.perception.v1 import perception_pb2 as pb
from protos.perception.v1.perception_pb2_grpc import PerceptionServicer, add_PerceptionServicer_to_server

Metadata = tuple[tuple[str, str], ...]


@dataclass
class Script:
    """What the server answers, and what it was asked.

    Args:
        failures: How the next calls of Encode end: code, sentence, trailing metadata.
        bank: Hash that answers carry.
        sides_px: By task.
        largest_batch: As ListFeatures says.
        local_socket: As ListFeatures says; with it, the server takes shared memory.
        list_s: How long a ListFeatures takes.
        meanwhile: Called at the beginning of each Encode.
        change: Done to each response.
        change_frame: Done to each response of a stream.
    """

    failures: list[tuple[grpc.StatusCode, str, Metadata]] = field(default_factory=list)
    bank: str = "first"
    sides_px: dict[str, int] = field(default_factory=lambda: {"normal": 4, "reshading": 4})
    largest_batch: int = 0
    local_socket: str = ""
    list_s: float = 0
    meanwhile: Callable[[], object] = lambda: None
    change: Callable[[pb.EncodeResponse], object] = lambda _: None
    change_frame: Callable[[pb.EncodeStreamResponse], object] = lambda _: None
    frames: list[pb.EncodeStreamRequest] = field(default_factory=list)
    streams: int = 0
    requests: list[pb.EncodeRequest] = field(default_factory=list)
    lists: int = 0
    metadata: list[dict[str, str]] = field(default_factory=list)
    left_s: list[float] = field(default_factory=list)


def mean_features(images: np.ndarray, tasks: Sequence[str]) -> np.ndarray:
    """float32 [N, 8k, 16, 16]: each task's channels are the image's mean plus the task's number of letters."""
    values = images.reshape(len(images), -1).mean(axis=1)[:, None] + np.repeat([len(task) for task in tasks], 8)[None]
    return np.broadcast_to(values[:, :, None, None], (*values.shape, 16, 16)).astype(np.float32)


class _Servicer(PerceptionServicer):
    def __init__(self, script: Script) -> None:
        self.script = script

    def ListFeatures(  # noqa: N802
        self, request: pb.ListFeaturesRequest, context: grpc.ServicerContext
    ) -> pb.ListFeaturesResponse:
        self.script.lists += 1
        time.sleep(self.script.list_s)
        tasks = [
            pb.TaskFeatures(task=task, preprocessing=pb.Preprocessing(side_px=side_px))
            for task, side_px in self.script.sides_px.items()
        ]
        return pb.ListFeaturesResponse(
            bank="scripted", bank_sha256=self.script.bank, tasks=tasks, largest_batch=self.script.largest_batch,
            takes_shared_memory=bool(self.script.local_socket), local_socket=self.script.local_socket,
            sets=[pb.FeatureSet(name="max-coverage:2", tasks=["reshading", "normal"])],
        )  # fmt: skip

    def Encode(  # noqa: N802
        self, request: pb.EncodeRequest, context: grpc.ServicerContext
    ) -> pb.EncodeResponse:
        script = self.script
        script.requests.append(request)
        script.metadata.append({str(key): str(value) for key, value in context.invocation_metadata()})
        script.left_s.append(context.time_remaining())
        script.meanwhile()
        if script.failures:
            code, words, trailing = script.failures.pop(0)
            context.set_trailing_metadata(trailing)
            context.abort(code, words)
        response = answer(request, script.bank)
        script.change(response)
        return response

    def EncodeStream(  # noqa: N802
        self, requests: Iterator[pb.EncodeStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.EncodeStreamResponse]:
        self.script.streams += 1
        self.script.metadata.append({str(key): str(value) for key, value in context.invocation_metadata()})
        for frame in requests:
            self.script.frames.append(frame)
            try:
                answer = pb.EncodeStreamResponse(sequence=frame.sequence, response=self.Encode(frame.request, context))
                self.script.change_frame(answer)
                yield answer
            except KeyError as error:
                failure = pb.Failure(code=grpc.StatusCode.INVALID_ARGUMENT.value[0], message=str(error))
                yield pb.EncodeStreamResponse(sequence=frame.sequence, failure=failure)


def answer(request: pb.EncodeRequest, bank: str) -> pb.EncodeResponse:
    """With features in the room for them, if there is one."""
    kind: Any = getattr(request.images, str(request.images.WhichOneof("kind")))
    count = kind.count * kind.height * kind.width * 3
    data = (FOLDER / kind.segment).read_bytes()[:count] if request.images.HasField("shared") else kind.pixels
    features = mean_features(
        np.frombuffer(data, np.uint8).reshape(kind.count, kind.height, kind.width, 3), request.tasks
    )
    if request.HasField("room"):
        with (FOLDER / request.room.segment).open("r+b") as file:
            file.seek(request.room.offset)
            file.write(features.tobytes())
    inline = b"" if request.HasField("room") else features.tobytes()
    return pb.EncodeResponse(
        features=pb.Features(shape=features.shape, precision=request.precision, data=inline),
        tasks=request.tasks,
        timings=pb.Timings(total_us=kind.count, batch_images=kind.count),
        bank_sha256=bank,
    )


@contextmanager
def scripted(script: Script, port: int = 0) -> Iterator[str]:
    """The address of a server that follows a script."""
    with ThreadPoolExecutor(4) as workers:
        server = grpc.server(workers, options=[("grpc.so_reuseport", 0)])
        add_PerceptionServicer_to_server(_Servicer(script), server)
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        try:
            yield f"grpc://127.0.0.1:{port}"
        finally:
            server.stop(None).wait()
