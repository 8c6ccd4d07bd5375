"""PPO on a vector environment, one rollout at a time, so that a run can stop and go on between any two."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.type_aliases import Schedule

from perception.errors import UserError
from rl.training.buffer import LeanRolloutBuffer
from rl.training.checkpoint import Arrays, Checkpoint, prefixed
from rl.training.errors import DivergedError
from rl.training.network_state import load_policy_arrays, optimiser_arrays, policy_arrays, restore_optimiser
from rl.training.progress import RolloutRecord
from rl.training.random_states import random_arrays, random_facts, restore_random
from rl.training.watch import RolloutWatch, means_of

if TYPE_CHECKING:
    from rl.training.spec import RunSpec
    from rl.training.world import World

_LEARNED = {
    "policy_loss": "train/policy_gradient_loss",
    "value_loss": "train/value_loss",
    "approx_kl": "train/approx_kl",
    "clip_fraction": "train/clip_fraction",
}


class Learner:
    """SB3's PPO, or sb3-contrib's with an LSTM, with `learn` taken apart.

    Args:
        spec: The run.
        world: What it learns in.
    """

    def __init__(self, spec: "RunSpec", world: "World") -> None:
        self._env: Any = world.env
        self._total_steps = spec.last_step
        self.algorithm = _algorithm(spec, world)
        self.algorithm.set_logger(Logger(folder=None, output_formats=[]))
        self._watch = RolloutWatch()
        _, self._callback = self.algorithm._setup_learn(self._total_steps, self._watch)

    @property
    def steps(self) -> int:
        """Of all environments, since the run began."""
        return self.algorithm.num_timesteps

    @property
    def is_done(self) -> bool:
        """Whether all steps were taken."""
        return self.steps >= self._total_steps

    def rollout(self) -> RolloutRecord:
        """Let all environments act, and learn from it.

        Raises:
            DivergedError: If a reward or a loss is no finite number.
            UserError: If the environments or the encoder cannot go on.
        """
        algorithm = self.algorithm
        # the share left as the rollout begins, not as it ends as in SB3's `learn`: the last update learns too
        algorithm._update_current_progress_remaining(self.steps, self._total_steps)
        before, begin = dict(self._env.seconds), perf_counter()
        self._collect()
        collected = perf_counter()
        with self._numbers_watched():
            algorithm.train()
        learning = self._learning()
        spent = {name: self._env.seconds[name] - before.get(name, 0.0) for name in ("sim", "encode")}
        act = collected - begin - sum(spent.values())
        seconds = {**spent, "act": act, "learn": perf_counter() - collected}
        return RolloutRecord(
            steps=self.steps,
            episodes=len(self._watch.summaries),
            means=means_of(self._watch.summaries),
            learning=learning,
            seconds={name: round(value, 4) for name, value in seconds.items()},
        )

    def checkpoint(self) -> Checkpoint:
        """How things stand: copies, which stay as they are when learning goes on. Between rollouts only."""
        algorithm: Any = self.algorithm
        arrays: Arrays = {
            **prefixed("policy", policy_arrays(algorithm.policy)),
            **prefixed("optimiser", optimiser_arrays(algorithm.policy.optimizer)),
            **prefixed("env", self._env.state()),
            **prefixed("observations", algorithm._last_obs),
            "episode_starts": np.array(algorithm._last_episode_starts),
            **prefixed("memory", _memory_arrays(getattr(algorithm, "_last_lstm_states", None))),
            **random_arrays(),
        }
        facts = {
            "steps": self.steps,
            "updates": algorithm._n_updates,
            "episodes": [{"r": float(item["r"]), "l": int(item["l"])} for item in algorithm.ep_info_buffer],
            "successes": [bool(item) for item in algorithm.ep_success_buffer],
            "random": random_facts(),
        }
        return Checkpoint(arrays, facts)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from where `checkpoint` was made."""
        algorithm: Any = self.algorithm
        load_policy_arrays(algorithm.policy, checkpoint.part("policy"))
        restore_optimiser(algorithm.policy.optimizer, checkpoint.part("optimiser"))
        self._env.restore(checkpoint.part("env"))
        algorithm._last_obs = checkpoint.part("observations")
        algorithm._last_episode_starts = checkpoint.arrays["episode_starts"]
        memory = checkpoint.part("memory")
        if memory:
            algorithm._last_lstm_states = _memory(memory)
        facts = checkpoint.facts
        algorithm.num_timesteps, algorithm._n_updates = facts["steps"], facts["updates"]
        algorithm.ep_info_buffer = deque(facts["episodes"], algorithm.ep_info_buffer.maxlen)
        algorithm.ep_success_buffer = deque(facts["successes"], algorithm.ep_success_buffer.maxlen)
        restore_random(checkpoint)

    def _collect(self) -> None:
        algorithm: Any = self.algorithm
        with self._numbers_watched(), _one_thread():
            algorithm.collect_rollouts(algorithm.env, self._callback, algorithm.rollout_buffer, algorithm.n_steps)
        if not np.isfinite(algorithm.rollout_buffer.values).all():
            raise DivergedError("the policy's values are no finite numbers; lower ppo.learning_rate.")

    @contextmanager
    def _numbers_watched(self) -> Iterator[None]:
        try:
            yield
        except UserError:
            raise
        except (ValueError, RuntimeError) as error:  # PyTorch refuses distributions that are none
            algorithm: Any = self.algorithm
            for name, array in algorithm._last_obs.items():
                if not np.isfinite(array).all():
                    raise DivergedError(f"the observation {name!r} has values that are no finite numbers.") from error
            if not all(tensor.isfinite().all() for tensor in algorithm.policy.parameters()):
                raise DivergedError("parameters became infinite; lower ppo.learning_rate.") from error
            raise

    def _learning(self) -> dict[str, float | None]:
        logged = self.algorithm.logger.name_to_value
        learning = {name: float(logged[key]) for name, key in _LEARNED.items()}
        learning["entropy"] = -float(logged["train/entropy_loss"])
        learning["learning_rate"] = float(logged["train/learning_rate"])
        explained = float(logged["train/explained_variance"])
        self.algorithm.logger.dump()  # forgets them
        for name, value in learning.items():
            if not np.isfinite(value):
                raise DivergedError(f"{name} became {value}; lower ppo.learning_rate.")
        return {**learning, "explained_variance": explained if np.isfinite(explained) else None}


