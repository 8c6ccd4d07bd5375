"""Several visitors' photos at once, through real connections."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import numpy as np
import pytest

from perception.photos import opened_photo
from server.explorer.pages.live.intake import MOST_AT_ONCE, bundled, square_of
from server.explorer.pages.live.wanted import photo_of
from tests.server.explorer.conftest import Explore
from tests.server.explorer.live.asking import PATH, Reply, question, reply_of, sent

if TYPE_CHECKING:
    from PIL import Image

PATIENCE_S = 60


def send(address: str, wanted: object) -> Reply:
    body = json.dumps(question(wanted)).encode()
    with urlopen(Request(address + PATH, body, {"Content-Type": "application/json"}), timeout=PATIENCE_S) as answer:
        return reply_of(answer.read())


def test_while_photos_wait_other_pages_are_answered_and_further_photos_refused(
    explore: Explore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = explore(tmp_path)
    wanted = {"contents": sent(bundled(), "image/jpeg"), "filename": "room.jpg"}
    assert send(address, wanted).pictures
    arrived, may_go_on = threading.Semaphore(0), threading.Event()

    def arrive(wanted: object) -> tuple[bytes, str]:
        arrived.release()
        return photo_of(wanted)

    @contextmanager
    def slowly(*args: Any, **how: Any) -> "Iterator[Image.Image]":
        assert may_go_on.wait(PATIENCE_S)
        with opened_photo(*args, **how) as image:
            yield image

    monkeypatch.setattr("server.explorer.pages.live.photo_of", arrive)
    monkeypatch.setattr("server.explorer.pages.live.intake.opened_photo", slowly)
    with ThreadPoolExecutor(MOST_AT_ONCE) as visitors:
        slow = [visitors.submit(send, address, wanted) for _ in range(MOST_AT_ONCE)]
        try:
            assert all(arrived.acquire(timeout=PATIENCE_S) for _ in slow)
            assert send(address, wanted).message == "4 photos are being looked at already; try again in a few seconds."
            began = time.perf_counter()
            with urlopen(address, timeout=PATIENCE_S) as answer:
                assert answer.status == 200
            assert time.perf_counter() - began < 0.5
        finally:
            may_go_on.set()
        assert all(visit.result().pictures for visit in slow)
    assert send(address, wanted).pictures


def test_photos_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    decoding, most = 0, 0

    @contextmanager
    def counted(*args: Any, **how: Any) -> "Iterator[Image.Image]":
        nonlocal decoding, most
        decoding += 1
        most = max(most, decoding)
        with opened_photo(*args, **how) as image:
            yield image
        decoding -= 1

    monkeypatch.setattr("server.explorer.pages.live.intake.opened_photo", counted)
    with ThreadPoolExecutor(4) as visitors:
        found = list(visitors.map(lambda _: square_of(bundled(), "room.jpg", 64), range(8)))
    assert most == 1
    assert all(np.array_equal(one.pixels, found[0].pixels) for one in found)
