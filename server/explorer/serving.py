"""The app on a port."""

import asyncio
import errno
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import uvicorn
from a2wsgi import WSGIMiddleware
from flask import Flask, Response, abort, request
from werkzeug.exceptions import HTTPException

from perception import UserError
from server.explorer.app import create_app
from server.explorer.content import Content
from server.explorer.options import ExploreOptions
from server.explorer.requests import WholeRequests
from server.security import check_binding, is_local, server_context, tls_files

_THREADS = 8
_FAREWELL_S = 5
"""How long what is under way may take once the app is told to stop."""

_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_LOG = logging.getLogger(__name__)


class Listener:
    """The app, bound to its address; `serve` answers there until `stop`.

    Args:
        options: Where to listen, and what is shown.

    Raises:
        UserError: If it may not listen there, or cannot.
    """

    def __init__(self, options: ExploreOptions) -> None:
        tls = tls_files(options.tls_cert, options.tls_key, None)
        host = options.host.removeprefix("[").removesuffix("]")
        check_binding(host, has_tls=tls is not None, allow_insecure=options.insecure_network)
        if tls is not None:
            server_context(tls)  # says in a sentence what is wrong with the files
        app = create_app(Content(options)).server
        _guard(app, is_local_only=is_local(host))
        config = uvicorn.Config(
            WholeRequests(WSGIMiddleware(app, workers=_THREADS)), interface="asgi3", http="h11", ws="none",
            lifespan="off", log_config=None, access_log=False, server_header=False,
            timeout_graceful_shutdown=_FAREWELL_S, ssl_certfile=options.tls_cert, ssl_keyfile=options.tls_key,
        )  # fmt: skip
        self._server = _Server(config)
        self._socket = _bound(host, options.port)
        shown = f"[{host}]" if ":" in host else host
        self.address = f"{'http' if tls is None else 'https'}://{shown}:{self._socket.getsockname()[1]}"

    def serve(self) -> None:
        """Answer until told to stop: by `stop`, or by SIGINT or SIGTERM in the main thread."""
        with _stopped_by_signals(self):
            asyncio.run(self._server.serve([self._socket]))

    def stop(self) -> None:
        """Answer what is under way, for some seconds, and end `serve`."""
        self._server.should_exit = True

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


@contextmanager
def listening(options: ExploreOptions) -> Iterator[Listener]:
    """A `Listener`, closed at the end.

    Raises:
        UserError: As `Listener`.
    """
    listener = Listener(options)
    try:
        yield listener
    finally:
        listener.stop()
        listener.close()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them to the listener: uvicorn's own way raises them again at the end."""
        yield


@contextmanager
def _stopped_by_signals(listener: Listener) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # signals are not for it; who started it stops it
        yield
        return
    former = {name: signal.signal(name, lambda *_: listener.stop()) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in former.items():
            signal.signal(name, handler)


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except socket.gaierror as error:
        raise UserError(f"no address is known for the host {host!r}; expected for example 127.0.0.1.") from error
    except OSError as error:
        mend = "choose another --port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "choose another --host"
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UserError(f"cannot listen on {host}, port {port}: {reason}; {mend}.") from error


def _guard(app: Flask, *, is_local_only: bool) -> None:
    """What every answer says, and who gets one."""

    @app.before_request
    def check() -> None:
        """Keep away pages of other sites whose name was made to point at this machine (DNS rebinding)."""
        if is_local_only and not is_local(urlsplit(f"//{request.host}").hostname or ""):
            abort(403)

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(_HEADERS)
        return response

    @app.errorhandler(Exception)
    def refuse(error: Exception) -> Response | tuple[str, int]:
        """Callbacks answer for their own errors; what is left are requests that no page of the app sends."""
        if isinstance(error, HTTPException):
            return error.get_response()  # type: ignore[return-value]
        _LOG.warning("refused %s %s: %s", request.method, request.path, type(error).__name__)
        return "This is no request of the app.", 400
