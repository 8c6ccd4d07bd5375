"""Files under /dev/shm: private, reused, never left behind where that can be helped."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from perception import RemoteEncoder, UserError
from perception.remote import RemoteError, shared_memory
from perception.remote.carriers import SharedMemoryCarrier
from perception.remote.shared_memory import FOLDER, PREFIX, Segment, SegmentPool, remove_orphans
from tests.perception.remote.scripted import Script, scripted
from tests.server.fake import fake_features

TASKS = ("normal", "reshading")
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 9, 7, 3), np.uint8)


@pytest.fixture
def files() -> Callable[[], set[str]]:
    """Segments that this test made and that are still there."""
    before = {path.name for path in FOLDER.glob(f"{PREFIX}*")}
    return lambda: {path.name for path in FOLDER.glob(f"{PREFIX}*")} - before


def test_one_private_file_serves_call_after_call_and_is_gone_at_the_end(
    address: str, files: Callable[[], set[str]]
) -> None:
    with RemoteEncoder(address, transport="shared-memory") as encoder:
        for k in range(4):
            images = IMAGES + np.uint8(k)
            np.testing.assert_array_equal(encoder.encode(images, TASKS), fake_features(images, TASKS))
        (name,) = files()
        status = (FOLDER / name).stat()
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert status.st_uid == os.geteuid()
    assert files() == set()


def test_features_are_the_caller_s_own(address: str) -> None:
    with RemoteEncoder(address, transport="shared-memory") as encoder:
        first = encoder.encode(IMAGES, TASKS)
        encoder.encode(IMAGES + np.uint8(1), TASKS)
    np.testing.assert_array_equal(first, fake_features(IMAGES, TASKS))


def test_float16_goes_through_shared_memory_too(address: str) -> None:
    images = IMAGES // 64
    with RemoteEncoder(address, transport="shared-memory", precision="float16") as encoder:
        features = encoder.encode(images, TASKS)
    np.testing.assert_array_equal(features, fake_features(images, TASKS).astype(np.float16).astype(np.float32))


def test_a_larger_call_gets_a_larger_file(address: str, files: Callable[[], set[str]]) -> None:
    large = np.zeros((20, 128, 128, 3), np.uint8)
    with RemoteEncoder(address, transport="shared-memory") as encoder:
        for images in (IMAGES, large, IMAGES):
            np.testing.assert_array_equal(encoder.encode(images, TASKS), fake_features(images, TASKS))
            assert len(files()) == 1


def test_a_segment_of_a_call_that_failed_is_not_used_again(files: Callable[[], set[str]]) -> None:
    carrier = SharedMemoryCarrier()
    with carrier.pack(IMAGES, TASKS, "float32") as first:
        pass
    with carrier.pack(IMAGES, TASKS, "float32") as again:
        assert again.request == first.request
    with pytest.raises(ZeroDivisionError), carrier.pack(IMAGES, TASKS, "float32"):
        raise ZeroDivisionError
    with carrier.pack(IMAGES, TASKS, "float32") as other:
        assert other.request.room.segment != first.request.room.segment
        assert files() == {other.request.room.segment}
    carrier.close()
    assert files() == set()


def test_an_encoder_that_is_forgotten_leaves_no_file(address: str, files: Callable[[], set[str]]) -> None:
    encoder = RemoteEncoder(address, transport="shared-memory")
    encoder.encode(IMAGES, TASKS)
    assert files()
    del encoder
    assert files() == set()


PROGRAM = """
import os, signal, sys
import numpy as np
from perception import RemoteEncoder
encoder = RemoteEncoder(sys.argv[1], transport="shared-memory")
encoder.encode(np.zeros((1, 8, 8, 3), np.uint8), ["normal"])
os.kill(os.getpid(), int(sys.argv[2]))
"""


def ended(address: str, number: int) -> None:
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", PROGRAM, address, str(number)], timeout=60, cwd=root, check=False)


def test_a_program_s_end_removes_its_files(address: str, files: Callable[[], set[str]]) -> None:
    ended(address, 0)
    assert files() == set()


def test_what_a_killed_program_left_is_removed_by_the_next_one(address: str, files: Callable[[], set[str]]) -> None:
    ended(address, signal.SIGKILL)
    (orphan,) = files()
    alive = Segment(100)
    with RemoteEncoder(address, transport="shared-memory") as encoder:
        encoder.encode(IMAGES, TASKS)
        assert orphan not in files()
        assert alive.name in files()
    alive.close()


def test_only_orphans_are_removed() -> None:
    segment = Segment(100)
    stranger = FOLDER / f"{PREFIX}held"
    with stranger.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert not {segment.name, stranger.name} & set(remove_orphans())
    assert stranger.name in remove_orphans()
    assert not stranger.exists()
    segment.close()
    segment.close()


def test_a_server_without_shared_memory_is_named() -> None:
    with (
        scripted(Script()) as address,
        RemoteEncoder(address, transport="shared-memory") as encoder,
        pytest.raises(RemoteError, match=rf"{address} takes no shared memory; start it with --shared-memory"),
    ):
        encoder.encode(IMAGES, TASKS)


def test_streams_do_not_take_shared_memory() -> None:
    with pytest.raises(UserError, match="transport='grpc'"):
        RemoteEncoder("grpc://localhost:1", transport="shared-memory").stream(TASKS)


def test_too_little_room_is_said_before_anything_is_written(files: Callable[[], set[str]]) -> None:
    with pytest.raises(RemoteError, match=r"has no room for \d+ bytes .*--shm-size"):
        Segment(1 << 50)
    assert files() == set()


def test_a_machine_without_shared_memory_is_told_to_do_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path / "missing")
    with pytest.raises(RemoteError, match="transport='grpc'"):
        SegmentPool().take(1)
