"""habitat-sim itself: imported where it is used, and asked for a device only where there is one.

habitat-sim ends the process, without an exception, when its device is missing; so that is looked up first.
"""

import ctypes
import ctypes.util
import importlib
import os
from functools import cache
from typing import Any

from sim.errors import SimulatorError

INSTALL = "conda install habitat-sim headless -c conda-forge -c aihabitat-nightly"
"""The stable channel, `aihabitat`, has builds for Python 3.9 alone."""

_EGL_CUDA_DEVICE_NV = 0x323A
_MOST_DEVICES = 32


@cache
def load_habitat() -> Any:
    """The module `habitat_sim`, kept quiet unless the environment says otherwise.

    Raises:
        SimulatorError: If it is not installed.
    """
    os.environ.setdefault("HABITAT_SIM_LOG", "quiet")
    os.environ.setdefault("MAGNUM_LOG", "quiet")
    try:
        return importlib.import_module("habitat_sim")
    except ImportError as error:
        raise SimulatorError(f"habitat-sim is not installed ({error}); install it with: {INSTALL}") from error


def choose_device(cuda_device: int | None) -> int:
    """The `gpu_device_id` for habitat-sim.

    Args:
        cuda_device: Number of a CUDA device, or None for the first EGL device, which is software where there is no GPU.

    Raises:
        SimulatorError: If EGL has no such device.
    """
    devices = egl_devices()
    if cuda_device is None:
        if not devices:
            raise SimulatorError("EGL has no device to render with; install a GPU's driver, or Mesa (libegl-mesa0).")
        return -1
    if cuda_device not in devices:
        known = ", ".join(str(device) for device in devices if device is not None) or "none"
        raise SimulatorError(f"EGL knows no CUDA device {cuda_device} (found: {known}); leave it out for EGL's first.")
    return cuda_device


@cache
def egl_devices() -> tuple[int | None, ...]:
    """EGL's devices: the number of the CUDA device that each one is, or None (EGL_EXT_device_enumeration)."""
    name = ctypes.util.find_library("EGL")
    if name is None:
        return ()
    egl = ctypes.CDLL(name)
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    egl.eglGetProcAddress.argtypes = [ctypes.c_char_p]
    query_all = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
    query_one = egl.eglGetProcAddress(b"eglQueryDeviceAttribEXT")
    if not (query_all and query_one):
        return ()
    pointer, integer = ctypes.c_void_p, ctypes.c_int32
    list_devices = ctypes.CFUNCTYPE(ctypes.c_uint, integer, ctypes.POINTER(pointer), ctypes.POINTER(integer))(query_all)
    attribute = ctypes.CFUNCTYPE(ctypes.c_uint, pointer, integer, ctypes.POINTER(ctypes.c_ssize_t))(query_one)
    handles, count = (pointer * _MOST_DEVICES)(), integer()
    if not list_devices(_MOST_DEVICES, handles, ctypes.byref(count)):
        return ()
    found: list[int | None] = []
    for handle in handles[: count.value]:
        number = ctypes.c_ssize_t()
        found.append(number.value if attribute(handle, _EGL_CUDA_DEVICE_NV, ctypes.byref(number)) else None)
    return tuple(found)
