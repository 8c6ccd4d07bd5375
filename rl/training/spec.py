"""What a run is: everything that its result depends on, as one frozen value that goes to JSON and back."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from perception.errors import UserError
from rl.training.documents import dataclass_from
from rl.training.settings import DEFAULTS, PpoSettings, check_whole

Setting = bool | int | float | str


@dataclass(frozen=True)
class SceneSettings:
    """Which houses a run trains, is chosen and is tested in; `rl.house_scenes.HouseScenes` takes the same.

    Args:
        kind: A name of `sim_configs/buildings`, or a YAML file.
        train: Number of training buildings.
        validation: Number of validation buildings.
        test: Number of test buildings.
        seed: Of the houses.
        containing: Categories that every house has at least one thing of.
    """

    kind: str = "default"
    train: int = 12
    validation: int = 4
    test: int = 24
    seed: int = 0
    containing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, least in (("train", 1), ("validation", 0), ("test", 0), ("seed", 0)):
            check_whole(f"scenes.{name}", getattr(self, name), least)


@dataclass(frozen=True)
class RunSpec:
    """One agent's training.

    Args:
        agent: Its name: "max-coverage:4", "normal", "scratch", "blind", "oracle", ...; see `rl.agents`.
        task: "PointGoal", "VisualTarget" or "Explore".
        task_settings: Fields of the task that differ from its defaults.
        episode_settings: Fields of the task's episode rules that differ from their defaults, see `rl.episodes.RULES`.
        scenes: The buildings.
        seed: Fixes everything that is random.
        total_steps: Of all environments together; rounded up to whole rollouts.
        environments: Agents that act at once.
        episodes_per_building: Different training episodes in each building.
        camera_px: Side of the square images.
        hfov_deg: Of the camera.
        forward_m: How far an agent goes in a step.
        turn_deg: How far an agent turns in a step.
        sliding: Whether an agent slides along what it walks into, or stands there until it turns away.
        stack: Frames that the policy sees at once.
        ppo: How it learns; None for the task's defaults, which then stand here.
        recurrent: Whether the policy has a memory (LSTM).
        bank: Name or folder of the bank whose features it sees.
        server: Address of a server that encodes, `grpc://host:port`; None to encode here. Not part of what a run is: it
            may move while a run is stopped.
        transport: How frames go there: "grpc", or "shared-memory" on the same machine. May change, too.
        simulator: "raycast" or "habitat".
        threads: That PyTorch learns with; another number rounds differently. Agents act with one.

    Raises:
        UserError: If a value is outside its range, or batches do not divide a rollout.
    """

    agent: str
    task: str = "PointGoal"
    task_settings: Mapping[str, Setting] = field(default_factory=dict)
    episode_settings: Mapping[str, Setting] = field(default_factory=dict)
    scenes: SceneSettings = field(default_factory=SceneSettings)
    seed: int = 0
    total_steps: int = 200_000
    environments: int = 16
    episodes_per_building: int = 500
    camera_px: int = 64
    hfov_deg: float = 90.0
    forward_m: float = 0.25
    turn_deg: float = 30.0
    sliding: bool = True
    stack: int = 4
    ppo: PpoSettings | None = None
    recurrent: bool = False
    bank: str = "buildings-v1"
    server: str | None = None
    transport: str = "grpc"
    simulator: str = "raycast"
    threads: int = 2

    def __post_init__(self) -> None:
        if self.ppo is None:
            object.__setattr__(self, "ppo", DEFAULTS.get(self.task, PpoSettings()))
        check_whole("seed", self.seed, 0)
        for name in ("total_steps", "environments", "episodes_per_building", "camera_px", "stack", "threads"):
            check_whole(name, getattr(self, name), 1)
        if self.rollout_steps % self.learning.batch_size:
            raise UserError(
                f"a rollout has {self.rollout_steps} steps ({self.learning.n_steps} in each of {self.environments} "
                f"environments), no multiple of ppo.batch_size = {self.learning.batch_size}; change one."
            )

    @property
    def learning(self) -> PpoSettings:
        """`ppo`, the task's defaults where none were given."""
        return self.ppo or PpoSettings()

    @property
    def rollout_steps(self) -> int:
        """Steps of all environments between two updates."""
        return self.learning.n_steps * self.environments

    @property
    def last_step(self) -> int:
        """`total_steps`, rounded up to whole rollouts."""
        return -(-self.total_steps // self.rollout_steps) * self.rollout_steps

    def to_json(self) -> dict[str, Any]:
        """As a JSON document with every setting."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: object, where: str = "the run") -> "RunSpec":
        """What `to_json` returned, or a part of it: entries left out have their defaults.

        Raises:
            UserError: If an entry is unknown, of another type, or out of range.
        """
        return dataclass_from(cls, document, where)
