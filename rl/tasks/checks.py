"""What settings of tasks have to be."""

from math import isfinite

from perception import UserError


def check_numbers(task: str, *, least: float = 0.0, **values: float) -> None:
    """Refuse what is no finite number of at least `least`.

    Raises:
        UserError: That names the task, the setting and the value.
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value) or value < least:
            raise UserError(f"{task} {name} is {value!r}; a finite number of at least {least:g} is expected.")


def check_horizon(task: str, horizon_steps: int) -> None:
    """Refuse what is no positive whole number of steps.

    Raises:
        UserError: That names the task and the value.
    """
    if isinstance(horizon_steps, bool) or not isinstance(horizon_steps, int) or horizon_steps < 1:
        raise UserError(f"{task} horizon_steps is {horizon_steps!r}; a whole number of at least 1 is expected.")
