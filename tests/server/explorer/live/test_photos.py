"""Any file that a visitor may send: a sheet, or one sentence, and the next photo is answered as before."""

import os
import re
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from PIL import Image

from perception import UserError
from perception.photos import read_photo
from server.explorer.pages.live.intake import LARGEST_PHOTO_MIB, bundled
from tests.server.explorer.live.asking import app_of, ask, ask_for, file_of, sent

RGB = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.fixture(scope="module")
def app() -> Flask:
    return app_of()


def header_of(width: int, height: int) -> bytes:
    """A PNG file that promises many pixels and has none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def blank_of_200_megapixels() -> bytes:
    return file_of(Image.new("1", (20_000, 10_000)))


REFUSED: Mapping[str, tuple[bytes | Callable[[], bytes], str]] = {
    "text": (b"to be or not to be", "is no image"),
    "nothing": (b"", "is empty"),
    "a header without pixels": (header_of(20_000, 10_000), "at most 64 million"),
    "70 million blank pixels": (
        lambda: file_of(Image.new("1", (7_000, 10_000))),
        "7000 x 10000 pixels; photos have at most 64 million",
    ),
    "a header that overflows": (header_of(2**31 - 1, 2**31 - 1), "million"),
    "200 million blank pixels": (blank_of_200_megapixels, "far more pixels; photos have at most 64 million"),
    "half a JPEG": (bundled()[:9_000], "is a broken image"),
    "an SVG drawing": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is no image"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_photo_is_refused_in_a_sentence(app: Flask, kind: str) -> None:
    data, words = REFUSED[kind]
    reply = ask(app, contents=sent(data() if callable(data) else data), filename="mine.png")
    assert words in reply.message
    assert reply.message.startswith("mine.png")
    assert reply.message.count("\n") == 0
    assert not reply.pictures


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            file_of(Image.fromarray(RGB), "GIF", save_all=True, append_images=[Image.new("RGB", (60, 40), "red")]),
            id="moving",
        ),
        pytest.param(file_of(Image.fromarray(RGB).convert("CMYK"), "JPEG"), id="CMYK"),
        pytest.param(file_of(Image.fromarray(RGB[..., 0].astype(np.uint16) * 257)), id="16 bits"),
        pytest.param(file_of(Image.new("RGB", (1, 1), "red")), id="one pixel"),
        pytest.param(file_of(Image.new("RGB", (1, 10_000), "red")), id="a line of pixels"),
        pytest.param(file_of(Image.fromarray(RGB).convert("P")), id="palette"),
    ],
)
def test_unusual_photos_are_predicted_from(app: Flask, tasks: tuple[str, ...], data: bytes) -> None:
    reply = ask(app, contents=sent(data), filename="mine")
    assert reply.message == ""
    assert set(reply.pictures) == set(tasks)


def test_a_moving_picture_is_its_first_frame(app: Flask) -> None:
    first = Image.fromarray(RGB).convert("P", palette=Image.Palette.ADAPTIVE)
    still = file_of(first, "GIF")
    moving = file_of(first, "GIF", save_all=True, append_images=[Image.new("P", (60, 40))])
    one, other = (ask(app, contents=sent(data)).pictures for data in (still, moving))
    assert all((one[task] == other[task]).all() for task in one)


def test_what_did_not_arrive_as_it_was_sent_is_refused(app: Flask) -> None:
    assert "did not arrive whole" in ask(app, contents="data:image/png;base64,iVBO*").message
    assert "is empty" in ask(app, contents="data:,").message
    large = "data:image/png;base64," + "A" * ((LARGEST_PHOTO_MIB << 20) * 4 // 3 + 8)
    assert f"larger than {LARGEST_PHOTO_MIB} MiB" in ask(app, contents=large, filename="big.png").message


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (5, "a photo was asked for as 5;"),
        (float("inf"), "a photo was asked for as inf;"),
        ("a" * 1000, "a photo was asked for as 'aaaa"),
        ([1, 2], "a photo was asked for as [1, 2];"),
        ({"building": "x"}, "a building was asked for as 'x'; expected a whole number from 1 to"),
        ({"building": float("inf")}, "as inf;"),
        ({"building": -1}, "as -1;"),
        ({"building": True}, "as True;"),
        ({"building": 10**30}, "as 1000000"),
        ({"building": None}, "as None;"),
        ({"contents": 5}, "a file was asked for as 5;"),
        ({"contents": "data:,", "filename": ["x"]}, "a file was asked for as ['x'];"),
    ],
)
def test_what_no_browser_asks_for_is_refused_in_a_sentence(app: Flask, wanted: object, words: str) -> None:
    reply = ask_for(app, wanted)
    assert words in reply.message
    assert reply.message.endswith("load the page again.")
    assert len(reply.message) < 200
    assert not reply.pictures


def test_the_class_of_shuffled_tiles_is_called_what_it_is(app: Flask) -> None:
    assert re.search(r'"permutation \d+, \d+\\u00a0%"', ask(app).body.decode())


def test_a_missing_renderer_is_a_sentence(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def render_view(*_: object) -> None:
        raise UserError("no view can be rendered: libLLVM is missing; `midlevel doctor` says what is missing.")

    monkeypatch.setattr("taxonomy.dataset.render_view", render_view, raising=False)
    assert "libLLVM is missing" in ask(app, building=77).message


def test_the_answer_is_small(app: Flask) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)
    assert len(ask(app, contents=sent(file_of(Image.fromarray(noise)))).body) < 2e6


def test_two_visitors_at_once_get_each_their_own(app: Flask, photos: dict[str, Path], predicted: Path) -> None:
    stems = [*photos] * 4
    with ThreadPoolExecutor(len(photos)) as visitors:
        replies = visitors.map(lambda stem: ask(app, contents=sent(photos[stem].read_bytes())), stems)
        for stem, reply in zip(stems, replies, strict=True):
            expected = read_photo(predicted / f"{stem}_autoencoding.png")
            np.testing.assert_array_equal(reply.pictures["autoencoding"], expected, err_msg=stem)


@pytest.fixture
def opened_to_write() -> Iterator[list[str]]:
    """Paths of files that this process opens to write to."""
    paths: list[str] = []
    watched = [True]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if watched and event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                paths.append(str(path))

    sys.addaudithook(hook)  # for ever, but deaf after the test
    yield paths
    watched.clear()


def test_a_photo_is_never_written_to_disk(
    app: Flask, photos: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened_to_write: list[str]
) -> None:
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "seen").open("w"):
        assert len(opened_to_write) == 1, "the watch works"
    for data in (photos["phone"].read_bytes(), b"no image"):
        ask(app, contents=sent(data), filename="../../mine.png")
    assert len(opened_to_write) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["seen"]
