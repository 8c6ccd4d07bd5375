"""Requests that chance writes: they are read as their bytes say, or refused with a `UserError`, nothing else."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import assume, given
from hypothesis import strategies as st

from perception import UnknownNameError, UserError, load_bank
from perception.photos import Pixels
from protos.open_inference import inference_pb2 as pb
from server.open_inference.models import model_tasks
from server.open_inference.tensors import OUTPUT_TYPES, output_type, queue_timeout_s, read_images
from tests.server.open_inference.running import photos, raw_request, tensor, typed_request

LARGEST_BATCH = 8

_parameters = st.dictionaries(
    st.sampled_from(["timeout", "output_datatype", "shared_memory_region", "priority", "other"]),
    st.one_of(
        st.builds(pb.InferParameter),
        st.builds(pb.InferParameter, int64_param=st.integers(-(2**63), 2**63 - 1)),
        st.builds(pb.InferParameter, uint64_param=st.integers(0, 2**64 - 1)),
        st.builds(pb.InferParameter, double_param=st.floats()),
        st.builds(pb.InferParameter, string_param=st.sampled_from(["", "FP16", "FP32", "BF16"])),
    ),
    max_size=2,
)
_dimensions = st.one_of(st.integers(-2, 5), st.just(3), st.integers(-(2**63), 2**63 - 1))
_contents = st.builds(
    pb.InferTensorContents,
    uint_contents=st.lists(st.integers(0, 300), max_size=40),
    int_contents=st.lists(st.integers(0, 3), max_size=1),
)
_tensors = st.builds(
    pb.ModelInferRequest.InferInputTensor,
    name=st.sampled_from(["images", "images", "images", "image", ""]),
    datatype=st.sampled_from(["UINT8", "UINT8", "UINT8", "INT8", "FP32", ""]),
    shape=st.one_of(
        st.lists(_dimensions, max_size=6), st.tuples(_dimensions, _dimensions, _dimensions, st.just(3)).map(list)
    ),
    parameters=_parameters,
    contents=st.one_of(st.none(), _contents),
)
_requests = st.builds(
    pb.ModelInferRequest,
    inputs=st.lists(_tensors, max_size=2),
    parameters=_parameters,
    raw_input_contents=st.lists(st.binary(max_size=60), max_size=2),
)


def _read(request: pb.ModelInferRequest) -> Pixels | None:
    """The images, after everything that a server reads of a request; None if it is refused."""
    try:
        assert output_type(request) in OUTPUT_TYPES
        timeout_s = queue_timeout_s(request)
        assert timeout_s is None or timeout_s > 0
        return read_images(request, LARGEST_BATCH)
    except UserError:
        return None


def _check(request: pb.ModelInferRequest) -> None:
    images = _read(request)
    if images is None:
        return
    assert images.dtype == np.uint8
    assert list(images.shape) == list(request.inputs[0].shape)
    assert 1 <= len(images) <= LARGEST_BATCH
    raw = b"".join(request.raw_input_contents) or bytes(request.inputs[0].contents.uint_contents)
    assert images.tobytes() == raw


@given(_requests)
def test_structures_of_any_shape_are_read_or_refused(request: Any) -> None:
    _check(request)


@given(st.data())
def test_damaged_messages_are_read_or_refused(data: st.DataObject) -> None:
    make = data.draw(st.sampled_from([raw_request, typed_request]))
    message = bytearray(make(photos(1, 2, 3)).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(message) - 1))
        message[place] = data.draw(st.integers(0, 255))
    try:
        request = pb.ModelInferRequest.FromString(bytes(message))
    except DecodeError:
        assume(False)
    _check(request)


MANY = 1_000_000


@pytest.mark.parametrize(
    "made",
    [
        lambda: pb.ModelInferRequest.FromString(b"\x2a\0" * MANY),
        lambda: pb.ModelInferRequest.FromString(b"\x32\0" * MANY),
        lambda: pb.ModelInferRequest(inputs=[tensor([1] * MANY)]),
        lambda: pb.ModelInferRequest(inputs=[tensor([1], name="x" * MANY)] * 9),
    ],
    ids=["inputs", "outputs", "dimensions", "letters"],
)
def test_what_comes_a_million_times_is_refused_at_once_and_in_few_words(made: Callable[[], Any]) -> None:
    request = made()
    began_s = time.process_time()
    with pytest.raises(UserError) as refused:  # of these, 16 times as many held the server up for ten seconds
        output_type(request) and read_images(request, LARGEST_BATCH)
    assert time.process_time() - began_s < 0.02
    assert len(str(refused.value)) < 1500


def test_a_version_of_megabytes_is_refused_at_once() -> None:
    bank = load_bank("buildings-v1")
    began_s = time.process_time()
    with pytest.raises(UnknownNameError, match=r"unknown version of the model normal 'x{20}'"):
        model_tasks("normal", "x" * 4 * MANY, bank)
    assert time.process_time() - began_s < 0.05


@pytest.mark.parametrize("make", [raw_request, typed_request])
def test_good_requests_are_read(make: Any) -> None:
    images = photos(LARGEST_BATCH)
    read = _read(make(images))
    assert read is not None
    np.testing.assert_array_equal(read, images)


def test_raw_contents_are_not_copied() -> None:
    read = _read(raw_request(photos(1)))
    assert read is not None
    assert not read.flags.owndata
