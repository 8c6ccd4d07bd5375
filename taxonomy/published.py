"""The result files that Taskonomy published: pickled dicts of `source__source__target` to a number.

A pickle is a program. This reader lets it do one thing: build a dict of strings and floats. The two numpy names that
such files mention are answered by inert stand-ins, so that not even numpy runs on what a stranger wrote.
"""

import io
import pickle
import pickletools
import reprlib
import struct
from typing import Any

from perception import UserError

_FLOAT_CODES = {"f8": "d", "f4": "f"}


# fmt: off
_PLAIN_OPCODES = frozenset({
    "PROTO", "FRAME", "STOP", "MARK", "EMPTY_DICT", "DICT", "SETITEM", "SETITEMS", "EMPTY_LIST", "LIST", "APPEND",
    "APPENDS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "GET",
    "BINGET", "LONG_BINGET", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES", "FLOAT",
    "BINFLOAT", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "NONE", "NEWTRUE", "NEWFALSE", "GLOBAL",
    "STACK_GLOBAL", "REDUCE", "BUILD", "PERSID", "BINPERSID",
})
# fmt: on
_PUTS = ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE")
_GETS = ("GET", "BINGET", "LONG_BINGET")


class _FloatType:
    """Stands in for `numpy.dtype` of a float scalar: remembers its size and byte order, nothing else."""

    def __init__(self, name: object, *_: object) -> None:
        if name not in _FLOAT_CODES:
            raise pickle.UnpicklingError(f"holds numpy values of type {name!r:.40}, not floats")
        self.code = _FLOAT_CODES[str(name)]
        self.byte_order = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.byte_order = ">" if state[1] == ">" else "<"


def _float_scalar(kind: _FloatType, data: bytes) -> float:
    value: float = struct.unpack(kind.byte_order + kind.code, data)[0]
    return value


def _bytes_of_text(text: str, encoding: str) -> bytes:
    """Stands in for `_codecs.encode`, by which protocols before 3 write bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"holds text encoded as {encoding!r:.40}, not bytes")
    return text.encode("latin1")


class _Unpickler(pickle.Unpickler):
    _ALLOWED = {
        ("numpy", "dtype"): _FloatType,
        ("numpy.core.multiarray", "scalar"): _float_scalar,
        ("numpy._core.multiarray", "scalar"): _float_scalar,
        ("_codecs", "encode"): _bytes_of_text,
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"asks for {module}.{name}, which no result file needs; nothing of it was run"
            ) from None

    def persistent_load(self, _: object) -> Any:
        raise pickle.UnpicklingError("refers to objects outside itself; nothing of it was run")


def unpickle_numbers(content: bytes, origin: str) -> dict[str, float]:
    """Read a pickled dict of numbers without running anything that the pickle asks for.

    Args:
        content: The pickle.
        origin: What to call it in an error, usually its path.

    Returns:
        The dict, its values as floats.

    Raises:
        UserError: If the pickle is truncated, asks for any callable beyond numpy float scalars, or holds anything but
            a dict of strings to numbers.
    """
    try:
        _require_plain(content)
        numbers = _Unpickler(io.BytesIO(content)).load()
    except Exception as error:  # a malformed pickle can raise anything
        raise UserError(f"{origin} is refused: the pickle {_reason(error)}.") from error
    if not isinstance(numbers, dict) or not numbers:
        raise UserError(f"{origin} holds {_described(numbers)}; expected a dict of 'source__target' to a number.")
    for key, value in numbers.items():
        if not isinstance(key, str) or isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(
                f"{origin} has the entry {reprlib.repr(key)}: {reprlib.repr(value)}; expected a name to a number."
            )
        if isinstance(value, int) and abs(value) > 2**53:
            raise UserError(f"{origin} has the entry {key!r:.80}: a whole number too large to be an affinity.")
    return {key: float(value) for key, value in numbers.items()}


def _require_plain(content: bytes) -> None:
    """Walk through a pickle without running it; refuse what could make loading it costly and no result file needs.

    Tuples that share tuples that share tuples take longer to hash than anyone will wait, and a memo index of four bytes
    makes a table of gigabytes.
    """
    memos, tuples, previous = 0, set(), ""
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name not in _PLAIN_OPCODES:
            raise pickle.UnpicklingError(f"asks for {opcode.name}, which no result file needs; nothing of it was run")
        if opcode.name in _PUTS:
            index = int(argument) if isinstance(argument, int) else memos
            memos += 1
            if index > len(content):
                raise pickle.UnpicklingError("asks for a memo larger than itself; nothing of it was run")
            if previous.startswith("TUPLE"):
                tuples.add(index)
        elif opcode.name in _GETS and argument in tuples:
            raise pickle.UnpicklingError("asks for one tuple in two places; nothing of it was run")
        previous = opcode.name


def _described(value: object) -> str:
    return "an empty dict" if value == {} else f"a {type(value).__name__}"


def _reason(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError) and str(error).startswith(("asks", "holds", "refers")):
        return str(error)
    return f"is truncated or malformed ({type(error).__name__})"
