"""Buildings packed into the flat tables that the kernels gather from: one cache line for each triangle hit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.building import Building, Material
from sim.cameras import Cameras

TRIANGLE_FLOATS = 16
MATERIAL_FLOATS = 12
ROOM_FLOATS = 32
CAMERA_FLOATS = 16
LIGHT_FLOATS = 16

_MOST_TEXELS = 24_000_000
_LARGEST_TEXTURE = 1024


@dataclass(frozen=True, eq=False)
class Tables:
    """Everything the kernels read, for buildings side by side in one scene.

    Args:
        vertices: float32 [V, 3], the buildings moved apart.
        triangles: uint32 [T, 3].
        triangle_records: float32 [T, 16]: corner uvs (6), corner normals in octahedral coordinates (6), then as bits
            material, instance and room row, and the texels per metre.
        material_records: float32 [M, 12]: as bits texture offset, log2 width, log2 height; roughness; base colour,
            metallic; emission, 0.
        texels: uint32: for each texture its levels from fine to coarse, 10 bits a channel, square root of linear.
        room_records: float32 [R, 32]: two lights (position, intensity, direction, bias; 10 each), ambient (3),
            relief (1).
        light_records: float32 [L, 16]: position, intensity, direction, bias, radius.
        light_rows: int32 [B + 1]: building b has light records light_rows[b] to light_rows[b + 1].
        offsets: float32 [B, 3]: where each building was moved.
        room_rows: int32 [B + 1]: building b has room rows room_rows[b] to room_rows[b + 1]; the first is "no room".
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    triangle_records: NDArray[np.float32]
    material_records: NDArray[np.float32]
    texels: NDArray[np.uint32]
    room_records: NDArray[np.float32]
    light_records: NDArray[np.float32]
    light_rows: NDArray[np.int32]
    offsets: NDArray[np.float32]
    room_rows: NDArray[np.int32]


def pack(buildings: Sequence[Building]) -> Tables:
    """Pack buildings side by side.

    Args:
        buildings: One or more.
    """
    offsets = _places(buildings)
    room_rows = np.cumsum([0, *(len(building.rooms) + 1 for building in buildings)]).astype(np.int32)
    materials = [material for building in buildings for material in building.materials]
    material_records, texels, texture_sides = _pack_materials(materials)
    vertex_starts = np.cumsum([0, *(len(building.vertices) for building in buildings)])
    material_starts = np.cumsum([0, *(len(building.materials) for building in buildings)])
    lights = [_pack_lights(b, offset) for b, offset in zip(buildings, offsets, strict=True)]
    light_rows = np.cumsum([0, *(len(records) for records in lights)]).astype(np.int32)
    return Tables(
        vertices=np.concatenate([b.vertices + offset for b, offset in zip(buildings, offsets, strict=True)]),
        triangles=np.concatenate(
            [b.triangles.astype(np.uint32) + np.uint32(s) for b, s in zip(buildings, vertex_starts, strict=False)]
        ),
        triangle_records=np.concatenate(
            [
                _pack_triangles(building, start, row, texture_sides)
                for building, start, row in zip(buildings, material_starts, room_rows, strict=False)
            ]
        ),
        material_records=material_records,
        texels=texels,
        room_records=np.concatenate([_pack_rooms(b, records) for b, records in zip(buildings, lights, strict=True)]),
        light_records=np.concatenate(lights),
        light_rows=light_rows,
        offsets=offsets,
        room_rows=room_rows,
    )


