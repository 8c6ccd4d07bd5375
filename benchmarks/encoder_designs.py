"""Accuracy against multiply-adds of encoder designs, the one that ships among them.

Every design is trained for the same tasks on the same images by the same schedule; what is printed is its test loss as
a share of the best constant guess's, and what one frame costs on this machine under OpenVINO in bfloat16.

python -m benchmarks.encoder_designs DATASET [--images 4000] [--epochs 3] [--designs name,name]
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from perception.networks import TaskNetwork, build_head, multiply_adds
from perception.networks.compact import CompactEncoder, ResidualBlock, normed_convolution
from perception.objectives import objective_for
from perception.tasks import TASKS
from taxonomy.dataset import open_dataset
from taxonomy.training.samples import first_views, fit_objective, load_samples
from taxonomy.training.training import Schedule, constant_losses, per_image_losses, train

TASKS_TRIED = ("normal", "edge_texture", "segment_semantic", "class_scene")


class PatchEncoder(nn.Module):
    """Patches of 8 x 8 pixels, then residual blocks at 16 x 16 alone."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 8, stride=8, bias=False), nn.BatchNorm2d(width))
        self.blocks = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.compress = normed_convolution(width, 8)

    def forward(self, images: Tensor) -> Tensor:
        """Representations [N, 8, 16, 16]."""
        return functional.relu(self.compress(self.blocks(functional.relu(self.stem(images)))))


class TwoScaleEncoder(nn.Module):
    """Patches of 4 x 4 pixels, residual blocks at 32 x 32 and at 16 x 16."""

    def __init__(self, fine: int, coarse: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, fine, 4, stride=4, bias=False), nn.BatchNorm2d(fine))
        self.fine = ResidualBlock(fine)
        self.shrink = normed_convolution(fine, coarse, stride=2)
        self.coarse = nn.Sequential(ResidualBlock(coarse), ResidualBlock(coarse))
        self.compress = normed_convolution(coarse, 8)

    def forward(self, images: Tensor) -> Tensor:
        """Representations [N, 8, 16, 16]."""
        x = self.fine(functional.relu(self.stem(images)))
        return functional.relu(self.compress(self.coarse(functional.relu(self.shrink(x)))))


class SeparableEncoder(nn.Module):
    """Inverted bottlenecks with depth-wise convolutions (MobileNetV2, Sandler et al. 2018)."""

    def __init__(self, width: int, expansion: int, blocks: int) -> None:
        super().__init__()
        self.stem = normed_convolution(3, 16, stride=2)
        self.shrink = nn.Sequential(_Separable(16, 24, 4, 2), _Separable(24, width, 4, 2))
        self.blocks = nn.Sequential(*(_Separable(width, width, expansion, 1) for _ in range(blocks)))
        self.compress = normed_convolution(width, 8)

    def forward(self, images: Tensor) -> Tensor:
        """Representations [N, 8, 16, 16]."""
        x = self.shrink(functional.relu(self.stem(images)))
        return functional.relu(self.compress(self.blocks(x)))


class _Separable(nn.Module):
    def __init__(self, before: int, after: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = before * expansion
        self.skips = before == after and stride == 1
        self.layers = nn.Sequential(
            nn.Conv2d(before, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU(),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.ReLU(),
            nn.Conv2d(wide, after, 1, bias=False), nn.BatchNorm2d(after),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.skips else y


DESIGNS: Mapping[str, Callable[[], nn.Module]] = {
    "convolutions-1": lambda: CompactEncoder(blocks=1),
    "convolutions-2": CompactEncoder,
    "patches": lambda: PatchEncoder(64, 2),
    "two-scales": lambda: TwoScaleEncoder(16, 64),
    "separable": lambda: SeparableEncoder(64, 4, 4),
}


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--designs", default=",".join(DESIGNS))
    arguments = parser.parse_args()
    names = arguments.designs.split(",")
    print(f"{'design':16s} M mult-adds  ms/frame  " + "  ".join(TASKS_TRIED) + "  mean loss / constant guess")
    for name in names:
        shares = [share_of_constant(DESIGNS[name], task, arguments) for task in TASKS_TRIED]
        network = DESIGNS[name]().eval()
        cost = multiply_adds(network, torch.zeros(1, 3, 128, 128)) / 1e6
        columns = "  ".join(f"{share:{len(task)}.3f}" for share, task in zip(shares, TASKS_TRIED, strict=True))
        print(f"{name:16s} {cost:11.1f}  {frame_ms(network):8.3f}  {columns}  {np.mean(shares):.3f}", flush=True)


def share_of_constant(design: Callable[[], nn.Module], name: str, arguments: argparse.Namespace) -> float:
    """Test loss of a trained network over the loss of the best constant guess."""
    dataset, task = open_dataset(arguments.dataset), TASKS[name]
    training, test = first_views(dataset, "train", arguments.images), first_views(dataset, "test", 1000)
    classes = len(dataset.classes.get(name, ())) or None
    objective = fit_objective(dataset, task, objective_for(task, classes), training)
    samples = load_samples(dataset, task, objective, training)
    torch.manual_seed(0)
    network = TaskNetwork(design(), build_head(objective.output_shape, 1, 0))
    train(network, samples, objective, Schedule(arguments.epochs), seed=0)
    tests = load_samples(dataset, task, objective, test)
    own = per_image_losses(network, tests, objective)
    constant = constant_losses(objective.constant_guess(samples.targets), tests, objective)
    return float(np.nanmean(own) / np.nanmean(constant))


def frame_ms(network: nn.Module) -> float:
    """Median milliseconds of one frame under OpenVINO, bfloat16."""
    import openvino

    example = torch.zeros(1, 3, 128, 128)
    compiled = openvino.compile_model(
        openvino.convert_model(network, example_input=example, input=[1, 3, 128, 128]),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "LATENCY"},
    )
    request, frame = compiled.create_infer_request(), example.numpy()
    times = []
    for _ in range(300):
        start = time.perf_counter()
        request.infer([frame])
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


if __name__ == "__main__":
    main()
