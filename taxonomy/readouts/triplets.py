"""The triplet loss of many readouts, which compares a few pixels of each image: no others are computed."""

import torch
from torch import Tensor
from torch.nn import functional

from perception.networks.resnet50 import REPRESENTATION_SIDE
from perception.objectives.embedding import MARGIN
from taxonomy.readouts.network import WIDTH, ReadoutShape

_CELLS = REPRESENTATION_SIDE**2


class Triplets:
    """The pixels that one batch of triplets compares; a `gradients.Criterion`.

    A pixel's vector is the product of its cell's hidden channels with the weights of its place in the cell. Pixels
    are therefore sorted by that place, which takes one product for each of the r x r places.

    Args:
        shape: Of the readouts.
        targets: int [n, 3, T], pixels in cells: place in the cell * 256 + cell.
    """

    def __init__(self, shape: ReadoutShape, targets: Tensor) -> None:
        self.shape = shape
        self.size = tuple(targets.shape)
        pixels = targets.long()
        image = torch.arange(len(pixels), device=pixels.device)[:, None, None]
        place = (pixels // _CELLS).flatten()
        order = place.argsort(stable=True)
        self.cells = (image * _CELLS + pixels % _CELLS).flatten()[order]
        self.counts = torch.bincount(place, minlength=shape.scale**2).tolist()
        self.back = order.argsort()

    def __call__(self, parameters: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors [S, n, 3, T, C] and the gradient by them."""
        vectors = self.vectors(parameters, inputs)
        return vectors, triplet_gradient(vectors.detach())

    def vectors(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """float32 [S, n, 3, T, C]."""
        count, channels = len(parameters), self.shape.output_shape[0]
        hidden, weight, bias = (part.float() for part in self.shape.hidden(parameters, inputs))
        picked = functional.embedding(self.cells, hidden)  # its gradient is added up faster than that of an index
        weights = weight.view(count, channels, -1, WIDTH).unbind(dim=2)
        biases = bias.view(count, 1, channels, -1).unbind(dim=3)
        parts = [
            torch.baddbmm(b, part.view(-1, count, WIDTH).transpose(0, 1), w.transpose(1, 2))
            for part, w, b in zip(torch.split(picked, self.counts), weights, biases, strict=True)
        ]
        vectors = [functional.embedding(self.back, each) for each in torch.cat(parts, dim=1).unbind()]
        return torch.stack(vectors).view(count, *self.size, channels)


def triplet_gradient(vectors: Tensor) -> Tensor:
    """Of the mean over samples and triplets of relu(|a - s|^2 - |a - o|^2 + margin), of vectors brought to length 1.

    Args:
        vectors: float32 [S, n, 3, T, C]: anchors, pixels of their segments, pixels of others.
    """
    length = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True).clamp_(min=1e-4)
    units = vectors / length
    anchor, same, other = units.unbind(dim=2)
    apart = same - other
    # On the unit sphere |a - s|^2 - |a - o|^2 = -2 a.(s - o).
    is_active = (anchor * apart).sum(dim=-1, keepdim=True) < MARGIN / 2
    weight = is_active * (2 / is_active[0].numel())
    pull = anchor * weight
    gradient = torch.stack([apart.mul_(-weight), -pull, pull], dim=2)
    gradient -= units * (gradient * units).sum(dim=-1, keepdim=True)
    return gradient.div_(length)