def pack_cameras(cameras: Cameras, width: int, tables: Tables) -> NDArray[np.float32]:
    """Cameras as the kernels read them.

    Args:
        cameras: N of them.
        width: Of the image, pixels.
        tables: Of the buildings they are in.

    Returns:
        float32 [N, 16]: position in the scene, pixel size at distance 1, rotation, and as bits the first and the last
        room row of the building and a seed that depends on the pose alone.
    """
    records = np.zeros((len(cameras), CAMERA_FLOATS), dtype=np.float32)
    bits = records.view(np.uint32)
    records[:, 0:3] = cameras.positions + tables.offsets[cameras.buildings]
    records[:, 3] = np.tan(np.radians(cameras.hfov_deg.astype(np.float64)) / 2) * (2 / width)
    records[:, 4:13] = cameras.rotations.reshape(-1, 9)
    bits[:, 13] = tables.room_rows[cameras.buildings]
    bits[:, 14] = tables.room_rows[cameras.buildings + 1]
    pose = np.concatenate([cameras.positions, cameras.rotations.reshape(-1, 9), cameras.hfov_deg[:, None]], axis=1)
    bits[:, 15] = _hash_rows(pose)
    return records


def _hash_rows(rows: NDArray[np.float32]) -> NDArray[np.uint32]:
    """FNV-1a over the bits of each row."""
    result = np.full(len(rows), 2166136261, dtype=np.uint32)
    for column in np.ascontiguousarray(rows).view(np.uint32).T:
        result = (result ^ column) * np.uint32(16777619)
    return result


def _places(buildings: Sequence[Building]) -> NDArray[np.float32]:
    """Where buildings go so that they stand in a square, apart and centred; a lone one stays where it is."""
    if len(buildings) == 1:
        return np.zeros((1, 3), dtype=np.float32)
    columns = int(np.ceil(np.sqrt(len(buildings))))
    spacing = float(max((b.bounds[1] - b.bounds[0]).max() for b in buildings)) + 1.0
    index = np.arange(len(buildings))
    cells = np.stack([index % columns, np.zeros_like(index), index // columns], axis=1) - (columns - 1) / 2
    middles = np.stack([building.bounds.mean(axis=0) for building in buildings])
    offsets: NDArray[np.float32] = (cells * [spacing, 0, spacing] - middles * [1, 0, 1]).astype(np.float32)
    return offsets


def _pack_triangles(
    building: Building, material_start: int, room_row: int, texture_sides: NDArray[np.int64]
) -> NDArray[np.float32]:
    corners = building.triangles
    records = np.empty((len(corners), TRIANGLE_FLOATS), dtype=np.float32)
    uvs = building.uvs[corners].astype(np.float64)
    uvs = uvs - np.floor(uvs.min(axis=1, keepdims=True))  # near zero, where float32 is fine
    records[:, 0:6] = uvs.reshape(-1, 6)
    records[:, 6:12] = _octahedral(building.normals)[corners].reshape(-1, 6)
    bits = records.view(np.uint32)
    material = building.triangle_material + material_start
    bits[:, 12] = material
    bits[:, 13] = building.triangle_instance
    bits[:, 14] = building.instance_room[building.triangle_instance] + 1 + room_row
    points = building.vertices[corners]
    area = np.linalg.norm(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]), axis=1)
    edge_a, edge_b = uvs[:, 1] - uvs[:, 0], uvs[:, 2] - uvs[:, 0]
    uv_area = np.abs(edge_a[:, 0] * edge_b[:, 1] - edge_a[:, 1] * edge_b[:, 0])
    texel_area = uv_area * texture_sides[material].prod(axis=1)
    records[:, 15] = np.sqrt(texel_area / np.maximum(area, 1e-12))
    return records


