"""The queue: whose turn it is, and who has to make room."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from server.batching.fair_queue import FairQueue


@dataclass(eq=False)
class Asked:
    images: int
    caller: str
    since_s: float = 0.0
    alone: bool = False
    over: bool = False
    number: int = field(default=0)

    def is_over(self, now_s: float) -> bool:
        return self.over


def filled(largest_batch: int, *requests: Asked) -> FairQueue[Asked]:
    queue: FairQueue[Asked] = FairQueue(largest_batch)
    for request in requests:
        queue.add(request)
    return queue


def callers(requests: list[Asked]) -> str:
    return "".join(request.caller for request in requests)


def test_callers_take_turns_however_much_one_of_them_wants() -> None:
    queue = filled(4, *(Asked(1, "a") for _ in range(20)), Asked(1, "b"), Asked(1, "c"), Asked(1, "b"))
    assert callers(queue.take(0)[0]) == "abca"
    assert callers(queue.take(0)[0]) == "baaa"


def test_one_flood_delays_others_by_one_batch_at_most() -> None:
    queue = filled(8, *(Asked(8, "flood") for _ in range(30)))
    queue.take(0)
    queue.add(Asked(1, "robot"))
    assert "robot" in {request.caller for batch in (queue.take(0)[0], queue.take(0)[0]) for request in batch}


def test_a_large_request_is_not_starved_by_small_ones() -> None:
    queue = filled(4, Asked(1, "a"), Asked(4, "large"), *(Asked(1, f"small {k}") for k in range(40)))
    assert [request.caller for request in queue.take(0)[0]] == ["a", "small 0", "small 1", "small 2"]
    assert [request.caller for request in queue.take(0)[0]] == ["large"]


def test_requests_that_are_over_take_no_turn_and_no_room() -> None:
    queue = filled(2, Asked(2, "a", over=True), Asked(1, "a"), Asked(1, "b", over=True), Asked(1, "c"))
    batch, over = queue.take(0)
    assert callers(batch) == "ac"
    assert callers(over) == "ab"
    assert queue.images == 0
    assert queue.take(0) == ([], [])


def test_the_oldest_request_is_found_behind_any_caller() -> None:
    queue = filled(1, Asked(1, "a", since_s=5), Asked(1, "b", since_s=3), Asked(1, "a", since_s=9))
    assert queue.oldest_s() == 3


def test_room_is_made_by_those_who_hold_the_most_with_their_newest() -> None:
    flood = [Asked(2, "flood", number=k) for k in range(4)]
    queue = filled(4, *flood, Asked(1, "b"))
    assert queue.make_room(1, "b", 8) == [flood[3]]
    queue.add(Asked(1, "b"))
    assert queue.images == 8
    assert queue.make_room(1, "flood", 8) == []  # holds the most itself
    assert queue.images == 8


def test_no_room_is_made_where_that_would_turn_the_tables() -> None:
    queue = filled(4, Asked(2, "a"), Asked(2, "a"), Asked(2, "b"), Asked(2, "b"))
    assert queue.make_room(1, "a", 8) == []
    assert queue.make_room(3, "c", 8) == []
    assert queue.images == 8
    assert [callers(queue.take(0)[0]) for _ in range(2)] == ["ab", "ab"]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 5), st.sampled_from("abcd"), st.booleans()),
        st.tuples(st.just("remove"), st.integers(0, 60)),
        st.tuples(st.just("take")),
    ),
    max_size=60,
)


@given(steps=steps)
@settings(max_examples=150, deadline=None)
def test_every_request_comes_out_once_in_its_callers_order_and_batches_never_overflow(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    queue: FairQueue[Asked] = FairQueue(5)
    added: list[Asked] = []
    taken: list[Asked] = []
    removed: set[int] = set()

    def take() -> None:
        batch, over = queue.take(0)
        assert sum(request.images for request in batch) <= 5
        assert len(batch) == 1 or not any(request.alone for request in batch)
        assert batch or not queue.images
        assert not over
        taken.extend(batch)

    for step in steps:
        if step[0] == "add":
            added.append(Asked(step[1], step[2], alone=step[3], number=len(added)))
            queue.add(added[-1])
        elif step[0] == "remove" and step[1] < len(added):
            request = added[step[1]]
            is_waiting = request not in taken and request.number not in removed
            assert queue.remove(request) == is_waiting
            removed |= {request.number} if is_waiting else set()
        elif step[0] == "take":
            take()
        waiting = [each for each in added if each not in taken and each.number not in removed]
        assert queue.images == sum(each.images for each in waiting)
    while queue.images:
        take()
    assert sorted(each.number for each in taken) == sorted(each.number for each in added if each.number not in removed)
    for name in "abcd":
        mine = [each.number for each in taken if each.caller == name]
        assert mine == sorted(mine)
