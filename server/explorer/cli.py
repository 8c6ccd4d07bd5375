"""`midlevel explore`."""

from pathlib import Path
from typing import Annotated

import typer

from perception.cli import DEFAULT_BANK, BankOption
from server.explorer.options import ExploreOptions

_DEFAULTS = ExploreOptions()


def explore(
    results: Annotated[
        Path, typer.Argument(help="A run's folder, or affinities: JSON or a published pickle.")
    ] = _DEFAULTS.results,
    compared: Annotated[
        Path | None, typer.Option("--compare", help="Other affinities to compare with.", show_default="none")
    ] = None,
    bank: BankOption = DEFAULT_BANK,
    server: Annotated[
        str | None, typer.Option(help="Let this server predict: grpc://host:port.", show_default="predicted here")
    ] = None,
    agents: Annotated[
        Path | None, typer.Option(help="A study's folder, or an agent's run.", show_default="RESULTS/agent")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = _DEFAULTS.host,
    port: Annotated[int, typer.Option(help="0 for any that is free.")] = _DEFAULTS.port,
    tls_cert: Annotated[Path | None, typer.Option(help="The server's certificate, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    insecure_network: Annotated[
        bool, typer.Option("--insecure-network", help="Listen beyond this machine without TLS.")
    ] = False,
) -> None:
    """A web app on your own results: solve, look at transfers, try photos; prints READY and its address."""
    from server.explorer.commands import explore_command

    explore_command(
        ExploreOptions(
            results=results, compared=compared, bank=bank, server=server, agents=agents, host=host, port=port,
            tls_cert=tls_cert, tls_key=tls_key, insecure_network=insecure_network,
        )
    )  # fmt: skip
