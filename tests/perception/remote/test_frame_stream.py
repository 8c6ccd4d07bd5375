"""Streams of a robot's frames: the latest matters."""

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from perception import RemoteEncoder, UserError
from perception.photos import squares
from perception.remote import RemoteError, TimedOutError, UnreachableError
from tests.perception.remote.scripted import Script, mean_features, scripted
from tests.server.fake import fake_features

TASKS = ("normal", "reshading")


def frame(k: int, side: int = 4) -> NDArray[np.uint8]:
    return np.full((side, side, 3), k, np.uint8)


def test_the_latest_frame_is_answered_and_nothing_is_answered_twice(address: str) -> None:
    with RemoteEncoder(address) as encoder, encoder.stream(TASKS) as stream:
        for k in range(1, 30):
            assert stream.send(frame(k)) == k
        answered: list[int] = []
        skipped = 0
        while not answered or answered[-1] < 29:
            answer = stream.latest()
            np.testing.assert_array_equal(answer.encoded.features, fake_features(frame(answer.sequence)[None], TASKS))
            answered.append(answer.sequence)
            skipped += answer.skipped
        assert answered == sorted(set(answered))
        with pytest.raises(TimedOutError, match="29 were sent, the last answer was to frame 29"):
            stream.latest(0.05)


def test_frames_that_wait_while_one_is_computed_are_dropped() -> None:
    computing, going_on = threading.Event(), threading.Event()

    def wait() -> None:
        computing.set()
        going_on.wait()

    script = Script(meanwhile=wait)
    with scripted(script) as address, RemoteEncoder(address) as encoder, encoder.stream(TASKS) as stream:
        stream.send(frame(1))
        computing.wait()
        for k in range(2, 9):
            stream.send(frame(k))
        going_on.set()
        answers = [stream.latest()]
        while answers[-1].sequence < 8:
            answers.append(stream.latest())
        encoded = len(script.requests)
    assert [answer.encoded.features[0, 0, 0, 0] for answer in answers] == [6 + answer.sequence for answer in answers]
    assert sum(answer.skipped for answer in answers) <= 8 - len(answers)
    assert encoded < 8


def test_iteration_ends_when_the_stream_is_closed(address: str) -> None:
    encoder = RemoteEncoder(address)
    stream = encoder.stream(TASKS)
    seen = []
    stream.send(frame(1))
    for answer in stream:
        seen.append(answer.sequence)
        if answer.sequence < 5:
            stream.send(frame(answer.sequence + 1))
        else:
            stream.close()
    assert seen == [1, 2, 3, 4, 5]
    with pytest.raises(UserError, match="the stream is closed"):
        stream.send(frame(1))
    with pytest.raises(UserError, match="the stream is closed"):
        stream.latest()
    stream.close()
    encoder.close()


def test_a_frame_that_cannot_be_encoded_fails_by_itself() -> None:
    def refuse() -> None:
        raise KeyError("not this one")

    script = Script(meanwhile=refuse)
    with scripted(script) as address, RemoteEncoder(address) as encoder, encoder.stream(TASKS) as stream:
        stream.send(frame(1))
        with pytest.raises(UserError, match="not this one"):
            stream.latest()
        script.meanwhile = lambda: None
        stream.send(frame(2))
        assert stream.latest().sequence == 2


def test_what_is_no_frame_is_refused_before_it_is_sent(address: str) -> None:
    with RemoteEncoder(address) as encoder, encoder.stream(TASKS) as stream:
        with pytest.raises(UserError, match="expected uint8"):
            stream.send(frame(1).astype(float))
        with pytest.raises(UserError, match="expected \\[N, H, W, 3\\]"):
            stream.send(frame(1)[None])
        assert stream.send(frame(1)) == 1


def test_a_broken_connection_is_made_anew() -> None:
    with scripted(Script()) as address:
        encoder = RemoteEncoder(address, retries=50)
        stream = encoder.stream(TASKS)
        stream.send(frame(1))
        assert stream.latest().sequence == 1
    with scripted(Script(), port=int(address.rpartition(":")[2])), encoder, stream:
        sequence, answered = 0, 0
        while not answered:  # frames sent while nobody was there may be lost
            sequence = stream.send(frame(7))
            try:
                answered = stream.latest(0.2).sequence
            except TimedOutError:
                continue
        assert 1 < answered <= sequence


def test_a_server_that_stays_away_ends_the_stream() -> None:
    with scripted(Script()) as address:
        encoder = RemoteEncoder(address, retries=1)
        stream = encoder.stream(TASKS)
        stream.send(frame(1))
        stream.latest()
    with pytest.raises(UnreachableError):
        stream.latest()
    with pytest.raises(UnreachableError):
        stream.send(frame(1))
    stream.close()
    encoder.close()


def test_a_new_bank_that_takes_larger_images_gets_them_larger() -> None:
    image = np.random.default_rng(1).integers(0, 256, (20, 20, 3), np.uint8)
    script = Script()
    with scripted(script) as address, RemoteEncoder(address) as encoder, encoder.stream(TASKS) as stream:
        stream.send(image)
        stream.latest()
        script.bank, script.sides_px = "second", {"normal": 16, "reshading": 16}
        stream.send(image)
        with pytest.raises(TimedOutError):
            stream.latest(0.3)  # that frame was too small for the new bank
        stream.send(image)
        answer = stream.latest()
    np.testing.assert_array_equal(answer.encoded.features, mean_features(squares(image[None], 16), TASKS))
    assert (answer.encoded.bank_sha256, answer.skipped) == ("second", 0)


def test_a_strange_answer_ends_the_stream() -> None:
    script = Script()
    with scripted(script) as address, RemoteEncoder(address) as encoder, encoder.stream(TASKS) as stream:
        script.change = lambda response: response.tasks.reverse()
        stream.send(frame(1))
        with pytest.raises(RemoteError, match="the server answered"):
            stream.latest()
