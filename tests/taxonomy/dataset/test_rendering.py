"""Rendering: the same bytes from any number of workers, after any kill, and nothing half-written."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perception import UserError
from sim import Building
from taxonomy.dataset import RenderSpec, open_dataset, render_dataset
from taxonomy.dataset.files import FolderWriter
from taxonomy.dataset.verification import verify_dataset
from tests.taxonomy.dataset.box_world import BoxWorld
from tests.taxonomy.dataset.conftest import SPEC

BOTH = ("store", "published")
SMALL = RenderSpec(buildings=3, views=3, size=16, seed=2)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_workers_write_the_same_bytes_as_one(rendered: Path, tmp_path: Path) -> None:
    report = render_dataset(tmp_path / "two", SPEC, world=BoxWorld(), layouts=BOTH, workers=2)
    assert report.rendered == 3
    assert contents(tmp_path / "two") == contents(rendered)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset in both layouts; not to be changed."""
    out = tmp_path_factory.mktemp("small") / "data"
    render_dataset(out, SMALL, world=BoxWorld(), layouts=BOTH)
    return out


@pytest.fixture
def small_store(small: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small / "store", tmp_path / "copy"))


def test_another_seed_gives_other_images(small: Path, tmp_path: Path) -> None:
    render_dataset(tmp_path / "other", replace(SMALL, seed=3), world=BoxWorld())
    first, second = (np.load(folder / "house_0000" / "rgb.npy") for folder in (small / "store", tmp_path / "other"))
    assert not np.array_equal(first, second)


def test_one_layout_alone_has_the_same_bytes_as_beside_the_other(small: Path, tmp_path: Path) -> None:
    render_dataset(tmp_path, SMALL, world=BoxWorld())
    assert contents(tmp_path) == contents(small / "store")


_PROGRAM = """
import sys
from pathlib import Path
from taxonomy.dataset import render_dataset
from tests.taxonomy.dataset.box_world import BoxWorld
from tests.taxonomy.dataset.test_rendering import BOTH, SMALL
if __name__ == "__main__":
    render_dataset(Path(sys.argv[1]), SMALL, world=BoxWorld(delay_s=0.02), layouts=BOTH, workers=int(sys.argv[2]))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_bytes(small: Path, tmp_path: Path, workers: int) -> None:
    script = tmp_path / "program.py"
    script.write_text(_PROGRAM)
    out = tmp_path / "killed"
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root), "MARK": str(out)}
    process = subprocess.Popen([sys.executable, script, out, str(workers)], env=environment)
    for _ in until(lambda: any(out.glob("store/house_*")) or any(out.glob("store/.partial-*"))):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    for _ in until(lambda: not children_of(str(out))):
        pass
    assert (out / "store" / "manifest.json").is_file()
    with pytest.raises(UserError, match="not finished"):
        open_dataset(out)
    report = render_dataset(out, SMALL, world=BoxWorld(), layouts=BOTH)
    assert report.rendered > 0
    assert contents(out) == contents(small)


def until(condition: Callable[[], bool], limit_s: float = 20.0) -> Iterator[None]:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)
        yield


def children_of(mark: str) -> list[str]:
    """Processes whose parent died and that still work on a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"MARK={mark}".encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def test_what_is_finished_is_not_rendered_again(small_store: Path) -> None:
    before = contents(small_store)
    done: list[str] = []
    report = render_dataset(small_store, SMALL, world=BoxWorld(), on_building_done=done.append)
    assert (report.rendered, report.found) == (0, 3)
    assert done == ["house_0000", "house_0001", "house_0002"]
    assert contents(small_store) == before


def test_a_damaged_building_is_rendered_again(small_store: Path) -> None:
    before = contents(small_store)
    (small_store / "house_0001" / "rgb.npy").write_bytes(b"")
    report = render_dataset(small_store, SMALL, world=BoxWorld())
    assert report.rendered == 1
    assert contents(small_store) == before


def test_a_building_whose_index_was_changed_is_rendered_again(small_store: Path) -> None:
    before = contents(small_store)
    index = small_store / "house_0001" / "index.json"
    index.write_text(index.read_text().replace('"views": 3', '"views": 4'))
    assert render_dataset(small_store, SMALL, world=BoxWorld()).rendered == 1
    assert contents(small_store) == before


def test_buildings_that_changed_places_are_rendered_again(small: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(small, tmp_path / "copy"))
    for layout in BOTH:
        for source, target in (("house_0000", "house"), ("house_0001", "house_0000"), ("house", "house_0001")):
            (out / layout / source).rename(out / layout / target)
        assert verify_dataset(out / layout).problems
    assert render_dataset(out, SMALL, world=BoxWorld(), layouts=BOTH).rendered == 2
    assert contents(out) == contents(small)


