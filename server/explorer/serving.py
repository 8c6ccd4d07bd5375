"""The app on a port."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask import Flask, abort, request

from perception import UserError
from server.explorer.app import create_app
from server.explorer.content import Content
from server.explorer.options import ExploreOptions
from server.security import TlsFiles, check_binding, is_local, server_context, tls_files

if TYPE_CHECKING:
    from cheroot.ssl.builtin import BuiltinSSLAdapter
    from cheroot.wsgi import Server

LARGEST_REQUEST_MIB = 48
"""Of a photo as browsers send it, a third larger than its file."""

_THREADS = 8


@contextmanager
def listening(options: ExploreOptions) -> Iterator[tuple[str, "Server"]]:
    """The app's address, and the server that answers there while its `serve` runs; closed at the end.

    Raises:
        UserError: If it may not listen there, or cannot.
    """
    from cheroot.wsgi import Server

    tls = tls_files(options.tls_cert, options.tls_key, None)
    check_binding(options.host, has_tls=tls is not None, allow_insecure=options.insecure_network)
    app = create_app(Content(options)).server
    if is_local(options.host):
        _refuse_other_names(app)
    server = Server((options.host, options.port), app, numthreads=_THREADS, server_name="midlevel")
    server.max_request_body_size = LARGEST_REQUEST_MIB << 20
    if tls is not None:
        server.ssl_adapter = _adapter(tls)
    try:
        server.prepare()
    except (OSError, ssl.SSLError) as error:
        raise UserError(f"cannot listen on {options.host}:{options.port}: {error}; choose another --port.") from error
    try:
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://{options.host}:{server.bind_addr[1]}", server
    finally:
        server.stop()


def _adapter(files: TlsFiles) -> "BuiltinSSLAdapter":
    from cheroot.ssl.builtin import BuiltinSSLAdapter

    context = server_context(files)
    adapter = BuiltinSSLAdapter(str(files.certificate), str(files.key))
    adapter.context = context
    return adapter


def _refuse_other_names(app: Flask) -> None:
    """Keep away pages of other sites whose name was made to point at this machine (DNS rebinding)."""

    @app.before_request
    def check() -> None:
        name = request.host.rpartition(":")[0] or request.host
        if not is_local(name):
            abort(403)
