"""Banks of random weights, for tests of everything that holds one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from perception.bank import Bank, Card, HeadKind, Preprocessing, write_bank, write_checkpoint
from perception.networks import build_encoder, build_head
from perception.objectives import Scaling, objective_for, objective_to_json
from perception.tasks import TASKS

CLASS_COUNTS = {"class_object": 117, "class_selected": 31, "class_scene": 14, "segment_semantic": 126}
COVERAGE = {1: ("autoencoding",), 2: ("normal", "edge_texture"), 3: ("normal", "edge_texture", "class_scene")}


def with_statistics(network: nn.Module, seed: int) -> nn.Module:
    """Batch statistics as after some training, so that evaluation does something."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.3)
        elif name.endswith("running_mean"):
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.2)
    return network.eval()


def card_for(name: str, architecture: str = "compact") -> Card:
    task = TASKS[name]
    objective = objective_for(task, CLASS_COUNTS.get(task.name))
    if objective.kind.value in ("image", "vector"):
        channels = objective.channels
        objective = objective.with_scaling(Scaling((0.1,) * channels, (0.5,) * channels))
    count = CLASS_COUNTS.get(task.name, 0)
    return Card(
        task.name,
        architecture,
        Preprocessing(128),
        HeadKind.OBJECTIVE,
        objective_to_json(objective),
        views=task.input.views,
        classes=tuple(f"{task.name} {k}" for k in range(count)),
        training={"dataset": "none", "seed": 0},
        metrics={"win_rate": 0.5},
    )


def networks_for(card: Card, seed: int) -> tuple[nn.Module, nn.Module]:
    from perception.objectives import objective_from_json

    encoder = with_statistics(build_encoder(card.architecture, seed), seed)
    head = with_statistics(build_head(objective_from_json(card.objective or {}).output_shape, card.views, seed), seed)
    return encoder, head


def make_bank(
    folder: Path, tasks: Sequence[str] = tuple(TASKS), coverage: Mapping[int, Sequence[str]] = COVERAGE
) -> Bank:
    """A compact bank with heads for these tasks."""
    for seed, name in enumerate(TASKS.canonical(tasks)):
        card = card_for(name)
        write_checkpoint(folder, card, *networks_for(card, seed))
    return write_bank(folder, "random", coverage=coverage, provenance="Random weights.")
