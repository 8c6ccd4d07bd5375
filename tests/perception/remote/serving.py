"""A Perception server in a process of its own, so that tests may fork: `python -m tests.perception.remote.serving`."""

import argparse
import asyncio
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc

from perception import LocalEncoder
from perception.photos import Pixels
from server.backend import Backend, Caller, Encoded
from server.handlers import Handlers
from server.local_socket import LocalSocket, new_name
from server.observability import Metrics
from server.security import TokenFile, TokenInterceptor, server_credentials, tls_files
from server.service import PerceptionService, ServiceLimits
from tests.server.fake import SPENT, FakeBackend

START_S = 60


class LocalBackend(FakeBackend):
    """Features of the bundled bank, in float32."""

    def __init__(self) -> None:
        super().__init__()
        self.local = LocalEncoder(self.bank, precision="float32")

    async def encode(self, images: Sequence[Pixels] | Pixels, tasks: Sequence[str], caller: Caller) -> Encoded:
        features = self.local.encode(images, tasks)  # type: ignore[arg-type]  # of one size, in these tests
        return Encoded(features, tuple(tasks), SPENT, self.bank.sha256)


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """The address, host:port or a unix socket, of a server that runs until the end of the context."""
    command = [sys.executable, "-m", "tests.perception.remote.serving", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
    assert process.stdout is not None
    try:
        ready, _, _ = select.select([process.stdout], [], [], START_S)
        yield process.stdout.readline().strip() if ready else ""
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--local", action="store_true")
    parser.add_argument("--no-socket", action="store_true")
    parser.add_argument("--address", default="127.0.0.1:0")
    parser.add_argument("--largest-message", type=int, default=1 << 26)
    for name in ("--certificate", "--key", "--client-ca", "--tokens"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    backend: Backend = LocalBackend() if options.local else FakeBackend()
    tokens = None if options.tokens is None else TokenFile(options.tokens)
    interceptors = [] if tokens is None else [TokenInterceptor(tokens)]
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    handlers = Handlers(interceptors)
    server.add_generic_rpc_handlers([handlers])
    name = "" if options.no_socket else new_name()
    limits = ServiceLimits(takes_shared_memory=True, largest_message_bytes=options.largest_message, local_socket=name)
    service = PerceptionService(backend, (), limits)
    service.add_to(handlers)
    if name:
        await LocalSocket(name, service, Metrics(), tokens).start()
    tls = tls_files(options.certificate, options.key, options.client_ca)
    if tls is None:
        port = server.add_insecure_port(options.address)
    else:
        port = server.add_secure_port(options.address, server_credentials(tls))
    await server.start()
    sys.stdout.write(f"127.0.0.1:{port}\n" if port > 1 else f"{options.address}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
