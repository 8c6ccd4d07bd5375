"""What runs an encoder's networks: by name, each in a module of its own that is imported when it is used."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module, util
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from perception.encoding.encoder import Features
from perception.errors import UnknownNameError, UserError

if TYPE_CHECKING:
    from torch import nn

    from perception.bank.card import Preprocessing


Images: TypeAlias = Sequence[NDArray[np.uint8]]
"""In several arrays uint8 [N, side, side, 3]: whoever computes puts them where it wants them, and copies them once."""


class Precision(StrEnum):
    """Numbers that the multiplications take; sums are float32 always."""

    AUTO = "auto"  # bfloat16 where the machine multiplies it faster, else float32
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    INT8 = "int8"  # inner layers; where asked for, never by "auto"


class Program(Protocol):
    """Encoders made ready to run together."""

    def __call__(self, images: NDArray[np.uint8]) -> Features:
        """Features float32 [N, 8k, 16, 16] of images uint8 [N, side, side, 3] that have the encoders' size."""

    def warm(self, largest_batch: int) -> None:
        """Compile, and run once, all that batches of 1 to `largest_batch` images need."""


class Library(Protocol):
    """What a runtime's module has."""

    def choose_precision(self, device: str, precision: Precision) -> Precision:
        """What `Precision.AUTO` means on the device; others stay.

        Raises:
            UserError: If the runtime does not compute so, or lacks what it takes.
        """

    def compile_encoders(
        self, encoders: "Sequence[nn.Module]", preprocessing: "Preprocessing", device: str, precision: Precision
    ) -> Program:
        """A program of encoders that take the same images.

        Raises:
            UserError: If the runtime cannot use the device.
        """

    def run_together(self, parts: Sequence[tuple[Program, Images]], on_idle: Callable[[], None]) -> list[Features]:
        """What each of several programs makes of its images, without gaps between them.

        Args:
            parts: Programs of this runtime, each once, and images as they take them, at least one.
            on_idle: Called when a core first has nothing left to do, and another thread's images may be begun.
        """


@dataclass(frozen=True)
class Runtime:
    """A library that can run encoders.

    Args:
        name: "openvino" or "torch".
        package: That has to be installed.
        devices: It can use.
        module: Of ours, a `Library`.
    """

    name: str
    package: str
    devices: tuple[str, ...]
    module: str

    @property
    def is_installed(self) -> bool:
        """Whether its package is."""
        return util.find_spec(self.package) is not None

    def load(self) -> Library:
        """What makes and runs programs.

        Raises:
            UserError: If its package is missing.
        """
        if not self.is_installed:
            raise UserError(f"the runtime {self.name!r} needs the package {self.package}: pip install {self.package}.")
        return cast(Library, import_module(self.module))


RUNTIMES: Mapping[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        Runtime("openvino", "openvino", ("cpu",), "perception.encoding.openvino_runtime"),
        Runtime("torch", "torch", ("cpu", "cuda"), "perception.encoding.torch_runtime"),
    )
}
"""In the order in which "auto" tries them."""


def _cuda_is_there() -> bool:
    import torch

    return torch.cuda.is_available()


_DEVICES: Mapping[str, Callable[[], bool]] = {"cuda": _cuda_is_there, "cpu": lambda: True}
"""In the order in which "auto" tries them; each with whether the machine has it."""


def choose_device(device: str) -> str:
    """The device meant.

    Args:
        device: "cpu", "cuda" or "auto": a GPU where there is one.

    Raises:
        UserError: If it is none of those, or not there.
    """
    if device == "auto":
        return next(name for name, is_there in _DEVICES.items() if is_there())
    if device not in _DEVICES:
        raise UnknownNameError("device", device, ["auto", *_DEVICES])
    if not _DEVICES[device]():
        raise UserError(f"the device {device!r} is not there, or PyTorch was built without it; use 'cpu' or 'auto'.")
    return device


def choose_runtime(runtime: str, device: str) -> Runtime:
    """The runtime meant.

    Args:
        runtime: Name in `RUNTIMES`, or "auto": the first that is installed and can use the device.
        device: As `choose_device` returned it.

    Raises:
        UserError: If it is unknown or cannot use the device.
    """
    if runtime == "auto":
        return next(each for each in RUNTIMES.values() if device in each.devices and each.is_installed)
    if runtime not in RUNTIMES:
        raise UnknownNameError("runtime", runtime, ["auto", *RUNTIMES])
    if device not in RUNTIMES[runtime].devices:
        fit = [each.name for each in RUNTIMES.values() if device in each.devices]
        raise UserError(f"the runtime {runtime!r} cannot use the device {device!r}; use {' or '.join(fit)}.")
    return RUNTIMES[runtime]
