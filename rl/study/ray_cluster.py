"""Cells on a Ray cluster, or on the one that Ray starts on this machine."""

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from perception.clusters import connected, ray_library
from perception.errors import UserError
from rl.study.execution import ATTEMPTS, TICK_S, Event, Phase
from rl.study.performing import Job, perform


class RayExecutor:
    """Does each cell as one Ray task.

    The study's folder must be in a file system that all machines share under the same path, and this package installed
    on each.

    Args:
        address: Of the cluster, for example "auto" or "ray://head:10001"; None starts one on this machine, unless this
            process is connected to one already.
        cpus: Of each cell.

    Raises:
        UserError: If Ray is not installed, or the CPUs are not positive.
    """

    def __init__(self, address: str | None = None, *, cpus: float = 1.0) -> None:
        if not cpus > 0:
            raise UserError(f"cpus is {cpus}; expected more than 0.")
        self.address = address
        self.cpus = cpus
        ray_library()

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """See `Executor.run`; a cell counts as started when it is handed over.

        Raises:
            UserError: If the cluster does not answer.
        """
        if not jobs:
            return
        ray = ray_library()
        with connected(ray, self.address):
            # A process for each cell, as on one machine: renderers and torch leave no threads or memory behind.
            remote = ray.remote(max_calls=1)(perform)

            def submit(job: Job) -> Any:
                return remote.options(num_cpus=self.cpus, max_retries=0, name=job.cell.name).remote(job)

            waiting: dict[Any, tuple[Job, int]] = {}
            try:
                for job in jobs:
                    waiting[submit(job)] = (job, 1)
                    yield Event(Phase.STARTED, job)
                while waiting:
                    ready, _ = ray.wait(list(waiting), timeout=TICK_S)
                    for reference in ready:
                        job, attempt = waiting.pop(reference)
                        loss = _loss(ray, reference)
                        if loss is None:
                            yield Event(Phase.ENDED, job)
                        elif attempt < ATTEMPTS:
                            waiting[submit(job)] = (job, attempt + 1)
                        else:
                            yield Event(Phase.LOST, job, f"its Ray task was lost {ATTEMPTS} times ({loss}).")
                    yield Event(Phase.TICK)
            finally:
                for reference in waiting:
                    ray.cancel(reference, force=True)


def _loss(ray: ModuleType, reference: Any) -> str | None:
    """Why a task came to no end: the process or machine is gone, or the package is not installed there."""
    try:
        ray.get(reference)
    except ray.exceptions.RayError as error:
        return f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}" if str(error) else type(error).__name__
    return None
