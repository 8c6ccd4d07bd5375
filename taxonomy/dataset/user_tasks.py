"""Target tasks of the user's own, from a Python file.

The file defines `TASK`, a `perception.Task` with its output specification, and `label(view)`, which returns a
`perception.labels.Label`. It is run as part of this program: use files that you trust.
"""

import hashlib
import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from perception.errors import UserError
from perception.files import read_bytes
from perception.labels.registry import LabelFunction
from perception.labels.view import Label, View
from perception.tasks import Task
from taxonomy.dataset.labelling import UserTask
from taxonomy.dataset.published import domain_named
from taxonomy.dataset.quantisation import quantisation_for
from taxonomy.dataset.views import ARRAYS

ExtraLabel = UserTask | Path
"""A label function, or the file that has one."""

_LARGEST_MIB = 4


def load_user_task(path: Path) -> UserTask:
    """Run a label file and take its task and function.

    Raises:
        UserError: If it cannot be run, or lacks `TASK` or `label`.
    """
    read_bytes(path, limit_mib=_LARGEST_MIB)
    module = _run(path)
    task, function = getattr(module, "TASK", None), getattr(module, "label", None)
    if not isinstance(task, Task) or not callable(function):
        raise UserError(f"{path} lacks TASK, a perception.Task, or label(view), a function; define both in it.")
    quantisation_for(task)
    return UserTask(task, LabelFunction(task.name, function))


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"label_file_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is no Python file; its name should end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise UserError(f"{path} does not run: {type(error).__name__}: {error}; mend it.") from error
    return module


def resolve(extra: Sequence[ExtraLabel]) -> tuple[UserTask, ...]:
    """Load those that are files.

    Raises:
        UserError: As `load_user_task`.
    """
    return tuple(_guarded(load_user_task(label) if isinstance(label, Path) else label) for label in extra)


def _check_name(name: str) -> None:
    """A task's name becomes the name of a file, which must be its own."""
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) or name in ARRAYS or domain_named(name):
        raise UserError(
            f"a task of your own cannot be called {name!r}; its name is a letter, then letters, digits or '_', and "
            "not that of a file that a dataset has anyway."
        )


def _guarded(user: UserTask) -> UserTask:
    """The same, whose failures name the task."""
    _check_name(user.task.name)

    def label(view: View) -> Label:
        try:
            found = user.function.function(view)
        except (Exception, SystemExit) as error:
            raise UserError(
                f"the label function of {user.task.name!r} failed: {type(error).__name__}: {error}; mend it."
            ) from error
        if not isinstance(found, Label):
            raise UserError(f"the label function of {user.task.name!r} returned a {type(found).__name__}, no Label.")
        return found

    return UserTask(user.task, LabelFunction(user.task.name, label))


def fingerprints(extra: Sequence[ExtraLabel]) -> tuple[str, ...]:
    """What the manifest says about each: the task's name, and for files the hash of their content."""
    loaded = resolve(extra)
    return tuple(
        f"{user.task.name} {hashlib.sha256(label.read_bytes()).hexdigest()}"
        if isinstance(label, Path)
        else user.task.name
        for label, user in zip(extra, loaded, strict=True)
    )
