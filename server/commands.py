"""What `midlevel serve` does."""

import asyncio
import os
import sys

from perception.errors import UnknownNameError
from perception.terminal import print_line
from server.options import ServeOptions


def run_server(options: ServeOptions) -> None:
    """Serve until told to stop; see `midlevel serve`.

    Raises:
        UserError: If it cannot be served.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what strangers send is no news; our own log says what is
    from server.observability import configure_logs
    from server.observability.logs import LEVELS
    from server.serving import serve

    if options.log_level not in LEVELS:
        raise UnknownNameError("log level", options.log_level, LEVELS)
    configure_logs(options.log_level)
    asyncio.run(serve(options, announce))


def announce(line: str) -> None:
    """Tell whoever started the server that it is ready, at once even through a pipe."""
    print_line(line)
    sys.stdout.flush()