def _octahedral(normals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors [V, 3] as points of the unfolded octahedron [V, 2] (Cigolle et al. 2014)."""
    size = np.abs(normals).sum(axis=1, keepdims=True)
    unit = normals / np.where(size > 0, size, 1)
    flat = unit[:, :2]
    folded = (1 - np.abs(flat[:, ::-1])) * np.where(flat >= 0, 1, -1)
    return np.where(unit[:, 2:] < 0, folded, flat).astype(np.float32)


def _pack_materials(
    materials: Sequence[Material],
) -> tuple[NDArray[np.float32], NDArray[np.uint32], NDArray[np.int64]]:
    """Records, texels and texture sides [M, 2]; materials that share a texture share its texels."""
    distinct = {id(m.texture): m.texture for m in materials if m.texture is not None}
    limit = _LARGEST_TEXTURE
    while limit > 1 and sum(np.prod(_sides(t, limit)) for t in distinct.values()) > _MOST_TEXELS:
        limit //= 2
    levels = [np.array([0x3FFFFFFF], dtype=np.uint32)]  # white, for materials without a texture
    placed = {}
    end = 1
    for key, texture in distinct.items():
        pyramid = _pyramid(texture, limit)
        placed[key] = (end, *(side.bit_length() - 1 for side in pyramid[0].shape[1::-1]))
        for level in pyramid:
            levels.append(level.ravel())
            end += level.size
    records = np.zeros((len(materials), MATERIAL_FLOATS), dtype=np.float32)
    bits = records.view(np.uint32)
    for record, bit, material in zip(records, bits, materials, strict=True):
        bit[0:3] = placed[id(material.texture)] if material.texture is not None else (0, 0, 0)
        record[3] = material.roughness
        record[4:7] = material.base_color
        record[7] = material.metallic
        record[8:11] = material.emission
    sides = np.left_shift(1, bits[:, 1:3].astype(np.int64))
    return records, np.concatenate(levels), sides


def _sides(texture: NDArray[np.uint8], limit: int) -> tuple[int, int]:
    """Width and height as the nearest powers of two."""
    height, width = texture.shape[:2]
    return tuple(min(limit, 1 << round(np.log2(side))) for side in (width, height))


_LINEAR = np.where(
    np.arange(256) <= 10, np.arange(256) / 255 / 12.92, ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4
).astype(np.float32)
"""IEC 61966-2-1: linear value of each sRGB byte."""


def _pyramid(texture: NDArray[np.uint8], limit: int) -> list[NDArray[np.uint32]]:
    """A texture's levels, halved until one side is 1, averaged in linear light."""
    width, height = _sides(texture, limit)
    if texture.shape[:2] != (height, width):
        from PIL import Image

        texture = np.asarray(Image.fromarray(texture).resize((width, height), Image.Resampling.BOX))
    linear: NDArray[np.float32] = _LINEAR[texture]
    levels = [_packed(linear)]
    while min(linear.shape[:2]) > 1:
        linear = (linear[0::2, 0::2] + linear[1::2, 0::2] + linear[0::2, 1::2] + linear[1::2, 1::2]) / np.float32(4)
        levels.append(_packed(linear))
    return levels


def _packed(linear: NDArray[np.float32]) -> NDArray[np.uint32]:
    channels = np.rint(np.sqrt(linear) * 1023).astype(np.uint32)
    packed: NDArray[np.uint32] = channels[..., 0] | channels[..., 1] << 10 | channels[..., 2] << 20
    return packed


def _pack_lights(building: Building, offset: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 [L, 16], at least one row; a light that shines everywhere has no direction and bias 1."""
    records = np.zeros((max(1, len(building.lights)), LIGHT_FLOATS), dtype=np.float32)
    for record, light in zip(records, building.lights, strict=False):
        record[0:3] = np.asarray(light.position, dtype=np.float32) + offset
        record[3:6] = light.intensity
        record[6:9] = light.direction if light.direction is not None else 0
        record[9] = light.direction is None
        record[10] = light.radius_m
    return records


def _pack_rooms(building: Building, lights: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 [rooms + 1, 32]: the two strongest lights of each room; "no room" has the strongest of all."""
    rows = np.zeros((len(building.rooms) + 1, ROOM_FLOATS), dtype=np.float32)
    rows[:, 20:23] = building.ambient if building.lights else 1.0
    if not building.lights and all(material.texture is None for material in building.materials):
        rows[:, 23] = 0.5  # slopes tell surfaces apart where neither light nor texture does
    strength = np.array([sum(light.intensity) for light in building.lights])
    for row in range(len(rows)):
        own = [i for i, light in enumerate(building.lights) if row == 0 or light.room in (-1, row - 1)]
        for slot, index in enumerate(sorted(own, key=lambda i: -strength[i])[:2]):
            rows[row, slot * 10 : slot * 10 + 10] = lights[index, :10]
    return rows
