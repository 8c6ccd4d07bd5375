"""`midlevel serve`: everything put together, from the first file read to the last call answered."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol

from perception import Bank, UserError, load_bank
from server.backend import Backend
from server.handlers import Interceptor
from server.inference import LiveBackend
from server.inference import Options as InferenceOptions
from server.listening import Address, GrpcServer
from server.local_socket import LocalSocket, new_name
from server.observability import MeasuringInterceptor, Metrics, MetricsEndpoint, start_metrics
from server.open_inference import OpenInferenceService
from server.options import ServeOptions
from server.security import TokenFile, TokenInterceptor, check_binding, server_credentials, tls_files
from server.service import PerceptionService, ServiceLimits
from server.service.catalogue import read_catalogue

_DECODE_THREADS = 2

_logger = logging.getLogger(__name__)


async def serve(options: ServeOptions, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then answer what was accepted; a second signal ends that at once.

    SIGHUP reads the bank again, from its name or folder, without losing a call.

    Args:
        options: How.
        announce: Told where the server listens once every program is compiled and warm.

    Raises:
        UserError: If the options, the bank or a file cannot be used, or the address cannot be listened on.
    """
    bank = load_bank(options.bank)
    metrics = Metrics()
    with contextlib.ExitStack() as stack:
        tokens = None if options.token_file is None else TokenFile(options.token_file)
        server = listening_server(options, metrics, tokens)
        endpoint = _metrics_endpoint(options, metrics)
        if endpoint is not None:
            stack.callback(endpoint.close)
        backend = await LiveBackend.start(
            bank,
            InferenceOptions(
                options.features, device=options.device, precision=options.precision, largest_batch=options.max_batch
            ),
            delay_us=options.max_delay_us,
            largest_queue=options.max_queue,
            observer=metrics,
        )
        metrics.set_bank(bank, backend.precision)
        metrics.watch_queue(lambda: backend.queued_images)

        async def reload() -> None:
            await swap_bank(backend, options)
            metrics.set_bank(backend.bank, backend.precision)
            settle()

        with signals(reload) as stops:
            local_socket = new_name() if options.shared_memory else ""
            service = perception_service(options, backend, metrics, local_socket)
            listeners: list[Listener] = [server]
            if local_socket:
                local = LocalSocket(local_socket, service, metrics, tokens)
                await local.start()
                listeners.append(local)
            await server.start([service, open_inference_service(options, backend, metrics)])
            settle()
            announce(f"READY {server.address} {_described(backend, endpoint)}")
            await stops.get()
            await stop(listeners, stops, options.drain_seconds)
        await backend.drain()


def settle() -> None:
    """Have the garbage collector leave alone what is there now, which stays.

    To look at all of PyTorch and every program takes it more than 100 ms, every two seconds under load, in which nobody
    is answered; what comes after is little.
    """
    gc.collect()
    gc.freeze()


def listening_server(options: ServeOptions, metrics: Metrics, tokens: TokenFile | None) -> GrpcServer:
    """A server that has its port, and takes calls once it is started.

    Raises:
        UserError: If the address or a certificate cannot be used.
    """
    tls = tls_files(options.tls_cert, options.tls_key, options.client_ca)
    check_binding(
        options.host, has_tls=tls is not None, allow_insecure=options.insecure_network,
        has_tokens=tokens is not None,
    )  # fmt: skip
    interceptors: list[Interceptor] = [MeasuringInterceptor(metrics)]
    if tokens is not None:
        interceptors.append(TokenInterceptor(tokens))
    return GrpcServer(
        Address(options.host, options.port),
        None if tls is None else server_credentials(tls),
        interceptors,
        largest_message_bytes=options.largest_message_bytes,
    )


def perception_service(
    options: ServeOptions, backend: Backend, metrics: Metrics, local_socket: str
) -> PerceptionService:
    """The service perception.v1."""
    limits = ServiceLimits(
        largest_message_bytes=options.largest_message_bytes,
        most_files_waiting=options.max_queue,
        decode_threads=_DECODE_THREADS,
        takes_shared_memory=options.shared_memory,
        local_socket=local_socket,
    )
    return PerceptionService(backend, options.features, limits, metrics.decoded)


def open_inference_service(options: ServeOptions, backend: Backend, metrics: Metrics) -> OpenInferenceService:
    """The Open Inference Protocol."""
    return OpenInferenceService(
        backend, options.features, largest_message_bytes=options.largest_message_bytes, on_decoded=metrics.decoded
    )


async def swap_bank(backend: LiveBackend, options: ServeOptions) -> None:
    """Serve what the bank's name or folder holds now; if that cannot be, say so in the log and keep the old one."""

    def read() -> Bank:
        bank = load_bank(options.bank)
        read_catalogue(bank, options.features)
        return bank

    try:
        bank = await asyncio.to_thread(read)
        await backend.swap(bank)
    except UserError as error:
        _logger.error("the bank was not swapped: %s", error, extra={"bank": options.bank})
    except Exception:  # of whatever kind: what is served goes on being served
        _logger.exception("the bank was not swapped", extra={"bank": options.bank})
    else:
        _logger.info("the bank was swapped", extra={"bank": bank.name, "bank_sha256": bank.sha256})


@contextlib.contextmanager
def signals(reload: Callable[[], Awaitable[None]]) -> Iterator[asyncio.Queue[str]]:
    """Take signals over from the process.

    Args:
        reload: Called at SIGHUP, once more if further ones came meanwhile.

    Returns:
        Names of the signals to stop that have come.
    """
    loop = asyncio.get_running_loop()
    stops: asyncio.Queue[str] = asyncio.Queue()
    hangup = asyncio.Event()

    async def reload_at_hangup() -> None:
        while True:
            await hangup.wait()
            hangup.clear()
            await reload()

    reloading = asyncio.ensure_future(reload_at_hangup())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stops.put_nowait, number.name)
    loop.add_signal_handler(signal.SIGHUP, hangup.set)
    try:
        yield stops
    finally:
        reloading.cancel()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


class Listener(Protocol):
    """Takes calls."""

    async def stop(self, grace_s: float) -> None:
        """Take no more, and wait for those under way; after `grace_s` they are cancelled. May be called again."""


async def stop(listeners: Sequence[Listener], stops: "asyncio.Queue[str]", drain_s: float) -> None:
    """Stop a server once the calls under way are answered, or after `drain_s`, or at the next signal."""

    async def stop_all(grace_s: float) -> None:
        await asyncio.gather(*(listener.stop(grace_s) for listener in listeners))

    _logger.info("draining", extra={"drain_seconds": drain_s})
    draining = asyncio.ensure_future(stop_all(drain_s))
    next_signal = asyncio.ensure_future(stops.get())
    await asyncio.wait({draining, next_signal}, return_when=asyncio.FIRST_COMPLETED)
    if not draining.done():
        _logger.warning("stopping at once: a second signal came")
        await stop_all(0)
    await draining
    next_signal.cancel()
    _logger.info("stopped")


def _metrics_endpoint(options: ServeOptions, metrics: Metrics) -> MetricsEndpoint | None:
    if options.metrics_port is None:
        return None
    return start_metrics(metrics.registry, options.metrics_port, options.metrics_host)


def _described(backend: LiveBackend, endpoint: MetricsEndpoint | None) -> str:
    parts = [f"bank {backend.bank.name}", f"tasks {len(backend.tasks)}", backend.precision]
    if endpoint is not None:
        parts.append(f"metrics on port {endpoint.port}")
    return ", ".join(parts)
