"""Checks of what a study's file says."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from perception.errors import UnknownNameError, UserError

Choice = TypeVar("Choice", bound=StrEnum)


def filled_list(what: str, value: object) -> list[Any]:
    """A list as it is.

    Raises:
        UserError: If it is none, or empty.
    """
    if not isinstance(value, list | tuple) or not value:
        raise UserError(f"{what}: {value!r} is given; a list of at least one is expected.")
    return list(value)


def checked_mapping(what: str, value: object) -> Mapping[str, Any]:
    """A mapping as it is.

    Raises:
        UserError: If it is none.
    """
    if not isinstance(value, Mapping):
        raise UserError(f"{what} is {value!r}; names and values are expected.")
    return value


def check_text(what: str, value: object) -> None:
    """Refuse what is no text, or a blank one.

    Raises:
        UserError: If so.
    """
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{what} is {value!r}; a text is expected.")


def check_whole(what: str, value: object, *, least: int) -> None:
    """Refuse what is no whole number of at least `least`.

    Raises:
        UserError: If so.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UserError(f"{what} is {value!r}; a whole number of at least {least} is expected.")


def check_unique(what: str, values: Sequence[object]) -> None:
    """Refuse an empty list, and one that has something twice.

    Raises:
        UserError: If so.
    """
    if not values:
        raise UserError(f"{what}: none is given; at least one is expected.")
    twice = [value for place, value in enumerate(values) if value in values[:place]]
    if twice:
        raise UserError(f"{what}: {twice[0]!r} is there twice; leave one out.")


def one_of(what: str, value: object, choices: type[Choice]) -> Choice:
    """The choice of that value.

    Raises:
        UnknownNameError: If there is none.
    """
    try:
        return choices(str(value))
    except ValueError:
        raise UnknownNameError(what, str(value), [choice.value for choice in choices]) from None
