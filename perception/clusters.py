"""Ray clusters: the library where it is installed, and a connection that is refused quickly and in a sentence."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from perception.errors import UserError

_ANSWER_S = 10.0
_INSTALL = "Ray is not installed; `pip install 'midlevel[ray]'` installs it, and `--executor local` does without it."


def ray_library() -> ModuleType:
    """The module `ray`.

    Raises:
        UserError: If it is not installed; it names the command that installs it.
    """
    try:
        return import_module("ray")
    except ImportError as error:
        raise UserError(_INSTALL) from error


@contextmanager
def connected(ray: ModuleType, address: str | None) -> Iterator[None]:
    """Within, Ray is connected: to what the caller has connected it to, or else to the address, until the end.

    Args:
        ray: See `ray_library`.
        address: Of the cluster; None for one on this machine.

    Raises:
        UserError: If no cluster answers.
    """
    if ray.is_initialized():  # by whoever called, or around this
        yield
        return
    try:
        _check_answer(address)
        local = {} if address else {"include_dashboard": False}
        ray.init(address=address, log_to_driver=False, logging_level="error", **local)
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(
            f"no Ray cluster answers at {address or 'this machine'} ({error}); start one with `ray start --head`, set "
            "RAY_AUTH_MODE=token for one that asks for a token, or use `--executor local`."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_answer(address: str | None) -> None:
    """Knock at a cluster's door; Ray itself would wait for minutes.

    Raises:
        OSError: If nobody answers.
    """
    found = re.fullmatch(r"(?:ray://)?(.+):(\d+)", address or "")
    if found:
        socket.create_connection((found[1].strip("[]"), int(found[2])), timeout=_ANSWER_S).close()
