"""A simulator for buildings, by the name of its backend."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from perception import UserError
from perception.errors import UnknownNameError
from rl.scenes import Source
from sim import AgentSpec, Building, Simulator

DEVICES = ("cpu", "cuda")


def simulator_for(
    buildings: Sequence[Source], camera: AgentSpec, backend: str = "raycast", device: str = "cpu"
) -> Simulator:
    """All of some buildings in one simulator, in that order.

    Args:
        buildings: As `Scenes.buildings` gives them; at least one.
        camera: The body and eye of every agent.
        backend: One of `BACKENDS`.
        device: "cpu", or "cuda" for the first NVIDIA GPU.

    Raises:
        UserError: If the backend or device is unknown, or a file is not for the backend.
        SimulatorError: If the backend or device is not there, or a building cannot be loaded.
    """
    if backend not in BACKENDS:
        raise UnknownNameError("simulator", backend, BACKENDS)
    if device not in DEVICES:
        raise UnknownNameError("device", device, DEVICES)
    if not buildings:
        raise UserError("a simulator needs at least one building, and there is none; is the split empty?")
    return BACKENDS[backend](buildings, camera, device)


def loaded(source: Source) -> Building:
    """A building as arrays, of the source's name; of scene files, GLB can be read without habitat-sim.

    Raises:
        UserError: If it is another file.
        SimulatorError: If it cannot be read.
    """
    if isinstance(source, Building):
        return source
    if source.path.suffix.lower() != ".glb":
        raise UserError(f"{source.path} is no GLB; only the backend 'habitat' reads it: choose that, or export a GLB.")
    from sim.glb import read_glb

    return replace(read_glb(source.path), name=source.name)


def _raycast(buildings: Sequence[Source], camera: AgentSpec, device: str) -> Simulator:
    from sim.raycast import RaycastSimulator

    return RaycastSimulator([loaded(building) for building in buildings], camera, device)


def _habitat(buildings: Sequence[Source], camera: AgentSpec, device: str) -> Simulator:
    from sim.habitat import HabitatSimulator

    return HabitatSimulator(buildings, camera, cuda_device=0 if device == "cuda" else None)


Backend = Callable[[Sequence[Source], AgentSpec, str], Simulator]
BACKENDS: Mapping[str, Backend] = MappingProxyType({"raycast": _raycast, "habitat": _habitat})
