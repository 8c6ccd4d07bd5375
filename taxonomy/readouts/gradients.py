"""Gradients of the mean loss by what many readouts put out: formulas for dense outputs, autograd for the small ones.

Dense outputs take the most memory. Autograd would walk over arrays of their size a dozen times; the formulas below do
so two to four times, in place.
"""

from collections.abc import Callable, Mapping, Sequence

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


def criterion(
    objective: Objective, shape: ReadoutShape, targets: Tensor, precision: torch.dtype = torch.float32
) -> Criterion:
    """What one batch of samples, each with a label, demands of readouts.

    Args:
        objective: Of the target.
        shape: Of the readouts.
        targets: [n, ...], in the layout of the outputs.
        precision: Of the inputs.
    """
    if isinstance(objective, EmbeddingObjective):
        return Triplets(shape, targets)
    gradient = _MAKERS.get(objective.kind, _by_autograd)(objective, targets, precision)

    def output_and_gradient(parameters: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        outputs = shape.outputs(parameters, inputs)
        return outputs, gradient(outputs.detach())

    return output_and_gradient


def _by_autograd(objective: Objective, targets: Tensor, precision: torch.dtype) -> _Gradient:
    del precision

    def gradient(outputs: Tensor) -> Tensor:
        leaf = outputs.requires_grad_()
        (found,) = torch.autograd.grad(objective.losses(leaf, targets).mean(dim=1).sum(), leaf)
        return found

    return gradient


def _of_images(objective: Objective, targets: Tensor, precision: torch.dtype) -> _Gradient:
    assert isinstance(objective, ImageObjective)
    wanted = _pixels_last(targets.float())
    missing = wanted.isnan()
    weight = wanted.new_tensor(1 / wanted.numel())
    if bool(missing.any()):
        known_of_image = (~missing).sum(dim=(0, 1, 3))[:, None]
        weight = ~missing / (known_of_image * targets.shape[0])
        wanted = wanted.nan_to_num()
    return _IMAGES[objective.loss](wanted.to(precision), weight.to(precision))


def _l1(wanted: Tensor, weight: Tensor) -> _Gradient:
    def gradient(outputs: Tensor) -> Tensor:
        errors = outputs.sub_(wanted)
        return torch.copysign(weight, errors, out=errors)

    return gradient


def _l2(wanted: Tensor, weight: Tensor) -> _Gradient:
    twice = 2 * weight
    return lambda outputs: outputs.sub_(wanted).mul_(twice)


def _l1_cosine(wanted: Tensor, weight: Tensor) -> _Gradient:
    """The cosine o.t * r, r = (|o|^2 |t|^2 + 1e-6)^-1/2, has the gradient r t - (o.t) r^3 |t|^2 o.

    The loss takes the mean of 1 - cosine over pixels, of errors over pixels and channels.
    """
    of_errors = _l1(wanted, weight)
    length = wanted.square().sum(dim=0)
    vectors = wanted.unbind()
    pixel_weight = weight if weight.ndim == 0 else weight.amin(dim=0)  # 0 where one channel is missing
    pixel_weight = pixel_weight * len(wanted)

    def gradient(outputs: Tensor) -> Tensor:
        channels = outputs.unbind(dim=1)
        product = _dot(channels, vectors)
        root = _dot(channels, channels).mul_(length).add_(1e-6).rsqrt_()
        weighted = root * pixel_weight
        along = product.mul_(root.square_()).mul_(length).mul_(weighted)
        turned = outputs * along.unsqueeze(1)
        turned -= wanted * weighted.unsqueeze(1)
        return turned.add_(of_errors(outputs))

    return gradient


def _dot(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Channel by channel: a sum over an axis of bfloat16 takes three times as long."""
    total = first[0] * second[0]
    for a, b in zip(first[1:], second[1:], strict=True):
        total.addcmul_(a, b)
    return total


_IMAGES: Mapping[str, Callable[[Tensor, Tensor], _Gradient]] = {"L1": _l1, "L2": _l2, "L1_COSINE": _l1_cosine}


def _of_pixel_classes(objective: Objective, targets: Tensor, precision: torch.dtype) -> _Gradient:
    """Of cross-entropy: the softmax, less 1 at the pixel's class."""
    del objective
    wanted = _pixels_last(targets)
    known = wanted >= 0
    weight = (known / (known.sum(dim=(0, 2))[:, None] * len(targets))).to(precision)
    picked = wanted.long().clamp(min=0)
    less = -weight

    def gradient(outputs: Tensor) -> Tensor:
        shares = outputs.softmax(dim=1).mul_(weight)
        at_class = (len(outputs), 1, *picked.shape)
        return shares.scatter_add_(1, picked.expand(at_class), less.expand(at_class))

    return gradient


def _pixels_last(targets: Tensor) -> Tensor:
    """[n, ..., r * r, 256] as [..., r * r, n, 256]."""
    return targets.movedim(0, -2).contiguous()


_MAKERS: Mapping[OutputKind, Callable[[Objective, Tensor, torch.dtype], _Gradient]] = {
    OutputKind.IMAGE: _of_images,
    OutputKind.PIXEL_CLASSES: _of_pixel_classes,
}
