"""Folders are whole or absent, and a damaged one is not used."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perception.errors import UserError
from taxonomy.dataset.files import sha256_of
from taxonomy.engine import Done, LocalExecutor, NoSpaceError, Store, Unit
from tests.taxonomy.engine.works import Product, no_event, tree

UNITS = [Unit(f"number {seed}", Product(seed, size=50)) for seed in range(2)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    LocalExecutor().run(UNITS, Store(root), no_event)
    return root


@pytest.fixture
def root(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "store"))


def run(store: Store) -> list[bool]:
    """Whether each unit was there already."""
    outcomes = LocalExecutor().run(UNITS, store, no_event)
    return [isinstance(outcome, Done) and outcome.reused for outcome in outcomes]


def truncate(folder: Path) -> None:
    record = folder / "unit.json"
    record.write_bytes(record.read_bytes()[:100])


def flip(folder: Path) -> None:
    data = bytearray((folder / "product.npy").read_bytes())
    data[-1] ^= 1
    (folder / "product.npy").write_bytes(data)


def change_a_size_in_the_record(folder: Path) -> None:
    record = json.loads((folder / "unit.json").read_text())
    record["files"]["product.npy"][0] += 1
    (folder / "unit.json").write_text(json.dumps(record))


def put_another_in_its_place(folder: Path) -> None:
    other = next(path for path in folder.parent.iterdir() if path != folder)
    shutil.rmtree(folder)
    shutil.copytree(other, folder)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "one bit": (flip, "product.npy has changed"),
    "a missing file": (lambda folder: (folder / "notes" / "dot.txt").unlink(), "notes/dot.txt is missing"),
    "an added file": (lambda folder: (folder / "more").write_text("x"), "more was added"),
    "an emptied file": (lambda folder: (folder / "product.npy").write_bytes(b""), "product.npy has 0 bytes, not"),
    "a truncated record": (truncate, "unit.json is no JSON"),
    "an empty record": (lambda folder: (folder / "unit.json").write_text("{}"), "lists no files"),
    "no record": (lambda folder: (folder / "unit.json").unlink(), "cannot read"),
    "a wrong record": (change_a_size_in_the_record, "product.npy has .* bytes, not"),
    "no timing": (lambda folder: (folder / "timing.json").unlink(), "timing.json"),
    "an empty timing": (lambda folder: (folder / "timing.json").write_text("{}"), "seconds"),
    "another unit": (put_another_in_its_place, "unit.json is of another unit"),
}


@pytest.mark.parametrize(("damage", "told"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_folder_is_told_of_and_made_again(root: Path, damage: Callable[[Path], object], told: str) -> None:
    before = tree(root)
    notes: list[str] = []
    store = Store(root, notes.append)
    assert run(store) == [True, True]
    damage(store.folder_of(UNITS[1]))
    assert run(store) == [True, False]
    assert len(notes) == 1
    assert notes[0].startswith(f"product/number_1-{UNITS[1].key[:16]} is damaged (")
    assert re.search(told, notes[0])
    assert tree(root) == before


def test_a_folder_that_is_a_file_is_made_again(root: Path) -> None:
    before = tree(root)
    store = Store(root, lambda _: None)
    folder = store.folder_of(UNITS[0])
    shutil.rmtree(folder)
    folder.write_text("surprise")
    assert run(store) == [False, True]
    assert tree(root) == before


def test_the_record_says_what_the_unit_is(root: Path) -> None:
    folder = Store(root).folder_of(UNITS[1])
    record = json.loads((folder / "unit.json").read_text())
    files = record.pop("files")
    assert record == {
        "kind": "product",
        "name": "number 1",
        "version": 1,
        "key": UNITS[1].key,
        "fields": {"seed": 1, "size": 50},
        "needs": {},
    }
    below = tree(folder)
    assert {name: sha256 for name, (_, sha256) in files.items()} == {
        name: sha256 for name, sha256 in below.items() if name != "unit.json"
    }
    assert 0 < Store(root).seconds(folder) < 10


def test_files_are_hashed_once_as_long_as_they_stay_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def noted(path: Path) -> str:
        hashed.append(path.name)
        return sha256_of(path)

    monkeypatch.setattr("taxonomy.engine.store.sha256_of", noted)
    store = Store(root)
    for _ in range(3):
        assert store.find(UNITS[0]) is not None
    assert sorted(hashed) == ["dot.txt", "product.npy"]


def test_units_get_the_folders_of_what_they_need(root: Path) -> None:
    store = Store(root)
    both = Unit("both", Product(9, size=50), {"left": UNITS[0].key, "right": UNITS[1].key})
    (outcome,) = LocalExecutor().run([both], store, no_event)
    (alone,) = LocalExecutor().run([Unit("alone", Product(9, size=50))], store, no_event)
    assert isinstance(outcome, Done)
    assert isinstance(alone, Done)
    assert (outcome.folder / "product.npy").read_bytes() != (alone.folder / "product.npy").read_bytes()


def test_a_unit_fails_alone_whose_needs_are_not_finished_or_damaged(root: Path) -> None:
    notes: list[str] = []
    store = Store(root, notes.append)
    flip(store.folder_of(UNITS[0]))
    units = [
        Unit("one", Product(7, size=50), {"left": UNITS[0].key}),
        Unit("two", Product(7, size=50), {"left": "0" * 64}),
        Unit("three", Product(7, size=50), {"left": UNITS[1].key}),
    ]
    one, two, three = LocalExecutor().run(units, store, no_event)
    assert "product one needs as its 'left'" in getattr(one, "reason", "")
    assert "which is not finished" in getattr(two, "reason", "")
    assert isinstance(three, Done)
    assert len(notes) == 1


def test_an_error_leaves_no_folder(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(FileNotFoundError), store.workspace(UNITS[0]) as folder:
        (folder / "half").write_text("x") and (folder / "nowhere" / "file").write_text("x")
    assert tree(tmp_path) == {}
    assert store.find(UNITS[0]) is None


def test_a_work_may_not_write_the_stores_own_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"wrote unit\.json"), Store(tmp_path).workspace(UNITS[0]) as folder:
        (folder / "unit.json").write_text("{}")
    assert tree(tmp_path) == {}


def test_two_processes_that_do_the_same_unit_do_not_disturb_each_other(tmp_path: Path) -> None:
    store, other = Store(tmp_path), Store(tmp_path)
    with store.workspace(UNITS[0]) as folder:
        UNITS[0].work(folder, {})
        with other.workspace(UNITS[0]) as its_folder:
            UNITS[0].work(its_folder, {})
        before = tree(other.folder_of(UNITS[0]))
    assert tree(store.folder_of(UNITS[0])) == before
    assert store.find(UNITS[0]) is not None
    assert {name.split("/")[0] for name in tree(tmp_path)} == {"product"}


def test_what_a_living_process_writes_stays_and_what_a_dead_one_wrote_goes(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tests.taxonomy.engine.test_store import UNITS, Store\n"
        "with Store(Path(sys.argv[1])).workspace(UNITS[0]) as folder:\n"
        "    (folder / 'half').write_text('x')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, tmp_path], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert any(name.endswith("/half") for name in tree(tmp_path))
    store = Store(tmp_path)
    with store.workspace(UNITS[1]) as folder:
        (folder / "mine").write_text("x")
        store.remove_unfinished()
        assert [Path(name).name for name in tree(tmp_path) if not name.endswith(".lock")] == ["mine"]
    assert store.find(UNITS[1]) is not None


def test_a_full_disk_is_told_in_a_sentence_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from taxonomy.engine import LocalExecutor, NoSpaceError, Store\n"
        "from tests.taxonomy.engine.works import Product, no_event\n"
        "from taxonomy.engine import Unit\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "units = [Unit('large', Product(0))]\n"
        "try:\n"
        "    LocalExecutor().run(units, Store(Path(sys.argv[1])), no_event)\n"
        "except NoSpaceError as error:\n"
        "    sys.stdout.write(str(error))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.startswith(f"cannot write {tmp_path}/product/large-")
    assert "took only a part of a file" in told
    assert "goes on where it stopped" in told
    assert tree(tmp_path) == {}


def test_a_store_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match=r"cannot write .*choose another folder"):
        Store(tmp_path / "file" / "store")
    assert issubclass(NoSpaceError, UserError)
