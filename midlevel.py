"""The `midlevel` command: mounts each room's sub-commands, nothing else."""

import io
import os
import sys

import typer

from perception import UserError
from perception.bank_cli import app as bank_app
from perception.cli import doctor, encode, predict
from rl.cli import app as rl_app
from server.cli import serve
from server.explorer.cli import explore
from sim import SimulatorError
from taxonomy.cli import app as taxonomy_app
from taxonomy.data_cli import app as data_app
from taxonomy.run_cli import demo

app = typer.Typer(
    name="midlevel",
    help="Mid-level vision for robots: which vision skills to learn, and how to see through them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(data_app, name="data")
app.add_typer(taxonomy_app, name="taxonomy")
app.add_typer(bank_app, name="bank")
app.add_typer(rl_app, name="rl")
app.command()(encode)
app.command()(predict)
app.command()(demo)
app.command()(serve)
app.command()(explore)
app.command()(doctor)


def main() -> None:
    """Run the command line: exit with 0 if all is well, 2 and one line for the user's mistake, 1 for ours."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter is no reason to stop
    try:
        status = app(standalone_mode=False)
        sys.stdout.flush()
        sys.exit(status)
    except (UserError, SimulatorError) as error:
        _refuse(str(error))
    except typer.TyperException as error:
        _refuse(error.format_message() if hasattr(error, "format_message") else str(error))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _refuse(message: str) -> None:
    if message:  # none where the help was shown instead
        sys.stderr.write(f"midlevel: {' '.join(message.split())}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()
