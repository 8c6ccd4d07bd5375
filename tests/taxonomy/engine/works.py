"""Small works, and what tests look at."""

import errno
import hashlib
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from perception.errors import UnknownNameError
from taxonomy.engine import LOCAL, Event, UnitError
from taxonomy.engine.store import TIMING


@dataclass(frozen=True)
class Product:
    """Products of matrices large enough for the number of threads to show in the last bits."""

    kind: ClassVar[str] = "product"
    version: ClassVar[int] = 1
    seed: int
    size: int = 777
    delay_s: float = field(default=0.0, metadata=LOCAL)

    def __call__(self, folder: Path, inputs: Mapping[str, Path]) -> None:
        rng = np.random.default_rng(self.seed)
        left, right = rng.standard_normal((333, self.size)), rng.standard_normal((self.size, 555))
        for name in sorted(inputs):
            left[0] += np.load(inputs[name] / "product.npy").sum()
        np.save(folder / "product.npy", left @ right)
        (folder / "notes").mkdir()
        (folder / "notes" / "dot.txt").write_text(repr(float(left.ravel() @ left.ravel())))
        time.sleep(self.delay_s)


@dataclass(frozen=True)
class Fatal:
    """Kills its process the first times."""

    kind: ClassVar[str] = "fatal"
    version: ClassVar[int] = 1
    times: int
    marks: Path = field(metadata=LOCAL)

    def __call__(self, folder: Path, inputs: Mapping[str, Path]) -> None:
        (folder / "begun").write_text("half")
        mark = self.marks / f"{self.times}-{len(list(self.marks.glob(f'{self.times}-*')))}"
        mark.write_text(str(os.getpid()))
        if len(list(self.marks.glob(f"{self.times}-*"))) <= self.times:
            os.kill(os.getpid(), signal.SIGKILL)
        (folder / "survived").write_text("yes")


class OddError(Exception):
    """Cannot be pickled and read back."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def reject() -> None:
    raise UnitError("all labels are invalid.")


def look_up() -> None:
    raise UnknownNameError("task", "normals", ["normal"])


def exhaust() -> None:
    raise MemoryError


def exhaust_torch() -> None:
    import torch

    torch.empty(1 << 60)


def divide() -> None:
    raise ZeroDivisionError("a bug")


def be_odd() -> None:
    raise OddError("very ", "odd")


def fill() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fill_in_rust() -> None:
    raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")


ACTIONS = {
    action.__name__: action for action in (reject, look_up, exhaust, exhaust_torch, divide, be_odd, fill, fill_in_rust)
}


@dataclass(frozen=True)
class Failing:
    """Writes something, and raises something."""

    kind: ClassVar[str] = "failing"
    version: ClassVar[int] = 1
    action: str

    def __call__(self, folder: Path, inputs: Mapping[str, Path]) -> None:
        (folder / "begun").write_text("half")
        ACTIONS[self.action]()


@dataclass(frozen=True)
class Sleeping:
    """Says that it has begun, and sleeps."""

    kind: ClassVar[str] = "sleeping"
    version: ClassVar[int] = 1
    marks: Path = field(metadata=LOCAL)
    seconds: float = 60.0

    def __call__(self, folder: Path, inputs: Mapping[str, Path]) -> None:
        (self.marks / f"sleeping-{os.getpid()}").write_text("")
        time.sleep(self.seconds)


def no_event(event: Event) -> None:
    """Somebody who is not interested."""


def tree(root: Path) -> dict[str, str]:
    """SHA-256 of each file below a folder, but for the times that units took."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name != TIMING)
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
