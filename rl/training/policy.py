"""A trained policy, as evaluation and robots use it: observations in, actions out."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from perception.errors import UserError
from rl.training.network_state import load_policy_arrays
from rl.training.policy_files import observation_space, read_policy
from rl.training.spec import RunSpec
from rl.training.world import policy_arguments_of

if TYPE_CHECKING:
    from stable_baselines3.common.policies import ActorCriticPolicy

Observed = Mapping[str, NDArray[Any]]


class Policy:
    """Chooses actions for N agents; never learns.

    Args:
        network: SB3's policy.
        spec: The run that trained it.
        identity: Of the vision that it was trained behind.
        scenes: Fingerprint of the buildings of that run.
    """

    def __init__(self, network: "ActorCriticPolicy", spec: RunSpec, identity: Mapping[str, Any], scenes: str) -> None:
        self._network: Any = network
        self._network.set_training_mode(False)
        self.spec, self.identity, self.scenes = spec, identity, scenes
        self._memory: tuple[torch.Tensor, torch.Tensor] | None = None
        self._starts = np.zeros(0, np.float32)

    @property
    def observation_space(self) -> spaces.Dict:
        """What it takes, for one agent."""
        space: spaces.Dict = self._network.observation_space
        return space

    def reset(self, lanes: ArrayLike) -> None:
        """Episodes of these agents begin: a recurrent policy forgets what went before of them."""
        if self._memory is not None:  # without one, nothing went before
            chosen = np.asarray(lanes, np.intp)
            if len(chosen) and chosen.max() < len(self._starts):
                self._starts[chosen] = 1.0
            else:
                self._memory = None

    def act(
        self, observations: Observed, deterministic: bool = True, generator: np.random.Generator | None = None
    ) -> NDArray[np.int64]:
        """Choose.

        Args:
            observations: By name, [N, ...] each.
            deterministic: The most likely action; otherwise it is drawn.
            generator: Draws; needed unless deterministic.

        Returns:
            int64 [N]: indices of the task's actions.

        Raises:
            UserError: If observations are not those that it was trained on, or no generator was given to draw with.
        """
        count = self._check(observations)
        logits = self._logits({name: torch.from_numpy(np.array(observations[name])) for name in self._names}, count)
        if deterministic:
            return np.asarray(logits.argmax(1), np.int64)
        if generator is None:
            raise UserError("no generator was given to draw actions with; pass one, or act deterministically.")
        shares = np.cumsum(torch.softmax(logits.double(), 1).numpy(), 1)
        return np.asarray((shares[:, :-1] < generator.random((count, 1))).sum(1), np.int64)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.observation_space.spaces)

    def _logits(self, seen: dict[str, torch.Tensor], count: int) -> torch.Tensor:
        with torch.no_grad():
            distribution = (
                self._remembering(seen, count) if self.spec.recurrent else self._network.get_distribution(seen)
            )
        logits: torch.Tensor = distribution.distribution.logits
        return logits

    def _remembering(self, seen: dict[str, torch.Tensor], count: int) -> Any:
        if self._memory is None or len(self._starts) != count:
            layers, _, units = self._network.lstm_hidden_state_shape
            self._memory = (torch.zeros(layers, count, units), torch.zeros(layers, count, units))
            self._starts = np.zeros(count, np.float32)
        starts = torch.from_numpy(self._starts.copy())
        distribution, self._memory = self._network.get_distribution(seen, self._memory, starts)
        self._starts[:] = 0.0
        return distribution

    def _check(self, observations: Observed) -> int:
        for name, space in self.observation_space.spaces.items():
            if name not in observations:
                raise UserError(f"the policy needs the observation {name!r}; given are {', '.join(observations)}.")
            found = observations[name].shape[1:]
            if found != space.shape:
                raise UserError(
                    f"{name!r} has the shape {found} for each agent, and the policy of {self.spec.agent!r} was trained "
                    f"on {space.shape}; is it the same feature set and camera?"
                )
        return len(observations[self._names[0]])


def load_policy(folder: Path) -> Policy:
    """The policy of a finished run.

    Raises:
        UserError: If the run is not finished, or its files are broken.
    """
    from rl.agents import policy_class

    document, arrays = read_policy(folder)
    spec = RunSpec.from_json(document["spec"], str(folder))
    kind: Any = policy_class(recurrent=spec.recurrent)
    space, actions = observation_space(document), spaces.Discrete(int(document["actions"]))
    network = kind(space, actions, lambda _: 0.0, **policy_arguments_of(spec))
    try:
        load_policy_arrays(network, arrays)
    except RuntimeError as error:
        raise UserError(f"the policy's parameters are not those of {spec.agent!r}: {error}") from error
    return Policy(network, spec, document["vision"], document["scenes"])
