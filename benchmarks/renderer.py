"""The ray caster against the renderers people use today, on this machine's cores.

    python -m benchmarks.renderer            # peers: pip install -r benchmarks/requirements.lock; EGL (Debian: libegl1)
    python -m benchmarks.renderer --plot docs/figures/renderer_scaling.png

Ours, for every frame: textured RGB with the room's two strongest lights and their shadows, depth, normals, instance
ids. Peers, each where it is importable:

- MuJoCo's offscreen renderer (OpenGL; software where there is no GPU): the same triangles, two shadowed lights, colours
  without textures, then its depth and its segmentation.
- MiniWorld (OpenGL): RGB alone of its hallway, nearly empty, without shadows; ours draws all sensors in an empty room.
- habitat-sim (OpenGL): the same house as a stage, unlit, rgb + depth + semantics.

Every number is a median over repeated batches, peers and ours in turn.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from perception.terminal import print_line, print_table
from sim import AgentSpec, Building, Cameras, Material, Sensor
from sim.houses import HouseSpec, generate_house
from sim.motion import agents_at
from sim.raycast import RaycastRenderer, RaycastSimulator

ALL = (Sensor.RGB, Sensor.DEPTH, Sensor.NORMAL, Sensor.SEMANTIC)
BATCH = 16
ROOMS = HouseSpec(rooms=(8, 8))
HFOV_DEG = 70.0


@dataclass(frozen=True)
class Views:
    """Where the cameras of a benchmark stand: on the floor of one house, at eye height."""

    building: Building
    positions: Any
    headings: Any

    def cameras(self, count: int, turn: int, buildings: int = 1) -> Cameras:
        """The next `count` of them."""
        index = (np.arange(count) + turn * count) % len(self.positions)
        return Cameras.looking(self.positions[index], self.headings[index], 0.0, HFOV_DEG, np.arange(count) % buildings)


@cache
def house(seed: int) -> Building:
    """A house of eight rooms."""
    return generate_house(seed, ROOMS)


def views(building: Building, count: int = 512) -> Views:
    """Random places an agent can stand at, and random headings."""
    rng = np.random.default_rng(0)
    simulator = RaycastSimulator([building], AgentSpec())
    points = simulator.random_navigable_points(count, rng) + np.array([0, 1.25, 0], np.float32)
    return Views(building, points, rng.uniform(-np.pi, np.pi, count))


def frames_per_second(draw: Callable[[int], int], seconds: float = 2.0) -> float:
    """Median rate of `draw`, which renders for the turn it is given and returns how many frames it drew."""
    for turn in range(3):
        draw(turn)
    rates, end, turn = list[float](), time.perf_counter() + seconds, 3
    while time.perf_counter() < end or len(rates) < 5:
        start = time.perf_counter()
        frames = draw(turn)
        rates.append(frames / (time.perf_counter() - start))
        turn += 1
    return median(rates)


def ours(buildings: Sequence[Building], size: int, batch: int, sensors: Sequence[Sensor] = ALL) -> Callable[[int], int]:
    """Draws batches with the ray caster."""
    renderer = RaycastRenderer(buildings, device=DEVICE)
    seen = views(buildings[0])

    def draw(turn: int) -> int:
        renderer.render(seen.cameras(batch, turn, len(buildings)), size, size, sensors)
        return batch

    return draw


def mujoco_peer(building: Building, size: int) -> Callable[[int], int]:
    """Draws the same house with MuJoCo: rgb, depth and segmentation, each a pass."""
    os.environ.setdefault("MUJOCO_GL", "egl")
    import mujoco

    spec = mujoco.MjSpec()
    spec.visual.global_.offwidth = spec.visual.global_.offheight = size
    spec.visual.quality.shadowsize = 1024
    spec.visual.map.znear = 0.005
    for index, instance in enumerate(building.instances[1:], start=1):
        own = building.triangle_instance == index
        for material in np.unique(building.triangle_material[own]):
            chosen = own & (building.triangle_material == material)
            vertices, faces = np.unique(building.triangles[chosen], return_inverse=True)
            name = f"{instance.name}_{material}"
            points = building.vertices[vertices].astype(np.float64) * [1, 1, -1]
            spec.add_mesh(
                name=name,
                uservert=points[:, [0, 2, 1]].ravel(),  # MuJoCo is Z-up
                userface=faces.reshape(-1, 3).ravel().astype(int),
                inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
            )
            spec.worldbody.add_geom(
                type=mujoco.mjtGeom.mjGEOM_MESH,
                meshname=name,
                rgba=[*building.materials[material].base_color, 1],
                contype=0,
                conaffinity=0,
            )
    for light in building.lights[:2]:
        x, y, z = light.position
        spec.worldbody.add_light(pos=[x, -z, y], castshadow=True)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    renderer = mujoco.Renderer(model, size, size)
    seen = views(building)

    def draw(turn: int) -> int:
        camera = mujoco.MjvCamera()
        camera.type = mujoco.mjtCamera.mjCAMERA_FREE
        x, y, z = seen.positions[turn % len(seen.positions)]
        camera.lookat[:] = x, -z, y
        camera.distance, camera.elevation = 0.01, 0.0
        camera.azimuth = np.degrees(seen.headings[turn % len(seen.positions)]) + 90
        renderer.update_scene(data, camera)
        renderer.render()
        renderer.enable_depth_rendering()
        renderer.render()
        renderer.disable_depth_rendering()
        renderer.enable_segmentation_rendering()
        renderer.render()
        renderer.disable_segmentation_rendering()
        return 1

    return draw


def miniworld_peer(size: int) -> Callable[[int], int]:
    """Draws MiniWorld's hallway, RGB alone."""
    import pyglet

    pyglet.options["headless"] = True
    import gymnasium
    import miniworld  # noqa: F401 - registers its worlds

    world: Any = gymnasium.make("MiniWorld-Hallway-v0", obs_width=size, obs_height=size).unwrapped
    world.reset(seed=0)

    def draw(_: int) -> int:
        for _ in range(BATCH):
            world.render_obs()
        return BATCH

    return draw


