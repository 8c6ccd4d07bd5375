"""The one OpenGL context of a process.

The first habitat-sim simulator of a process makes the context and all later ones draw in it, so that closing the first
before the others ends the process. An empty simulator is therefore opened before all and closed after all.
"""

import atexit
from typing import Any, Protocol

from sim.errors import SimulatorError
from sim.habitat.library import load_habitat


class User(Protocol):
    """Who draws in the context."""

    def close(self) -> None:
        """Stop drawing, and release the context."""


_users: list[User] = []
_owners: list[Any] = []
_device = 0


def acquire_context(gpu_device_id: int, user: User) -> None:
    """Have the context on habitat-sim's device of this number; a user left open is closed when the process ends.

    Raises:
        SimulatorError: If the context is on another device.
    """
    global _device
    if _users and gpu_device_id != _device:
        raise SimulatorError(
            f"this process renders on device {_device} already, not {gpu_device_id}; use one device in a process."
        )
    if not _users:
        _owners.append(_empty_simulator(gpu_device_id))
        _device = gpu_device_id
    _users.append(user)


def release_context(user: User) -> None:
    """Be done with the context; it is destroyed when everybody is."""
    _users.remove(user)
    if not _users:
        _owners.pop().close(destroy=True)


def _empty_simulator(gpu_device_id: int) -> Any:
    habitat = load_habitat()
    configuration = habitat.SimulatorConfiguration()
    configuration.scene_id = "NONE"
    configuration.gpu_device_id = gpu_device_id
    sensor = habitat.CameraSensorSpec()
    sensor.sensor_type = habitat.SensorType.DEPTH
    sensor.resolution = [1, 1]
    agent = habitat.agent.AgentConfiguration(sensor_specifications=[sensor])
    return habitat.Simulator(habitat.Configuration(configuration, [agent]))


@atexit.register
def _close_all() -> None:
    for user in reversed(_users.copy()):
        user.close()
