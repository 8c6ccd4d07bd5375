"""The units of each stage, given what the stages before have finished."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from perception.tasks import Input, OutputKind, Task
from taxonomy.engine import Unit
from taxonomy.pipeline.presets import Preset
from taxonomy.readouts import PixelsWork, ReadoutsWork, RepresentationsWork, variant_of
from taxonomy.training import DataSource, NetworkWork, ObjectiveWork, Schedule, multiplies_bfloat16

_COSTS = {OutputKind.IMAGE: 1.6, OutputKind.EMBEDDING: 1.6, OutputKind.PIXEL_CLASSES: 2.0}
"""Of training a network, against one with a vector as output."""

_FROZEN_COST = 0.5
"""Of training the head alone."""


@dataclass(frozen=True)
class Plan:
    """What all units of a run have in common.

    Args:
        preset: The size.
        data: Where labels come from.
        device: PyTorch's name of where to train.
        seed: Of everything.
    """

    preset: Preset
    data: DataSource
    device: str = "cpu"
    seed: int = 0

    def objectives(self, tasks: Sequence[Task]) -> list[Unit]:
        """Scaling of every task's labels."""
        return [Unit(task.name, ObjectiveWork(task.name, self.data)) for task in tasks]

    def networks(self, tasks: Sequence[Task], objectives: Mapping[str, str]) -> list[Unit]:
        """Step I.

        Args:
            tasks: Sources.
            objectives: Keys of their objective units, by task.
        """
        return [self.network(task, objectives[task.name], self.preset.networks) for task in tasks]

    def network(
        self,
        task: Task,
        objective: str,
        schedule: Schedule,
        *,
        name: str | None = None,
        train_images: int | None = None,
        frozen_encoder: bool = False,
    ) -> Unit:
        """One network of one task.

        Args:
            task: Which.
            objective: Key of its objective's unit.
            schedule: How long it learns.
            name: Of the unit; the task's if None.
            train_images: Instead of the plan's.
            frozen_encoder: Train the head alone, on a random encoder.
        """
        data = self.data if train_images is None else replace(self.data, train_images=train_images)
        work = NetworkWork(
            task.name,
            self.preset.architecture,
            data,
            self._precise(schedule),
            self.seed,
            frozen_encoder,
            device=self.device,
        )
        return Unit(name or task.name, work, {"objective": objective}, cost=_network_cost(task, frozen_encoder))

    def on_random(self, task: Task, objective: str) -> Unit:
        """A task's head trained on an encoder that stays random, with everything else as in Step I."""
        return self.network(task, objective, self.preset.networks, name=f"{task.name}{ON_RANDOM}", frozen_encoder=True)

    def on_a_third(self, task: Task, objective: str, train_images: int) -> Unit:
        """A task's network trained by itself on a third of the images, for as many steps as on all of them."""
        longer = replace(self.preset.networks, epochs=3 * self.preset.networks.epochs)
        return self.network(task, objective, longer, name=f"{task.name}{ON_A_THIRD}", train_images=train_images // 3)

    def representations(self, sources: Sequence[str], networks: Mapping[str, str]) -> list[Unit]:
        """All images that readouts see, by every encoder.

        Args:
            sources: Tasks, and `random`, whose encoder has no network.
            networks: Keys of the network units, by task.
        """
        work = RepresentationsWork(
            self.preset.architecture, self._little_data, self.preset.readout_images, self.variants, self.seed,
            device=self.device,
        )  # fmt: skip
        return [Unit(source, work, {"network": networks[source]} if source in networks else {}) for source in sources]

    def readouts(
        self, target: Task, transfers: Sequence[tuple[str, ...]], representations: Mapping[str, str], objective: str
    ) -> Unit:
        """The readouts of transfers of one order to a target, trained together.

        Args:
            target: Which.
            transfers: Sources of each, equally many.
            representations: Keys of the representations, by source.
            objective: Key of the target's objective.
        """
        order = len(transfers[0])
        work = ReadoutsWork(
            target.name, tuple(transfers), self._little_data, self._precise(self.preset.readouts),
            self.preset.readout_images, self.seed, device=self.device,
        )  # fmt: skip
        sources = {name: representations[name] for transfer in transfers for name in transfer}
        cost = len(transfers) * (1 + 0.3 * order) * target.input.views * _cost(target) ** 2
        return Unit(readouts_name(target.name, order), work, {"objective": objective, **sources}, cost)

    def pixels(self, target: Task, objective: str) -> Unit:
        """A target's network from scratch on the readouts' little data."""
        work = PixelsWork(
            target.name, self.preset.architecture, self._little_data, self._precise(self.preset.pixels),
            self.preset.readout_images, self.seed, device=self.device,
        )  # fmt: skip
        return Unit(target.name, work, {"objective": objective}, _network_cost(target, False))

    def _precise(self, schedule: Schedule) -> Schedule:
        """In half precision only where that is faster; decided here, for all machines of a cluster alike."""
        return replace(schedule, half_precision=schedule.half_precision and multiplies_bfloat16(self.device))

    @property
    def _little_data(self) -> DataSource:
        """What readouts learn from does not depend on how many images networks see."""
        return replace(self.data, train_images=None)

    @property
    def variants(self) -> tuple[str, ...]:
        """What the dictionary's targets look at."""
        targets = (task for task in self.data.tasks().values() if not task.source_only)
        return tuple(dict.fromkeys(variant_of(task) for task in targets if task.input is not Input.SHUFFLED))


ON_RANDOM, ON_A_THIRD = " on random", " on a third"
"""What follows the task in the names of such networks' units."""


def readouts_name(target: str, order: int) -> str:
    """Name of the unit that trains a target's readouts of one order."""
    return f"{target} order {order}"


def _cost(task: Task) -> float:
    return 1.0 if task.output is None else _COSTS.get(task.output.kind, 1.0)


def _network_cost(task: Task, frozen_encoder: bool) -> float:
    return task.input.views * _cost(task) * (_FROZEN_COST if frozen_encoder else 1.0)
