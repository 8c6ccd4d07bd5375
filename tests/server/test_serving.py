"""A server as its operators see it: health, reflection, ports, stopping without losing a call."""

import asyncio
import contextlib
import gc
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from perception import UserError
from protos.perception.v1 import perception_pb2 as pb
from protos.perception.v1 import perception_pb2_grpc
from server.listening import Address, GrpcServer
from server.observability import Metrics
from server.options import ServeOptions
from server.security import TokenFile
from server.service import SERVICE
from server.serving import listening_server, open_inference_service, perception_service, settle, stop
from tests.server.fake import FakeBackend
from tests.server.service.running import photos, raw, refusal, run, running

GOOD = pb.EncodeRequest(images=raw(photos(1)), tasks=["normal"])
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def check(name: str = "") -> health_pb2.HealthCheckRequest:
    return health_pb2.HealthCheckRequest(service=name)


def test_health_is_said_of_the_server_and_of_each_service() -> None:
    async def scenario() -> None:
        async with running() as it:
            health: Any = health_pb2_grpc.HealthStub(it.channel)
            for name in ("", SERVICE, "grpc.health.v1.Health"):
                assert (await health.Check(check(name))).status == SERVING
            error = await refusal(health.Check(check("perception.v1.Perceptoin")))
            assert error.code() is grpc.StatusCode.NOT_FOUND
            unknown = health.Watch(check("none"))
            assert (await unknown.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
            unknown.cancel()

    run(scenario)


def test_who_watches_health_is_told_of_the_stop_though_another_watcher_left_before() -> None:
    async def scenario() -> None:
        async with running() as it:
            health: Any = health_pb2_grpc.HealthStub(it.channel)
            leaving, staying = health.Watch(check()), health.Watch(check())
            assert [(await watch.read()).status for watch in (leaving, staying)] == [SERVING, SERVING]
            leaving.cancel()
            stopping = asyncio.ensure_future(it.server.stop(15))
            assert (await staying.read()).status == NOT_SERVING
            assert (await refusal(staying.read())).code() is grpc.StatusCode.UNAVAILABLE
            await asyncio.wait_for(stopping, 5)

    run(scenario)


def test_a_peer_that_knows_no_proto_learns_all_from_reflection_and_calls() -> None:
    async def scenario() -> None:
        async with running() as it:
            stub: Any = reflection_pb2_grpc.ServerReflectionStub(it.channel)

            async def asked(**question: str) -> Any:
                call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(**question)]))
                return await call.read()

            listed = await asked(list_services="")
            names = {service.name for service in listed.list_services_response.service}
            assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
            pool = DescriptorPool()
            for name in sorted(names):
                found = await asked(file_containing_symbol=name)
                for data in found.file_descriptor_response.file_descriptor_proto:
                    pool.Add(FileDescriptorProto.FromString(data))
            methods = pool.FindServiceByName(SERVICE).methods_by_name
            assert list(methods) == ["Encode", "EncodeStream", "Predict", "ListFeatures"]
            from google.protobuf.message_factory import GetMessageClass

            question, answer = (GetMessageClass(methods["ListFeatures"].input_type)(),
                                GetMessageClass(methods["ListFeatures"].output_type))  # fmt: skip
            call = it.channel.unary_unary(
                f"/{SERVICE}/ListFeatures", type(question).SerializeToString, answer.FromString
            )
            response: Any = await call(question)
            assert response.bank == "buildings-v1"

    run(scenario)


@contextlib.contextmanager
def taken_port() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def listening(host: str, port: int) -> GrpcServer:
    return GrpcServer(Address(host, port), largest_message_bytes=1 << 20)


def test_a_port_in_use_is_refused_in_one_sentence() -> None:
    async def scenario() -> None:
        with taken_port() as port, pytest.raises(UserError, match=f"127.0.0.1:{port}: Address already in use; choose"):
            listening("127.0.0.1", port)
        async with running() as it:
            with pytest.raises(UserError, match="Address already in use"):
                listening("127.0.0.1", it.server.address.port)
        for host in ("192.0.2.1", "no.such.host.invalid", "1.2.3.4.5", "x" * 300):
            with pytest.raises(UserError, match=r"^cannot listen on [^\n]*$"):
                listening(host, 0)

    run(scenario)


