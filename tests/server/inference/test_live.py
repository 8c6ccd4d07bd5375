"""The backend on the shipped bank: right answers whatever goes on beside, swaps and draining."""

import asyncio
import shutil
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from perception import Bank, LocalEncoder, Predictor, UserError, load_bank
from perception.bank import bank as bank_module
from perception.encoding import Features
from perception.photos import Pixels
from server.backend import Backend, Caller, Encoded
from server.errors import DeadlineExpired, Draining, Overloaded
from server.inference import LiveBackend, Options, ServedBank
from server.inference import live as live_module

Outcome = TypeVar("Outcome")

TASKS = ("normal", "keypoints2d", "fixated_pose")
FUSED = ("normal", "keypoints2d")
OPTIONS = Options(
    features=(",".join(FUSED), "fixated_pose"), device="cpu", runtime="openvino", precision="float32", largest_batch=8
)
TOLERANCE = 2e-5
"""Share of the features' spread by which float32 may depend on the batch: sums are made in another order."""


@pytest.fixture(scope="module")
def bank() -> Bank:
    return load_bank("buildings-v1")


@pytest.fixture(scope="module")
def served(bank: Bank) -> ServedBank:
    """Compiled once for all tests of this module, which use it one after the other."""
    return ServedBank(bank, OPTIONS)


@pytest.fixture(scope="module")
def local(bank: Bank) -> LocalEncoder:
    return LocalEncoder(bank, device="cpu", runtime="openvino", precision="float32")


@pytest.fixture(scope="module")
def other_bank(bank: Bank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """The same networks under another hash."""
    folder = tmp_path_factory.mktemp("other") / "bank"
    shutil.copytree(bank.folder, folder)
    index = folder / "bank.json"
    index.write_text(index.read_text().replace('"provenance": "', '"provenance": "copied: ', 1))
    return load_bank(folder)


def images(count: int, seed: int, height: int = 128, width: int = 128) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8)


def caller(name: str = "someone", deadline_s: float | None = None) -> Caller:
    return Caller(name, deadline_s)


def running(served: ServedBank, scenario: Callable[[LiveBackend], Awaitable[Outcome]], **limits: int) -> Outcome:
    async def run() -> Outcome:
        backend = LiveBackend(served, **limits)  # type: ignore[arg-type]  # they are numbers
        try:
            return await asyncio.wait_for(scenario(backend), 60)
        finally:
            await backend.drain()

    return asyncio.run(run())


def assert_same(found: Encoded, local: LocalEncoder, pixels: Sequence[Pixels] | Pixels, tasks: Sequence[str]) -> None:
    """Each task by itself, images of one size together."""
    batches = [pixels] if isinstance(pixels, np.ndarray) else [image[None] for image in pixels]
    each = [np.concatenate([local.encode(batch, [task]) for batch in batches]) for task in tasks]
    expected = np.concatenate(each, axis=1)
    assert found.features.shape == expected.shape
    assert found.features.dtype == np.float32
    assert np.abs(found.features - expected).max() <= TOLERANCE * expected.std()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Semaphore, threading.Event]]:
    """Inference waits for the event; the semaphore counts batches that were begun."""
    begun, go = threading.Semaphore(0), threading.Event()
    compute = live_module._compute

    def wait(batch: Sequence[live_module._Work], on_idle: Callable[[], None]) -> list[live_module._Result | Exception]:
        begun.release()
        assert go.wait(30)
        return compute(batch, on_idle)

    monkeypatch.setattr(live_module, "_compute", wait)
    yield begun, go
    go.set()


