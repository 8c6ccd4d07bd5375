"""SB3's policies with one network for every agent, which seldom stop before they have learned to."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from sb3_contrib.common.recurrent.policies import RecurrentMultiInputActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy, MultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from perception.errors import UserError
from rl.agents.network import NavigationExtractor
from sim import Action

STOP_PROBABILITY = 0.01
"""At the start: drawn as often as other actions, `STOP` would end every episode after a few steps."""

_HEAD_UNITS = 128

if TYPE_CHECKING:
    _Base = ActorCriticPolicy
else:
    _Base = object


class _Navigating(_Base):
    """What both policies have beyond SB3's.

    Args:
        *args: As SB3's.
        stop: Index of `Action.STOP` among the task's actions; None where it has none.
        stop_probability: How probable it is before anything was learned.
        **kwargs: As SB3's.

    Raises:
        UserError: If the probability is not between 0 and 1.
    """

    def __init__(
        self, *args: Any, stop: int | None = None, stop_probability: float = STOP_PROBABILITY, **kwargs: Any
    ) -> None:
        if not 0 < stop_probability < 1:
            raise UserError(f"stop_probability is {stop_probability!r}; expected a number between 0 and 1.")
        self._stop, self._stop_probability = stop, stop_probability
        super().__init__(*args, **kwargs)

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        # after SB3's orthogonal initialisation, which cannot fill such tensors
        self.features_extractor.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self._stop is not None:
            odds = self._stop_probability / (1 - self._stop_probability)
            bias = self.get_parameter("action_net.bias")
            with torch.no_grad():
                bias[self._stop] = math.log(odds * (len(bias) - 1))

    def extract_features(  # type: ignore[override]  # as SB3 itself overrides it
        self, obs: Any, features_extractor: BaseFeaturesExtractor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """What actor and critic get; observations come as they are, and the network converts them once, not twice."""
        extractor: BaseFeaturesExtractor = features_extractor or self.features_extractor
        features: Tensor = extractor(obs)
        return features


class NavigationPolicy(_Navigating, MultiInputActorCriticPolicy):
    """For `PPO`; see `policy_arguments`."""


class NavigationLstmPolicy(_Navigating, RecurrentMultiInputActorCriticPolicy):
    """For sb3-contrib's `RecurrentPPO`; see `policy_arguments`."""


def policy_class(*, recurrent: bool = False) -> type[NavigationPolicy] | type[NavigationLstmPolicy]:
    """What `PPO`, or `RecurrentPPO`, is given as its policy."""
    return NavigationLstmPolicy if recurrent else NavigationPolicy


def policy_arguments(
    actions: Sequence[Action], *, stop_probability: float = STOP_PROBABILITY, precision: str = "auto"
) -> Mapping[str, Any]:
    """What PPO is given as `policy_kwargs` beside `policy_class`.

    Actor and critic share the network, and have a layer of 128 units each: whether to turn depends on what is seen and
    on where the goal is together.

    Args:
        actions: The task's, in their order.
        stop_probability: How probable `Action.STOP` is before anything was learned, where the task has it.
        precision: See `NavigationExtractor`.
    """
    return {
        "features_extractor_class": NavigationExtractor,
        "features_extractor_kwargs": {"precision": precision},
        "net_arch": {"pi": [_HEAD_UNITS], "vf": [_HEAD_UNITS]},
        "activation_fn": nn.ReLU,
        "normalize_images": False,
        "stop": actions.index(Action.STOP) if Action.STOP in actions else None,
        "stop_probability": stop_probability,
    }
