"""Colours of surfaces, and the light they get directly. Plain functions of Dr.Jit arrays."""

from dataclasses import dataclass
from typing import Any

import drjit as dr
import mitsuba as mi

from sim.raycast.casting import Array, DeviceTables, Hit, bits, packet

SHADOW_OFFSET_M = 2e-3
"""How far above its surface a ray starts, so as not to meet it again."""


@dataclass(frozen=True, eq=False)
class Surface:
    """What a surface is made of where it was hit."""

    albedo: Array
    emission: Array
    roughness: Array
    metallic: Array


def surface_at(tables: DeviceTables, ray: Any, hit: Hit, pixel_size: Array) -> Surface:
    """Colours at a hit; the texture's level is the one whose texels are as wide as the pixel's footprint."""
    texture, base, emission = (
        dr.gather(mi.Vector4f, tables.materials, hit.material * 3 + i, hit.valid) for i in range(3)
    )
    offset, log_width, log_height = bits(texture.x), bits(texture.y), bits(texture.z)
    slant = dr.rsqrt(dr.maximum(dr.abs(dr.dot(hit.normal, ray.d)), 0.05))
    footprint_texels = hit.t * pixel_size * slant * hit.texel_density
    level = mi.UInt32(
        dr.clip(dr.log2(dr.maximum(footprint_texels, 1e-6)) + 0.5, 0, mi.Float(dr.minimum(log_width, log_height)))
    )
    width, height = mi.UInt32(1) << (log_width - level), mi.UInt32(1) << (log_height - level)
    area = mi.UInt32(1) << (log_width + log_height)
    offset += ((area - (area >> (2 * level))) * 4) // 3  # the finer levels lie before
    x, y = hit.uv[0] * mi.Float(width) - 0.5, hit.uv[1] * mi.Float(height) - 0.5
    left, top = dr.floor(x), dr.floor(y)
    columns = [mi.UInt32(mi.Int32(left) + i) & (width - 1) for i in range(2)]
    rows = [(mi.UInt32(mi.Int32(top) + i) & (height - 1)) * width + offset for i in range(2)]
    upper, lower = (
        dr.lerp(*(_texel(tables, columns[i] + start, hit.valid) for i in range(2)), x - left) for start in rows
    )
    color = dr.square(dr.lerp(upper, lower, y - top))
    return Surface(
        albedo=color * mi.Color3f(base.x, base.y, base.z),
        emission=color * mi.Color3f(emission.x, emission.y, emission.z),
        roughness=texture.w,
        metallic=base.w,
    )


def _texel(tables: DeviceTables, index: Array, active: Array) -> Array:
    packed = dr.gather(mi.UInt32, tables.texels, index, active)
    return mi.Color3f(mi.Float(packed & 1023), mi.Float((packed >> 10) & 1023), mi.Float(packed >> 20)) * (1 / 1023)


def shaded(scene: Any, tables: DeviceTables, ray: Any, hit: Hit, pixel_size: Array) -> Array:
    """Radiance with the room's two strongest lights, sharp shadows, and the ambient light."""
    surface = surface_at(tables, ray, hit, pixel_size)
    first = packet(mi.Matrix4f, tables.rooms, hit.room * 2, hit.valid)
    second = packet(mi.Matrix4f, tables.rooms, hit.room * 2 + 1, hit.valid)
    record = first + second
    irradiance = mi.Color3f(record[20], record[21], record[22])
    for light in (record[0:10], record[10:20]):
        irradiance += received(scene, hit, mi.Point3f(*light[0:3]), light)
    relief = 1 - record[23] * (1 - dr.abs(dr.dot(hit.normal, mi.Vector3f(0.36, 0.8, 0.48))))
    return dr.select(hit.valid, surface.albedo * irradiance * relief + surface.emission, 0)


def strength_of(hit: Hit, position: Array, light: list[Array]) -> tuple[Array, Array]:
    """What a light's intensity is multiplied by at a hit if nothing is between, and the way to the light."""
    towards = position - (hit.position + hit.normal * SHADOW_OFFSET_M)
    inverse = dr.rsqrt(dr.squared_norm(towards))
    direction = towards * inverse
    facing = dr.maximum(dr.dot(direction, hit.normal), 0)
    shining = dr.maximum(light[9] - dr.dot(direction, mi.Vector3f(*light[6:9])), 0)
    return dr.select(hit.valid, facing * shining * inverse * inverse, 0), towards


def received(scene: Any, hit: Hit, position: Array, light: list[Array], coherent: bool = True) -> Array:
    """Irradiance from a light record at a hit, over pi: what a white surface gives back."""
    strength, towards = strength_of(hit, position, light)
    start = hit.position + hit.normal * SHADOW_OFFSET_M
    lit = strength > 0
    shadowed = scene.ray_test(mi.Ray3f(start, towards, 1.0, 0.0, []), coherent=coherent, active=lit)
    return dr.select(lit & ~shadowed, strength, 0) * mi.Color3f(*light[3:6])


def srgb_packed(linear: Array) -> Array:
    """IEC 61966-2-1, rounded to bytes: red in the lowest."""
    curve = 1.055 * dr.power(dr.maximum(linear, 1e-8), 1 / 2.4) - 0.055
    encoded = dr.clip(dr.select(linear <= 0.0031308, 12.92 * linear, curve), 0, 1) * 255 + 0.5
    return mi.UInt32(encoded.x) | (mi.UInt32(encoded.y) << 8) | (mi.UInt32(encoded.z) << 16)
