"""One network for every agent: shapes, sizes, and what it makes of what it is shown."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from torch import nn

from perception import UnknownNameError, UserError
from rl.agents import NavigationExtractor, NavigationPolicy, policy_arguments, policy_class
from sim import Action

ACTIONS = (Action.FORWARD, Action.TURN_LEFT, Action.STOP, Action.TURN_RIGHT)
VECTOR = spaces.Box(-1, 1, (7,), np.float32)


def features(count: int) -> spaces.Dict:
    return spaces.Dict({"features": spaces.Box(-np.inf, np.inf, (32 * count, 16, 16), np.float16), "vector": VECTOR})


def pixels(side: int = 64, frames: int = 4) -> spaces.Dict:
    return spaces.Dict({"pixels": spaces.Box(0, 255, (3 * frames, side, side), np.uint8), "vector": VECTOR})


BLIND = spaces.Dict({"vector": VECTOR})


def made(space: spaces.Dict, *, recurrent: bool = False, **arguments: Any) -> NavigationPolicy:
    torch.manual_seed(0)
    settings = policy_arguments(ACTIONS, **arguments)
    policy: Any = policy_class(recurrent=recurrent)(space, spaces.Discrete(4), lambda _: 1e-3, **settings)
    return policy  # type: ignore[no-any-return]


def shown(space: spaces.Dict, count: int = 5) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    makers = {
        "features": lambda shape: torch.rand(shape, generator=generator).half(),
        "pixels": lambda shape: torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8),
        "vector": lambda shape: torch.rand(shape, generator=generator),
    }
    return {name: makers[name]((count, *(box.shape or ()))) for name, box in space.spaces.items()}


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("recurrent", [False, True])
def test_four_features_and_pixels_are_learned_from_with_as_many_parameters_within_two_hundredths(
    recurrent: bool,
) -> None:
    four, scratch = made(features(4), recurrent=recurrent), made(pixels(), recurrent=recurrent)
    assert parameters(scratch) == pytest.approx(parameters(four), rel=0.02)
    for policy in (four, scratch):
        assert parameters(policy.features_extractor.stage) < 0.25 * parameters(policy.features_extractor)  # type: ignore[arg-type]


def test_agents_differ_in_the_first_stage_alone() -> None:
    def later(space: spaces.Dict) -> dict[str, Any]:
        state = made(space).state_dict()
        return {name: value.shape for name, value in state.items() if ".stage." not in name}

    assert later(features(4)) == later(features(1)) == later(pixels()) == later(pixels(32))


@pytest.mark.parametrize(
    ("space", "size"), [(features(1), 320), (features(4), 320), (pixels(), 320), (pixels(48), 320), (BLIND, 64)]
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "auto"])
def test_observations_become_numbers_for_the_heads(space: spaces.Dict, size: int, precision: str) -> None:
    network = NavigationExtractor(space, precision=precision)
    result = network(shown(space))
    assert network.features_dim == size
    assert result.shape == (5, size)
    assert result.dtype == torch.float32
    assert result.isfinite().all()


@pytest.mark.parametrize("space", [features(2), pixels()], ids=["features", "pixels"])
def test_bfloat16_differs_by_its_rounding_alone(space: spaces.Dict) -> None:
    exact, rounded = (made(space, precision=precision).features_extractor for precision in ("float32", "bfloat16"))
    expected, found = exact(shown(space)), rounded(shown(space))
    assert 0 < (expected - found).abs().max() < 0.05 * expected.std()


@pytest.mark.parametrize("side", [16, 32, 48, 64, 128])
def test_pixels_are_seen_as_by_a_convolution_with_strides(side: int) -> None:
    """One convolution of 2 x 2 blocks is one of kernels of two blocks' side, at steps of a block."""
    stage: Any = NavigationExtractor(pixels(side)).stage
    block, seen = side // 16, shown(pixels(side))["pixels"]
    kernels = stage.blocks[0].weight.reshape(32, 12, block, block, 2, 2).permute(0, 1, 4, 2, 5, 3)
    kernels = kernels.reshape(32, 12, 2 * block, 2 * block)
    grey = (seen.float() - 128) / 128
    plain = nn.functional.conv2d(grey, kernels, stage.blocks[0].bias, stride=block)
    expected = stage.layers(nn.functional.relu(plain))
    for given in (seen, seen.float()):
        before = given.clone()
        torch.testing.assert_close(stage(given, torch.float32), expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(given, before)


@pytest.mark.parametrize("space", [features(2), pixels()], ids=["features", "pixels"])
def test_observations_that_stable_baselines_converted_are_seen_alike(space: spaces.Dict) -> None:
    """Its policies with an LSTM convert to float32 at some times and leave it to the network at others."""
    policy: Any = made(space, recurrent=True)
    expected = policy.extract_features(shown(space))
    converted = BasePolicy.extract_features(policy, shown(space), policy.features_extractor)
    torch.testing.assert_close(converted, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("space", [features(1), pixels(), BLIND], ids=["features", "pixels", "blind"])
def test_sight_and_vector_both_count(space: spaces.Dict) -> None:
    policy = made(space)
    for name in space.spaces:
        observations = shown(space, 2)
        observations = {key: value[:1].repeat(2, *[1] * (value.ndim - 1)) for key, value in observations.items()}
        observations[name] = shown(space, 2)[name]
        values = policy.predict_values(observations)
        assert (values[0] - values[1]).abs() > 1e-4


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("probability", [0.01, 0.1])
def test_stopping_is_as_improbable_as_asked_for_at_first(recurrent: bool, probability: float) -> None:
    policy: Any = made(features(1), recurrent=recurrent, stop_probability=probability)
    bias = policy.action_net.bias
    assert bias.softmax(0)[2].item() == pytest.approx(probability)
    assert bias.softmax(0)[0].item() == pytest.approx((1 - probability) / 3)
    if not recurrent:
        drawn = policy.get_distribution(shown(features(1), 50)).distribution.probs.mean(0)
        assert drawn[2].item() == pytest.approx(probability, rel=0.3)


def test_a_task_without_stopping_begins_with_equal_chances() -> None:
    settings = policy_arguments(ACTIONS[:2])
    policy: Any = NavigationPolicy(BLIND, spaces.Discrete(2), lambda _: 1e-3, **settings)
    assert policy.action_net.bias.tolist() == [0, 0]


@pytest.mark.parametrize("space", [features(1), features(4), pixels()], ids=["one", "four", "pixels"])
def test_neither_sight_nor_vector_drowns_the_other_at_first(space: spaces.Dict) -> None:
    network = made(space).features_extractor
    numbers = network(shown(space, 64)).square().mean(dim=0)
    assert 0.25 < (numbers[256:].mean() / numbers[:256].mean()).sqrt() < 4


def test_weights_are_orthogonal_to_begin_with() -> None:
    policy: Any = made(features(4))
    kernels = policy.features_extractor.stage.layers[0].weight.flatten(1)
    torch.testing.assert_close(kernels @ kernels.T, 2 * torch.eye(32), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.Dict({"features": spaces.Box(0, 1, (8, 8, 8), np.float16), "vector": VECTOR}), "features are"),
        (pixels(60), r"pixels are \[12, 60, 60\]"),
        (spaces.Dict({"rgb": spaces.Box(0, 255, (64, 64, 3), np.uint8), "vector": VECTOR}), "observations are rgb"),
        (spaces.Dict({"features": features(1)["features"]}), "expected vector"),
    ],
)
def test_observations_of_other_shapes_are_refused(space: spaces.Dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        NavigationExtractor(space)


def test_unknown_precisions_and_impossible_probabilities_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'bfloat16'"):
        NavigationExtractor(BLIND, precision="bfloat")
    with pytest.raises(UserError, match="stop_probability is 0"):
        made(BLIND, stop_probability=0)