def test_the_versions_that_began_a_dataset_stay_in_its_manifest(small_store: Path) -> None:
    path = small_store / "manifest.json"
    changed = path.read_text().replace(f'"numpy": "{np.__version__}"', '"numpy": "1.0"')
    path.write_text(changed)
    report = render_dataset(small_store, SMALL, world=BoxWorld())
    assert [note.split(" when")[0] for note in report.notes] == ["numpy was 1.0"]
    assert '"numpy": "1.0"' in path.read_text()


def test_a_folder_in_which_nothing_was_finished_takes_other_settings(tmp_path: Path) -> None:
    def stop(name: str) -> None:
        raise KeyboardInterrupt

    class Broken(BoxWorld):
        def building(self, seed: int) -> Building:
            raise UserError("no such device")

    with pytest.raises(UserError, match="no such device"):
        render_dataset(tmp_path, replace(SMALL, size=32), world=Broken())
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
    with pytest.raises(KeyboardInterrupt):
        render_dataset(tmp_path, SMALL, world=BoxWorld(), on_building_done=stop)
    with pytest.raises(UserError, match="size 16, not 32"):
        render_dataset(tmp_path, replace(SMALL, size=32), world=BoxWorld())


@pytest.mark.parametrize("delay_s", [0.05, 0.4, 1.2])
def test_ctrl_c_ends_all_workers_at_once_without_a_word_from_them(tmp_path: Path, delay_s: float) -> None:
    script = tmp_path / "program.py"
    script.write_text(_PROGRAM.replace("delay_s=0.02", "delay_s=0.3"))
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "MARK": str(out)}
    command = [sys.executable, str(script), str(out), "2"]
    process = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True)
    for _ in until((out / "store" / "manifest.json").is_file):
        pass
    time.sleep(delay_s)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=5)
    assert told.count("Traceback") <= 1  # of this script, which does not catch it
    assert "spawn_main" not in told
    assert children_of(str(out)) == []
    assert not list(out.glob("*/.partial-*"))


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = 0
    genuine = FolderWriter.write

    def failing(self: FolderWriter, name: str, *chunks: bytes) -> None:
        nonlocal written
        written += 1
        if written == 40:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        genuine(self, name, *chunks)

    monkeypatch.setattr(FolderWriter, "write", failing)
    with pytest.raises(OSError, match="No space left"):
        render_dataset(tmp_path, SMALL, world=BoxWorld())
    monkeypatch.undo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["house_0000", "manifest.json"]
    assert [problem.path for problem in verify_dataset(tmp_path).problems if "house_0000" in problem.path] == []
    render_dataset(tmp_path, SMALL, world=BoxWorld())
    assert verify_dataset(tmp_path).problems == ()


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from perception import UserError\n"
        "from taxonomy.dataset.files import FolderWriter\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try:\n"
        "    with FolderWriter(Path(sys.argv[1]) / 'house') as writer:\n"
        "        writer.write('small', b'x' * 100)\n"
        "        writer.write('large', b'x' * 10000)\n"
        "except UserError as error:\n"
        "    sys.stdout.write(str(error))\n"
    )
    told = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert "cannot write" in told.stdout
    assert "house/large" in told.stdout
    assert "goes on where it stopped" in told.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 3}, "seed 2, not 3"),
        ({"views": 4}, "views 3, not 4"),
        ({"buildings": 4}, "buildings 3, not 4"),
        ({"size": 32}, "size 16, not 32"),
    ],
)
def test_other_settings_need_another_folder(small: Path, change: dict[str, int], told: str) -> None:
    with pytest.raises(UserError, match=told):
        render_dataset(small / "store", replace(SMALL, **change), world=BoxWorld())  # type: ignore[arg-type]


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="is not empty"):
        render_dataset(tmp_path, SMALL, world=BoxWorld())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_two_runs_do_not_write_into_one_folder(small_store: Path) -> None:
    told: list[str] = []

    def second(name: str) -> None:
        with pytest.raises(UserError, match="another run is writing"):
            render_dataset(small_store, SMALL, world=BoxWorld())
        told.append(name)

    render_dataset(small_store, SMALL, world=BoxWorld(), on_building_done=second)
    assert len(told) == 3


@pytest.mark.parametrize(("name", "value"), [("buildings", 0), ("size", 5), ("views", 0), ("seed", -1)])
def test_impossible_settings_are_refused(name: str, value: int) -> None:
    with pytest.raises(UserError, match=f"{name} is {value}; expected"):
        replace(SMALL, **{name: value})  # type: ignore[arg-type]
