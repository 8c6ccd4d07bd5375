"""Predictions by a running perception server."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from perception import RemoteEncoder, UserError
from perception.remote.attempts import Attempts
from perception.remote.carriers import TRANSPORTS
from perception.remote.channel import open_calls
from perception.remote.options import Certificates, checked_options
from protos.perception.v1 import perception_pb2 as pb
from protos.perception.v1.perception_pb2_grpc import PerceptionStub
from server.explorer.pages.live.predicting import Answer, Predicted, spoken

TIMEOUT_S = 10.0
"""Of each call, with all its attempts."""

_AT_ONCE = 4
_RETRIES = 6  # long enough for a connection that broke to be tried anew


class RemoteModels:
    """Satisfies `Models` with a server; one that went away is asked again with the next photo.

    Args:
        address: "grpc://host:port" or as `RemoteEncoder` takes it.

    Raises:
        UserError: If it is no address.
    """

    def __init__(self, address: str) -> None:
        self._encoder = RemoteEncoder(address, timeout_s=TIMEOUT_S, retries=_RETRIES)
        self._options = checked_options(
            address, None, Certificates(), TIMEOUT_S, "float32", "grpc", batch_size=1, retries=_RETRIES,
            transports=TRANSPORTS,
        )  # fmt: skip
        self._stub = PerceptionStub(open_calls(self._options).channel)
        self._pool = ThreadPoolExecutor(_AT_ONCE, "remote predictions")

    def side_px(self) -> int:
        """See `Models`."""
        return self._listed().tasks[0].preprocessing.side_px

    def predict(self, square: NDArray[np.uint8]) -> Answer:
        """See `Models`."""
        listed = self._listed()
        tasks = [task.task for task in listed.tasks if task.has_head and _views(task) == 1]
        if not tasks:
            raise UserError(f"no task of the server's bank {listed.bank} predicts anything from one photo.")
        began = time.perf_counter()
        responses = list(self._pool.map(lambda task: self._predicted(task, square), tasks))
        predicted = time.perf_counter()
        features = self._encoder.encode(square[None], tasks)[0].reshape(len(tasks), -1, *_FEATURE_SIDES)
        return Answer(
            tuple(
                Predicted(task, response.pictures[0], spoken(response.captions[0]), values)
                for task, response, values in zip(tasks, responses, features, strict=True)
            ),
            tuple(task.task for task in listed.tasks if task.task not in tasks),
            {
                "predictions and drawing, there and back": predicted - began,
                "inference there, added up": sum(response.timings.inference_us for response in responses) / 1e6,
                "features, there and back": time.perf_counter() - predicted,
            },
            f"{listed.bank} of {self._options.address.text}",
        )

    def _listed(self) -> pb.ListFeaturesResponse:
        found: pb.ListFeaturesResponse = self._call(self._stub.ListFeatures, pb.ListFeaturesRequest())
        if not found.tasks:
            raise UserError(f"the server at {self._options.address.text} serves no task.")
        return found

    def _predicted(self, task: str, square: NDArray[np.uint8]) -> pb.PredictResponse:
        height, width = square.shape[:2]
        raw = pb.RawImages(count=1, height=height, width=width, pixels=square.tobytes())
        request = pb.PredictRequest(images=pb.Images(raw=raw), task=task, with_pictures=True)
        response: pb.PredictResponse = self._call(self._stub.Predict, request)
        if len(response.pictures) != 1 or len(response.captions) != 1:
            raise UserError(
                f"the server at {self._options.address.text} answered {len(response.pictures)} pictures of {task}; "
                "expected 1: is it of this version?"
            )
        return response

    def _call(self, call: Callable[..., Any], request: object) -> Any:
        attempts = Attempts(self._options)
        while True:
            try:
                return call(request, timeout=attempts.left_s, metadata=self._options.metadata)
            except grpc.RpcError as error:
                wait_s = attempts.wait_after(error)
            time.sleep(wait_s)


_FEATURE_SIDES = (16, 16)


def _views(task: pb.TaskFeatures) -> int:
    return int(json.loads(task.card_json)["views"])