def test_hundreds_of_requests_at_once_each_get_the_features_of_their_own_images_and_tasks(
    served: ServedBank, local: LocalEncoder
) -> None:
    lists = [FUSED, ("keypoints2d", "normal"), ("normal",), ("fixated_pose", "normal"), TASKS]
    rng = np.random.default_rng(0)
    asked = [(images(int(rng.integers(1, 6)), seed), lists[seed % len(lists)]) for seed in range(240)]

    async def scenario(backend: LiveBackend) -> list[Encoded]:
        answers = [backend.encode(pixels, tasks, caller(f"c{k % 17}")) for k, (pixels, tasks) in enumerate(asked)]
        return await asyncio.gather(*answers)

    found = running(served, scenario, largest_queue=2000)
    for (pixels, tasks), answer in zip(asked, found, strict=True):
        assert answer.tasks == tasks
        assert_same(answer, local, pixels, tasks)
    assert max(answer.spent.batch_images for answer in found) > 5
    assert all(answer.bank_sha256 == served.bank.sha256 for answer in found)


def test_it_satisfies_the_contract_of_backends(served: ServedBank) -> None:
    async def scenario(backend: LiveBackend) -> None:
        contract: Backend = backend
        assert contract.largest_batch == 8
        assert contract.precision == "float32"
        assert contract.bank is served.bank
        assert set(backend.tasks) == set(TASKS)
        assert list(backend.feature_sets.values()) == [FUSED, ("fixated_pose",)]

    running(served, scenario)


@pytest.mark.parametrize("side", [64, 700])
def test_images_of_other_sizes_even_mixed_are_resized_as_locally(
    served: ServedBank, local: LocalEncoder, side: int
) -> None:
    mixed = [images(1, 1)[0], images(1, 2, side, side + 9)[0], images(1, 3, 90, 60)[0]]

    async def scenario(backend: LiveBackend) -> None:
        found = await backend.encode(mixed, ["rgb2sfnorm", "keypoints2d"], caller())
        assert found.tasks == ("normal", "keypoints2d")
        assert_same(found, local, mixed, ("normal", "keypoints2d"))
        array = images(2, 4, side, side)
        assert_same(await backend.encode(array, FUSED, caller()), local, array, FUSED)
        assert (await backend.encode(images(0, 0), FUSED, caller())).features.shape == (0, 16, 16, 16)

    running(served, scenario)


@pytest.mark.parametrize(
    ("pixels", "tasks", "message"),
    [
        (images(9, 0), ["normal"], "9 images; this server takes at most 8.*--max-batch"),
        (images(1, 0), ["norml"], "did you mean 'normal'"),
        (images(1, 0), ["reshading"], "unknown served task 'reshading'; known are fixated_pose, keypoints2d"),
        (images(1, 0), ["normal", "rgb2sfnorm"], "'normal' is named twice"),
        (images(1, 0), [], "no task was named"),
        (images(1, 0), "normal", "tasks are the text 'normal'"),
        (images(1, 0)[0], ["normal"], "for one image"),
        ([images(1, 0)[0], images(1, 0)[0, ..., :1]], ["normal"], "image 2 of 2: images have shape"),
        (images(1, 0).astype(np.float32), ["normal"], "images are float32"),
    ],
)
def test_bad_requests_are_refused_before_they_are_queued(
    served: ServedBank, pixels: Pixels, tasks: list[str], message: str
) -> None:
    async def scenario(backend: LiveBackend) -> None:
        with pytest.raises(UserError, match=message):
            await backend.encode(pixels, tasks, caller())
        assert (await backend.encode(images(1, 0), ["normal"], caller())).features.shape == (1, 8, 16, 16)

    running(served, scenario)


