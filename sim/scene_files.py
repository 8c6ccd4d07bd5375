"""Scene files as habitat-sim opens them: ours, or HM3D's, Gibson's, Replica's."""

from dataclasses import dataclass
from pathlib import Path

from sim.errors import SimulatorError

DATASET_SUFFIX = ".scene_dataset_config.json"
INSTANCE_SUFFIX = ".scene_instance.json"
STAGE_SUFFIX = ".stage_config.json"
SCENE_SUFFIXES = (INSTANCE_SUFFIX, STAGE_SUFFIX, ".glb", ".gltf", ".ply", ".obj")


@dataclass(frozen=True)
class SceneFile:
    """A scene as habitat-sim opens it.

    Args:
        path: Scene instance, stage config or mesh.
        dataset: The scene dataset config it belongs to; None where a mesh stands alone.
    """

    path: Path
    dataset: Path | None = None

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        name = self.path.name
        return name.removesuffix(next((suffix for suffix in SCENE_SUFFIXES if name.endswith(suffix)), ""))


def find_scene(path: Path, dataset: Path | None = None) -> SceneFile:
    """The scene that a path means.

    Args:
        path: A scene instance, stage config or mesh; or a scene dataset (its folder or config) that has one scene.
        dataset: The scene dataset config; by default the only one beside the file, or in the two folders above it.

    Raises:
        SimulatorError: If there is no such file, it is of no known kind, or several scenes could be meant.
    """
    if dataset is not None and not (dataset.is_file() and dataset.name.endswith(DATASET_SUFFIX)):
        raise SimulatorError(f"{dataset} is no scene dataset config; expected an existing NAME{DATASET_SUFFIX}.")
    if path.is_dir() or path.name.endswith(DATASET_SUFFIX):
        return _only_scene(path)
    if not path.is_file():
        raise SimulatorError(f"there is no scene file {path}; check the path.")
    if not path.name.endswith(SCENE_SUFFIXES):
        raise SimulatorError(f"{path} is no scene file; expected one that ends in {', '.join(SCENE_SUFFIXES)}.")
    return SceneFile(path.resolve(), dataset.resolve() if dataset else _dataset_above(path.resolve()))


def scenes_of(dataset: Path) -> tuple[SceneFile, ...]:
    """Every scene instance of a dataset that `sim.scene_dataset.export_habitat` wrote, sorted by name.

    Args:
        dataset: The scene dataset config.

    Raises:
        SimulatorError: If it is not there.
    """
    if not dataset.is_file():
        raise SimulatorError(f"there is no scene dataset config {dataset}; check the path.")
    found = sorted((dataset.resolve().parent / "scenes").glob(f"*{INSTANCE_SUFFIX}"))
    return tuple(SceneFile(path, dataset.resolve()) for path in found)


def _only_scene(path: Path) -> SceneFile:
    configs = sorted(path.glob(f"*{DATASET_SUFFIX}")) if path.is_dir() else [path]
    if len(configs) != 1:
        raise SimulatorError(f"{path} holds {len(configs)} scene dataset configs; name one.")
    scenes = scenes_of(configs[0])
    if len(scenes) != 1:
        names = ", ".join(scene.name for scene in scenes[:10])
        raise SimulatorError(f"{configs[0]} has {len(scenes)} scenes; name one of its scene files: {names}.")
    return scenes[0]


def _dataset_above(path: Path) -> Path | None:
    for folder in path.parents[:3]:
        found = sorted(folder.glob(f"*{DATASET_SUFFIX}"))
        if len(found) == 1:
            return found[0]
    return None
