"""Several programs at once, and programs prepared beforehand."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import cast

import numpy as np
import openvino
import pytest
from numpy.typing import NDArray

from perception import LocalEncoder, UserError, load_bank
from perception.encoding import Features
from perception.encoding.openvino_runtime import _OpenVinoProgram, _Pool
from perception.encoding.torch_runtime import _bucket

TASKS = ("normal", "keypoints2d")
TOLERANCE = 2e-5
"""Share of the features' spread, in float32."""


@pytest.fixture(scope="module", params=["openvino", "torch"])
def encoder(request: pytest.FixtureRequest) -> LocalEncoder:
    encoder = LocalEncoder(load_bank("buildings-v1"), device="cpu", runtime=request.param, precision="float32")
    for tasks in ([TASKS[0]], [TASKS[1]], TASKS):
        encoder.prepare(tasks, 8)
    return encoder


def frames(count: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 128, 128, 3), np.uint8)


@pytest.mark.parametrize(
    "counts", [((1,), (1,), (1,)), ((1,), (2,), (9,)), ((16,), (1,), (3,)), ((1, 1, 1), (2, 1, 3, 0, 1), (5, 4))]
)
def test_parts_encoded_together_are_those_encoded_apart(
    encoder: LocalEncoder, counts: tuple[tuple[int, ...], ...]
) -> None:
    lists = ([TASKS[0]], [TASKS[1]], TASKS)
    parts = [
        ([frames(count, 10 * k + seed) for seed, count in enumerate(of_part)], tasks)
        for k, (of_part, tasks) in enumerate(zip(counts, lists, strict=True))
    ]
    for found, (images, tasks) in zip(encoder.encode_together(parts), parts, strict=True):
        expected = encoder.encode(np.concatenate(images), tasks)
        assert np.abs(found - expected).max() <= TOLERANCE * expected.std()


def test_threads_that_want_the_same_programs_in_other_orders_do_not_wait_in_a_circle(encoder: LocalEncoder) -> None:
    parts = [([frames(3, 0)], [TASKS[0]]), ([frames(2, 1)], [TASKS[1]])]
    expected = encoder.encode_together(parts)
    with ThreadPoolExecutor(2) as pool:
        forward = [pool.submit(encoder.encode_together, parts) for _ in range(10)]
        backward = [pool.submit(encoder.encode_together, parts[::-1]) for _ in range(10)]
        for one, other in zip(forward, backward, strict=True):
            for found in (one.result(20), other.result(20)[::-1]):
                np.testing.assert_array_equal(found[0], expected[0])
                np.testing.assert_array_equal(found[1], expected[1])


def test_another_thread_may_begin_once_a_core_is_idle_and_neither_changes_the_other_s_features(
    encoder: LocalEncoder,
) -> None:
    images = [frames(9, seed) for seed in range(8)]
    expected = [encoder.encode(pixels, TASKS) for pixels in images]
    with ThreadPoolExecutor(2) as pool:
        begun: list[Future[list[Features]]] = []

        def begin() -> None:
            if len(begun) < len(images):
                part = [images[len(begun)]], TASKS
                begun.append(pool.submit(encoder.encode_together, [part], begin))

        begin()
        for number, one in enumerate(expected):
            while len(begun) <= number:
                time.sleep(0.001)
            found = begun[number].result(20)[0]
            assert np.abs(found - one).max() <= TOLERANCE * one.std()
        assert len(begun) == len(images)


def test_what_fails_gives_its_requests_back(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = LocalEncoder(load_bank("buildings-v1"), device="cpu", runtime="openvino", precision="float32")
    images = frames(9, 0)
    expected = encoder.encode(images, TASKS)
    collect, failures = _Pool.collect, iter(range(8))

    def failing(pool: _Pool, slot: object, features: Features) -> None:
        collect(pool, slot, features if next(failures, None) is None else features[:, :1])  # type: ignore[arg-type]

    monkeypatch.setattr(_Pool, "collect", failing)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(8):  # there are fewer requests
            with pytest.raises(ValueError, match="broadcast"):
                pool.submit(encoder.encode, images, TASKS).result(20)
        np.testing.assert_array_equal(pool.submit(encoder.encode, images, TASKS).result(20), expected)
        program = cast(_OpenVinoProgram, encoder._program(TASKS))
        for _ in range(8):
            with pytest.raises(ValueError, match="broadcast"):
                pool.submit(program, images[:, :5]).result(20)
        np.testing.assert_array_equal(pool.submit(encoder.encode, images, TASKS).result(20), expected)


def test_an_encoder_can_be_used_after_ctrl_c_at_the_worst_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = LocalEncoder(load_bank("buildings-v1"), device="cpu", runtime="openvino", precision="float32")
    expected = encoder.encode(frames(1, 0), TASKS)
    program = cast(_OpenVinoProgram, encoder._program(TASKS))
    lock = program.lock
    start_async = openvino.InferRequest.start_async

    def interrupted_once_started(request: openvino.InferRequest) -> None:
        start_async(request)
        raise KeyboardInterrupt

    class InterruptedOnceTaken:
        def __enter__(self) -> None:
            lock.acquire()
            raise KeyboardInterrupt

        def __exit__(self, *_: object) -> None:
            lock.release()

    with monkeypatch.context() as patch:
        patch.setattr(openvino.InferRequest, "start_async", interrupted_once_started)
        with pytest.raises(KeyboardInterrupt):
            encoder.encode(frames(1, 1), TASKS)
    np.testing.assert_array_equal(encoder.encode(frames(1, 0), TASKS), expected)
    with monkeypatch.context() as patch:
        patch.setattr(program, "lock", InterruptedOnceTaken())
        with pytest.raises(KeyboardInterrupt):
            encoder.encode(frames(1, 0), TASKS)
    assert lock.acquire(timeout=5), "to encode would take for ever"
    lock.release()
    np.testing.assert_array_equal(encoder.encode(frames(1, 0), TASKS), expected)


def test_parts_without_images_or_with_the_same_tasks_are_refused(encoder: LocalEncoder) -> None:
    for other in (([frames(0, 0)], [TASKS[1]]), ([], [TASKS[1]]), ([frames(1, 0)], [TASKS[0]])):
        with pytest.raises(UserError, match="no image, or the same tasks"):
            encoder.encode_together([([frames(1, 0)], [TASKS[0]]), other])


def test_the_precision_says_what_auto_means(encoder: LocalEncoder) -> None:
    automatic = LocalEncoder(encoder.bank, device="cpu", runtime=encoder.runtime.name)
    assert automatic.precision in ("float32", "bfloat16")
    assert encoder.precision == "float32"


@pytest.mark.parametrize(("count", "bucket"), [(1, 1), (2, 2), (3, 4), (5, 8), (33, 64), (64, 64)])
def test_buckets_are_powers_of_two(count: int, bucket: int) -> None:
    assert _bucket(count) == bucket
