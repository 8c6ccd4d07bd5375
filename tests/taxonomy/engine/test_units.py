"""Keys: they change with everything that decides a result, and with nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from taxonomy.engine import LOCAL, Unit
from tests.taxonomy.engine.works import Product


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Schedule:
    epochs: int = 6
    device: str = field(default="cpu", metadata=LOCAL)


@dataclass(frozen=True)
class OtherSchedule:
    epochs: int = 6


@dataclass(frozen=True)
class Training:
    kind: ClassVar[str] = "network"
    version: ClassVar[int] = 1
    seed: int = 0
    rate: float = 0.1
    tasks: tuple[str, ...] = ("normal", "edge")
    schedule: Schedule | OtherSchedule = Schedule()
    colour: Colour = Colour.RED
    weights: Mapping[str, float] | None = None
    anything: Any = None
    data: Path = field(default=Path("data"), metadata=LOCAL)

    def __call__(self, folder: Path, inputs: Mapping[str, Path]) -> None:
        """Do nothing."""


class Newer(Training):
    version: ClassVar[int] = 2


class Elsewhere(Training):
    kind: ClassVar[str] = "readout"


def key(name: str = "normal", needs: Mapping[str, str] | None = None, **changes: Any) -> str:
    return Unit(name, replace(Training(), **changes), needs or {}).key


def test_the_key_changes_with_everything_that_decides_the_result() -> None:
    keys = [
        key(),
        key(name="edge"),
        key(seed=1),
        key(rate=0.2),
        key(rate=float("inf")),
        key(tasks=("edge", "normal")),
        key(tasks=("normal",)),
        key(schedule=Schedule(7)),
        key(schedule=OtherSchedule(6)),
        key(colour=Colour.BLUE),
        key(weights={}),
        key(weights={"normal": 1.0}),
        key(weights={"edge": 1.0}),
        key(anything="RED"),
        key(anything=1),
        key(anything=1.0),
        key(anything="1"),
        key(anything=True),
        key(needs={"encoder": "a" * 64}),
        key(needs={"encoder": "b" * 64}),
        key(needs={"head": "a" * 64}),
        Unit("normal", Newer()).key,
        Unit("normal", Elsewhere()).key,
    ]
    assert len(set(keys)) == len(keys)


def test_the_key_does_not_change_with_local_fields_costs_or_orders() -> None:
    assert key(data=Path("elsewhere")) == key()
    assert key(schedule=Schedule(6, "cuda")) == key()
    assert Unit("normal", Training(), cost=5.0).key == key()
    assert key(weights={"a": 1.0, "b": 2.0}) == key(weights={"b": 2.0, "a": 1.0})
    assert key(needs={"a": "1", "b": "2"}) == key(needs={"b": "2", "a": "1"})


def test_the_key_is_the_same_in_every_version_of_this_program() -> None:
    assert (
        Unit("one", Product(3), {"left": "f" * 64}).key
        == "9bc3ec659c6df2f4797cb886cbe4fa4ea93dc8bb25bbadc1dce315c23edc4b38"
    )


@pytest.mark.parametrize("value", [np.int64(3), np.zeros(2), Path("x"), {1, 2}, {1: 2}, Training, len])
def test_a_field_without_a_canonical_form_is_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match=r"Training 'normal': anything\[1\] is a .* no canonical form"):
        _ = key(anything=(1, value))


def test_a_work_that_is_no_dataclass_is_refused() -> None:
    class Plain:
        kind: ClassVar[str] = "plain"
        version: ClassVar[int] = 1

        def __call__(self, folder: Path, inputs: Mapping[str, Path]) -> None:
            """Do nothing."""

    with pytest.raises(TypeError, match="expected a dataclass"):
        _ = Unit("x", Plain()).key


def test_unfit_units_are_refused() -> None:
    class Climbing(Training):
        kind: ClassVar[str] = "../up"

    with pytest.raises(ValueError, match="no folder's name"):
        Unit("x", Climbing())
    with pytest.raises(ValueError, match="no name"):
        Unit("", Training())
    for cost in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="has cost"):
            Unit("x", Training(), cost=cost)
