"""Training one network, and measuring it image by image."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from perception.errors import UserError
from perception.networks import to_network_range
from perception.objectives.objective import Objective, Targets
from taxonomy.training.samples import Samples, has_target

_WARM_UP = 0.1  # share of the steps in which the learning rate rises
_LARGEST_GRADIENT = 5.0
_TEST_BATCH = 64


@dataclass(frozen=True)
class Schedule:
    """How every network is trained.

    Args:
        epochs: Passes over the samples, each of `Samples.in_epoch`.
        batch_size: Samples a step.
        learning_rate: At its peak; it rises over the first tenth of the steps and falls to zero along a cosine.
        weight_decay: Of AdamW.
        half_precision: Compute in bfloat16 where PyTorch holds that safe; weights stay float32.
    """

    epochs: int
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    half_precision: bool = True

    def steps(self, samples: int) -> int:
        """How many steps the training takes."""
        return self.epochs * max(1, samples // self.batch_size)

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of one step of `steps`."""
        warm = max(1, round(_WARM_UP * steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def train(
    network: nn.Module,
    samples: Samples,
    objective: Objective,
    schedule: Schedule,
    *,
    seed: int,
    device: str = "cpu",
    trained: nn.Module | None = None,
    on_step: Callable[[int, float], None] = lambda _step, _loss: None,
) -> list[float]:
    """Train a network in place: AdamW, images in new order every epoch, images without a valid label left out.

    Args:
        network: Takes [n, V, 3, H, W] in [-1, 1]; puts out what the objective expects.
        samples: To learn from.
        objective: What is minimised.
        schedule: How long and how fast.
        seed: Of order, noise and dropout.
        device: PyTorch's name of where to compute.
        trained: The part of the network that is trained, the rest being frozen; all of it if None.
        on_step: Called after every step with its number and loss.

    Returns:
        The mean loss of each epoch.

    Raises:
        UserError: If the loss is no longer finite.
    """
    steps = schedule.steps(samples.in_epoch)
    if torch.device(device).type == "cuda":
        network.compile()  # in place
    rng = np.random.default_rng(seed)
    trained = network if trained is None else trained
    _placed(network, device).eval().requires_grad_(False)
    trained.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(
        trained.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
    )
    history: list[float] = []
    order = np.empty(0, np.int64)
    sums: list[float] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for step in range(steps):
            if len(order) < schedule.batch_size:
                order = rng.permutation(len(samples))
            chosen, order = order[: schedule.batch_size], order[schedule.batch_size :]
            optimiser.param_groups[0]["lr"] = schedule.rate(step, steps)
            loss = _step(network, objective, samples.draw(chosen, rng), optimiser, device, schedule.half_precision)
            if loss is not None:
                if not math.isfinite(loss):
                    raise UserError(
                        f"{objective.task}: the loss became {loss} at step {step + 1} of {steps}; "
                        "lower the learning rate, or look at its labels."
                    )
                on_step(step, loss)
                sums.append(loss)
            if (step + 1) % (steps // schedule.epochs) == 0 and sums:
                history.append(float(np.mean(sums)))
                sums.clear()
    network.eval()
    return history


def _placed(network: nn.Module, device: str) -> nn.Module:
    """On the device, images with channels last, which is faster on CPU and GPU."""
    return network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def multiplies_bfloat16(device: str) -> bool:
    """Whether a device multiplies bfloat16 faster than float32: GPUs, and CPUs with instructions for it."""
    found = torch.cpu.get_capabilities()
    return torch.device(device).type == "cuda" or any(found.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def _step(
    network: nn.Module,
    objective: Objective,
    drawn: tuple[NDArray[np.uint8], Targets],
    optimiser: torch.optim.Optimizer,
    device: str,
    half_precision: bool,
) -> float | None:
    """One step; None where no sample has a label."""
    outputs = _outputs(network, drawn[0], device, half_precision)
    losses = objective.losses(outputs, torch.from_numpy(drawn[1]).to(device))
    known = ~losses.isnan() | ~outputs.flatten(1).isfinite().all(dim=1)  # an output gone wild is no missing label
    if not bool(known.any()):
        return None
    loss = losses[known].mean()
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
    optimiser.step()
    return float(loss.detach())


def _outputs(network: nn.Module, images: NDArray[np.uint8], device: str, half_precision: bool) -> Tensor:
    inputs = to_network_range(images).to(device, non_blocking=True)
    with torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=half_precision):
        outputs: Tensor = network(inputs)
    return outputs.float()


def per_image_losses(
    network: nn.Module, samples: Samples, objective: Objective, *, device: str = "cpu", half_precision: bool = False
) -> NDArray[np.float32]:
    """Loss of a trained network on each sample, float32 [N]; NaN where there is no valid label.

    Raises:
        UserError: If the loss of a sample with a label is not finite.
    """
    _placed(network, device).eval()
    parts = []
    with torch.no_grad():
        for start in range(0, len(samples), _TEST_BATCH):
            images, targets = samples.fixed(start, start + _TEST_BATCH)
            outputs = _outputs(network, images, device, half_precision)
            parts.append(objective.losses(outputs, torch.from_numpy(targets).to(device)).cpu().numpy())
    losses = np.concatenate(parts)
    if not np.isfinite(losses[has_target(samples.targets)]).all():
        raise UserError(f"{objective.task}: a loss on test images is not finite; lower the learning rate.")
    return losses


def constant_losses(output: NDArray[np.float32], samples: Samples, objective: Objective) -> NDArray[np.float32]:
    """Loss on each sample of putting out the same [*output_shape] for all, float32 [N]."""
    parts = []
    for start in range(0, len(samples), _TEST_BATCH):
        targets = torch.from_numpy(samples.targets[start : start + _TEST_BATCH])
        outputs = torch.from_numpy(output).expand(len(targets), *output.shape)
        parts.append(objective.losses(outputs, targets).numpy())
    return np.concatenate(parts)
