"""The compact architecture: a small residual network of plain convolutions, quick on a CPU.

Plain 3 x 3 convolutions run near a CPU's peak rate and quantise well; depth-wise ones have fewer operations and take
longer. All channel counts are multiples of 16, the width of a vector register in bfloat16 pairs.
"""

from torch import Tensor, nn
from torch.nn import functional

from perception.networks.resnet50 import REPRESENTATION_CHANNELS


class CompactEncoder(nn.Module):
    """Images to representations.

    Input: float [N, 3, 128, 128] in [-1, 1]; output: float [N, 8, 16, 16].

    Args:
        widths: Channels at 64 x 64, 32 x 32 and 16 x 16.
        blocks: Residual blocks at 16 x 16.
    """

    def __init__(self, widths: tuple[int, int, int] = (16, 32, 64), blocks: int = 2) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.stem = normed_convolution(3, fine, stride=2)
        self.shrink1 = normed_convolution(fine, middle, stride=2)
        self.shrink2 = normed_convolution(middle, coarse, stride=2)
        self.blocks = nn.Sequential(*(ResidualBlock(coarse) for _ in range(blocks)))
        self.compress = normed_convolution(coarse, REPRESENTATION_CHANNELS)

    def forward(self, images: Tensor) -> Tensor:
        """Representations of images."""
        x = images
        for layer in (self.stem, self.shrink1, self.shrink2):
            x = functional.relu(layer(x))
        return functional.relu(self.compress(self.blocks(x)))


def normed_convolution(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    """A 3 x 3 convolution and its batch normalisation, which fold into one where training is over."""
    return nn.Sequential(nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(after))


class ResidualBlock(nn.Module):
    """Two convolutions beside the identity (He et al. 2016).

    Args:
        width: Channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = normed_convolution(width, width)
        self.second = normed_convolution(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in."""
        return functional.relu(self.second(functional.relu(self.first(x))) + x)
