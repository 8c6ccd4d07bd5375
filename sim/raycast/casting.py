"""Rays and what they meet. Plain functions of Dr.Jit arrays."""

from dataclasses import dataclass
from typing import Any

import drjit as dr
import mitsuba as mi

Array = Any
"""A Dr.Jit array; its type depends on the device."""

_FAR_M = 1e4


@dataclass(frozen=True, eq=False)
class DeviceTables:
    """`Tables` on the device, flat."""

    triangles: Array
    materials: Array
    texels: Array
    rooms: Array
    lights: Array
    light_slots: Array
    light_slot_weights: Array


@dataclass(frozen=True, eq=False)
class Camera:
    """Where each ray starts, and which rooms it may see; one entry a ray."""

    origin: Array
    pixel_size: Array
    right: Array
    up: Array
    back: Array
    first_room: Array
    last_room: Array
    seed: Array


@dataclass(frozen=True, eq=False)
class Hit:
    """The surface that a ray met; `valid` says where it met one of its own building."""

    valid: Array
    t: Array
    position: Array
    normal: Array
    uv: Array
    texel_density: Array
    material: Array
    instance: Array
    room: Array


def packet(matrix_type: Any, source: Array, index: Array, active: Array = True) -> list[Array]:
    """16 neighbouring floats of each record, fetched together."""
    block = dr.gather(matrix_type, source, index, active)
    return [block[i, j] for i in range(4) for j in range(4)]


def camera_of(records: Array, index: Array) -> Camera:
    """The camera of each pixel, from the records that `tables.pack_cameras` makes."""
    r = packet(mi.Matrix4f, records, index)
    return Camera(
        origin=mi.Point3f(r[0], r[1], r[2]),
        pixel_size=r[3],
        right=mi.Vector3f(r[4], r[7], r[10]),
        up=mi.Vector3f(r[5], r[8], r[11]),
        back=mi.Vector3f(r[6], r[9], r[12]),
        first_room=bits(r[13]),
        last_room=bits(r[14]),
        seed=bits(r[15]),
    )


def bits(number: Array) -> Array:
    """The whole number whose bits a float holds."""
    return dr.reinterpret_array(mi.UInt32, number)


def primary_ray(camera: Camera, column: Array, row: Array) -> tuple[Any, Array]:
    """The ray through a pixel, and the cosine of its angle to the optical axis."""
    x, y = column * camera.pixel_size, row * camera.pixel_size
    cosine = dr.rsqrt(1 + x * x + y * y)
    direction = (camera.right * x + camera.up * y - camera.back) * cosine
    return mi.Ray3f(camera.origin, direction), cosine


def intersect(
    scene: Any, tables: DeviceTables, ray: Any, camera: Camera, active: Array = True, coherent: bool = True
) -> Hit:
    """The surface that each ray meets first.

    Args:
        scene: Mitsuba's scene.
        tables: What it is made of.
        ray: Where to look.
        camera: Whose building counts.
        active: Which rays to cast.
        coherent: Whether neighbours go nearly the same way.
    """
    found = scene.ray_intersect_preliminary(ray, coherent=coherent, active=active)
    valid = found.is_valid()
    r = packet(mi.Matrix4f, tables.triangles, found.prim_index, valid)
    room = bits(r[14])
    valid &= (room >= camera.first_room) & (room < camera.last_room)
    b1, b2 = found.prim_uv.x, found.prim_uv.y
    b0 = 1 - b1 - b2
    corners = [_from_octahedral(r[6], r[7]), _from_octahedral(r[8], r[9]), _from_octahedral(r[10], r[11])]
    normal = dr.normalize(corners[0] * b0 + corners[1] * b1 + corners[2] * b2)
    behind = dr.dot(corners[0] + corners[1] + corners[2], ray.d) > 0
    normal = dr.select(behind, -normal, normal)
    tilt = dr.dot(normal, ray.d)  # an interpolated normal may lean away at a silhouette: stand it upright
    normal = dr.select(tilt > 0, dr.normalize(normal - ray.d * (tilt + 1e-4)), normal)
    t = dr.select(valid, found.t, _FAR_M)
    return Hit(
        valid=valid,
        t=t,
        position=ray(t),
        normal=normal,
        uv=(b0 * r[0] + b1 * r[2] + b2 * r[4], b0 * r[1] + b1 * r[3] + b2 * r[5]),
        texel_density=r[15],
        material=bits(r[12]),
        instance=bits(r[13]),
        room=room,
    )


def _from_octahedral(x: Array, y: Array) -> Array:
    z = 1 - dr.abs(x) - dr.abs(y)
    fold = dr.maximum(-z, 0)
    return dr.normalize(mi.Vector3f(x + dr.select(x >= 0, -fold, fold), y + dr.select(y >= 0, -fold, fold), z))
