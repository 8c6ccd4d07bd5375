"""What `benchmarks.rl` measures, each in a process of its own: an agent that trains, or environments that step.

    python -m benchmarks.rl_load train --agent max-coverage:4 --threads 1 --cores 0,1
    python -m benchmarks.rl_load step --world vizdoom --cores 0

Says READY when all is built and warm, waits for a line on stdin, measures, and prints one line of JSON. Libraries count
the cores when they are imported, so a process is bound to its cores before.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rl.training import RunSpec

HOUSES = 8
SIDE_PX = 64
ROLLOUT_STEPS = 2048
EPISODES_PER_HOUSE = 60
AGENTS = 16

MOVES = (1, 2, 3)
"""Of our actions: forward, left, right. `STOP` would end an episode, and peers have no such action."""


@dataclass(frozen=True)
class Training:
    """Rollouts and updates, one after the other.

    Args:
        steps: Of all environments, in each rollout.
        seconds: Of each rollout with its update, by "sim", "encode", "act" and "learn".
        parameters: That the policy learns.
    """

    steps: int
    seconds: tuple[Mapping[str, float], ...]
    parameters: int

    @property
    def rates(self) -> list[float]:
        """Environment steps a second, of each rollout."""
        return [self.steps / sum(each.values()) for each in self.seconds]


@dataclass(frozen=True)
class Stepping:
    """Environments that step at random.

    Args:
        rates: Steps a second of all agents together, of each stretch.
        draws: What is rendered for a step, in words.
    """

    rates: tuple[float, ...]
    draws: str


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=tuple(KINDS))
    parser.add_argument("--cores", default="", help="numbers with commas between them; all where none are given")
    parser.add_argument("--repetitions", type=int, default=3, help="rollouts, or stretches")
    parser.add_argument("--steps", type=int, default=ROLLOUT_STEPS, help="of all agents, in each")
    parser.add_argument("--agent", default="max-coverage:4")
    parser.add_argument("--bank", default="buildings-v1")
    parser.add_argument("--environments", type=int, default=AGENTS)
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")
    parser.add_argument("--camera-px", type=int, default=SIDE_PX)
    parser.add_argument("--world", choices=tuple(WORLDS), default="ours, 16 agents")
    arguments = parser.parse_args()
    if arguments.cores:
        os.sched_setaffinity(0, {int(core) for core in arguments.cores.split(",")})
    found = KINDS[arguments.kind](arguments)
    sys.stdout.write(json.dumps(asdict(found)) + "\n")


def told_to_begin() -> None:
    """Wait until other processes are ready, too."""
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    sys.stdin.readline()


def train(arguments: argparse.Namespace) -> Training:
    """As `midlevel rl train` does, without its files."""
    import torch

    from rl.training.learner import Learner
    from rl.training.world import build_world

    spec = run_of(arguments)
    torch.set_num_threads(spec.threads)
    world = build_world(spec)
    learner = Learner(spec, world)
    learner.rollout()  # maps of houses are made, kernels compiled
    told_to_begin()
    records = [learner.rollout() for _ in range(arguments.repetitions)]
    parameters = sum(each.numel() for each in learner.algorithm.policy.parameters() if each.requires_grad)
    world.env.close()
    return Training(spec.rollout_steps, tuple(record.seconds for record in records), parameters)


def run_of(arguments: argparse.Namespace) -> "RunSpec":
    """The run; its rollouts have the same number of steps whatever the number of environments is."""
    from rl.training import RunSpec
    from rl.training.settings import DEFAULTS
    from rl.training.spec import SceneSettings

    usual = DEFAULTS["PointGoal"]
    steps = max(1, arguments.steps // arguments.environments)
    batch = min(usual.batch_size, steps * arguments.environments)
    return RunSpec(
        agent=arguments.agent,
        scenes=SceneSettings(train=HOUSES, validation=0, test=0),
        environments=arguments.environments,
        episodes_per_building=EPISODES_PER_HOUSE,
        camera_px=arguments.camera_px,
        ppo=replace(usual, n_steps=steps, batch_size=batch, decays_learning_rate=False),
        bank=arguments.bank,
        threads=arguments.threads,
    )


Walk = Callable[[int], None]
"""Takes so many random steps with every agent; an episode that ends begins anew."""


@dataclass(frozen=True)
class World:
    """What steps.

    Args:
        walk: Takes steps.
        agents: That step at once.
        draws: What is rendered for a step, in words.
    """

    walk: Walk
    agents: int
    draws: str


def step(arguments: argparse.Namespace) -> Stepping:
    """Random steps in one world."""
    world = WORLDS[arguments.world]()
    steps = max(1, arguments.steps // world.agents)
    world.walk(steps)
    told_to_begin()
    rates = []
    for _ in range(arguments.repetitions):
        begin = perf_counter()
        world.walk(steps)
        rates.append(steps * world.agents / (perf_counter() - begin))
    return Stepping(tuple(rates), world.draws)


def ours(count: int, sensors: Sequence[str]) -> World:
    """Agents in one vector environment."""
    from rl.environments import NavigationVecEnv
    from rl.episodes import generate_episodes
    from rl.scenes import Split
    from rl.simulators import simulator_for
    from rl.tasks import PointGoal

    scenes, camera = _houses(sensors)
    simulator = simulator_for(scenes.buildings(Split.TRAIN), camera)
    episodes = generate_episodes("PointGoal", scenes, Split.TRAIN, simulator, per_building=EPISODES_PER_HOUSE, seed=0)
    venv = NavigationVecEnv(PointGoal(), scenes, Split.TRAIN, episodes, count=count, simulator=simulator)
    venv.reset()
    rng = np.random.default_rng(0)

    def walk(steps: int) -> None:
        for chosen in rng.choice(MOVES, (steps, count)):
            venv.step(chosen)

    return World(walk, count, _drawn(simulator.buildings, sensors))


def ours_alone() -> World:
    """One agent, as `gymnasium.make("midlevel/PointGoal-v0")` makes it."""
    from rl.environments.gym_env import NavigationEnv

    scenes, camera = _houses(("rgb",))
    env = NavigationEnv("PointGoal", scenes=scenes, camera=camera, sensors=camera.sensors)
    return World(_gymnasium_walk(env, MOVES), 1, _drawn(env.simulator.buildings, ("rgb",)))


def _houses(sensors: Sequence[str]) -> tuple[Any, Any]:
    from rl.house_scenes import HouseScenes
    from sim import AgentSpec, Sensor

    chosen = tuple(Sensor(name) for name in sensors)
    camera = AgentSpec(height=SIDE_PX, width=SIDE_PX, turn_deg=30.0, sensors=chosen)
    return HouseScenes(train=HOUSES, validation=0, test=0), camera


def _drawn(houses: Sequence[Any], sensors: Sequence[str]) -> str:
    triangles = np.mean([len(house.triangles) for house in houses])
    rooms = np.mean([len(house.rooms) for house in houses])
    return (
        f"{', '.join(sensors)}; {len(houses)} furnished houses of {rooms:.0f} rooms and {triangles:,.0f} triangles "
        "each, textures, two lights with shadows; walking with collisions, geodesic distance to the goal"
    )


def _gymnasium_walk(env: Any, moves: Sequence[int]) -> Walk:
    env.reset(seed=0)
    rng = np.random.default_rng(0)

    def walk(steps: int) -> None:
        for action in rng.choice(moves, steps):
            _, _, is_over, is_cut_off, _ = env.step(int(action))
            if is_over or is_cut_off:
                env.reset()

    return walk


def miniworld_peer(name: str, draws: str) -> World:
    """One of MiniWorld's, whose images are as large as asked for."""
    import pyglet

    pyglet.options["headless"] = True
    import gymnasium
    import miniworld  # noqa: F401 - registers its worlds

    env = gymnasium.make(name, obs_width=SIDE_PX, obs_height=SIDE_PX)
    own: Any = env.unwrapped
    walk = _gymnasium_walk(env, (own.actions.turn_left, own.actions.turn_right, own.actions.move_forward))
    rooms, things = len(own.rooms), len(own.entities) - 1
    return World(
        walk, 1, f"rgb; {rooms} rooms, {things} things, textures, one light, no shadows, 4 samples a pixel; {draws}"
    )


