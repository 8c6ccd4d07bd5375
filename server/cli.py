"""`midlevel serve`."""

from pathlib import Path
from typing import Annotated

import typer

from perception.cli import DEFAULT_BANK, BankOption
from server.options import ServeOptions

_DEFAULTS = ServeOptions()

Features = Annotated[
    list[str] | None,
    typer.Option(
        "--features",
        help="A feature set to serve: normal,reshading, or max-coverage:K; may be repeated. All tasks by default.",
    ),
]
Certificate = Annotated[Path | None, typer.Option(help="The server's certificate, PEM.")]
Key = Annotated[Path | None, typer.Option(help="Its private key, PEM.")]
Authority = Annotated[Path | None, typer.Option(help="Ask callers for a certificate of this authority, PEM.")]
Tokens = Annotated[Path | None, typer.Option(help="Ask callers for one of the tokens in this file, one a line.")]


def serve(
    bank: BankOption = DEFAULT_BANK,
    features: Features = None,
    host: Annotated[str, typer.Option(help="Address to listen on, or unix:PATH.")] = _DEFAULTS.host,
    port: Annotated[int, typer.Option(help="0 for any that is free.")] = _DEFAULTS.port,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = _DEFAULTS.device,
    precision: Annotated[str, typer.Option(help="float32, bfloat16, int8 or auto.")] = _DEFAULTS.precision,
    max_batch: Annotated[int, typer.Option(help="Images computed together, and of one request.")] = _DEFAULTS.max_batch,
    max_delay_us: Annotated[
        int, typer.Option(help="Microseconds that a request may wait for others, beyond those just answered.")
    ] = _DEFAULTS.max_delay_us,
    max_queue: Annotated[int, typer.Option(help="Images that may wait; more are refused.")] = _DEFAULTS.max_queue,
    max_message_mib: Annotated[int, typer.Option(help="Largest request and response.")] = _DEFAULTS.max_message_mib,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    client_ca: Authority = None,
    token_file: Tokens = None,
    insecure_network: Annotated[
        bool, typer.Option("--insecure-network", help="Listen beyond this machine without TLS.")
    ] = False,
    metrics_port: Annotated[int | None, typer.Option(help="Serve metrics for Prometheus here.")] = None,
    metrics_host: Annotated[
        str, typer.Option(help="Address that metrics listen on; they are numbers, and need no token.")
    ] = _DEFAULTS.metrics_host,
    shared_memory: Annotated[
        bool, typer.Option("--shared-memory", help="Let callers on this machine pass images through shared memory.")
    ] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = _DEFAULTS.log_level,
    drain_seconds: Annotated[
        float, typer.Option(help="How long calls under way may take when the server is told to stop.")
    ] = _DEFAULTS.drain_seconds,
) -> None:
    """Serve a bank's encoders over gRPC; prints a line that starts with READY once calls are taken."""
    from server.commands import run_server

    run_server(
        ServeOptions(
            bank=bank, features=tuple(features or ()), host=host, port=port, device=device, precision=precision,
            max_batch=max_batch, max_delay_us=max_delay_us, max_queue=max_queue, max_message_mib=max_message_mib,
            tls_cert=tls_cert, tls_key=tls_key, client_ca=client_ca, token_file=token_file,
            insecure_network=insecure_network, metrics_port=metrics_port, metrics_host=metrics_host,
            shared_memory=shared_memory, log_level=log_level, drain_seconds=drain_seconds,
        )
    )  # fmt: skip
