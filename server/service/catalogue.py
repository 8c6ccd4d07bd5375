"""What a bank offers, as `ListFeatures` says it; made once for each bank."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from perception import TASKS, Bank
from perception.bank.card import Card, HeadKind
from perception.encoding import FEATURE_CHANNELS, FEATURE_SIDE
from protos.perception.v1 import perception_pb2 as pb
from server.service.requests import wanted_tasks

_WANTED_KEPT = 256
"""Lists of tasks and names of sets, of at most 4 KiB each."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """A bank, and what its cards say.

    Args:
        bank: The bank.
        sides_px: Rows and columns that each task's encoder takes.
        tasks: Those that are served, for `ListFeatures`.
        sets: Likewise.
        wanted: What `wanted_tasks` says of the bank, remembered.
    """

    bank: Bank
    sides_px: Mapping[str, int]
    tasks: tuple[pb.TaskFeatures, ...]
    sets: tuple[pb.FeatureSet, ...]
    wanted: Callable[[tuple[str, ...], str], tuple[str, ...]]

    def wanted_by(self, request: pb.EncodeRequest) -> tuple[str, ...]:
        """The tasks that a request names one by one or as a set; errors as `wanted_tasks`."""
        if len(request.tasks) > len(self.bank.tasks):
            return wanted_tasks(request.tasks, request.feature_set, self.bank)  # refuses them
        return self.wanted(tuple(request.tasks), request.feature_set)


def read_catalogue(bank: Bank, set_names: Sequence[str]) -> Catalogue:
    """Read every card of a bank.

    Args:
        bank: The bank.
        set_names: Feature sets that are served, and with them their tasks; if none, all tasks are. The bank's
            max-coverage sets are listed too, as far as their tasks are served.

    Raises:
        UserError: If a card is missing or altered, or a set names what the bank lacks.
    """
    cards = {task: bank.card(task) for task in bank.tasks}
    sets = {name: bank.feature_set(name) for name in set_names}
    served = {task for tasks in sets.values() for task in tasks} or set(bank.tasks)
    sets |= {f"max-coverage:{size}": tasks for size, tasks in sorted(bank.coverage.items()) if served.issuperset(tasks)}
    return Catalogue(
        bank=bank,
        sides_px={task: card.preprocessing.side_px for task, card in cards.items()},
        tasks=tuple(_task(bank, task, card) for task, card in cards.items() if task in served),
        sets=tuple(pb.FeatureSet(name=name, tasks=tasks) for name, tasks in sets.items()),
        wanted=lru_cache(_WANTED_KEPT)(partial(wanted_tasks, bank=bank)),
    )


def _task(bank: Bank, task: str, card: Card) -> pb.TaskFeatures:
    given = card.preprocessing
    return pb.TaskFeatures(
        task=task,
        description=TASKS[task].label if task in TASKS else "",
        shape=(FEATURE_CHANNELS, FEATURE_SIDE, FEATURE_SIDE),
        preprocessing=pb.Preprocessing(side_px=given.side_px, lowest=given.lowest, highest=given.highest),
        has_head=card.head is not HeadKind.NONE,
        weights_sha256=bank.entries[task].weights_sha256,
        card_json=json.dumps(card.to_json(), allow_nan=False),
    )