def vizdoom_peer() -> World:
    """Its maze of rooms at the least resolution it has, made smaller for the policy; each action lasts one tic."""
    import vizdoom
    from PIL import Image

    game: Any = vizdoom.DoomGame()
    game.load_config(str(Path(vizdoom.scenarios_path) / "my_way_home.cfg"))
    game.set_window_visible(False)
    game.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_sectors_info_enabled(True)
    game.set_seed(0)
    game.init()
    sectors = game.get_state().sectors
    lines = sum(len(sector.lines) for sector in sectors)
    game.close()
    game.set_sectors_info_enabled(False)
    game.init()
    moves = np.eye(game.get_available_buttons_size(), dtype=int).tolist()
    rng = np.random.default_rng(0)

    def walk(steps: int) -> None:
        for action in rng.integers(len(moves), size=steps):
            game.make_action(moves[action])
            if game.is_episode_finished():
                game.new_episode()
            frame = Image.fromarray(game.get_state().screen_buffer)
            np.asarray(frame.resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR))

    return World(
        walk, 1,
        f"rgb, 160 x 120 px scaled to 64 x 64; {len(sectors)} sectors with {lines} lines: flat walls, floors and "
        "ceilings by columns and rows (no triangles), textures, light by sector, no shadows",
    )  # fmt: skip


KINDS: Mapping[str, Callable[[argparse.Namespace], Training | Stepping]] = {"train": train, "step": step}
WORLDS: Mapping[str, Callable[[], World]] = {
    "ours, 16 agents": lambda: ours(AGENTS, ("rgb",)),
    "ours, 16 agents, all sensors": lambda: ours(AGENTS, ("rgb", "depth", "normal", "semantic")),
    "ours, Gymnasium": ours_alone,
    "MiniWorld hallway": lambda: miniworld_peer("MiniWorld-Hallway-v0", "a box is the goal"),
    "MiniWorld three rooms": lambda: miniworld_peer("MiniWorld-ThreeRooms-v0", "nothing to do"),
    "ViZDoom my_way_home": vizdoom_peer,
}


if __name__ == "__main__":
    main()
