"""A seeded model of tasks, to have losses without training a network.

Every task asks for a direction in a space of latent image features, near that of its group; its encoder represents a
few directions around its own. A readout of some sources can explain of a target what lies in the span of their
directions, and errs on an image by the rest and by an error of estimation that grows with the number of inputs.
This gives tables with the traits of the published ones: related tasks transfer well, higher orders help a little, and
more help less.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from perception import TASKS, Group, Task, TaskDictionary
from taxonomy.losses import LossTable, TargetLosses
from taxonomy.transfers import PIXELS, RANDOM, SELF

_PATCHES = {Group.TWO_D: 24, Group.THREE_D: 8, Group.GEOMETRIC: 2, Group.SEMANTIC: 2}
"""Places of an image over which a loss is averaged: dense tasks rank transfers far more surely than one number does."""

_BEST_FIRST = 5  # high orders combine a target's five best sources (Taskonomy, section 3.2)


def numbered_tasks(count: int) -> TaskDictionary:
    """A dictionary of `count` tasks called task_000, task_001, ..., spread evenly over the groups."""
    groups = tuple(Group)
    return TaskDictionary(Task(f"task_{i:03}", groups[i * len(groups) // count]) for i in range(count))


@dataclass
class SyntheticTasks:
    """Tasks as directions among latent image features.

    Args:
        tasks: The dictionary; groups give the directions their structure.
        seed: Fixes everything.
        latent_dims: Dimensions of the latent space.
        encoder_rank: Directions that one encoder represents.
        closeness: How near tasks of a group are, from 0 (unrelated) to 1 (the same).
        noise: Error of estimation of a one-source readout, against a target's own spread of 1.
    """

    tasks: TaskDictionary = field(default_factory=lambda: TASKS)
    seed: int = 0
    latent_dims: int = 48
    encoder_rank: int = 3
    closeness: float = 0.6
    noise: float = 0.8

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        centres = {group: _unit(rng.normal(size=self.latent_dims)) for group in Group}
        self._direction: dict[str, NDArray[np.float64]] = {}
        self._encoder: dict[str, NDArray[np.float64]] = {}
        for task in self.tasks.values():
            own = _unit(rng.normal(size=self.latent_dims))
            direction = _unit(self.closeness * centres[task.group] + (1 - self.closeness) * own)
            around = direction + rng.normal(size=(self.encoder_rank - 1, self.latent_dims)) / self.latent_dims**0.5
            self._direction[task.name] = direction
            self._encoder[task.name] = np.vstack([direction, around])
        self._encoder[RANDOM] = rng.normal(size=(self.encoder_rank, self.latent_dims))

    def losses(self, *, images: int, max_order: int = 3, sources_per_target: int | None = None) -> LossTable:
        """Test losses of every first-order transfer, of the high orders the paper would try, and of the baselines.

        Args:
            images: Number of test images.
            max_order: Largest number of sources, at most 5.
            sources_per_target: Keep only each target's best sources; all by default.

        Returns:
            A table in float32. Source-only tasks are no targets.
        """
        rng = np.random.default_rng((self.seed, images))
        latents = rng.normal(size=(images, max(_PATCHES.values()), self.latent_dims)).astype(np.float32)
        targets = [task.name for task in self.tasks.values() if not task.source_only]
        return LossTable(
            (self._target_losses(target, latents, rng, max_order, sources_per_target) for target in targets), self.tasks
        )

    def _target_losses(
        self, target: str, latents: NDArray[np.float32], rng: np.random.Generator, max_order: int, keep: int | None
    ) -> TargetLosses:
        others = [name for name in self.tasks if name != target]
        unexplained = {name: float((self._residual((name,), target) ** 2).sum()) for name in others}
        best = sorted(others, key=unexplained.__getitem__)
        first = set(best[:keep])
        sources: list[tuple[str, ...]] = [(name,) for name in others if name in first]
        for order in range(2, max_order + 1):
            sources += combinations(best[:_BEST_FIRST], order)
        sources += [(SELF,), (RANDOM,), (PIXELS,)]
        residuals = np.array([self._residual(names, target) for names in sources])
        noise = np.array([self._noise(names) for names in sources])
        patches = latents[:, : _PATCHES[self.tasks[target].group]]
        errors = patches @ residuals.T.astype(np.float32)
        errors += noise.astype(np.float32) * rng.standard_normal(size=errors.shape, dtype=np.float32)
        losses = np.abs(errors).mean(axis=1)
        return TargetLosses(target, tuple(sources), lambda: losses)

    def _residual(self, sources: tuple[str, ...], target: str) -> NDArray[np.float64]:
        """[latent_dims], what a readout of the sources cannot know of the target."""
        direction = self._direction[target]
        if sources == (SELF,):
            return np.zeros_like(direction)
        if sources == (PIXELS,):
            return 0.9 * direction  # little data teaches a network from scratch little
        basis, _ = np.linalg.qr(self._stacked(sources).T)
        return direction - basis @ (basis.T @ direction)

    def _stacked(self, sources: Iterable[str]) -> NDArray[np.float64]:
        return np.vstack([self._encoder[name] for name in sources])

    def _noise(self, sources: tuple[str, ...]) -> float:
        return float(self.noise * len(sources) ** 0.1)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector)
