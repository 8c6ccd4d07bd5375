"""Talks to a server with the unmodified tritonclient, and prints what it saw as JSON.

In a process of its own: tritonclient and this project register the same protocol's messages, which one process cannot.
"""

import asyncio
import json
import queue
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import tritonclient.grpc as triton  # type: ignore[import-untyped]
import tritonclient.grpc.aio as triton_aio  # type: ignore[import-untyped]
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]


def images(count: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 8, 3), np.uint8)


def _inputs(pixels: NDArray[Any]) -> list[Any]:
    tensor = triton.InferInput("images", pixels.shape, "UINT8" if pixels.dtype == np.uint8 else "FP32")
    tensor.set_data_from_numpy(pixels)
    return [tensor]


def _seen(result: Any) -> dict[str, Any]:
    """A number of each task and image, and what stands around it."""
    features = result.as_numpy("features")
    response = result.get_response()
    return {
        "shape": features.shape,
        "dtype": str(features.dtype),
        "numbers": features[:, ::8, 3, 5].astype(float).tolist(),
        "id": response.id,
        "model": response.model_name,
    }


def _refusal(call: Callable[[], Any]) -> list[Any]:
    try:
        call()
    except InferenceServerException as error:
        return [error.status(), error.message()]
    return ["answered", ""]


def metadata(client: Any, _: str) -> dict[str, Any]:
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "models ready": [client.is_model_ready("normal"), client.is_model_ready("nrmal")],
        "server": client.get_server_metadata(as_json=True),
        "model": client.get_model_metadata("normal,reshading", as_json=True),
        "config": client.get_model_config("normal,reshading", as_json=True)["config"],
        "index": [model["name"] for model in client.get_model_repository_index(as_json=True)["models"]],
    }


def infer(client: Any, _: str) -> dict[str, Any]:
    outputs = [triton.InferRequestedOutput("features")]
    how = {"request_id": "robot 7", "outputs": outputs, "priority": 1, "timeout": 5_000_000, "client_timeout": 10}
    half = {"output_datatype": "FP16"}
    return {
        "plain": _seen(client.infer("normal,reshading", _inputs(images(3, 1)), **how)),
        "float16": _seen(client.infer("autoencoding", _inputs(images(1, 2) // 128), parameters=half)),
    }


def async_infer(client: Any, _: str) -> list[Any]:
    answers: queue.Queue[Any] = queue.Queue()
    for seed in range(4):
        client.async_infer(
            "normal", _inputs(images(1, seed)), lambda result, error: answers.put(error or result), request_id=str(seed)
        )
    seen = [_seen(answers.get(timeout=10)) for _ in range(4)]
    return sorted(seen, key=lambda answer: str(answer["id"]))


def streaming(client: Any, _: str) -> list[Any]:
    answers: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: answers.put(error or result))
    for seed in range(6):
        client.async_stream_infer("nrmal" if seed == 3 else "normal", _inputs(images(1, seed)), request_id=str(seed))
    found = [answers.get(timeout=10) for _ in range(6)]
    client.stop_stream()
    return [answer.message() if isinstance(answer, InferenceServerException) else _seen(answer) for answer in found]


def with_asyncio(_: Any, address: str) -> dict[str, Any]:
    async def requests() -> AsyncIterator[dict[str, Any]]:
        for seed in range(3):
            yield {"model_name": "normal", "inputs": _inputs(images(1, seed)), "request_id": str(seed)}

    async def scenario() -> dict[str, Any]:
        async with triton_aio.InferenceServerClient(address) as client:
            ready = await client.is_model_ready("max-coverage:2")
            answers = await asyncio.gather(
                *(client.infer("max-coverage:2", _inputs(images(2, seed)), request_id=str(seed)) for seed in range(3))
            )
            streamed = [_seen(result) async for result, error in client.stream_infer(requests()) if error is None]
        return {"ready": ready, "infer": [_seen(answer) for answer in answers], "stream": streamed}

    return asyncio.run(scenario())


def mistakes(client: Any, _: str) -> dict[str, Any]:
    floats = images(1, 0).astype(np.float32)
    return {
        "model": _refusal(lambda: client.infer("nrmal", _inputs(images(1, 0)))),
        "dtype": _refusal(lambda: client.infer("normal", _inputs(floats))),
        "output": _refusal(
            lambda: client.infer("normal", _inputs(images(1, 0)), outputs=[triton.InferRequestedOutput("feature")])
        ),
        "load": _refusal(lambda: client.load_model("normal")),
    }


def statistics(client: Any, _: str) -> dict[str, Any]:
    before = client.get_inference_statistics("curvature", as_json=True)
    client.infer("curvature", _inputs(images(2, 0)))
    return {"before": before, "after": client.get_inference_statistics("curvature", as_json=True)}


def descriptors(_: Any, __: str) -> dict[str, Any]:
    """Numbers, names and types of the protocol's fields, as tritonclient has them."""
    from tests.server.open_inference.wire import describe

    return describe([service_pb2.DESCRIPTOR, *service_pb2.DESCRIPTOR.dependencies])


def main(address: str) -> None:
    client = triton.InferenceServerClient(address)
    scenarios = (metadata, infer, async_infer, streaming, with_asyncio, mistakes, statistics, descriptors)
    json.dump({scenario.__name__: scenario(client, address) for scenario in scenarios}, sys.stdout)
    client.close()


if __name__ == "__main__":
    main(sys.argv[1])
