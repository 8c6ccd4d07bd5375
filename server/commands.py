"""What `midlevel serve` does."""

import asyncio
import logging
import os
import resource
import sys

from perception.errors import UnknownNameError
from perception.terminal import print_line
from server.options import ServeOptions

_logger = logging.getLogger(__name__)


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
    use_all_files()
    asyncio.run(serve(options, announce))


def use_all_files() -> None:
    """Raise the limit of open files from what programs with `select` need to what the system grants.

    A connection through shared memory has three; usual limits are 1,024 and half a million. A system that refuses, as
    macOS can, leaves its limit, and a line in the log.
    """
    limit, granted = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, granted))
    except (ValueError, OSError) as error:
        _logger.warning("at most %d files can be open: %s", limit, error)


def announce(line: str) -> None:
    """Tell whoever started the server that it is ready, at once even through a pipe."""
    print_line(line)
    sys.stdout.flush()
