"""Light that is handed on from surface to surface: path tracing. Plain functions of Dr.Jit arrays."""

import math
from typing import Any

import drjit as dr
import mitsuba as mi

from sim.raycast.casting import Array, Camera, DeviceTables, Hit, intersect, packet
from sim.raycast.shading import SHADOW_OFFSET_M, Surface, received, strength_of, surface_at

_LARGEST_BOUNCE = 1.0
"""What a surface may hand on at most from each light: brighter spots are too small for few samples to find."""

_CANDIDATES = 4
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89)


def path_radiance(
    scene: Any, tables: DeviceTables, camera: Camera, ray: Any, hit: Hit, key: Array, sample: Array, bounces: int
) -> Array:
    """Radiance along one path (Kajiya 1986), one light sampled at each diffuse surface."""
    radiance = mi.Color3f(0)
    throughput = mi.Color3f(1)
    sees_emission = dr.full(mi.Bool, True, dr.width(key))
    active = hit.valid
    for depth in range(bounces + 1):
        surface = surface_at(tables, ray, hit, camera.pixel_size)
        radiance += dr.select(active & sees_emission, throughput * surface.emission, 0)
        numbers = [_spread(key, sample, depth * 7 + i) for i in range(7)]
        mirrored, reflectance = _specular(ray, hit, surface, numbers)
        mirrors = active & (numbers[6] < reflectance)
        if depth == bounces:
            mirrors &= False
        diffuse = active & ~mirrors
        record, position, weight = _drawn_light(tables, hit, numbers)
        direct = received(scene, hit, position, record, coherent=False) * weight
        if depth:
            direct = dr.minimum(direct, _LARGEST_BOUNCE)
        ambient = dr.gather(mi.Vector4f, tables.rooms, hit.room * 8 + 5, active)
        rest = mi.Color3f(ambient.x, ambient.y, ambient.z) if depth == bounces else mi.Color3f(0)
        radiance += dr.select(diffuse, throughput * surface.albedo * (direct + rest), 0)
        if depth == bounces:
            break
        frame = mi.Frame3f(hit.normal)
        scattered = frame.to_world(mi.warp.square_to_cosine_hemisphere(mi.Point2f(numbers[4], numbers[5])))
        throughput *= dr.select(mirrors, dr.lerp(mi.Color3f(1), surface.albedo, surface.metallic), surface.albedo)
        sees_emission = mirrors
        direction = dr.select(mirrors, mirrored, scattered)
        ray = mi.Ray3f(hit.position + hit.normal * SHADOW_OFFSET_M, direction)
        hit = intersect(scene, tables, ray, camera, active, coherent=False)
        active = active & hit.valid
    return radiance


def _spread(key: Array, sample: Array, dimension: int) -> Array:
    """Numbers in [0, 1) that fill each dimension evenly over the samples (Richtmyer 1951), shifted by pixel."""
    shift = key + (dimension + 1) * 0x9E3779B9 % 2**32
    for multiplier in (0x7FEB352D, 0x846CA68B):
        shift = (shift ^ (shift >> 16)) * multiplier
    step = int(math.sqrt(_PRIMES[dimension % len(_PRIMES)]) % 1 * 2**32)
    return mi.Float((shift + sample * step) >> 8) * 2**-24


def _specular(ray: Any, hit: Hit, surface: Surface, numbers: list[Array]) -> tuple[Array, Array]:
    """A reflected direction, blurred by roughness, and how much is reflected (Schlick 1994)."""
    cosine = dr.maximum(-dr.dot(ray.d, hit.normal), 0)
    at_normal = dr.lerp(0.04, 0.9, surface.metallic)
    gloss = dr.square(1 - surface.roughness)
    reflectance = (at_normal + (1 - at_normal) * dr.power(1 - cosine, 5)) * dr.maximum(gloss, surface.metallic)
    blur = mi.warp.square_to_uniform_sphere(mi.Point2f(numbers[4], numbers[5])) * dr.square(surface.roughness)
    mirrored = dr.normalize(ray.d + hit.normal * (2 * cosine) + blur)
    return dr.select(dr.dot(mirrored, hit.normal) > 0, mirrored, hit.normal), reflectance


def _drawn_light(tables: DeviceTables, hit: Hit, numbers: list[Array]) -> tuple[list[Array], Array, Array]:
    """A light, a point on it, and 1 / its probability: one of a few candidates, drawn by what each would give.

    Resampled importance sampling (Talbot et al. 2005): the candidates come from the room's slots.
    """
    total, chosen, reached = mi.Float(0), mi.UInt32(0), mi.Float(0)
    random = numbers[0] * 1.0
    for candidate in range(_CANDIDATES):
        slot = mi.UInt32((numbers[1] + candidate) * (64 / _CANDIDATES)) & 63
        index = dr.gather(mi.UInt32, tables.light_slots, hit.room * 64 + slot, hit.valid)
        weight = dr.gather(mi.Float, tables.light_slot_weights, hit.room * 64 + slot, hit.valid)
        record = packet(mi.Matrix4f, tables.lights, index, hit.valid)
        strength, _ = strength_of(hit, _point_on(record, numbers), record)
        reach = strength * (record[3] + record[4] + record[5])
        total += reach * weight
        share = dr.select(total > 0, reach * weight / total, 0)
        taken = random < share
        random = dr.select(taken, random / share, (random - share) / (1 - share))
        chosen, reached = dr.select(taken, index, chosen), dr.select(taken, reach, reached)
    record = packet(mi.Matrix4f, tables.lights, chosen, hit.valid)
    return record, _point_on(record, numbers), dr.select(reached > 0, total / (_CANDIDATES * reached), 0)


def _point_on(light: list[Array], numbers: list[Array]) -> Array:
    """A point on what shines; a window's lie in its plane."""
    spread = mi.warp.square_to_uniform_sphere(mi.Point2f(numbers[2], numbers[3])) * light[10]
    normal = mi.Vector3f(*light[6:9])
    return mi.Point3f(*light[0:3]) + spread - normal * dr.dot(spread, normal)
