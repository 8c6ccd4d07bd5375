"""Files are read again when they have changed, and only then."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.explorer.fresh import itself, stamp, while_unchanged


class Reader:
    """Reads texts, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def read(self, path: Path) -> list[str]:
        self.calls += 1
        return [path.read_text()]


def test_what_is_unchanged_is_the_same_object_and_what_has_changed_another(tmp_path: Path) -> None:
    reader, file = Reader(), tmp_path / "file"
    read = while_unchanged(itself)(reader.read)
    file.write_text("one")
    first = read(file)
    assert read(file) is first
    assert reader.calls == 1
    file.write_text("three")
    assert read(file) == ["three"]
    other = tmp_path / "other"
    other.write_text("trees")
    other.replace(file)  # as whoever writes atomically
    assert read(file) == ["trees"]
    assert reader.calls == 3


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    read = while_unchanged(itself)(Reader().read)
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "file")
    (tmp_path / "file").write_text("one")
    assert read(tmp_path / "file") == ["one"]


def test_files_beside_count_when_they_come_and_go(tmp_path: Path) -> None:
    reader, beside = Reader(), tmp_path / "beside"
    read = while_unchanged(lambda path: (path, beside))(reader.read)
    (tmp_path / "file").write_text("one")
    changes: tuple[Callable[[], None], ...] = (lambda: None, beside.touch, beside.unlink)
    for change in changes:
        change()
        read(tmp_path / "file")
    assert reader.calls == 2, "without it, it is as before"


def test_many_who_ask_at_once_get_one_object(tmp_path: Path) -> None:
    started = threading.Barrier(4)

    @while_unchanged(itself)
    def read(path: Path) -> list[str]:
        time.sleep(0.05)  # others ask meanwhile
        return [path.read_text()]

    def ask() -> list[str]:
        started.wait()
        return read(file)

    file = tmp_path / "file"
    file.write_text("one")
    with ThreadPoolExecutor(4) as pool:
        found = [future.result() for future in [pool.submit(ask) for _ in range(4)]]
    assert len(set(map(id, found))) == 1


def test_impossible_paths_are_files_that_are_not_there(tmp_path: Path) -> None:
    assert stamp([tmp_path / "nothing", tmp_path / ("x" * 5000), Path("a\0b")]) == (None, None, None)
