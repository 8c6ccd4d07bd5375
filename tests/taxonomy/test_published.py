"""Published pickles are read, and nothing else that calls itself a pickle is run."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from perception import UserError
from taxonomy import TransferTable, read_transfers
from taxonomy.published import unpickle_numbers


class Hostile:
    """Runs a callable when unpickled."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._reduced = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._reduced


@pytest.mark.parametrize("protocol", range(6))
def test_numpy_floats_of_every_protocol_read_back_exactly(protocol: int) -> None:
    numbers: dict[str, float | np.floating] = {
        "a__b": np.float64(1 / 3),
        "c__b": np.float32(0.1),
        "d__b": 0.25,
        "e__b": 1,
    }
    read = unpickle_numbers(pickle.dumps(numbers, protocol), "it")
    assert read == {name: float(number) for name, number in numbers.items()}


def test_big_endian_floats_read_back() -> None:
    number = np.array([0.3], dtype=">f8")[0]
    assert unpickle_numbers(pickle.dumps({"a__b": number.astype(">f8")}), "it") == {"a__b": 0.3}


@pytest.mark.parametrize(
    "call",
    [
        lambda marker: Hostile(os.system, f"touch {marker}"),
        lambda marker: Hostile(exec, f"open({str(marker)!r}, 'w')"),
        lambda marker: Hostile(Path(marker).touch),
        lambda marker: Hostile(np.save, str(marker), 0),
        lambda marker: Hostile(getattr, "", "join"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda hostile: hostile, lambda hostile: {"a__b": hostile}])
def test_a_hostile_pickle_is_refused_and_nothing_runs(
    call: Callable[[Path], object], wrap: Callable[[object], object], tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    file = tmp_path / "hostile.pkl"
    file.write_bytes(pickle.dumps(wrap(call(marker))))
    with pytest.raises(UserError, match=r"hostile.pkl is refused: the pickle asks for .*nothing of it was run"):
        read_transfers(file)
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "ran.npy").exists()


@pytest.mark.parametrize(
    ("foreign", "message"),
    [
        ([1, 2], "holds a list; expected a dict"),
        ({}, "holds an empty dict"),
        ({1: 0.5}, "has the entry 1: 0.5"),
        ({"a__b": "x"}, "has the entry 'a__b': 'x'"),
        ({"a__b": True}, "has the entry 'a__b': True"),
        ({"a__b": np.int64(1)}, "holds numpy values of type 'i8', not floats"),
        ({"a__b": np.zeros(3)}, "the pickle asks for numpy"),
    ],
)
def test_foreign_pickles_get_one_sentence(foreign: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        unpickle_numbers(pickle.dumps(foreign), "it")


def nested(levels: int) -> tuple[object, ...]:
    value: tuple[object, ...] = ()
    for _ in range(levels):
        value = (value, value)
    return value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("bomb", [{nested(3): 0.5}, {"a__b": nested(3)}])
def test_tuples_that_would_take_forever_to_hash_or_print_are_refused(bomb: object, protocol: int) -> None:
    with pytest.raises(UserError, match=r"it is refused: the pickle asks for|has the entry"):
        unpickle_numbers(pickle.dumps(bomb, protocol), "it")


def test_a_large_bomb_is_refused_at_once() -> None:
    bomb = b"\x80\x04})" + b"\x94h\x00\x86" + b"".join(b"\x94h%c\x86" % i for i in range(1, 90)) + b"K\x01s."
    with pytest.raises(UserError, match="asks for one tuple in two places"):
        unpickle_numbers(bomb, "it")


def test_a_memo_larger_than_the_file_is_refused() -> None:
    with pytest.raises(UserError, match="asks for a memo larger than itself"):
        unpickle_numbers(b"\x80\x04}r\x00\x00\x00\x40.", "it")


def test_whole_numbers_too_large_for_a_float_are_refused() -> None:
    with pytest.raises(UserError, match="a whole number too large"):
        unpickle_numbers(pickle.dumps({"a__b": 10**400}), "it")


def test_every_truncation_of_a_published_file_is_refused(published_folder: Path) -> None:
    content = (published_folder / "all_affinities.pkl").read_bytes()
    for length in [1, 2, 10, 1000, len(content) // 2, len(content) - 1]:
        with pytest.raises(UserError, match="truncated or malformed"):
            unpickle_numbers(content[:length], "it")


def test_bytes_that_are_no_pickle_are_refused() -> None:
    with pytest.raises(UserError, match="it is refused: the pickle"):
        unpickle_numbers(b"\x89PNG\r\n\x1a\n" * 20, "it")


def test_a_pickle_that_refers_to_objects_elsewhere_is_refused() -> None:
    with pytest.raises(UserError, match="refers to objects outside itself; nothing of it was run"):
        unpickle_numbers(b"Pelsewhere\n.", "it")


def test_published_affinities_of_each_target_sum_to_one(published: TransferTable) -> None:
    assert len(published) == 1758
    assert len(published.sources) == 26
    assert len(published.targets) == 22
    for target in published.targets:
        assert sum(t.affinity for t in published if t.target == target) == pytest.approx(1, abs=1e-9)
    assert sum(t.is_candidate and t.order <= 4 for t in published) == 1356


def test_all_published_files_read(published_folder: Path) -> None:
    first_and_second = read_transfers(published_folder / "all_affinities.pkl")
    assert first_and_second.max_order == 2
    assert len(first_and_second) == 814