@contextmanager
def _one_thread() -> Iterator[None]:
    """Of PyTorch: a few agents are decided for sooner by one, and others would look for work while the agents move."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _algorithm(spec: "RunSpec", world: "World") -> PPO | RecurrentPPO:
    ppo = spec.learning
    common: dict[str, Any] = {
        "learning_rate": _schedule(ppo.learning_rate, ppo.decays_learning_rate),
        "n_steps": ppo.n_steps,
        "batch_size": ppo.batch_size,
        "n_epochs": ppo.n_epochs,
        "gamma": ppo.gamma,
        "gae_lambda": ppo.gae_lambda,
        "clip_range": ppo.clip_range,
        "ent_coef": ppo.entropy_coefficient,
        "vf_coef": ppo.value_coefficient,
        "max_grad_norm": ppo.max_grad_norm,
        "policy_kwargs": dict(world.policy_arguments),
        "seed": spec.seed,
        "device": "cpu",
    }
    if spec.recurrent:
        return RecurrentPPO(world.policy, world.env, **common)
    return PPO(world.policy, world.env, rollout_buffer_class=LeanRolloutBuffer, **common)


def _schedule(start: float, decays: bool) -> Schedule:
    return (lambda remaining: start * remaining) if decays else (lambda _: start)


def _memory_arrays(states: RNNStates | None) -> Arrays:
    if states is None:
        return {}
    return {f"{part}{i}": tensor.numpy() for part in ("pi", "vf") for i, tensor in enumerate(getattr(states, part))}


def _memory(arrays: Arrays) -> RNNStates:
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    return RNNStates(pi=(tensors["pi0"], tensors["pi1"]), vf=(tensors["vf0"], tensors["vf1"]))
