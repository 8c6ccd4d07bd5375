"""What a server has, as it said when it was first asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perception.bank.bank import check_distinct
from perception.encoding.encoder import check_task_list
from perception.errors import UnknownNameError
from perception.tasks import TASKS
from protos.perception.v1.perception_pb2 import ListFeaturesResponse


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What a server has.

    Args:
        bank: Its name.
        bank_sha256: Its hash.
        sides_px: By task, rows and columns of the images its encoder takes.
        sets: Tasks of the named feature sets.
        largest_batch: Most images of one message; 0 if not said.
        largest_message_bytes: Of a request; 0 if not said.
        takes_shared_memory: Whether images and features may go through shared memory.
        local_socket: Name of the socket for that; empty if there is none.
    """

    bank: str
    bank_sha256: str
    sides_px: Mapping[str, int]
    sets: Mapping[str, tuple[str, ...]]
    largest_batch: int
    largest_message_bytes: int
    takes_shared_memory: bool
    local_socket: str = ""

    @property
    def tasks(self) -> tuple[str, ...]:
        """Canonical names."""
        return tuple(self.sides_px)

    def canonical(self, tasks: Sequence[str]) -> tuple[str, ...]:
        """Canonical names of tasks.

        Raises:
            UserError: If there are none, one is unknown, or one is named twice.
        """
        return check_distinct([self._task_named(task) for task in check_task_list(tasks)])

    def feature_set(self, name: str) -> tuple[str, ...]:
        """The tasks of a set, such as "max-coverage:4" or "normal,reshading".

        Raises:
            UserError: If the server has no such set.
        """
        if name in self.sets:
            return self.sets[name]
        if ":" in name:
            raise UnknownNameError("feature set of the server", name, self.sets)
        return self.canonical([task.strip() for task in name.split(",")])

    def side_px(self, tasks: Sequence[str]) -> int | None:
        """Rows and columns that all of these tasks' encoders take; None if they differ."""
        sides = {self.sides_px[task] for task in tasks}
        return sides.pop() if len(sides) == 1 else None

    def _task_named(self, name: str) -> str:
        canonical = TASKS[name].name if name in TASKS else name
        if canonical not in self.sides_px:
            raise UnknownNameError("task of this server", name, self.sides_px)
        return canonical


def catalogue_of(response: ListFeaturesResponse) -> Catalogue:
    """Read what a server said."""
    return Catalogue(
        bank=response.bank,
        bank_sha256=response.bank_sha256,
        sides_px={task.task: task.preprocessing.side_px for task in response.tasks},
        sets={features.name: tuple(features.tasks) for features in response.sets},
        largest_batch=response.largest_batch,
        largest_message_bytes=response.largest_message_bytes,
        takes_shared_memory=response.takes_shared_memory,
        local_socket=response.local_socket,
    )
