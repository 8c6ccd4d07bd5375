"""Evaluates an agent in buildings it has never seen: each episode once, nothing silently other than in training."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.files import read_bytes
from rl.environments.summary import EpisodeSummary
from rl.evaluation.evaluation import Evaluation, videos_folder, write_evaluation
from rl.evaluation.rollouts import Actor, Observations, roll_out
from rl.evaluation.trajectories import Trajectory, TrajectoryRecorder
from rl.scenes import Split
from rl.training.documents import differences
from rl.training.policy_files import PARAMETERS_FILE
from rl.training.settings import check_whole
from rl.training.spec import RunSpec

if TYPE_CHECKING:
    from rl.agents import ScriptedAgent
    from rl.environments import NavigationVecEnv
    from rl.training.policy import Policy
    from rl.vision import VisionWrapper

EPISODES_PER_BUILDING = 10

_LARGEST_MIB = 1024


@dataclass(frozen=True, eq=False)
class _Subject:
    """Whom to evaluate: a trained policy, or a rule."""

    spec: RunSpec
    policy: "Policy | None"


def evaluate(
    subject: Path | RunSpec,
    *,
    split: Split = Split.TEST,
    episodes_per_building: int = EPISODES_PER_BUILDING,
    seed: int = 0,
    environments: int = 16,
    deterministic: bool = False,
    allow_training_buildings: bool = False,
    allow_other_bank: bool = False,
    bank: str | None = None,
    server: str | None = None,
    videos: int = 0,
    out: Path | None = None,
    on_episode: Callable[[EpisodeSummary], None] | None = None,
) -> Evaluation:
    """Let an agent go through every episode of a split exactly once.

    The episodes are the same for every agent trained in the same scenes, whatever its seed.

    Args:
        subject: Folder of a finished run, or what a scripted agent ("random", "forward", "greedy") is to do.
        split: Which of its buildings.
        episodes_per_building: Of each.
        seed: Of the actions drawn, and of the bootstrap.
        environments: Agents that go at the same time. Where actions are drawn, another number draws others.
        deterministic: Take the most probable action; otherwise it is drawn, as in training.
        allow_training_buildings: Whether `split` may be the one trained in, to measure the gap between both.
        allow_other_bank: Whether features may come from other encoders than those trained with.
        bank: Name or folder of the bank in place of the run's bank or server.
        server: Address of a server that encodes in place of the run's.
        videos: Successes, and failures, of which a video is written; 0 for none.
        out: Where `evaluation/<split>.json` and videos go; the run's folder if None, and nowhere for scripted agents.
        on_episode: Called with the summary of each episode as it ends.

    Raises:
        UserError: If the run is not finished, the buildings or encoders are refused, the agent learns but no run is
            given, or a number is out of range.
    """
    for name, value, least in (
        ("episodes_per_building", episodes_per_building, 1), ("seed", seed, 0), ("environments", environments, 1),
        ("videos", videos, 0),
    ):  # fmt: skip
        check_whole(name, value, least)
    _check_split(split, allow_training_buildings)
    found = _subject(subject)
    elsewhere = server or (None if bank else found.spec.server)
    spec = replace(found.spec, bank=bank or found.spec.bank, server=elsewhere)
    folder = subject if out is None and isinstance(subject, Path) else out
    if videos and folder is None:
        raise UserError("videos of a scripted agent need a folder to go to; name one as `out`.")
    env, wrapped = _environments(spec, split, episodes_per_building, environments)
    try:
        _check_same(found.policy, wrapped, env, allow_other_bank)
        recorder = TrajectoryRecorder(env.simulator, env.task.actions)
        episodes = env.batch.episodes
        summaries = roll_out(
            wrapped, _actor(found, env, seed), episodes, deterministic=deterministic, seed=seed,
            recorder=recorder if videos else None, on_episode=on_episode,
        )  # fmt: skip
        how = {"seed": seed, "deterministic": deterministic, "environments": env.num_envs}
        provenance = {**_provenance(spec, env, wrapped), "policy_sha256": _sha256(subject), **how}
        evaluation = Evaluation(split, summaries, provenance, seed, seconds=dict(wrapped.seconds))
        if folder is not None:
            write_evaluation(folder, evaluation)
        if videos and folder is not None:
            shown = [recorder.trajectories[episode.key] for episode in episodes]
            evaluation = replace(evaluation, videos=_write_videos(folder, split, shown, videos, env, wrapped))
    finally:
        wrapped.close()
    return evaluation


def _check_split(split: Split, allow_training_buildings: bool) -> None:
    if split is Split.TRAIN and not allow_training_buildings:
        raise UserError(
            "the split 'train' has the buildings that agents are trained in, and says nothing of others; evaluate in "
            "'test', or allow training buildings to measure the gap between both."
        )


def _subject(subject: Path | RunSpec) -> _Subject:
    from rl.agents import parse_agent
    from rl.training.policy import load_policy

    if isinstance(subject, Path):
        policy = load_policy(subject)
        return _Subject(policy.spec, policy)
    if parse_agent(subject.agent).learns:
        raise UserError(f"the agent {subject.agent!r} learns; train it, and give the folder of its run.")
    return _Subject(subject, None)


def _environments(
    spec: RunSpec, split: Split, per_building: int, count: int
) -> "tuple[NavigationVecEnv, VisionWrapper]":
    import torch

    from rl.environments import NavigationVecEnv
    from rl.training.world import episodes_of, scenes_of, simulator_of, task_of, vision_of
    from rl.vision import VisionWrapper

    torch.set_num_threads(1)  # as agents act in training
    scenes, task, vision = scenes_of(spec), task_of(spec), vision_of(spec)
    if not scenes.names(split):
        raise UserError(f"the run has no {split} buildings; give it some in its scenes' settings.")
    simulator = simulator_of(spec, scenes, split, tuple(dict.fromkeys((*vision.sensors, *task.sensors))))
    episodes = episodes_of(spec, scenes, split, simulator, per_building)
    env = NavigationVecEnv(
        task, scenes, split, episodes, count=min(count, len(episodes)), sensors=vision.sensors, once=True,
        simulator=simulator,
    )  # fmt: skip
    return env, VisionWrapper(env, vision, spec.stack)


def _check_same(
    policy: "Policy | None", wrapped: "VisionWrapper", env: "NavigationVecEnv", allow_other_bank: bool
) -> None:
    """Refuse other buildings or encoders than the policy was trained with."""
    if policy is None:
        return
    if policy.scenes != env.scenes.fingerprint:
        raise UserError(
            f"the run's buildings ({policy.scenes}) are made otherwise today ({env.scenes.fingerprint}), so that one "
            "for testing may be one trained in; train again, or use the version that trained it."
        )
    changes = differences(dict(policy.identity), dict(wrapped.vision.identity))
    if changes and not allow_other_bank:
        raise UserError(
            f"the agent was trained with other encoders: {'; '.join(changes)}. Name that bank, or allow another one."
        )


def _actor(subject: _Subject, env: "NavigationVecEnv", seed: int) -> Actor:
    from rl.agents import parse_agent, scripted_agent

    if subject.policy is not None:
        return subject.policy
    return _Scripted(scripted_agent(parse_agent(subject.spec.agent), env, seed))


class _Scripted:
    """A rule as an `Actor`; it sees by itself when episodes begin."""

    def __init__(self, agent: "ScriptedAgent") -> None:
        self._agent = agent

    def reset(self, lanes: NDArray[np.intp]) -> None:
        """See `Actor.reset`."""

    def act(
        self,
        observations: Observations,
        deterministic: bool,
        generator: np.random.Generator | None,  # noqa: ARG002 - it has its own
    ) -> NDArray[np.int64]:
        """See `Actor.act`."""
        return self._agent.act(observations, deterministic)


def _provenance(spec: RunSpec, env: "NavigationVecEnv", wrapped: "VisionWrapper") -> Mapping[str, Any]:
    return {
        "spec": spec.to_json(),
        "vision": dict(wrapped.vision.identity),
        "scenes": env.scenes.fingerprint,
        "buildings": list(env.scenes.names(env.split)),
    }


def _sha256(subject: Path | RunSpec) -> str | None:
    """Of a run's parameters; scripted agents have none."""
    if isinstance(subject, RunSpec):
        return None
    return hashlib.sha256(read_bytes(subject / PARAMETERS_FILE, limit_mib=_LARGEST_MIB)).hexdigest()


def _write_videos(
    folder: Path,
    split: Split,
    trajectories: list[Trajectory],
    count: int,
    env: "NavigationVecEnv",
    wrapped: "VisionWrapper",
) -> tuple[Path, ...]:
    from rl.evaluation.videos import write_videos

    target = videos_folder(folder, split)
    return write_videos(target, trajectories, count, env.simulator, env.task, wrapped.vision)
