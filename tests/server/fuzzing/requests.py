"""Requests of both protocols: messages of arbitrary fields, and good ones with bytes changed."""

import random
from functools import cache, partial
from typing import Any

import numpy as np
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from perception.encoding import Features
from perception.photos import Pixels, decode_photo
from protos.open_inference import inference_pb2 as oip
from protos.perception.v1 import perception_pb2 as pb
from tests.server.fuzzing.asking import LARGEST_BATCH, SET, TASKS, Asked, Services, check_features, parsed
from tests.server.fuzzing.files import mutated, originals
from tests.server.fuzzing.watching import Watch

_PRECISIONS = (pb.PRECISION_UNSPECIFIED, pb.PRECISION_FLOAT32, pb.PRECISION_FLOAT16)
_FORMATS = ("PNG", "JPEG")

_services = cache(Services)
_files = cache(originals)
_numbers = st.one_of(st.integers(0, 12), st.sampled_from((127, 128, 2**16, 2**31, 2**32 - 1)))
_names = st.one_of(
    st.sampled_from((*TASKS, SET, "Surface Normals", "nrmal", "max-coverage:2", "max-coverage:99", "published:4", ":",
                     "normal,", "normal,normal", "autoencoding", "x" * 5000, "\0", "\u202e")),
    st.text(max_size=20),
)  # fmt: skip


@st.composite
def _raw_images(draw: st.DrawFn) -> pb.RawImages:
    count, height, width = draw(st.tuples(st.integers(0, 9), st.integers(0, 40), st.integers(0, 40)))
    size = 3 * count * height * width + draw(st.sampled_from((0, 0, 0, 0, 1, -1)))
    pixels = random.Random(draw(st.integers(0, 99))).randbytes(max(0, size))
    if draw(st.integers(0, 9)) == 0:
        count, height, width = (draw(_numbers) for _ in range(3))
    return pb.RawImages(count=count, height=height, width=width, pixels=pixels)


_images = st.one_of(
    st.builds(pb.Images),
    st.builds(pb.Images, raw=_raw_images()),
    st.builds(pb.Images, raw=_raw_images()),
    st.builds(
        pb.Images,
        files=st.builds(pb.ImageFiles, files=st.lists(st.one_of(
            st.sampled_from(originals()), st.integers(0, 10**6).map(lambda n: mutated(_files(), random.Random(n))),
            st.binary(max_size=9)), max_size=10)),
    ),
    st.builds(
        pb.Images,
        shared=st.builds(pb.SharedImages, segment=st.one_of(st.sampled_from(("midlevel-x", "../x")), st.text()),
                         offset=st.integers(0, 2**64 - 1), count=_numbers, height=_numbers, width=_numbers),
    ),
)  # fmt: skip
_wishes = st.one_of(
    st.just((TASKS[:1], "")),
    st.permutations(TASKS).map(lambda tasks: (tasks, "")),
    st.just(((), SET)),
    st.tuples(st.lists(_names, max_size=4), st.one_of(st.just(""), _names)),
)
_encode_requests = st.builds(
    lambda wish, **fields: pb.EncodeRequest(tasks=wish[0], feature_set=wish[1], **fields),
    _wishes,
    images=_images,
    precision=st.sampled_from((0, 1, 1, 2, 2, 2, 7, -1, 2**31 - 1)),
    room=st.one_of(st.none(), st.none(), st.none(), st.builds(pb.SharedRoom, segment=_names, bytes=_numbers)),
)
_predict_requests = st.builds(
    pb.PredictRequest, images=_images, task=_names, with_pictures=st.booleans(), seed=st.integers(0, 2**64 - 1)
)


