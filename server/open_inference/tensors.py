"""Requests' tensors and parameters, from whom nobody vouches for them, and answers' tensors."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from perception.photos import Pixels
from protos.open_inference import inference_pb2 as pb
from server.backend import Encoded
from server.images import check_count
from server.open_inference.models import INPUT, OUTPUT, VERSION

OUTPUT_TYPES: Mapping[str, str] = {"FP32": "<f4", "FP16": "<f2"}
"""Numbers that features travel as, by the protocol's name."""

_NOT_OFFERED: Mapping[str, str] = {
    "shared_memory_region": "shared memory is not offered over this protocol; send the tensor itself",
    "classification": "features are not classes; ask for the output without classification",
}
"""Parameters of tensors that change what is asked for, and so must not be overlooked."""

_MOST_SHOWN = 8
_LONGEST_SHOWN = 100
"""Of what is repeated no more is looked at than a message shows: millions fit into a request, and take seconds."""

_InputTensor = pb.ModelInferRequest.InferInputTensor


def read_images(request: pb.ModelInferRequest, largest_batch: int) -> Pixels:
    """A request's images: raw contents without a copy, typed contents element by element, which takes time.

    Args:
        request: Not trusted.
        largest_batch: Most images.

    Returns:
        uint8 [N, H, W, 3].

    Raises:
        UserError: If there is not exactly the input `images`, or type, shape and contents do not go together.
    """
    tensor = _only_input(request)
    shape = _shape(tensor, largest_batch)
    if not request.raw_input_contents:
        return _typed(tensor, shape).reshape(shape)
    if tensor.contents.ListFields():
        raise UserError(f"the input {INPUT} has both contents and raw_input_contents; expected one of them.")
    if len(request.raw_input_contents) != 1:
        raise UserError(
            f"the request has {len(request.raw_input_contents)} raw_input_contents for 1 input; expected 1."
        )
    raw = request.raw_input_contents[0]
    _check_length(len(raw), shape, "raw_input_contents")
    return np.frombuffer(raw, np.uint8).reshape(shape)


def _only_input(request: pb.ModelInferRequest) -> _InputTensor:
    names = [tensor.name[:_LONGEST_SHOWN] for tensor in request.inputs[:_MOST_SHOWN]]
    if names != [INPUT]:
        found = f"the inputs {', '.join(map(repr, names))}" if names else "no input"
        raise UserError(f"the request has {found}; expected {INPUT!r} alone.")
    tensor = request.inputs[0]
    _check_parameters(tensor.parameters)
    if tensor.datatype != "UINT8":
        raise UserError(
            f"the input {INPUT} has the datatype {tensor.datatype[:20]!r}; expected UINT8, from 0 to 255: "
            "normalisation is the server's part."
        )
    return tensor


def _shape(tensor: _InputTensor, largest_batch: int) -> tuple[int, int, int, int]:
    shape = list(tensor.shape[:_MOST_SHOWN])
    if len(shape) != 4 or shape[3] != 3 or min(shape[1:]) < 1:
        hint = ""
        if len(shape) == 3:
            hint = ": one image is a batch of 1"
        elif len(shape) == 4 and shape[1] == 3:
            hint = ": channels go last"
        raise UserError(f"the input {INPUT} has shape {shape}; expected [N, H, W, 3], RGB{hint}.")
    check_count(shape[0], largest_batch)
    return shape[0], shape[1], shape[2], shape[3]


def _typed(tensor: _InputTensor, shape: tuple[int, ...]) -> Pixels:
    others = [field.name for field, _ in tensor.contents.ListFields() if field.name != "uint_contents"]
    if others:
        raise UserError(f"the input {INPUT} has {others[0]}; UINT8 goes into uint_contents or raw_input_contents.")
    values = tensor.contents.uint_contents
    _check_length(len(values), shape, "uint_contents")
    levels = np.fromiter(values, np.uint32, len(values))
    if levels.max() > 255:
        raise UserError(f"the input {INPUT} has the level {levels.max()}; UINT8 goes from 0 to 255.")
    return levels.astype(np.uint8)


def _check_length(found: int, shape: tuple[int, ...], field: str) -> None:
    expected = math.prod(shape)
    if found != expected:
        raise UserError(f"the input {INPUT} has {found} elements in {field}; its shape {list(shape)} has {expected}.")


def output_type(request: pb.ModelInferRequest) -> str:
    """Name in `OUTPUT_TYPES` of the numbers that a request asks for: FP32, or its parameter `output_datatype`.

    Raises:
        UserError: If it asks for other outputs, or for a type that is not offered.
    """
    names = [output.name[:_LONGEST_SHOWN] for output in request.outputs[:_MOST_SHOWN]]
    if names not in ([], [OUTPUT]):
        found = ", ".join(map(repr, names))
        raise UserError(f"the request asks for the outputs {found}; expected {OUTPUT!r} alone, or none for all.")
    for output in request.outputs:
        _check_parameters(output.parameters)
    if "output_datatype" not in request.parameters:
        return "FP32"
    asked = request.parameters["output_datatype"].string_param
    if asked not in OUTPUT_TYPES:
        raise UserError(f"the parameter output_datatype is {asked[:20]!r}; expected {' or '.join(OUTPUT_TYPES)}.")
    return asked


def queue_timeout_s(request: pb.ModelInferRequest) -> float | None:
    """How long a request may wait, from its parameter `timeout` in microseconds; None for as long as the call lasts.

    Raises:
        UserError: If that is not a whole number, or negative.
    """
    if "timeout" not in request.parameters:
        return None
    parameter = request.parameters["timeout"]
    kind = parameter.WhichOneof("parameter_choice")
    timeout_us = getattr(parameter, kind) if kind in ("int64_param", "uint64_param") else -1
    if timeout_us < 0:
        raise UserError(f"the parameter timeout is {str(parameter).strip()[:60]!r}; expected whole microseconds.")
    return timeout_us / 1e6 or None


def _check_parameters(parameters: Mapping[str, pb.InferParameter]) -> None:
    for name, problem in _NOT_OFFERED.items():
        if name in parameters:
            raise UserError(f"{problem}.")


def response(
    request: pb.ModelInferRequest, encoded: Encoded, features: NDArray[np.floating], datatype: str
) -> pb.ModelInferResponse:
    """The answer to a request; its parameters say where the time went, and which bank made it."""
    number, spent = pb.InferParameter, encoded.spent
    return pb.ModelInferResponse(
        model_name=request.model_name,
        model_version=VERSION,
        id=request.id,
        parameters={
            "bank_sha256": number(string_param=encoded.bank_sha256),
            "queue_us": number(int64_param=spent.queue_us),
            "inference_us": number(int64_param=spent.inference_us),
            "batch_images": number(int64_param=spent.batch_images),
        },
        outputs=[pb.ModelInferResponse.InferOutputTensor(name=OUTPUT, datatype=datatype, shape=features.shape)],
        raw_output_contents=[features.tobytes()],
    )
