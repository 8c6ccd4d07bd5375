"""What each kind of agent sees through."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from perception import Encoder, LocalEncoder, RemoteEncoder, load_bank
from perception.encoding.encoder import Features
from perception.errors import UserError
from perception.remote import Catalogue, TimedOutError, UnreachableError
from rl.agents.kinds import AgentKind, Family
from rl.vision.blind import BlindVision
from rl.vision.encoded import EncodedVision
from rl.vision.labels import LabelVision
from rl.vision.pixels import PixelVision
from rl.vision.vision import Vision
from sim import AgentSpec

ORACLE_CATEGORIES = ("floor", "wall", "door")
"""What an oracle is told the places of, besides the target."""

PATIENCE_S = 120.0
"""For how long a server may be away before a run gives up."""

_SOON_S = 5.0
"""After which one that waits for a server is told so."""

_logger = logging.getLogger(__name__)

_RETRIES = 10_000  # as many as there is patience for


@dataclass(frozen=True)
class _Request:
    """What `make_vision` was asked for."""

    kind: AgentKind
    camera: AgentSpec
    bank: str
    server: str | None
    seed: int
    target: str | None
    transport: str


def make_vision(
    kind: AgentKind,
    camera: AgentSpec,
    bank: str = "buildings-v1",
    server: str | None = None,
    seed: int = 0,
    *,
    target: str | None = None,
    transport: str = "grpc",
) -> Vision:
    """What an agent sees through.

    Args:
        kind: Of agent.
        camera: Its images.
        bank: Name or folder of the bank that features come from, where no server is named.
        server: Address of a server that encodes in the bank's place, as `RemoteEncoder` takes it.
        seed: Of untrained encoders.
        target: Category of the things to find, which an oracle is told the place of; None where the task has none.
        transport: "grpc", or "shared-memory" for a server on the same machine.

    Raises:
        UserError: If the bank or server is not there or lacks the features, or the camera does not suit the agent.
    """
    return _MAKERS[kind.family](_Request(kind, camera, bank, server, seed, target, transport))


class OneBank:
    """A server's encoders, as long as they are of the same bank; satisfies `Encoder`.

    Args:
        remote: The server.
        bank: Name of its bank when the run began.
        sha256: The bank's hash.
    """

    def __init__(self, remote: RemoteEncoder, bank: str, sha256: str) -> None:
        self.remote = remote
        self._bank, self._sha256 = bank, sha256

    def encode(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> Features:
        """See `Encoder.encode`.

        Raises:
            UserError: If the server has another bank now, or as `RemoteEncoder.encode`.
        """
        timed = self.remote.encode_timed(images, tasks)
        if timed.bank_sha256 != self._sha256:
            raise UserError(
                f"the server has another bank now ({timed.bank_sha256[:12]}...) than {self._bank} "
                f"({self._sha256[:12]}...), which this agent sees through; start one with that bank, and go on."
            )
        return timed.features

    def close(self) -> None:
        """See `RemoteEncoder.close`."""
        self.remote.close()


def _features(request: _Request) -> Vision:
    if request.server is not None:
        return _served_features(request, request.server)
    bank = load_bank(request.bank)
    encoder: Encoder = LocalEncoder(bank)
    return EncodedVision(encoder, bank.feature_set(request.kind.name), {"bank": bank.name, "sha256": bank.sha256})


def _served_features(request: _Request, server: str) -> Vision:
    remote = RemoteEncoder(server, timeout_s=PATIENCE_S, retries=_RETRIES, transport=request.transport)
    catalogue = _catalogue(remote, request, server)
    encoder = OneBank(remote, catalogue.bank, catalogue.bank_sha256)
    identity = {"bank": catalogue.bank, "sha256": catalogue.bank_sha256}
    return EncodedVision(encoder, catalogue.feature_set(request.kind.name), identity)


def _catalogue(remote: RemoteEncoder, request: _Request, server: str) -> Catalogue:
    """What the server has; who waits for one that is not there is told so."""
    hasty = RemoteEncoder(server, timeout_s=min(_SOON_S, PATIENCE_S), transport=request.transport)
    try:
        hasty.catalogue()
    except (UnreachableError, TimedOutError):
        _logger.warning("no server answers at %s yet; waiting for it, up to %g s", server, PATIENCE_S)
    finally:
        hasty.close()
    return remote.catalogue()


def _random_weights(request: _Request) -> Vision:
    from rl.vision.untrained import untrained_encoder

    untrained = untrained_encoder(request.kind.count, request.seed)
    return EncodedVision(untrained.encoder, untrained.tasks, {"bank": "untrained", "sha256": untrained.sha256})


def _oracle(request: _Request) -> Vision:
    target = () if request.target is None else (request.target,)
    return LabelVision(request.camera, tuple(dict.fromkeys((*ORACLE_CATEGORIES, *target))))


_MAKERS: Mapping[Family, Callable[[_Request], Vision]] = MappingProxyType(
    {
        Family.FEATURES: _features,
        Family.RANDOM_WEIGHTS: _random_weights,
        Family.SCRATCH: lambda request: PixelVision(request.camera),
        Family.BLIND: lambda _: BlindVision(),
        Family.ORACLE: _oracle,
        Family.SCRIPTED: lambda _: BlindVision(),
    }
)