def test_any_free_port_and_ipv6_and_socket_files_can_be_listened_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(host="::1") as it:
            assert it.server.address.port > 0
            assert str(it.server.address) == f"[::1]:{it.server.address.port}"
            await it.stub.Encode(GOOD)
        async with running(host=f"unix:{tmp_path}/socket") as it:
            assert str(it.server.address) == f"unix:{tmp_path}/socket"
            await it.stub.Encode(GOOD)

    run(scenario)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"port": 65536}, "--port is 65536; expected 0 to 65535"),
        ({"max_batch": 0}, "--max-batch is 0; expected 1 to 1024"),
        ({"max_delay_us": -1}, "--max-delay-us is -1"),
        ({"max_queue": 0}, "--max-queue is 0"),
        ({"max_message_mib": 5000}, "--max-message-mib is 5000; expected 1 to 1024"),
        ({"metrics_port": -1}, "--metrics-port is -1"),
        ({"drain_seconds": float("nan")}, "--drain-seconds is nan"),
    ],
)
def test_options_out_of_range_are_named_as_they_are_written(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ServeOptions(**wrong)


def test_calls_under_way_and_calls_that_come_before_the_news_are_answered_while_stopping() -> None:
    async def scenario() -> None:
        backend = FakeBackend(hold=asyncio.Event())
        assert backend.hold is not None
        async with running(backend) as it, other_channel(it.server) as late:
            calls = [asyncio.ensure_future(it.stub.Encode(GOOD)) for _ in range(5)]
            while len(backend.callers) < 5:
                await asyncio.sleep(0)
            health: Any = health_pb2_grpc.HealthStub(it.channel)
            watch = health.Watch(check())
            assert (await watch.read()).status == SERVING
            stops: asyncio.Queue[str] = asyncio.Queue()
            stopping = asyncio.ensure_future(stop([it.server], stops, 15))
            assert (await watch.read()).status == NOT_SERVING
            calls.append(asyncio.ensure_future(late.Encode(GOOD)))
            while len(backend.callers) < 6:
                await asyncio.sleep(0)
            assert not any(call.done() for call in calls)
            backend.hold.set()
            assert [tuple((await call).tasks) for call in calls] == [("normal",)] * 6
            await asyncio.wait_for(stopping, 5)
            assert (await refusal(late.Encode(GOOD))).code() is grpc.StatusCode.UNAVAILABLE

    run(scenario)


def test_callers_who_never_pause_do_not_keep_the_server_from_stopping() -> None:
    async def scenario() -> None:
        async with running() as it:
            ends: set[grpc.StatusCode] = set()

            async def calling() -> None:
                while not ends:
                    try:
                        await it.stub.Encode(GOOD)
                    except grpc.aio.AioRpcError as error:
                        ends.add(error.code())

            callers = [asyncio.ensure_future(calling()) for _ in range(4)]
            await it.server.stop(1)
            await asyncio.gather(*callers)
            assert ends == {grpc.StatusCode.UNAVAILABLE}

    run(scenario)


@contextlib.asynccontextmanager
async def other_channel(server: GrpcServer) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(str(server.address)) as channel:
        yield perception_pb2_grpc.PerceptionStub(channel)


@pytest.mark.parametrize(("drain_s", "is_signalled"), [(0.2, False), (60, True)])
def test_calls_that_do_not_end_are_cut_at_the_limit_or_at_the_second_signal(drain_s: float, is_signalled: bool) -> None:
    async def scenario() -> None:
        backend = FakeBackend(hold=asyncio.Event())
        async with running(backend) as it:
            call = asyncio.ensure_future(it.stub.Encode(GOOD))
            while not backend.callers:
                await asyncio.sleep(0)
            stops: asyncio.Queue[str] = asyncio.Queue()
            if is_signalled:
                stops.put_nowait("SIGTERM")
            began_s = time.monotonic()
            await stop([it.server], stops, drain_s)
            assert time.monotonic() - began_s < 5
            assert (await refusal(call)).code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)

    run(scenario)


def test_health_answers_quickly_while_the_service_is_busy() -> None:
    async def scenario() -> None:
        backend = FakeBackend(hold=asyncio.Event())
        assert backend.hold is not None
        async with running(backend) as it:
            health: Any = health_pb2_grpc.HealthStub(it.channel)
            calls = [asyncio.ensure_future(it.stub.Encode(GOOD)) for _ in range(200)]
            while len(backend.callers) < 200:
                await asyncio.sleep(0)
            assert (await health.Check(check(), timeout=1)).status == SERVING
            backend.hold.set()
            await asyncio.gather(*calls)

    run(scenario)


def test_options_put_tokens_metrics_and_both_protocols_together(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("a-token-of-sixteen-letters\n")
    options = ServeOptions(port=0, token_file=tokens, shared_memory=True, max_message_mib=1)

    async def scenario() -> None:
        metrics = Metrics()
        server = listening_server(options, metrics, TokenFile(tokens))
        backend = FakeBackend()
        perception = perception_service(options, backend, metrics, "")
        await server.start([perception, open_inference_service(options, backend, metrics)])
        try:
            async with grpc.aio.insecure_channel(str(server.address)) as channel:
                stub: Any = perception_pb2_grpc.PerceptionStub(channel)
                assert (await refusal(stub.Encode(GOOD))).code() is grpc.StatusCode.UNAUTHENTICATED
                bearer = (("authorization", "Bearer a-token-of-sixteen-letters"),)
                found = await stub.ListFeatures(pb.ListFeaturesRequest(), metadata=bearer)
                assert found.takes_shared_memory
                assert found.largest_message_bytes == 1 << 20
                await stub.Encode(GOOD, metadata=bearer)
                health: Any = health_pb2_grpc.HealthStub(channel)
                for name in (SERVICE, "inference.GRPCInferenceService"):
                    assert (await health.Check(check(name))).status == SERVING
        finally:
            await server.stop(0)
        counted = metrics.registry.get_sample_value
        labels = {"method": f"/{SERVICE}/Encode", "code": "UNAUTHENTICATED"}
        assert counted("midlevel_requests_total", labels) == 1
        assert counted("midlevel_requests_total", {**labels, "code": "OK"}) == 1

    run(scenario)


def test_what_stays_is_not_searched_for_garbage_again() -> None:
    stays = [[k] for k in range(1000)]
    try:
        settle()
        assert gc.get_freeze_count() > len(stays)
        assert not any(found is stays[0] for found in gc.get_objects())
        later = [len(stays)]
        assert any(found is later for found in gc.get_objects())
    finally:
        gc.unfreeze()
