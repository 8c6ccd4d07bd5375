"""What a GLB holds, read without the library that the project reads GLB with."""

import json
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_TYPES = {5121: np.uint8, 5125: np.uint32, 5126: np.float32}
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


def colored_mesh(path: Path) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint32]]:
    """Positions [V, 3], colours [V, 4] and triangles [T, 3] of a GLB with one mesh (glTF 2.0, section 4)."""
    data = path.read_bytes()
    magic, version, length, json_length = struct.unpack("<4sIII4x", data[:20])
    assert (magic, version, length) == (b"glTF", 2, len(data))
    document = json.loads(data[20 : 20 + json_length])
    binary = data[28 + json_length :]
    assert struct.unpack("<I4s", data[20 + json_length : 28 + json_length]) == (len(binary), b"BIN\0")
    (primitive,) = document["meshes"][0]["primitives"]
    indices = [primitive["attributes"]["POSITION"], primitive["attributes"]["COLOR_0"], primitive["indices"]]
    arrays = []
    for accessor in (document["accessors"][index] for index in indices):
        view = document["bufferViews"][accessor["bufferView"]]
        assert view["byteOffset"] % 4 == 0
        count = accessor["count"] * _WIDTHS[accessor["type"]]
        arrays.append(np.frombuffer(binary, _TYPES[accessor["componentType"]], count, view["byteOffset"]))
    return arrays[0].reshape(-1, 3), arrays[1].reshape(-1, 4), arrays[2].reshape(-1, 3)
