"""Output heads of the compact architecture, by the shape of what they put out."""

from torch import Tensor, nn
from torch.nn import functional

from perception.networks.compact import normed_convolution
from perception.networks.resnet50 import REPRESENTATION_CHANNELS, REPRESENTATION_SIDE


class DenseHead(nn.Module):
    """Representations to images, doubling the side until it is reached.

    Input: float [N, 8 * views, 16, 16]; output: float [N, channels, side, side].

    Args:
        channels: Of the output.
        side: 16 times a power of two.
        views: Images that one sample has.
    """

    def __init__(self, channels: int, side: int, views: int = 1) -> None:
        super().__init__()
        width = 48
        layers: list[nn.Module] = [
            normed_convolution(REPRESENTATION_CHANNELS * views, width), nn.ReLU(),
            normed_convolution(width, width), nn.ReLU(),
        ]  # fmt: skip
        for _ in range((side // REPRESENTATION_SIDE).bit_length() - 1):
            layers += [normed_convolution(width, 2 * width), nn.ReLU(), nn.PixelShuffle(2)]
            width //= 2
        self.layers = nn.Sequential(*layers)
        self.output = nn.Conv2d(width, channels, 3 if width < 32 else 1, padding=1 if width < 32 else 0)

    def forward(self, representations: Tensor) -> Tensor:
        """Outputs in the objective's scale."""
        result: Tensor = self.output(self.layers(representations))
        return result


class VectorHead(nn.Module):
    """Representations to a vector or class scores.

    Input: float [N, 8 * views, 16, 16]; output: float [N, length].

    Args:
        length: Of the output.
        views: Images that one sample has.
    """

    def __init__(self, length: int, views: int = 1) -> None:
        super().__init__()
        width = 32
        self.shrink = nn.Sequential(
            nn.Conv2d(REPRESENTATION_CHANNELS * views, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width)
        )
        self.hidden = nn.Linear(width * (REPRESENTATION_SIDE // 2) ** 2, 128)
        self.dropout = nn.Dropout(0.2)
        self.output = nn.Linear(128, length)

    def forward(self, representations: Tensor) -> Tensor:
        """Outputs in the objective's scale, or class scores."""
        x = functional.relu(self.shrink(representations)).flatten(1)
        result: Tensor = self.output(self.dropout(functional.relu(self.hidden(x))))
        return result