def fuzz_encode(watch: Watch, number: int, examples: int = 200) -> None:
    """A round of perception.v1: requests of arbitrary fields, and as many good ones with bytes changed."""
    services = _services()

    @seed(number)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(_encode_requests, _encode_requests, _predict_requests))
    def written(request: Any) -> None:
        _try_perception(services, request, watch)

    written()
    rng = random.Random(number)
    pixels = np.random.default_rng(number).integers(0, 256, (2, 3, 4, 3), np.uint8)
    raw = pb.Images(raw=pb.RawImages(count=2, height=3, width=4, pixels=pixels.tobytes()))
    images = [raw, pb.Images(files=pb.ImageFiles(files=_files()[:1]))]
    for _ in range(examples):
        good = pb.EncodeRequest(images=rng.choice(images), tasks=TASKS, precision=rng.choice(_PRECISIONS))
        request = parsed(pb.EncodeRequest, _damaged(good, rng))
        if request is not None:
            _try_perception(services, request, watch)


def _try_perception(services: Services, request: Any, watch: Watch) -> None:
    if isinstance(request, pb.PredictRequest):
        services.answered(Asked(services.perception.Predict, request), lambda _: None, watch)
        return
    services.answered(Asked(services.perception.Encode, request), partial(_check_encoded, services, request), watch)


def _check_encoded(services: Services, request: pb.EncodeRequest, answer: pb.EncodeResponse) -> None:
    numbers = "<f2" if request.precision == pb.PRECISION_FLOAT16 else "<f4"
    found: Features = np.frombuffer(answer.features.data, numbers).reshape(tuple(answer.features.shape))
    check_features(found, services.features(_images_of(request.images), answer.tasks))


def _images_of(message: pb.Images) -> list[Pixels]:
    if message.HasField("files"):
        return [decode_photo(data, "x", formats=_FORMATS) for data in message.files.files]
    raw = message.raw
    return list(np.frombuffer(raw.pixels, np.uint8).reshape(raw.count, raw.height, raw.width, 3))


_parameters = st.dictionaries(
    st.sampled_from(("timeout", "output_datatype", "shared_memory_region", "classification", "priority", "")),
    st.one_of(
        st.builds(oip.InferParameter),
        st.builds(oip.InferParameter, int64_param=st.integers(-(2**63), 2**63 - 1)),
        st.builds(oip.InferParameter, uint64_param=st.integers(0, 2**64 - 1)),
        st.builds(oip.InferParameter, double_param=st.floats()),
        st.builds(oip.InferParameter, bool_param=st.booleans()),
        st.builds(oip.InferParameter, string_param=st.one_of(st.sampled_from(("FP16", "FP32", "BF16")), st.text())),
    ),
    max_size=2,
)  # fmt: skip
_sometimes_parameters = st.one_of(st.just({}), st.just({}), _parameters)
_contents = st.builds(
    oip.InferTensorContents,
    bool_contents=st.lists(st.booleans(), max_size=1),
    int_contents=st.lists(st.integers(-3, 3), max_size=1),
    fp32_contents=st.lists(st.floats(width=32), max_size=1),
    bytes_contents=st.lists(st.binary(max_size=9), max_size=1),
    uint_contents=st.lists(st.integers(0, 2**32 - 1), max_size=40),
)
_dimensions = st.one_of(st.integers(-2, 12), st.just(3), st.integers(-(2**63), 2**63 - 1))
_datatypes = st.sampled_from(("UINT8", "UINT8", "UINT8", "FP32", "BYTES", "INT64", "BOOL", "uint8", ""))


@st.composite
def _infer_requests(draw: st.DrawFn) -> oip.ModelInferRequest:
    shape = list(draw(st.tuples(st.integers(0, LARGEST_BATCH + 1), st.integers(0, 40), st.integers(0, 40))))
    shape.append(draw(st.sampled_from((3, 3, 3, 3, 1, 4))))
    size = int(np.prod(shape)) + draw(st.sampled_from((0, 0, 0, 1, -1)))
    pixels = random.Random(draw(st.integers(0, 99))).randbytes(max(0, size))
    if draw(st.integers(0, 4)) == 0:
        shape = draw(st.lists(_dimensions, max_size=6))
    is_raw = draw(st.booleans())
    contents = draw(_contents) if draw(st.integers(0, 4)) == 0 else None
    if contents is None and not is_raw:
        contents = oip.InferTensorContents(uint_contents=pixels)
    tensor = oip.ModelInferRequest.InferInputTensor(
        name=draw(st.sampled_from(("images", "images", "images", "images", "image", ""))), shape=shape,
        datatype=draw(_datatypes), parameters=draw(_sometimes_parameters), contents=contents,
    )  # fmt: skip
    output = oip.ModelInferRequest.InferRequestedOutputTensor(
        name=draw(st.sampled_from(("features", "features", "image"))), parameters=draw(_sometimes_parameters)
    )
    return oip.ModelInferRequest(
        model_name=draw(st.one_of(st.sampled_from((*TASKS, SET)), _names)),
        model_version=draw(st.sampled_from(("", "", "1", "2", "-1"))),
        id=draw(st.text(max_size=5)), parameters=draw(_sometimes_parameters),
        inputs=[tensor] * draw(st.sampled_from((1, 1, 1, 1, 1, 0, 2))),
        outputs=[output] * draw(st.sampled_from((0, 0, 1, 2))),
        raw_input_contents=[pixels] * draw(st.sampled_from((1, 1, 1, 1, 0, 2))) if is_raw else [],
    )  # fmt: skip


