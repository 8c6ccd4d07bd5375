"""The unmodified tritonclient, in a process of its own, against a real server in this one."""

import asyncio
import json
import sys
from typing import Any

import numpy as np
import pytest

from protos.open_inference import inference_pb2 as pb
from tests.server.fake import fake_features
from tests.server.open_inference.running import Running, running
from tests.server.open_inference.wire import describe


def _images(count: int, seed: int) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 8, 3), np.uint8)


async def _talk(server: Running) -> Any:
    peer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.server.open_inference.triton_peer", server.address,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await asyncio.wait_for(peer.communicate(), 60)
    except TimeoutError:
        peer.kill()
        raise
    assert peer.returncode == 0, err.decode()
    return json.loads(out)


@pytest.fixture(scope="module")
def seen() -> Any:
    """What the client saw, by scenario."""

    async def scenario() -> Any:
        async with running(sets=["normal,reshading"]) as server:
            return await _talk(server)

    return asyncio.run(scenario())


def _expected(images: Any, tasks: list[str], model: str, request_id: str, dtype: str = "float32") -> dict[str, Any]:
    features = fake_features(images, tasks).astype(dtype)
    return {
        "shape": list(features.shape),
        "dtype": dtype,
        "numbers": features[:, ::8, 3, 5].astype(float).tolist(),
        "id": request_id,
        "model": model,
    }


def test_it_finds_the_server_and_its_models(seen: Any) -> None:
    found = seen["metadata"]
    assert (found["live"], found["ready"]) == (True, True)
    assert found["models ready"] == [True, False]
    assert found["server"]["name"] == "midlevel"
    assert found["model"]["name"] == "normal,reshading"
    assert found["model"]["inputs"] == [{"name": "images", "datatype": "UINT8", "shape": ["-1", "-1", "-1", "3"]}]
    assert found["model"]["outputs"] == [{"name": "features", "datatype": "FP32", "shape": ["-1", "16", "16", "16"]}]
    assert {"autoencoding", "max-coverage:2", "normal,reshading"} < set(found["index"])


def test_it_reads_the_configuration(seen: Any) -> None:
    config = seen["metadata"]["config"]
    assert config["max_batch_size"] == 64
    assert config["input"] == [{"name": "images", "data_type": "TYPE_UINT8", "dims": ["-1", "-1", "3"]}]
    assert config["output"] == [{"name": "features", "data_type": "TYPE_FP32", "dims": ["16", "16", "16"]}]
    assert config["parameters"]["tasks"] == {"string_value": "normal,reshading"}
    assert "dynamic_batching" in config


def test_its_answers_are_those_of_the_images_it_sent(seen: Any) -> None:
    plain = _expected(_images(3, 1), ["normal", "reshading"], "normal,reshading", "robot 7")
    assert seen["infer"]["plain"] == plain
    dark = _images(1, 2) // 128
    assert seen["infer"]["float16"] == _expected(dark, ["autoencoding"], "autoencoding", "", "float16")


def test_its_callbacks_are_called(seen: Any) -> None:
    assert seen["async_infer"] == [_expected(_images(1, seed), ["normal"], "normal", str(seed)) for seed in range(4)]


def test_its_stream_answers_in_order_past_a_mistake(seen: Any) -> None:
    answers = seen["streaming"]
    assert "did you mean 'normal'" in answers[3]
    expected = [_expected(_images(1, seed), ["normal"], "normal", str(seed)) for seed in range(6)]
    assert answers[:3] + answers[4:] == expected[:3] + expected[4:]


def test_its_asyncio_client_works(seen: Any) -> None:
    found = seen["with_asyncio"]
    tasks = ["inpainting", "segment_semantic"]
    assert found["ready"] is True
    assert found["infer"] == [_expected(_images(2, seed), tasks, "max-coverage:2", str(seed)) for seed in range(3)]
    assert found["stream"] == [_expected(_images(1, seed), ["normal"], "normal", str(seed)) for seed in range(3)]


def test_it_is_told_of_mistakes_with_their_codes(seen: Any) -> None:
    found = seen["mistakes"]
    assert found["model"][0] == "StatusCode.NOT_FOUND"
    assert "did you mean 'normal'" in found["model"][1]
    assert found["dtype"][0] == found["output"][0] == "StatusCode.INVALID_ARGUMENT"
    assert "expected UINT8" in found["dtype"][1]
    assert "expected 'features' alone" in found["output"][1]
    assert found["load"][0] == "StatusCode.UNIMPLEMENTED"


def test_it_reads_statistics(seen: Any) -> None:
    [before], [after] = (seen["statistics"][when]["model_stats"] for when in ("before", "after"))
    assert "inference_count" not in before
    assert (after["name"], after["inference_count"], after["inference_stats"]["success"]["count"]) == (
        "curvature",
        "2",
        "1",
    )


def test_our_definition_is_the_same_on_the_wire_as_far_as_it_goes(seen: Any) -> None:
    theirs, ours = seen["descriptors"], json.loads(json.dumps(describe([pb.DESCRIPTOR])))
    assert len(ours) > 30
    for name, numbers in ours.items():
        assert name in theirs
        for number, what in numbers.items():
            assert (name, number, theirs[name].get(number)) == (name, number, what)
