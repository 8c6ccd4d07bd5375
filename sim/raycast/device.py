"""Dr.Jit's just-in-time compilers: LLVM for the CPU, CUDA for an NVIDIA GPU."""

import os
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from sim.errors import SimulatorError, unknown_name

VARIANTS = {"cpu": "llvm_ad_rgb", "cuda": "cuda_ad_rgb"}
"""Mitsuba's name for the variant that runs on each device."""


def activate(device: str) -> None:
    """Make Mitsuba compile for a device from here on.

    Args:
        device: "cpu" or "cuda".

    Raises:
        SimulatorError: If the device is unknown, or its compiler or driver is missing.
    """
    if device not in VARIANTS:
        raise unknown_name("device", device, VARIANTS)
    _point_to_llvm()
    import mitsuba

    if mitsuba.variant() == VARIANTS[device]:
        return
    try:
        mitsuba.set_variant(VARIANTS[device])
    except ImportError as error:
        remedy = {
            "cpu": "install libLLVM 17 or later: pip install karellen-llvm-core, or name one in DRJIT_LIBLLVM_PATH.",
            "cuda": "an NVIDIA GPU with driver 535 or later is needed; without one use device 'cpu'.",
        }[device]
        raise SimulatorError(f"cannot render on {device!r}: {remedy}") from error


def _point_to_llvm() -> None:
    """Name the libLLVM of the karellen-llvm-core wheel, unless the user named one."""
    if "DRJIT_LIBLLVM_PATH" in os.environ:
        return
    try:
        listed = files("karellen-llvm-core") or []
    except PackageNotFoundError:
        return
    found = [path for path in listed if path.name in ("libLLVM.so", "libLLVM.dylib")]
    if found:
        os.environ["DRJIT_LIBLLVM_PATH"] = str(Path(str(found[0].locate())).resolve())
