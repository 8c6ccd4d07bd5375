"""What addresses of all pages have in common: what they cannot mean is said, never skipped."""

from collections.abc import Collection, Iterable

from perception import UserError


def refuse_unknown(query: Iterable[str], known: Collection[str]) -> None:
    """Refuse an address that says something the page does not know.

    Args:
        query: The names in the address.
        known: Those that the page reads.

    Raises:
        UserError: For the first that is none of them.
    """
    for name in query:
        if name not in known:
            raise UserError(f"the address says {name!r:.60}; it can say {', '.join(known) or 'nothing'}.")


def senseless(name: str, value: str, expected: str) -> UserError:
    """The error for a value that an address cannot have.

    Args:
        name: In the address.
        value: There; may be blank.
        expected: In words.
    """
    said = f"{name}={value:.40}" if value else f"{name} without a value"
    return UserError(f"the address says {said}; expected {expected}.")
