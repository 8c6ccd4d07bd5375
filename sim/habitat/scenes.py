"""What a scene file that others wrote is as a `Building`: its triangles, and the things its semantics name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.building import NOTHING, Building, Instance, Material
from sim.errors import SimulatorError
from sim.scene_files import INSTANCE_SUFFIX, STAGE_SUFFIX, SceneFile

_DARK = "no_lights"

STAGE = "stage"
"""Category of the one instance that all triangles of a scene file belong to: its labels come by image alone."""


def is_lit(scene: SceneFile) -> bool:
    """Whether a scene names lights; only a scene instance can."""
    return scene.path.name.endswith(INSTANCE_SUFFIX) and _content(scene.path).get("default_lighting", _DARK) != _DARK


def check_scene(scene: SceneFile, metadata: Any) -> None:
    """Refuse a scene whose stage is missing or broken: habitat-sim ends the process.

    Args:
        scene: What is to be loaded.
        metadata: habitat-sim's `MetadataMediator`, with the scene's dataset.

    Raises:
        SimulatorError: If a config is no JSON, or habitat-sim has found no stage of the name that the scene gives.
    """
    if scene.path.name.endswith(STAGE_SUFFIX):
        asset = scene.path.parent / str(_content(scene.path).get("render_asset"))
        if not asset.is_file():
            raise SimulatorError(f"{scene.path} names the mesh {asset.name!r}, which is not there.")
    if scene.path.name.endswith(INSTANCE_SUFFIX):
        stage = _content(scene.path).get("stage_instance")
        name = stage.get("template_name") if isinstance(stage, dict) else None
        if not (isinstance(name, str) and name and metadata.stage_template_manager.get_template_handles(name)):
            raise SimulatorError(
                f"{scene.path} needs the stage {name!r}, which {scene.dataset} does not have whole; "
                "are its stage config and mesh there?"
            )


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SimulatorError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise SimulatorError(f"{path} holds no JSON object; expected a config of habitat-sim.")
    return content


def building_of(scene: SceneFile, simulator: Any) -> Building:
    """The stage of a scene that habitat-sim has loaded, upright as it stands there.

    Its instances are what the semantic sensor names, followed by one for all its triangles; textures and separately
    placed objects are left out.

    Args:
        scene: What was loaded.
        simulator: The habitat-sim simulator that did.

    Raises:
        SimulatorError: If its mesh cannot be read.
    """
    template = simulator.get_stage_initialization_template()
    mesh = _read_mesh(_asset(scene, template))
    upright = _upright(np.array(template.orient_up), np.array(template.orient_front))
    instances = (*_named(simulator)[0], Instance(STAGE, STAGE))
    count = len(mesh.faces)
    return Building(
        name=scene.name,
        vertices=(np.asarray(mesh.vertices) * np.array(template.scale) @ upright.T).astype(np.float32),
        normals=(np.asarray(mesh.vertex_normals) @ upright.T).astype(np.float32),
        uvs=np.zeros((len(mesh.vertices), 2), dtype=np.float32),
        triangles=np.asarray(mesh.faces, dtype=np.int32),
        triangle_instance=np.full(count, len(instances) - 1, dtype=np.int32),
        triangle_material=np.zeros(count, dtype=np.int32),
        instances=instances,
        materials=(Material(STAGE),),
    )


def instance_ids(simulator: Any) -> NDArray[np.int32]:
    """int32 [S]: the instance id for each of habitat-sim's semantic ids; the last stands for all beyond."""
    return _named(simulator)[1]


def _named(simulator: Any) -> tuple[list[Instance], NDArray[np.int32]]:
    """The things that a scene's semantics name, `NOTHING` first, and their places by semantic id."""
    named = simulator.semantic_scene.objects if simulator.semantic_scene is not None else []
    objects = [thing for thing in named if thing is not None and thing.semantic_id > 0]
    ids = np.zeros(max((thing.semantic_id for thing in objects), default=0) + 2, dtype=np.int32)
    instances = [NOTHING]
    for thing in objects:
        category = thing.category.name() if thing.category is not None else ""
        ids[thing.semantic_id] = len(instances)
        instances.append(Instance(f"{category or 'unknown'}_{thing.semantic_id}", category or "unknown"))
    return instances, ids


def _asset(scene: SceneFile, template: Any) -> Path:
    """The file of a stage's mesh, which habitat-sim names as a whole path or from the stage config's folder."""
    handle = Path(template.render_asset_handle)
    places = (handle, Path(template.file_directory) / handle, scene.path.parent / handle)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise SimulatorError(f"{scene.path} names the mesh {handle}, which is not there.")
    return found


def _read_mesh(path: Path) -> Any:
    import trimesh

    try:
        scene = trimesh.load_scene(path, process=False, **_SKIP.get(path.suffix, {}))
        return scene.to_mesh()
    except Exception as error:  # whatever a broken file makes of a parser
        raise SimulatorError(f"{path} cannot be read as a mesh ({type(error).__name__}: {error}).") from error


_SKIP: dict[str, dict[str, Any]] = {suffix: {"skip_materials": True} for suffix in (".glb", ".gltf", ".obj")}


def _upright(up: NDArray[np.float64], front: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64 [3, 3]: turns a mesh's up to +Y and its front to -Z."""
    return np.stack([np.cross(front, up), up, -front])
