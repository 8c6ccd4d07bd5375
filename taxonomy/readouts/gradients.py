"""Gradients of the mean loss by what many readouts put out: formulas for dense outputs, autograd for the small ones.

Dense outputs take the most memory. Autograd would walk over arrays of their size a dozen times; the formulas below do
so two to four times, in place.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from perception.objectives.embedding import EmbeddingObjective
from perception.objectives.objective import Objective
from perception.objectives.regression import ImageObjective
from perception.tasks import OutputKind
from taxonomy.readouts.network import ReadoutShape
from taxonomy.readouts.triplets import Triplets

Criterion = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Takes the parameters [S, P] of readouts of one shape, and inputs [n, S * channels, 16, 16]. Gives something that
depends on the parameters, and the gradient by it of the sum over readouts of the mean loss over samples."""

_Gradient = Callable[[Tensor], Tensor]
"""Takes outputs [S, n, ...], which it may overwrite."""


def criterion(objective: Objective, shape: ReadoutShape, targets: Tensor) -> Criterion:
    """What one batch of samples, each with a label, demands of readouts.

    Args:
        objective: Of the target.
        shape: Of the readouts.
        targets: [n, ...], in the layout of the outputs.
    """
    if isinstance(objective, EmbeddingObjective):
        return Triplets(shape, targets)
    gradient = _MAKERS.get(objective.kind, _by_autograd)(objective, targets)

    def output_and_gradient(parameters: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        outputs = shape.outputs(parameters, inputs)
        return outputs, gradient(outputs.detach())

    return output_and_gradient


def _by_autograd(objective: Objective, targets: Tensor) -> _Gradient:
    def gradient(outputs: Tensor) -> Tensor:
        leaf = outputs.requires_grad_()
        (found,) = torch.autograd.grad(objective.losses(leaf, targets).mean(dim=1).sum(), leaf)
        return found

    return gradient


def _of_images(objective: Objective, targets: Tensor) -> _Gradient:
    assert isinstance(objective, ImageObjective)
    formula = _IMAGES[objective.loss]
    wanted = targets.float()
    missing = wanted.isnan()
    if not bool(missing.any()):
        weight = wanted.new_tensor(1 / wanted.numel())
        return lambda outputs: formula(outputs, wanted, weight)
    weight = ~missing / ((~missing).sum(dim=(1, 2, 3), keepdim=True) * len(wanted))
    wanted = wanted.nan_to_num()
    return lambda outputs: formula(outputs, wanted, weight)


def _l1(outputs: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    errors = outputs.sub_(wanted)
    return torch.copysign(weight, errors, out=errors)


def _l2(outputs: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    return outputs.sub_(wanted).mul_(2 * weight)


def _l1_cosine(outputs: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """The cosine o.t * r, r = (|o|^2 |t|^2 + 1e-6)^-1/2, has the gradient r t - (o.t) r^3 |t|^2 o.

    The loss takes the mean of 1 - cosine over pixels, of errors over pixels and channels.
    """
    length = wanted.square().sum(dim=-3)
    product = (outputs * wanted).sum(dim=-3)
    root = outputs.square().sum(dim=-3).mul_(length).add_(1e-6).rsqrt_()
    pixel_weight = weight if weight.ndim == 0 else weight.amin(dim=1)  # 0 where one channel is missing
    weighted = root * (outputs.shape[-3] * pixel_weight)
    along = product.mul_(root.square_()).mul_(length).mul_(weighted)
    gradient = outputs * along.unsqueeze(-3)
    gradient.addcmul_(wanted, weighted.unsqueeze(-3), value=-1)
    return gradient.add_(_l1(outputs, wanted, weight))


_IMAGES: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {"L1": _l1, "L2": _l2, "L1_COSINE": _l1_cosine}


def _of_pixel_classes(objective: Objective, targets: Tensor) -> _Gradient:
    """Of cross-entropy: the softmax, less 1 at the pixel's class."""
    del objective
    known = targets >= 0
    weight = known / (known.sum(dim=(1, 2), keepdim=True) * len(targets))
    weight = weight.unsqueeze(1)
    picked = targets.long().clamp(min=0).unsqueeze(1)

    def gradient(outputs: Tensor) -> Tensor:
        shares = outputs.softmax(dim=-3).mul_(weight)
        return shares.scatter_add_(-3, picked.expand(len(outputs), *picked.shape), -weight.expand_as(shares))

    return gradient


_MAKERS: Mapping[OutputKind, Callable[[Objective, Tensor], _Gradient]] = {
    OutputKind.IMAGE: _of_images,
    OutputKind.PIXEL_CLASSES: _of_pixel_classes,
}
