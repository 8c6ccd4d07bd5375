"""A building as one file of arrays, which gives back exactly what was written; GLB, which others read, does not."""

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.building import Building, Instance, Light, Material, Room
from sim.errors import SimulatorError
from sim.files import replacing

FORMAT = 1

_ARRAYS = ("vertices", "normals", "uvs", "triangles", "triangle_instance", "triangle_material")


def write_building(path: Path, building: Building) -> None:
    """Write all of a building, uncompressed: reading it back takes milliseconds.

    Args:
        path: `.npz`; replaced as a whole or left as it was.
        building: Any.

    Raises:
        SimulatorError: If the file cannot be written.
    """
    textures: dict[str, Any] = {
        f"texture_{index}": material.texture
        for index, material in enumerate(building.materials)
        if material.texture is not None
    }
    facts = {
        "format": FORMAT,
        "name": building.name,
        "instances": [asdict(instance) for instance in building.instances],
        "materials": [
            {name: value for name, value in vars(material).items() if name != "texture"}
            for material in building.materials
        ],
        "rooms": [asdict(room) for room in building.rooms],
        "lights": [asdict(light) for light in building.lights],
        "ambient": building.ambient,
    }
    text = np.frombuffer(json.dumps(facts, allow_nan=False).encode(), np.uint8)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, facts=text, **{name: getattr(building, name) for name in _ARRAYS}, **textures)


def read_building(path: Path) -> Building:
    """What `write_building` wrote.

    Raises:
        SimulatorError: If the file cannot be read, or is no such file.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays: dict[str, NDArray[Any]] = dict(stored.items())
        facts = json.loads(arrays.pop("facts").tobytes())
        if facts["format"] != FORMAT:
            raise SimulatorError(f"{path} is a building of format {facts['format']}; this version reads {FORMAT}.")
        return Building(
            name=facts["name"],
            **{name: arrays[name] for name in _ARRAYS},
            instances=tuple(Instance(**instance) for instance in facts["instances"]),
            materials=tuple(
                Material(**_tuples(material), texture=arrays.get(f"texture_{index}"))
                for index, material in enumerate(facts["materials"])
            ),
            rooms=tuple(Room(**_tuples(room)) for room in facts["rooms"]),
            lights=tuple(Light(**_tuples(light)) for light in facts["lights"]),
            ambient=tuple(facts["ambient"]),
        )
    except OSError as error:
        raise SimulatorError(f"cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise SimulatorError(f"{path} is no building file, or a broken one ({error}); write it again.") from error


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