def test_predictions_are_the_predictors_and_run_beside_encoding(served: ServedBank, local: LocalEncoder) -> None:
    photos = [images(1, 5)[0], images(1, 6, 300, 500)[0]]

    async def scenario(backend: LiveBackend) -> None:
        dense, pose, encoded = await asyncio.gather(
            backend.predict("normal", photos, caller("a"), seed=3),
            backend.predict("fixated_pose", photos, caller("b"), seed=3),
            backend.encode(photos, FUSED, caller("c")),
        )
        for found in (dense, pose):
            expected = Predictor(served.bank.checkpoint(found.prediction.card.task)).predict(photos, seed=3)
            assert np.allclose(found.prediction.values.astype(float), expected.values.astype(float), 1e-4, 1e-4)
            np.testing.assert_array_equal(found.prediction.inputs, expected.inputs)
            assert found.bank_sha256 == served.bank.sha256
            assert found.spent.batch_images == 2
        assert_same(encoded, local, photos, FUSED)
        with pytest.raises(UserError, match="'fixated_pose' looks at 2 images at a time; 3 were given"):
            await backend.predict("fixated_pose", [*photos, photos[0]], caller())
        with pytest.raises(UserError, match="expected at least one"):
            await backend.predict("normal", [], caller())

    running(served, scenario)


