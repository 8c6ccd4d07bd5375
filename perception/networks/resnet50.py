"""The published architecture: ResNet-50 to 8 x 16 x 16, and its decoders (Taskonomy, supplement section 3).

Parameters carry the names of the released PyTorch checkpoints, so that those load as they are.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

REPRESENTATION_CHANNELS = 8
"""Of every encoder's output."""

REPRESENTATION_SIDE = 16
"""Rows and columns of every encoder's output."""

_STAGES = ((64, 3, 2), (128, 4, 2), (256, 6, 1), (512, 3, 1))  # width, blocks, stride of the last block
_EXPANSION = 4
_LEAK = 0.2


class ResNet50Encoder(nn.Module):
    """Images to representations.

    Strides lie in the last block of a stage, as in the original TensorFlow release, and the last two stages have none.
    Input: float [N, 3, 256, 256] in [-1, 1]; output: float [N, 8, 16, 16].
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for index, (width, blocks, stride) in enumerate(_STAGES, start=1):
            self.add_module(f"layer{index}", _stage(channels, width, blocks, stride))
            channels = width * _EXPANSION
        self.compress1 = nn.Conv2d(channels, REPRESENTATION_CHANNELS, 3, padding=1, bias=False)
        self.compress_bn = nn.BatchNorm2d(REPRESENTATION_CHANNELS)

    def forward(self, images: Tensor) -> Tensor:
        """Representations of images."""
        x = functional.relu(self.bn1(self.conv1(images)))
        x = functional.max_pool2d(x, 3, stride=2, ceil_mode=True)
        for index in range(1, len(_STAGES) + 1):
            x = self.get_submodule(f"layer{index}")(x)
        return functional.relu(self.compress_bn(self.compress1(x)))


class _Bottleneck(nn.Module):
    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        wide = width * _EXPANSION
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, wide, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide)
        self.downsample: nn.Module = nn.Identity()
        if channels != wide:
            self.downsample = nn.Sequential(nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide))
        elif stride > 1:
            self.downsample = nn.MaxPool2d(1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        return functional.relu(self.bn3(self.conv3(x)) + residual)


def _stage(channels: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    wide = width * _EXPANSION
    return nn.Sequential(
        _Bottleneck(channels, width, 1),
        *(_Bottleneck(wide, width, 1) for _ in range(blocks - 2)),
        _Bottleneck(wide, width, stride),
    )


class DenseDecoder(nn.Module):
    """Representations to images.

    Input: float [N, 8, 16, 16]; output: float [N, channels, 256, 256], in [-1, 1] where bounded.

    Args:
        channels: Of the output.
        bounded: Whether a tanh follows, as for all published tasks but segment_semantic.
    """

    def __init__(self, channels: int, bounded: bool = True) -> None:
        super().__init__()
        widths = (REPRESENTATION_CHANNELS, 1024, 1024, 512, 256, 256, 128)
        for number, (before, after) in enumerate(pairwise(widths), start=2):
            self.add_module(f"conv{number}", _convolution(before, after))
        for number, before, middle, after in ((8, 128, 64, 64), (10, 64, 32, 32), (12, 32, 16, 32)):
            self.add_module(f"deconv{number}", _doubling(before, middle))
            self.add_module(f"conv{number + 1}", _convolution(middle, after))
        self.deconv14 = _doubling(32, 16)
        last = nn.Conv2d(16, channels, 3, padding=1)
        self.decoder_output = nn.Sequential(last, nn.Tanh()) if bounded else nn.Sequential(last)

    def forward(self, representations: Tensor) -> Tensor:
        """Predictions in the published range."""
        x = representations
        for layer in self.children():
            x = layer(x)
        return x


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(_LEAK))


def _doubling(before: int, after: int) -> nn.Sequential:
    """Twice the side; five entries, so that parameters are numbered as in the checkpoints."""
    return nn.Sequential(
        nn.Identity(),
        nn.ConvTranspose2d(before, after, 3, stride=2, bias=False),
        _WithoutLast(),
        nn.BatchNorm2d(after),
        nn.LeakyReLU(_LEAK),
    )


class _WithoutLast(nn.Module):
    """Drops the last row and column: TensorFlow's "same" padding of a transposed convolution."""

    def forward(self, x: Tensor) -> Tensor:
        return x[..., :-1, :-1]


class VectorDecoder(nn.Module):
    """Representations to a vector or class scores, by two fully connected layers.

    Input: float [N, 8, 16, 16]; output: float [N, length].

    Args:
        length: Of the output.
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        size = REPRESENTATION_CHANNELS * REPRESENTATION_SIDE**2
        self.fc0 = nn.Linear(size, size, bias=False)
        self.bn0 = nn.BatchNorm1d(size)
        self.dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(size, length)

    def forward(self, representations: Tensor) -> Tensor:
        """Predictions; channels vary fastest when flattened, as in the original release."""
        x = representations.permute(0, 2, 3, 1).flatten(1)
        x = functional.relu(self.bn0(self.fc0(x)))
        result: Tensor = self.fc2(self.dropout(x))
        return result
