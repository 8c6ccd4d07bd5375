"""Every way to ask a server for features."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from perception import RemoteEncoder
from perception.photos import Pixels
from protos.open_inference import inference_pb2 as triton
from protos.perception.v1 import perception_pb2 as pb
from tests.server.agreement.serving import Served
from tests.server.open_inference.running import raw_request, typed_request
from tests.server.service.running import features_of, files, raw

Ask = Callable[[Served, Pixels, Sequence[str], bool], NDArray[np.floating]]
"""Of a server, images, tasks, and whether in float16."""

DEADLINE_S = 60
_NUMBERS = {"FP32": "<f4", "FP16": "<f2"}


@dataclass(frozen=True)
class Way:
    """A way to ask.

    Args:
        ask: Does it.
        shown: What images are after they have travelled.
        takes_lists: Whether any list of tasks may be asked for, or one task and the sets that are served.
    """

    ask: Ask
    shown: Callable[[Pixels], Pixels] = lambda images: images
    takes_lists: bool = True


def _client(transport: str) -> Ask:
    def ask(server: Served, images: Pixels, tasks: Sequence[str], half: bool) -> NDArray[np.floating]:
        precision = "float16" if half else "float32"
        with RemoteEncoder(f"grpc://{server.address}", transport=transport, precision=precision) as encoder:
            return encoder.encode(images, tasks)

    return ask


def _encode(pack: Callable[[Pixels], pb.Images]) -> Ask:
    def ask(server: Served, images: Pixels, tasks: Sequence[str], half: bool) -> NDArray[np.floating]:
        response = server.perception.Encode(_request(pack(images), tasks, half), timeout=DEADLINE_S)
        assert response.tasks == list(tasks)
        return features_of(response.features)

    return ask


def _stream(server: Served, images: Pixels, tasks: Sequence[str], half: bool) -> NDArray[np.floating]:
    """Every image by itself."""
    frames = [
        pb.EncodeStreamRequest(request=_request(raw(image[None]), tasks, half), sequence=number)
        for number, image in enumerate(images)
    ]
    answers = list(server.perception.EncodeStream(iter(frames), timeout=DEADLINE_S))
    assert [answer.sequence for answer in answers] == list(range(len(images)))
    return np.concatenate([features_of(answer.response.features) for answer in answers])


def _request(images: pb.Images, tasks: Sequence[str], half: bool) -> pb.EncodeRequest:
    return pb.EncodeRequest(
        images=images, tasks=tasks, precision=pb.PRECISION_FLOAT16 if half else pb.PRECISION_FLOAT32
    )


def _infer(make: Callable[[Pixels, str], triton.ModelInferRequest]) -> Ask:
    def ask(server: Served, images: Pixels, tasks: Sequence[str], half: bool) -> NDArray[np.floating]:
        return _tensor(server.open_inference.ModelInfer(_halved(make(images, _model(tasks)), half), timeout=DEADLINE_S))

    return ask


def _infer_stream(server: Served, images: Pixels, tasks: Sequence[str], half: bool) -> NDArray[np.floating]:
    """Every image by itself."""

    def requests() -> Iterator[triton.ModelInferRequest]:
        for image in images:
            yield _halved(raw_request(image[None], _model(tasks)), half)

    answers = list(server.open_inference.ModelStreamInfer(requests(), timeout=DEADLINE_S))
    assert [answer.error_message for answer in answers] == [""] * len(images)
    return np.concatenate([_tensor(answer.infer_response) for answer in answers])


def _model(tasks: Sequence[str]) -> str:
    return ",".join(tasks)


def _halved(request: triton.ModelInferRequest, half: bool) -> triton.ModelInferRequest:
    if half:
        request.parameters["output_datatype"].string_param = "FP16"
    return request


def _tensor(answer: triton.ModelInferResponse) -> NDArray[np.floating]:
    [output], [data] = answer.outputs, answer.raw_output_contents
    result: NDArray[np.floating] = np.frombuffer(data, _NUMBERS[output.datatype]).reshape(tuple(output.shape))
    return result


def _through_jpeg(images: Pixels) -> Pixels:
    """What a decoder makes of the files."""
    return np.stack(
        [np.asarray(Image.open(io.BytesIO(file))) for file in files(list(images), "JPEG", quality=85).files.files]
    )


WAYS: Mapping[str, Way] = {
    "client": Way(_client("grpc")),
    "client, shared memory": Way(_client("shared-memory")),
    "raw": Way(_encode(raw)),
    "PNG": Way(_encode(lambda images: files(list(images), "PNG"))),
    "JPEG": Way(_encode(lambda images: files(list(images), "JPEG", quality=85)), _through_jpeg),
    "stream": Way(_stream),
    "Open Inference": Way(_infer(raw_request), takes_lists=False),
    "Open Inference, typed contents": Way(_infer(typed_request), takes_lists=False),
    "Open Inference, stream": Way(_infer_stream, takes_lists=False),
}
"""By name."""
