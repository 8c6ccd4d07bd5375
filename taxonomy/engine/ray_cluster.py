"""Units on a Ray cluster, or on the one that Ray starts on this machine."""

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from types import ModuleType, TracebackType
from typing import Any, Self

from perception.clusters import connected, ray_library
from perception.errors import UserError
from taxonomy.engine.execution import OnEvent, execute
from taxonomy.engine.outcomes import Outcome
from taxonomy.engine.performing import Crashed, Job, Rejected, Report, perform_elsewhere
from taxonomy.engine.store import Store
from taxonomy.engine.units import Unit


class RayExecutor:
    """Does each unit as a Ray task, with as many CPUs as the work has `threads`.

    As a context manager it stays connected from one run to the next, which saves the time to start a cluster.

    The store must be in a file system that all machines of the cluster share under the same path, and this package
    installed on each.

    Args:
        address: Of the cluster, for example "auto" or "ray://head:10001"; None starts one on this machine, unless this
            process is connected to one already.
        gpus: Of each unit; a share such as 0.5 lets units share one.
        attempts: How often a unit is tried whose process or machine is lost.

    Raises:
        UserError: If Ray is not installed, or a number is out of range.
    """

    def __init__(self, address: str | None = None, *, gpus: float = 0.0, attempts: int = 4) -> None:
        if gpus < 0 or attempts < 1:
            raise UserError(f"gpus is {gpus} and attempts is {attempts}; expected at least 0 and 1.")
        self.address = address
        self.gpus = gpus
        self.attempts = attempts
        self._connection = ExitStack()
        ray_library()

    def __enter__(self) -> Self:
        self._connection.enter_context(connected(ray_library(), self.address))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def run(self, units: Sequence[Unit], store: Store, on_event: OnEvent) -> list[Outcome]:
        """Do all units that the store does not hold; see `Executor.run`.

        Raises:
            UserError: If the cluster does not answer, or has no machine for these units.
        """
        return execute(units, store, on_event, self._on_cluster)

    def _on_cluster(self, jobs: Sequence[Job], on_start: Callable[[Job], None]) -> Generator[tuple[Job, Report]]:
        if not jobs:
            return
        ray = ray_library()
        with connected(ray, self.address):
            remote = ray.remote(perform_elsewhere)
            most_cpus = self._largest_machine(ray)

            def submit(job: Job) -> Any:
                cpus = min(getattr(job.unit.work, "threads", None) or 1, most_cpus)
                options = {"num_cpus": cpus, "num_gpus": self.gpus, "max_retries": 0, "name": str(job.unit)}
                return remote.options(**options).remote(job)

            waiting = {submit(job): (job, 1) for job in jobs}
            for job in jobs:
                on_start(job)
            try:
                while waiting:
                    (reference, *_), _ = ray.wait(list(waiting))
                    job, attempt = waiting.pop(reference)
                    try:
                        yield job, ray.get(reference)
                    except _losses(ray) as loss:
                        if attempt < self.attempts:
                            waiting[submit(job)] = (job, attempt + 1)
                        else:
                            yield job, Rejected(_obituary(loss, attempt))
                    except ray.exceptions.RayError as error:  # the package is not installed there, for one
                        yield job, Crashed(error)
            finally:
                for reference in waiting:
                    ray.cancel(reference, force=True)

    def _largest_machine(self, ray: ModuleType) -> float:
        """CPUs of the largest machine, so that no unit waits for one that does not exist.

        Raises:
            UserError: If no machine has the GPUs that a unit needs.
        """
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        fit = [machine for machine in machines if machine.get("GPU", 0.0) >= self.gpus]
        if not fit:
            raise UserError(f"no machine of the Ray cluster has {self.gpus:g} GPUs; ask for fewer, or for none.")
        return max(float(machine.get("CPU", 0.0)) for machine in fit)


def _losses(ray: ModuleType) -> tuple[type[Exception], ...]:
    """What says that a process or a machine is gone, not that the unit is wrong."""
    errors = ray.exceptions
    return (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError, errors.ObjectLostError)


def _obituary(loss: Exception, attempts: int) -> str:
    return (
        f"its process was killed, or its machine lost, {attempts} times ({type(loss).__name__}); most likely there was "
        "not enough memory: give each unit more CPUs, or use larger machines."
    )
