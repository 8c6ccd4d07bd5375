"""`midlevel serve` as its operators run it: a real process, the shipped bank, signals."""

import asyncio
import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from perception import LocalEncoder, UserError, load_bank
from perception.bank import BUNDLED_BANKS, write_bank
from protos.perception.v1 import perception_pb2 as pb
from protos.perception.v1 import perception_pb2_grpc
from server.commands import run_server
from server.options import ServeOptions
from server.serving import serve, signals
from tests.server.service.running import features_of, files, photos, raw

MIDLEVEL = Path(sys.executable).with_name("midlevel")
TASKS = ("normal", "reshading")


@dataclass(frozen=True)
class Served:
    """A server's process, and a client of it.

    Args:
        process: The process.
        ready: The line that it printed.
        channel: To it.
        stub: On the channel.
        log: Lines of its log, as they come.
    """

    process: asyncio.subprocess.Process
    ready: str
    channel: grpc.aio.Channel
    stub: Any
    log: asyncio.StreamReader

    async def logged(self, message: str) -> dict[str, Any]:
        """The next line of the log that says this."""
        while True:
            line: dict[str, Any] = json.loads(await self.log.readline())
            if line["message"] == message:
                return line


@contextlib.asynccontextmanager
async def served(*arguments: object) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        MIDLEVEL, "serve", "--port", "0", *map(str, arguments),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        ready = (await process.stdout.readline()).decode()
        assert ready.startswith("READY 127.0.0.1:"), (await process.stderr.read()).decode()
        async with grpc.aio.insecure_channel(ready.split()[1]) as channel:
            stub = perception_pb2_grpc.PerceptionStub(channel)
            yield Served(process, ready, channel, stub, process.stderr)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def limited(scenario: Any) -> None:
    async def run() -> None:
        await asyncio.wait_for(scenario(), 60)

    asyncio.run(run())


@pytest.fixture
def bank_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bank"
    folder.mkdir()
    for task in TASKS:
        for suffix in (".json", ".safetensors"):
            shutil.copy(BUNDLED_BANKS / "buildings-v1" / f"{task}{suffix}", folder)
    write_bank(folder, "mine", coverage={1: ["normal"]})
    return folder


def test_a_server_computes_what_the_bank_computes_and_swaps_it_and_stops_without_losing_a_call(
    bank_folder: Path,
) -> None:
    images = photos(3, 128, 128)
    local = LocalEncoder(load_bank(bank_folder), runtime="torch").encode(images, TASKS[:1])

    async def scenario() -> None:
        options = ("--precision", "float32", "--features", "normal", "--metrics-port", 0, "--max-batch", 4)
        async with served("--bank", bank_folder, *options) as it:
            assert "bank mine, tasks 1, float32, metrics on port" in it.ready
            for request_images in (raw(images), files(list(images))):
                response = await it.stub.Encode(pb.EncodeRequest(images=request_images, tasks=TASKS[:1]))
                np.testing.assert_allclose(features_of(response.features), local, atol=2e-4)
                assert response.timings.inference_us > 0

            with pytest.raises(grpc.aio.AioRpcError, match="unknown served task 'reshading'"):
                await it.stub.Encode(pb.EncodeRequest(images=raw(images), tasks=TASKS))

            metrics_port = int(it.ready.rpartition(" ")[2])
            metrics = await asyncio.to_thread(lambda: urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}").read())
            assert b'midlevel_requests_total{code="OK",method="/perception.v1.Perception/Encode"} 2.0' in metrics
            assert b'midlevel_stage_seconds_count{stage="decode"} 3.0' in metrics

            ends: list[str] = []
            calling = [asyncio.ensure_future(keep_calling(it.stub, ends)) for _ in range(4)]
            swapped = write_bank(bank_folder, "other", coverage={2: TASKS})
            it.process.send_signal(signal.SIGHUP)
            assert (await it.logged("the bank was swapped"))["bank_sha256"] == swapped.sha256
            assert (await it.stub.ListFeatures(pb.ListFeaturesRequest())).bank == "other"

            (bank_folder / "bank.json").write_text("{")
            it.process.send_signal(signal.SIGHUP)
            line = json.loads(await it.log.readline())
            assert (line["level"], line["message"][:25]) == ("error", "the bank was not swapped:")
            assert (await it.stub.Encode(request())).bank_sha256 == swapped.sha256

            health: Any = health_pb2_grpc.HealthStub(it.channel)
            watch = health.Watch(health_pb2.HealthCheckRequest(service="perception.v1.Perception"))
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
            it.process.send_signal(signal.SIGTERM)
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            for each in calling:
                each.cancel()  # as balancers do that see the news; what is under way is awaited
            await asyncio.gather(*calling)
            assert len(ends) > 4
            assert set(ends) == {"OK"}
            assert await it.process.wait() == 0

    limited(scenario)


