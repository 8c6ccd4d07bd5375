"""Encode over streams that stay open: the answers, failures and deadlines of calls by themselves."""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np
import pytest

from perception.remote.lanes import Lanes
from protos.perception.v1 import perception_pb2 as pb
from protos.perception.v1.perception_pb2_grpc import PerceptionStub
from tests.perception.remote.scripted import Script, mean_features, scripted

TASKS = ["normal", "reshading"]
Code = grpc.StatusCode


def request(k: int) -> pb.EncodeRequest:
    raw = pb.RawImages(count=1, height=2, width=2, pixels=bytes([k] * 12))
    return pb.EncodeRequest(images=pb.Images(raw=raw), tasks=TASKS)


def expected(k: int) -> bytes:
    return mean_features(np.full((1, 2, 2, 3), k, np.uint8), TASKS).tobytes()


@contextmanager
def lanes(script: Script) -> Iterator[Callable[..., pb.EncodeResponse]]:
    with scripted(script) as address, grpc.insecure_channel(address.removeprefix("grpc://")) as channel:
        stub = PerceptionStub(channel)

        def encode(k: int, timeout: float = 10.0) -> pb.EncodeResponse:
            return made.encode(request(k), timeout=timeout, metadata=())

        made = Lanes(stub.Encode, stub.EncodeStream)
        yield encode


def test_answers_belong_to_their_requests_from_any_thread() -> None:
    with lanes(Script()) as encode:
        wrong: list[int] = []

        def work(first: int) -> None:
            wrong.extend(k for k in range(first, first + 20) if encode(k).features.data != expected(k))

        threads = [threading.Thread(target=work, args=(20 * k,)) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_a_late_answer_is_given_up_and_the_next_call_is_answered() -> None:
    going_on = threading.Event()
    script = Script(meanwhile=going_on.wait)
    with lanes(script) as encode:
        with pytest.raises(grpc.RpcError) as caught:
            encode(1, timeout=0.2)
        going_on.set()
        assert caught.value.code() is Code.DEADLINE_EXCEEDED
        assert encode(2).features.data == expected(2)


def test_an_earlier_deadline_counts_while_a_later_one_is_watched() -> None:
    going_on = threading.Event()
    with lanes(Script(meanwhile=going_on.wait)) as encode:
        patient = threading.Thread(target=encode, args=(1, 20.0))
        patient.start()
        with pytest.raises(grpc.RpcError) as caught:
            encode(2, timeout=0.2)
        going_on.set()
        patient.join()
    assert caught.value.code() is Code.DEADLINE_EXCEEDED


def test_a_failure_has_all_of_a_call_s_status() -> None:
    script = Script(failures=[(Code.RESOURCE_EXHAUSTED, "full", (("retry-after-ms", "7"),))])
    with lanes(script) as encode:
        with pytest.raises(grpc.RpcError) as caught:
            encode(1)
        assert caught.value.code() is Code.RESOURCE_EXHAUSTED
        trailing: Any = caught.value.trailing_metadata()
        assert ("retry-after-ms", "7") in trailing
        assert encode(2).features.data == expected(2)


def test_streams_that_are_forgotten_leave_no_thread_behind() -> None:
    before = set(threading.enumerate())
    with lanes(Script()) as encode:
        encode(1, timeout=0.5)
    del encode
    gc.collect()
    for thread in set(threading.enumerate()) - before:
        thread.join(15)
        assert not thread.is_alive()