def habitat_peer(building: Building, size: int) -> Callable[[int], int]:
    """Draws the same house with habitat-sim: rgb, depth and semantics."""
    from sim.habitat import HabitatSimulator

    simulator = HabitatSimulator([building], AgentSpec())
    seen = views(building)
    sensors = (Sensor.RGB, Sensor.DEPTH, Sensor.SEMANTIC)

    def draw(turn: int) -> int:
        simulator.render(seen.cameras(BATCH, turn), size, size, sensors)
        return BATCH

    return draw


def compare() -> None:
    """Print our rates, where the time goes, and the ratio against each peer."""
    building = house(1)
    print_line(f"house of {len(building.rooms)} rooms, {len(building.triangles):,} triangles; {os.cpu_count()} cores")
    rows = []
    for size in (64, 128):
        rate = frames_per_second(ours([building], size, BATCH))
        side = frames_per_second(ours([house(seed) for seed in (1, 2, 3, 4)], size, BATCH))
        alone = frames_per_second(ours([building], size, 1))
        rows.append((f"{size} px", f"{rate:.0f}", f"{side:.0f}", f"{1e3 / alone:.2f}"))
    print_table(("all sensors, two shadowed lights", "frames/s, 16 cameras", "in 4 houses", "one camera, ms"), rows)
    parts()
    memory()
    empty = generate_house(1, HouseSpec(rooms=(1, 1), furniture_density=0.0, clutter_density=0.0))
    for name, package, scene, peer in (
        ("MuJoCo, same triangles", "mujoco", building, mujoco_peer),
        ("MiniWorld, its hallway", "miniworld", empty, lambda _, size: miniworld_peer(size)),
        ("habitat-sim, same house", "habitat_sim", building, habitat_peer),
    ):
        if find_spec(package) is None:
            print_line(f"{name}: not measured, {package} is not installed")
            continue
        for size in (64, 128):
            against(name, peer(scene, size), ours([scene], size, BATCH), size)


def against(name: str, peer: Callable[[int], int], mine: Callable[[int], int], size: int) -> None:
    """Print the ratio, both measured in turn."""
    rates = [(frames_per_second(peer, 0.7), frames_per_second(mine, 0.7)) for _ in range(3)]
    theirs, own = (median(column) for column in zip(*rates, strict=True))
    ratio = median(ours_ / theirs_ for theirs_, ours_ in rates)
    print_line(f"{name}, {size} px: {theirs:.1f} frames/s, ours {own:.0f}: ratio {ratio:.1f}x")


