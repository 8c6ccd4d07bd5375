"""What the blocking and the asyncio client share: all but waiting."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from perception.errors import UnknownNameError
from perception.remote import forks
from perception.remote.attempts import Attempts
from perception.remote.carriers import TRANSPORTS
from perception.remote.catalogue import Catalogue
from perception.remote.channel import Calls
from perception.remote.errors import RemoteError
from perception.remote.job import Job
from perception.remote.options import SHARED_MEMORY, Certificates, Options, checked_options

IN_FLIGHT = 4
"""Messages of one client's large batches that are under way at the same time."""

BANKS_TRIED = 3
"""How often a call is begun anew because the server changed its bank meanwhile."""


class Client:
    """A connection that is made when it is first needed, and anew in forked children and unpickled copies.

    Args:
        address: "grpc://host:port", "grpcs://host:port" (TLS) or "unix:/path". Replicas are taken in turn: one DNS name
            with several addresses, or "grpc://10.0.0.1:50051,10.0.0.2:50051".
        token: Sent with every call, for servers that want one.
        root_certificates: PEM file of the authorities to believe, with grpcs://; by default those that gRPC brings.
        client_certificate: PEM file of the client's own chain, for servers that ask for one (mTLS).
        client_key: PEM file of its private key.
        timeout_s: For each message, all attempts included; the server knows of it and computes nothing that is late.
        precision: "float32" or "float16", of features on their way: half the bytes at a relative error of 5e-4.
        transport: "grpc"; "grpc-stream", which keeps streams open and so takes less time for each call, but stays with
            one of several replicas; or "shared-memory" for a server on the same machine that runs as the same user.
        batch_size: Most images of one message; larger batches are split, and several messages are under way at once.
        retries: How often a message is sent again if the server is unreachable or its queue full.

    Raises:
        UserError: If one of these is not what it should be.
    """

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        root_certificates: str | Path | None = None,
        client_certificate: str | Path | None = None,
        client_key: str | Path | None = None,
        timeout_s: float = 10.0,
        precision: str = "float32",
        transport: str = "grpc",
        batch_size: int = 32,
        retries: int = 5,
    ) -> None:
        paths = (None if path is None else Path(path) for path in (root_certificates, client_certificate, client_key))
        certificates = Certificates(*paths)
        self._begin(
            checked_options(
                address, token, certificates, timeout_s, precision, transport, batch_size, retries, TRANSPORTS
            )
        )

    def _begin(self, options: Options) -> None:
        self._options = options
        self._catalogue: Catalogue | None = None
        self._calls: Calls | None = None
        self.forget()
        forks.forget_in_children(self)

    def forget(self) -> None:
        """In a forked child: leave the parent's connection alone. Not meant to be called by users."""
        if self._calls is not None:
            self._calls.abandon()
            forks.abandon(self._calls)
        self._calls = None
        self._lock = Lock()
        self._carrier = TRANSPORTS[self._options.transport]()

    def _known_job(self, images: NDArray[np.uint8], tasks: Sequence[str]) -> Job | None:
        """A job by what is known of the server; None if it must be asked first."""
        if self._catalogue is None:
            return None
        try:
            return Job(images, tasks, self._catalogue, self._options.batch_size)
        except UnknownNameError:  # perhaps the server has another bank by now
            return None

    def _new_job(self, images: NDArray[np.uint8], tasks: Sequence[str], catalogue: Catalogue) -> Job:
        return Job(images, tasks, catalogue, self._options.batch_size)

    def _attempts(self) -> Attempts:
        return Attempts(self._options)

    def _kept(self, catalogue: Catalogue) -> Catalogue:
        if self._options.transport == SHARED_MEMORY and not catalogue.takes_shared_memory:
            raise RemoteError(
                f"the server at {self._options.address.text} takes no shared memory; start it with "
                "--shared-memory on this machine, or use transport='grpc'."
            )
        self._catalogue = catalogue
        if self._calls is not None:
            self._calls.sockets.name = catalogue.local_socket
        return catalogue

    def _changing(self) -> RemoteError:
        return RemoteError(
            f"the bank of the server at {self._options.address.text} changed {BANKS_TRIED} times during one call; do "
            "its replicas serve different banks?"
        )

    def __getstate__(self) -> Options:
        return self._options

    def __setstate__(self, options: Options) -> None:
        self._begin(options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._options.address.text!r})"
