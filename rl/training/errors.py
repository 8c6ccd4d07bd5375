"""Why a run stops before its end; what it learned is kept."""

from perception.errors import UserError


class StoppedError(UserError):
    """Something outside the run failed, such as a server; the same command goes on from where it was."""


class DivergedError(UserError):
    """Learning came upon what is no finite number."""
