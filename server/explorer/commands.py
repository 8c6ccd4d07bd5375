"""What `midlevel explore` does."""

import sys

from perception.terminal import print_line
from server.explorer.options import ExploreOptions


def explore_command(options: ExploreOptions) -> None:
    """Serve the web app until told to stop; see `midlevel explore`.

    Raises:
        UserError: If it cannot be served.
    """
    from server.explorer.serving import listening

    with listening(options) as listener:
        print_line(f"READY {listener.address}")
        sys.stdout.flush()
        listener.serve()
