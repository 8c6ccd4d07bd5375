"""The photo that a page asks for; whoever asks may be no browser."""

from collections.abc import Mapping

from perception import UserError
from server.explorer.pages.live.buildings import building_view
from server.explorer.pages.live.intake import bundled, uploaded

_BUILDINGS = 1_000_000
_LONGEST_VALUE = 40


def photo_of(wanted: object) -> tuple[bytes, str]:
    """The file, and what it is called.

    Args:
        wanted: {"contents": as a browser sends a file, "filename": ...}, {"building": its number}, or a mapping with
            neither for the sample room.

    Raises:
        UserError: If it is anything else, or there is no such photo.
    """
    if not isinstance(wanted, Mapping):
        raise _refusal("a photo", wanted, "a file, or the number of a building")
    if "contents" in wanted:
        contents, name = wanted["contents"], wanted.get("filename") or ""
        if not isinstance(contents, str) or not isinstance(name, str):
            raise _refusal("a file", contents if isinstance(name, str) else name, "its content and its name as text")
        return uploaded(contents, name)
    if "building" in wanted:
        number = wanted["building"]
        if type(number) is not int or not 1 <= number <= _BUILDINGS:
            raise _refusal("a building", number, f"a whole number from 1 to {_BUILDINGS}")
        return building_view(number), f"building {number}"
    return bundled(), "a room"


def _refusal(what: str, found: object, expected: str) -> UserError:
    words = repr(found)
    shown = words if len(words) <= _LONGEST_VALUE else f"{words[:_LONGEST_VALUE]}..."
    return UserError(f"{what} was asked for as {shown}; expected {expected}: load the page again.")