def memory() -> None:
    """Print what buildings and agents add to a fresh process."""
    for buildings, agents in ((1, 1), (4, 4), (4, 16)):
        command = [sys.executable, "-m", "benchmarks.renderer", "--child", str(buildings), str(agents)]
        print_line(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def child(buildings: int, agents: int) -> None:
    """What the fresh process does: load, walk, see, and say how much memory that took."""
    RaycastRenderer([generate_house(0, HouseSpec(rooms=(1, 1)))])  # the libraries themselves
    houses = [house(seed) for seed in range(1, buildings + 1)]
    before_mib = _resident_mib()
    simulator = RaycastSimulator(houses, AgentSpec(sensors=ALL, height=64, width=64))
    rng = np.random.default_rng(0)
    where = np.arange(agents) % buildings
    starts = np.concatenate([simulator.random_navigable_points(1, rng, int(index)) for index in where])
    simulator.place(agents_at(starts, 0.0, where))
    for _ in range(20):
        simulator.step(np.ones(agents, dtype=int))
        simulator.observe()
    print_line(
        f"memory: {buildings} houses, {agents} agents: {_resident_mib() - before_mib:.0f} MiB more, "
        f"{_resident_mib():.0f} MiB in all"
    )


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def parts() -> None:
    """Print where a frame's time goes, by leaving things out."""
    building = house(1)
    dark = replace(building, lights=())
    plain = replace(dark, materials=tuple(Material(m.name, m.base_color) for m in dark.materials))
    cases = (
        ("depth alone: one ray a pixel", [building], (Sensor.DEPTH,)),
        ("+ normals and ids", [building], (Sensor.DEPTH, Sensor.NORMAL, Sensor.SEMANTIC)),
        ("+ RGB, one texel a material, no lights", [plain], ALL),
        ("+ textures", [dark], ALL),
        ("+ two shadowed lights: all", [building], ALL),
    )
    rows = []
    for name, buildings, sensors in cases:
        rate = frames_per_second(ours(buildings, 128, BATCH, sensors), 1.5)
        rows.append((name, f"{1e3 * BATCH / rate:.1f}", f"{rate:.0f}"))
    print_table(("128 px, 16 cameras", "ms a batch", "frames/s"), rows)


def subdivided(building: Building) -> Building:
    """The same surfaces with four times the triangles."""
    a, b, c = building.triangles.T
    count = len(building.vertices)
    middles = [(a, b), (b, c), (c, a)]
    added = [np.arange(len(a)) + count + i * len(a) for i in range(3)]

    def grown(values: Any) -> Any:
        return np.concatenate([values, *((values[i] + values[j]) / 2 for i, j in middles)]).astype(np.float32)

    ab, bc, ca = added
    triangles = np.stack([(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]).transpose(2, 0, 1).reshape(-1, 3)
    return replace(
        building,
        vertices=grown(building.vertices),
        normals=grown(building.normals),
        uvs=grown(building.uvs),
        triangles=triangles.astype(np.int32),
        triangle_instance=np.repeat(building.triangle_instance, 4),
        triangle_material=np.repeat(building.triangle_material, 4),
    )


def scaling(path: Path) -> None:
    """Measure frame cost against triangles and batch size, print it, and draw it."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    from taxonomy.report.style import drawing

    meshes = [_thinned(house(1), 10_000), house(1)]
    while len(meshes[-1].triangles) < 1_000_000 and len(meshes) < 5:
        meshes.append(subdivided(meshes[-1]))
    by_triangles = {
        size: [(len(m.triangles), 1e3 / frames_per_second(ours([m], size, BATCH), 1.0)) for m in meshes]
        for size in (64, 128)
    }
    by_batch = {
        size: [(n, 1e3 / frames_per_second(ours([house(1)], size, n), 1.0)) for n in (1, 2, 4, 8, 16, 32, 64)]
        for size in (64, 128)
    }
    for name, measured in (("triangles", by_triangles), ("cameras in one call", by_batch)):
        rows = [(f"{x:,}", *(f"{dict(measured[size])[x]:.2f}" for size in (64, 128))) for x, _ in measured[64]]
        print_table((name, "ms a frame, 64 px", "128 px"), rows)
    with drawing():
        figure = Figure(figsize=(8, 3))
        for axes, measured, label in zip(
            figure.subplots(1, 2), (by_triangles, by_batch), ("triangles", "cameras in one call"), strict=True
        ):
            for size, colour in ((64, "#0072B2"), (128, "#D55E00")):
                axes.plot(*zip(*measured[size], strict=True), "o-", color=colour, label=f"{size} px", markersize=4)
            axes.set(xscale="log", xlabel=label, ylabel="ms a frame", ylim=(0, None))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
            axes.legend()
        figure.savefig(path, dpi=130)


def _thinned(building: Building, count: int) -> Building:
    """The shell and as many of the things as `count` triangles allow."""
    sizes = np.bincount(building.triangle_instance, minlength=len(building.instances))
    shell = np.array([i.category in ("wall", "floor", "ceiling", "door", "window") for i in building.instances])
    order = np.argsort(~shell, kind="stable")
    kept = np.zeros(len(sizes), dtype=bool)
    kept[order[np.cumsum(sizes[order]) <= count]] = True
    chosen = kept[building.triangle_instance]
    return replace(
        building,
        triangles=building.triangles[chosen],
        triangle_instance=building.triangle_instance[chosen],
        triangle_material=building.triangle_material[chosen],
    )


DEVICE = "cpu"

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path, help="measure the scaling and draw it here")
    parser.add_argument("--child", type=int, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    arguments = parser.parse_args()
    DEVICE = arguments.device
    if arguments.child:
        child(*arguments.child)
    elif arguments.plot:
        scaling(arguments.plot)
    else:
        compare()