_model_requests = st.one_of(
    st.builds(oip.ModelMetadataRequest, name=_names, version=st.text(max_size=2)),
    st.builds(oip.ModelConfigRequest, name=_names, version=st.text(max_size=2)),
    st.builds(oip.ModelReadyRequest, name=_names, version=st.text(max_size=2)),
    st.builds(oip.ModelStatisticsRequest, name=_names, version=st.text(max_size=2)),
)


def fuzz_infer(watch: Watch, number: int, examples: int = 200) -> None:
    """A round of the Open Inference Protocol, likewise."""
    services = _services()

    @seed(number)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(_infer_requests(), _infer_requests(), _infer_requests(), _model_requests))
    def written(request: Any) -> None:
        _try_inference(services, request, watch)

    written()
    rng = random.Random(number)
    pixels = np.random.default_rng(number).integers(0, 256, (2, 3, 4, 3), np.uint8)
    tensor = oip.ModelInferRequest.InferInputTensor(name="images", datatype="UINT8", shape=pixels.shape)
    typed = oip.ModelInferRequest.InferInputTensor(
        name="images", datatype="UINT8", shape=pixels.shape,
        contents=oip.InferTensorContents(uint_contents=pixels.reshape(-1).tolist()),
    )  # fmt: skip
    good = [
        oip.ModelInferRequest(model_name=SET, inputs=[tensor], raw_input_contents=[pixels.tobytes()]),
        oip.ModelInferRequest(model_name=TASKS[0], inputs=[typed]),
    ]
    for _ in range(examples):
        request = parsed(oip.ModelInferRequest, _damaged(rng.choice(good), rng))
        if request is not None:
            _try_inference(services, request, watch)


def _try_inference(services: Services, request: Any, watch: Watch) -> None:
    name = type(request).__name__.removesuffix("Request")
    check = partial(_check_inferred, services, request) if name == "ModelInfer" else lambda _: None
    services.answered(Asked(getattr(services.inference, name), request), check, watch)


def _check_inferred(services: Services, request: oip.ModelInferRequest, answer: oip.ModelInferResponse) -> None:
    output = answer.outputs[0]
    numbers = {"FP16": "<f2", "FP32": "<f4"}[output.datatype]
    found: Features = np.frombuffer(answer.raw_output_contents[0], numbers).reshape(tuple(output.shape))
    sent = request.inputs[0]
    data = b"".join(request.raw_input_contents) or bytes(sent.contents.uint_contents)
    images = np.frombuffer(data, np.uint8).reshape(tuple(sent.shape))
    tasks = services.bank.feature_set(request.model_name)
    check_features(found, services.features(list(images), tasks))


def _damaged(message: Message, rng: random.Random) -> bytes:
    """Its bytes, with a few changed, cut out or put in."""
    data = bytearray(message.SerializeToString())
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(data))
        if rng.random() < 0.8:
            data[place] = rng.randrange(256)
        elif rng.random() < 0.5:
            del data[place : place + rng.randint(1, 20)]
        else:
            data[place:place] = data[: rng.randint(1, 20)]
        data = data or bytearray(1)
    return bytes(data)
