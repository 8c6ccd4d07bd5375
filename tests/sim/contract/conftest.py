"""Every backend that is installed, each with the same two buildings."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import trimesh

from sim import AgentSpec, Building, Simulator
from sim.glb import read_glb
from sim.habitat.library import INSTALL
from sim.raycast import RaycastSimulator
from tests.sim.contract.scene import SPEC, Make
from tests.sim.hand_made import box_room, two_rooms


def _raycast(spec: AgentSpec, _: Path) -> Simulator:
    return RaycastSimulator([two_rooms(), box_room()], spec)


def _external_glb(spec: AgentSpec, folder: Path) -> Simulator:
    return RaycastSimulator([_through_trimesh(b, folder) for b in (two_rooms(), box_room())], spec)


def _habitat(spec: AgentSpec, _: Path) -> Simulator:
    from sim.habitat import HabitatSimulator

    return HabitatSimulator([two_rooms(), box_room()], spec)


def _through_trimesh(building: Building, folder: Path) -> Building:
    """The building as another program would have written it."""
    scene = trimesh.Scene()
    for index, instance in enumerate(building.instances[1:], start=1):
        triangles = building.triangles[building.triangle_instance == index]
        mesh = trimesh.Trimesh(building.vertices, triangles, process=False)
        mesh.remove_unreferenced_vertices()
        scene.add_geometry(mesh, node_name=instance.name, geom_name=instance.name)
    path = folder / f"{building.name}.glb"
    path.write_bytes(scene.export(file_type="glb"))
    return read_glb(path)


BACKENDS: dict[str, Callable[[AgentSpec, Path], Simulator]] = {
    "raycast": _raycast,
    "external-glb": _external_glb,
    "habitat": _habitat,
}
NEEDS_HABITAT = pytest.mark.skipif(find_spec("habitat_sim") is None, reason=f"habitat_sim is not installed: {INSTALL}")


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=NEEDS_HABITAT if name == "habitat" else ()) for name in BACKENDS],
)
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    made: dict[AgentSpec, Simulator] = {}

    def build(spec: AgentSpec) -> Simulator:
        if spec not in made:
            made[spec] = BACKENDS[request.param](spec, tmp_path_factory.mktemp("buildings"))
        return made[spec]

    yield build
    for simulator in made.values():
        simulator.close()


@pytest.fixture
def simulator(make: Make) -> Simulator:
    return make(SPEC)
