"""Who may connect, from where, and how that is kept secret."""

from server.security.authentication import TokenInterceptor
from server.security.binding import check_binding, is_local
from server.security.tls import TlsFiles, server_context, server_credentials, tls_files
from server.security.tokens import SHORTEST_TOKEN, TokenFile

__all__ = [
    "SHORTEST_TOKEN",
    "TlsFiles",
    "TokenFile",
    "TokenInterceptor",
    "check_binding",
    "is_local",
    "server_context",
    "server_credentials",
    "tls_files",
]