def test_a_batch_for_two_banks_gives_each_request_its_own_and_the_next_begins_in_the_last_part(
    served: ServedBank, local: LocalEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = load_bank("buildings-v2")
    other = ServedBank(second, Options(("normal",), "cpu", "openvino", "float32", 8))
    other_local = LocalEncoder(second, device="cpu", runtime="openvino", precision="float32")
    events: list[str] = []
    encode = served.encode

    def told(*arguments: Any) -> list[Features]:
        features = encode(*arguments)
        events.append("the first bank is done")
        return features

    monkeypatch.setattr(served, "encode", told)
    asked = [(served, FUSED), (other, ("normal",)), (served, ("fixated_pose",)), (other, ("normal",))]
    batch = [live_module._Encoding(bank, images(2, k), tasks) for k, (bank, tasks) in enumerate(asked)]
    found = live_module._compute(batch, lambda: events.append("a core is idle"))
    for k, (features, (bank, tasks)) in enumerate(zip(found, asked, strict=True)):
        assert isinstance(features, np.ndarray)
        expected = (local if bank is served else other_local).encode(images(2, k), tasks)
        assert np.abs(features - expected).max() <= TOLERANCE * expected.std()
    assert events[0] == "the first bank is done"
    assert "a core is idle" in events


def test_predictions_are_computed_while_the_batch_before_them_is_finished(
    served: ServedBank, local: LocalEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = live_module._compute
    is_predicted = threading.Event()

    def finish_late(batch: Sequence[live_module._Work], on_idle: Callable[[], None]) -> Any:
        results = compute(batch, on_idle)
        if isinstance(batch[0], live_module._Encoding):
            assert is_predicted.wait(30)
        return results

    monkeypatch.setattr(live_module, "_compute", finish_late)

    async def scenario(backend: LiveBackend) -> None:
        encoding = asyncio.ensure_future(backend.encode(images(3, 1), FUSED, caller("a")))
        predicted = await backend.predict("normal", list(images(2, 2)), caller("b"), seed=3)
        assert not encoding.done()
        is_predicted.set()
        expected = Predictor(served.bank.checkpoint("normal")).predict(list(images(2, 2)), seed=3)
        assert np.allclose(predicted.prediction.values, expected.values, 1e-4, 1e-4)
        assert_same(await encoding, local, images(3, 1), FUSED)

    running(served, scenario)


def test_full_queues_passed_deadlines_and_cancellation_are_the_batchers(
    served: ServedBank, held: tuple[threading.Semaphore, threading.Event]
) -> None:
    begun, go = held

    async def scenario(backend: LiveBackend) -> None:
        first = asyncio.ensure_future(backend.encode(images(1, 0), ["normal"], caller()))
        await asyncio.to_thread(begun.acquire)
        deadline_s = time.monotonic() + 0.01
        late = asyncio.ensure_future(backend.encode(images(1, 1), ["normal"], caller(deadline_s=deadline_s)))
        full = asyncio.ensure_future(backend.encode(images(7, 2), ["normal"], caller()))
        await asyncio.sleep(0)
        assert backend.queued_images == 8
        with pytest.raises(Overloaded):
            await backend.encode(images(1, 3), ["normal"], caller())
        full.cancel()
        await asyncio.wait([full])
        assert backend.queued_images == 1
        await asyncio.to_thread(lambda: time.sleep(max(0, deadline_s - time.monotonic())))
        go.set()
        assert (await first).spent.batch_images == 1
        with pytest.raises(DeadlineExpired):
            await late

    running(served, scenario, largest_queue=8)


def test_draining_answers_what_came_before_even_what_is_still_being_resized(
    served: ServedBank, local: LocalEncoder, held: tuple[threading.Semaphore, threading.Event]
) -> None:
    _, go = held

    async def scenario(backend: LiveBackend) -> None:
        asked = [images(1, seed, 500, 500) for seed in range(6)]
        tasks = [asyncio.ensure_future(backend.encode(pixels, FUSED, caller())) for pixels in asked]
        await asyncio.sleep(0)
        draining = asyncio.ensure_future(backend.drain())
        await asyncio.sleep(0)
        with pytest.raises(Draining):
            await backend.encode(images(1, 0), FUSED, caller())
        with pytest.raises(Draining):
            await backend.predict("normal", list(images(1, 0)), caller())
        go.set()
        for pixels, answer in zip(asked, await asyncio.gather(*tasks), strict=True):
            assert_same(answer, local, pixels, FUSED)
        await draining

    running(served, scenario)


def test_requests_that_are_begun_get_what_others_get_and_what_takes_time_is_left_to_encode(
    served: ServedBank, local: LocalEncoder
) -> None:
    async def scenario(backend: LiveBackend) -> None:
        told: list[Encoded | Exception] = []
        ended = asyncio.Event()
        pixels = images(2, 5)
        assert backend.begin(pixels, FUSED, caller(), told.append, ended.set) is not None
        await ended.wait()
        [encoded] = told
        assert isinstance(encoded, Encoded)
        assert encoded.bank_sha256 == backend.bank.sha256
        assert encoded.spent.batch_images == 2
        assert_same(encoded, local, pixels, FUSED)
        for odd in (images(1, 0, 64, 64), images(0, 0), np.zeros((1, 128, 128, 3), np.float32)):
            assert backend.begin(odd, FUSED, caller(), told.append, ended.set) is None  # type: ignore[arg-type]
        with pytest.raises(UserError, match="did you mean"):
            backend.begin(pixels, ("normals",), caller(), told.append, ended.set)
        with pytest.raises(UserError, match="takes at most 8 at a time"):
            backend.begin(images(9, 0), FUSED, caller(), told.append, ended.set)
        assert len(told) == 1

    running(served, scenario)


def test_draining_waits_for_what_was_begun_and_not_for_what_was_withdrawn(
    served: ServedBank, held: tuple[threading.Semaphore, threading.Event]
) -> None:
    _, go = held

    async def scenario(backend: LiveBackend) -> None:
        told: list[Encoded | Exception] = []
        ends: list[None] = []
        begun = [backend.begin(images(1, k), FUSED, caller(), told.append, lambda: ends.append(None)) for k in range(3)]
        withdraw = begun[2]
        assert withdraw is not None
        draining = asyncio.ensure_future(backend.drain())
        await asyncio.sleep(0.05)
        assert not draining.done()
        with pytest.raises(Draining):
            backend.begin(images(1, 0), FUSED, caller(), told.append, lambda: None)
        withdraw()
        go.set()
        await draining
        assert (len(told), len(ends)) == (2, 2)

    running(served, scenario)


def test_a_swap_loses_no_request_and_each_answer_says_which_bank_made_it(
    served: ServedBank, other_bank: Bank, local: LocalEncoder
) -> None:
    async def scenario(backend: LiveBackend) -> list[tuple[int, Encoded]]:
        answers: list[tuple[int, Encoded]] = []
        is_over = asyncio.Event()

        async def robot(number: int) -> None:
            seed = 1000 * number
            while not is_over.is_set():
                seed += 1
                answers.append((seed, await backend.encode(images(1, seed), FUSED, caller(f"robot {number}"))))

        robots = [asyncio.ensure_future(robot(number)) for number in range(3)]
        while len(answers) < 10:
            await asyncio.sleep(0)
        await backend.swap(other_bank)
        assert backend.bank is other_bank
        after = len(answers)
        while len(answers) < after + 10:
            await asyncio.sleep(0.001)
        is_over.set()
        await asyncio.gather(*robots)
        assert (await backend.predict("normal", list(images(1, 0)), caller())).bank_sha256 == other_bank.sha256
        return answers

    answers = running(served, scenario)
    assert len({seed for seed, _ in answers}) == len(answers)
    hashes = [answer.bank_sha256 for _, answer in answers]
    assert set(hashes) == {served.bank.sha256, other_bank.sha256}
    assert hashes[-1] == other_bank.sha256
    for seed, answer in answers[:: max(1, len(answers) // 40)]:
        assert_same(answer, local, images(1, seed), FUSED)


def test_requests_accepted_before_a_swap_are_answered_by_the_old_bank_and_later_ones_by_the_new(
    served: ServedBank, other_bank: Bank, held: tuple[threading.Semaphore, threading.Event]
) -> None:
    begun, go = held
    other = ServedBank(other_bank, Options(("normal",), "cpu", "openvino", "float32", 8))

    async def scenario(backend: LiveBackend) -> None:
        old = [asyncio.ensure_future(backend.encode(images(1, seed), ["normal"], caller())) for seed in range(3)]
        await asyncio.to_thread(begun.acquire)
        swapping = asyncio.ensure_future(backend.swap(other_bank))
        while backend.bank is served.bank:
            await asyncio.sleep(0.001)
        new = asyncio.ensure_future(backend.encode(images(1, 9), ["normal"], caller()))
        await asyncio.sleep(0)
        assert not swapping.done()  # the old bank has requests yet
        go.set()
        assert {answer.bank_sha256 for answer in await asyncio.gather(*old)} == {served.bank.sha256}
        assert (await new).bank_sha256 == other_bank.sha256
        await swapping

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_module, "ServedBank", lambda *_: other)
        running(served, scenario)


def test_a_bank_that_cannot_be_served_leaves_the_old_one_serving(served: ServedBank, other_bank: Bank) -> None:
    broken = load_bank(other_bank.folder)
    weights = broken.folder / "keypoints2d.safetensors"
    kept = weights.read_bytes()
    small = bank_module.Bank(
        broken.folder, "small", broken.architecture, {"normal": broken.entries["normal"]}, {}, "", "0" * 64
    )

    async def scenario(backend: LiveBackend) -> None:
        weights.write_bytes(kept[:-1])
        with pytest.raises(UserError, match="keypoints2d"):
            await backend.swap(broken)
        with pytest.raises(UserError, match="unknown task of the bank small"):
            await backend.swap(small)
        assert (await backend.encode(images(1, 0), FUSED, caller())).bank_sha256 == served.bank.sha256

    try:
        running(served, scenario)
    finally:
        weights.write_bytes(kept)


def test_starting_serves_every_task_by_default_and_refuses_what_it_cannot(bank: Bank, tmp_path: Path) -> None:
    two = bank_module.Bank(
        bank.folder, "two", bank.architecture, {task: bank.entries[task] for task in FUSED}, {}, "", "0" * 64
    )

    async def run() -> tuple[str, ...]:
        backend = await LiveBackend.start(two)
        assert backend.feature_sets == {}
        await backend.drain()
        with pytest.raises(UserError, match="unknown task of the bank two"):
            await LiveBackend.start(two, Options(("reshading",)))
        with pytest.raises(UserError, match="precision"):
            await LiveBackend.start(two, Options(precision="float7"))
        return backend.tasks

    assert asyncio.run(run()) == FUSED