def test_a_server_may_open_as_many_files_as_the_system_grants(bank_folder: Path) -> None:
    usual, granted = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def scenario() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, usual), granted))
        try:
            async with served("--bank", bank_folder, "--features", "normal", "--max-batch", 1) as it:
                assert resource.prlimit(it.process.pid, resource.RLIMIT_NOFILE) == (granted, granted)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (usual, granted))

    limited(scenario)


def request() -> pb.EncodeRequest:
    return pb.EncodeRequest(images=raw(photos(1)), tasks=["normal"], precision=pb.PRECISION_FLOAT16)


async def keep_calling(stub: Any, ends: list[str]) -> None:
    """Call until cancelled, but await the last answer; how each call ended is appended to `ends`."""
    while True:
        call = asyncio.ensure_future(stub.Encode(request()))
        try:
            await asyncio.shield(call)
        except asyncio.CancelledError:
            await call
            ends.append("OK")
            return
        except grpc.aio.AioRpcError as error:
            ends.append(error.code().name)
            return
        ends.append("OK")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"bank": "none"}, "there is no bank 'none'"),
        ({"features": ("norml",)}, "did you mean 'normal'"),
        ({"host": "0.0.0.0"}, "0.0.0.0 can be reached from other machines"),
        ({"host": "0.0.0.0", "insecure_network": True, "port": 1, "bank": "none"}, "there is no bank 'none'"),
        ({"tls_cert": Path("x.pem")}, "--tls-cert is given without --tls-key"),
        ({"token_file": Path("/nowhere/tokens")}, "cannot read /nowhere/tokens: No such file"),
        ({"device": "cudda"}, "did you mean 'cuda'"),
        ({"precision": "int3"}, "int3"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_sentence(wrong: dict[str, Any], message: str) -> None:
    options = replace(ServeOptions(port=0), **wrong)
    with pytest.raises(UserError, match=f"^[^\n]*{message}[^\n]*$"):
        asyncio.run(serve(options, lambda line: pytest.fail(line)))


def test_an_unknown_log_level_is_refused() -> None:
    with pytest.raises(UserError, match="unknown log level 'inof'; did you mean 'info'"):
        run_server(ServeOptions(log_level="inof"))


def test_a_port_in_use_is_refused_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        done = subprocess.run([MIDLEVEL, "serve", "--port", str(port)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"midlevel: cannot listen on 127.0.0.1:{port}: Address already in use; choose")
    assert done.stderr.count("\n") == 1


def test_signals_stop_once_each_and_a_hangup_reloads() -> None:
    async def scenario() -> None:
        reloaded = asyncio.Event()

        async def reload() -> None:
            reloaded.set()

        with signals(reload) as stops:
            os.kill(os.getpid(), signal.SIGHUP)
            await reloaded.wait()
            for number in (signal.SIGTERM, signal.SIGINT):
                os.kill(os.getpid(), number)
                assert await stops.get() == number.name
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    limited(scenario)


def test_help_is_instant_and_shows_every_option() -> None:
    done = subprocess.run(
        [MIDLEVEL, "serve", "--help"], capture_output=True, text=True, timeout=60, env={**os.environ, "COLUMNS": "200"}
    )
    for option in ("bank", "features", "host", "port", "device", "precision", "max-batch", "max-delay-us", "max-queue",
                   "max-message-mib", "tls-cert", "tls-key", "client-ca", "token-file", "insecure-network",
                   "metrics-port", "shared-memory", "log-level", "drain-seconds"):  # fmt: skip
        assert f"--{option}" in done.stdout
