"""Transfers and the table of them: what every later step reads.

A transfer (`sources` -> `target`) is a small readout trained for the target on the frozen representations of the
sources (Taskonomy, section 3.2). Its order is its number of sources.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, overload

from perception import RESERVED_NAMES, TASKS, TaskDictionary, UserError

RANDOM, PIXELS, SELF = RESERVED_NAMES
BASELINES = (RANDOM, PIXELS)
"""Rows of a table that later steps compare with but never choose."""


LARGEST_AFFINITY = 1e9
"""Affinities of AHP are at most 1; other scales are welcome within what sums of them can hold exactly."""


class TransferKey(NamedTuple):
    """What identifies a transfer: its sources, sorted, and its target, in canonical names."""

    sources: tuple[str, ...]
    target: str

    def __str__(self) -> str:
        return f"{' + '.join(self.sources)} -> {self.target}"


def transfer_key(sources: Iterable[str], target: str) -> TransferKey:
    """The key of a transfer whose sources come in any order."""
    return TransferKey(tuple(sorted(sources)), target)


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer and what was measured of it.

    Args:
        sources: Canonical source names; also `random` (an untrained encoder), `pixels` (no encoder, trained from
            scratch) or `self` (the target's own, fully supervised network).
        target: Canonical target name.
        affinity: AHP affinity, >= 0 (Taskonomy, section 3.3).
        gain: Win rate against a network trained from scratch on the same little data, in [0, 1], if measured.
        quality: Win rate against the fully supervised network, in [0, 1], if measured.
    """

    sources: tuple[str, ...]
    target: str
    affinity: float
    gain: float | None = None
    quality: float | None = None

    @property
    def key(self) -> TransferKey:
        """What identifies it, whatever the order of its sources."""
        return transfer_key(self.sources, self.target)

    @property
    def order(self) -> int:
        """Number of sources."""
        return len(self.sources)

    @property
    def is_candidate(self) -> bool:
        """Whether a taxonomy may use it: baselines, alone or among others, are there to be compared with."""
        return not any(baseline in self.sources for baseline in BASELINES)

    @property
    def trained_sources(self) -> tuple[str, ...]:
        """The tasks that have to be trained for it: `self` is the target itself."""
        return tuple(self.target if source == SELF else source for source in self.sources)


class TransferTable(Sequence[Transfer]):
    """An immutable, validated list of transfers over a task dictionary.

    Args:
        transfers: Transfers with canonical names.
        tasks: The dictionary that the names come from; it orders every result.

    Attributes:
        sources: Every task that occurs as a source, in dictionary order.
        trainable: These, and the targets that have a `self` transfer.
        targets: Every task that occurs as a target, in dictionary order.
        max_order: The largest order.

    Raises:
        UserError: Naming the entry, for an unknown task, a repeated source or transfer, a number out of its range, or
            an empty table.
    """

    def __init__(self, transfers: Iterable[Transfer], tasks: TaskDictionary = TASKS) -> None:
        self._transfers = tuple(transfers)
        self.tasks = tasks
        if not self._transfers:
            raise UserError("the table has no transfers; it needs at least one for each target.")
        seen: set[TransferKey] = set()
        sources: set[str] = set()
        canonical = frozenset(tasks)
        known = canonical.union(RESERVED_NAMES)
        for transfer in self._transfers:
            if not (transfer.target in canonical and known.issuperset(transfer.sources)):
                _refuse_names(transfer, tasks)
            _check(transfer)
            key = transfer.key
            if key in seen:
                raise UserError(f"the transfer {key} appears twice; keep one.")
            seen.add(key)
            sources.update(transfer.sources)
        self.sources = tasks.in_order(sources.difference(RESERVED_NAMES))
        self.trainable = tasks.in_order({*self.sources, *(t.target for t in self._transfers if SELF in t.sources)})
        self.targets = tasks.in_order({transfer.target for transfer in self._transfers})
        self.max_order = max(transfer.order for transfer in self._transfers)

    @overload
    def __getitem__(self, index: int) -> Transfer: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Transfer, ...]: ...
    def __getitem__(self, index: int | slice) -> Transfer | tuple[Transfer, ...]:
        return self._transfers[index]

    def __iter__(self) -> Iterator[Transfer]:
        return iter(self._transfers)

    def __len__(self) -> int:
        return len(self._transfers)

    def with_win_rates(
        self, *, gain: Mapping[TransferKey, float] | None = None, quality: Mapping[TransferKey, float] | None = None
    ) -> "TransferTable":
        """The same table with gain and quality filled in from files of their own.

        Transfers that a file lacks keep what they had.

        Raises:
            UserError: If a file shares no transfer with the table, or a rate is outside [0, 1].
        """
        for name, rates in (("gain", gain), ("quality", quality)):
            if rates is not None and not any(transfer.key in rates for transfer in self):
                raise UserError(
                    f"no transfer of the {name} file is in the affinity table; do both come from one study?"
                )
        return TransferTable(
            (
                replace(
                    transfer,
                    gain=(gain or {}).get(transfer.key, transfer.gain),
                    quality=(quality or {}).get(transfer.key, transfer.quality),
                )
                for transfer in self
            ),
            self.tasks,
        )


def _refuse_names(transfer: Transfer, tasks: TaskDictionary) -> None:
    for name in (transfer.target, *transfer.sources):
        if name not in RESERVED_NAMES or name == transfer.target:
            task = tasks[name]
            if task.name != name:
                raise UserError(f"the transfer {transfer.key} uses the alias {name!r}; the table wants {task.name!r}.")


def _check(transfer: Transfer) -> None:
    if not transfer.sources:
        raise UserError(f"the transfer to {transfer.target!r} has no sources; name at least one.")
    if len(set(transfer.sources)) != transfer.order:
        raise UserError(f"the transfer {transfer.key} names a source twice; name each once.")
    if SELF in transfer.sources and transfer.order > 1:
        raise UserError(f"the transfer {transfer.key} mixes 'self' with other sources; 'self' stands alone.")
    if not 0 <= transfer.affinity <= LARGEST_AFFINITY:
        raise UserError(
            f"the transfer {transfer.key} has affinity {transfer.affinity}; expected a finite number >= 0, "
            f"at most {LARGEST_AFFINITY:g}."
        )
    for name, rate in (("gain", transfer.gain), ("quality", transfer.quality)):
        if rate is not None and not 0 <= rate <= 1:
            raise UserError(f"the transfer {transfer.key} has {name} {rate}; expected a win rate from 0 to 1.")
