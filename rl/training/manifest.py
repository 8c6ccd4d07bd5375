"""What a run's folder says of itself, so that nobody goes on with another run in it by mistake."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perception.errors import UserError
from rl.training.documents import differences, read_json, write_json
from rl.training.spec import RunSpec

if TYPE_CHECKING:
    from rl.training.world import World

MANIFEST_FILE = "manifest.json"
MANIFEST_FORMAT = 1
"""Version of `manifest.json`."""

_PACKAGES = ("torch", "numpy", "gymnasium", "stable-baselines3", "sb3-contrib", "midlevel")
_MAY_CHANGE = ("server", "transport")


def read_spec(folder: Path) -> RunSpec:
    """The run that a folder holds.

    Raises:
        UserError: If it holds none, or its manifest was changed.
    """
    path = folder / MANIFEST_FILE
    return RunSpec.from_json(_read(path)["spec"], str(path))


def check_same_run(folder: Path, spec: RunSpec) -> None:
    """Refuse to go on in a folder with another run; quick, and fine where there is none.

    Raises:
        UserError: If the settings differ; it names them.
    """
    path = folder / MANIFEST_FILE
    if path.exists():
        old = RunSpec.from_json(_read(path)["spec"], str(path))  # settings that are new since then have their defaults
        changes = differences(_compared(old), _compared(spec))
        if changes:
            raise UserError(f"{folder} holds another run: {'; '.join(changes)}. Choose another folder, or delete it.")


def note_run(folder: Path, spec: RunSpec, world: "World") -> list[str]:
    """Write the manifest of a new run, or compare the world with that of the run in the folder.

    Returns:
        What else differs, such as versions of libraries, in sentences.

    Raises:
        UserError: If buildings or encoders are others than those the run began with.
    """
    path = folder / MANIFEST_FILE
    found = {"scenes": world.scenes, "vision": dict(world.identity)}
    if not path.exists():
        document: Mapping[str, Any] = {
            "format": MANIFEST_FORMAT,
            "spec": spec.to_json(),
            **found,
            "versions": _versions(),
        }
        write_json(path, document)
        return []
    document = _read(path)
    changes = differences({name: document.get(name) for name in found}, found)
    if changes:
        raise UserError(
            f"{folder} was trained with something else: {'; '.join(changes)}. Give it back, or choose another folder."
        )
    changes = differences(document.get("versions"), _versions())
    return [f"the run goes on with other versions, and so may end with other bytes: {'; '.join(changes)}."] * bool(
        changes
    )


def _read(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        raise UserError(f"{path.parent} holds no run: it has no {path.name}.")
    document = read_json(path)
    if not isinstance(document, Mapping) or document.get("format") != MANIFEST_FORMAT or "spec" not in document:
        raise UserError(f"{path} is no manifest of a run in the format {MANIFEST_FORMAT}; was it changed by hand?")
    return document


def _compared(spec: RunSpec) -> dict[str, Any]:
    return {name: value for name, value in spec.to_json().items() if name not in _MAY_CHANGE}


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
