"""Buildings as files of arrays: the same afterwards, and errors for what is none."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from sim import Building, SimulatorError
from sim.building_files import read_building, write_building
from sim.houses import HouseSpec, generate_house
from tests.sim.hand_made import two_rooms


def same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and bool(np.array_equal(one, other))
    if isinstance(one, tuple):
        return isinstance(other, tuple) and len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))  # type: ignore[arg-type]
    return one == other


@pytest.mark.parametrize("building", [two_rooms(), generate_house(3, HouseSpec(rooms=(2, 3)))], ids=["hand", "house"])
def test_a_building_is_the_same_after_writing_and_reading(building: Building, tmp_path: Path) -> None:
    write_building(tmp_path / "a.npz", building)
    again = read_building(tmp_path / "a.npz")
    assert same(again, building)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"cannot read .*missing\.npz"):
        read_building(tmp_path / "missing.npz")
    write_building(tmp_path / "a.npz", two_rooms())
    whole = (tmp_path / "a.npz").read_bytes()
    for name, content in {"cut": whole[: len(whole) // 2], "text": b"a building", "empty": b""}.items():
        path = tmp_path / f"{name}.npz"
        path.write_bytes(content)
        with pytest.raises(SimulatorError, match="no building file"):
            read_building(path)
    np.savez(tmp_path / "other.npz", values=np.arange(3))
    with pytest.raises(SimulatorError, match="no building file"):
        read_building(tmp_path / "other.npz")
