"""What `midlevel explore` is told."""

from dataclasses import dataclass
from pathlib import Path

from perception import UserError


@dataclass(frozen=True)
class ExploreOptions:
    """What to show, and where.

    Args:
        results: A run's folder, or a file of affinities.
        compared: Other affinities to compare with; None for none.
        bank: Name or folder of the bank for predictions.
        server: Address of a perception server that predicts; None to predict here.
        agents: Folder of a study or of an agent's run; None for the results' own `agent`, if there is one.
        host: Address or name to listen on.
        port: 0 for any that is free.
        tls_cert: PEM; None for no TLS.
        tls_key: PEM.
        insecure_network: Whether listening beyond this machine without TLS is meant.

    Raises:
        UserError: If the port is out of its range.
    """

    results: Path = Path("demo")
    compared: Path | None = None
    bank: str = "buildings-v1"
    server: str | None = None
    agents: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8050
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure_network: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise UserError(f"--port is {self.port}; expected 0 to 65535.")
