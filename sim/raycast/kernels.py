"""What happens for every pixel: one ray finds the surface, and every sensor reads it.

Traced once for each set of sensors and frozen by the renderer.
"""

from dataclasses import dataclass
from typing import Any

import drjit as dr
import mitsuba as mi

from sim.raycast.casting import Array, Camera, DeviceTables, Hit, camera_of, intersect, primary_ray
from sim.raycast.paths import path_radiance
from sim.raycast.shading import shaded, srgb_packed
from sim.simulator import Sensor

_LARGEST_SAMPLE = 2.0


@dataclass(frozen=True)
class Quality:
    """How much light transport an RGB image gets.

    Args:
        samples: Rays for each pixel; more smooth edges, soft shadows and bounced light.
        bounces: 0 shades with the room's two strongest lights, sharp shadows and a constant ambient light. From 1 on
            paths are traced: all lights, soft shadows, reflections, and light that is handed on this many times
            before the constant ambient light stands for the rest.
    """

    samples: int = 1
    bounces: int = 0


def sense(
    scene: Any,
    tables: DeviceTables,
    camera_records: Array,
    camera_index: Array,
    column: Array,
    row: Array,
    sensors: tuple[Sensor, ...],
    quality: Quality,
) -> tuple[Array, ...]:
    """What each pixel measures, in the order of `sensors`.

    Args:
        scene: Mitsuba's scene.
        tables: What it is made of.
        camera_records: As `tables.pack_cameras` makes them, flat.
        camera_index: Camera of each pixel.
        column: Pixels right of the optical centre, to the middle of the pixel.
        row: Pixels above the optical centre.
        sensors: What to measure.
        quality: Of RGB.
    """
    camera = camera_of(camera_records, camera_index)
    through = (column, row)
    ray, cosine = primary_ray(camera, *through)
    hit = intersect(scene, tables, ray, camera)
    measured = {
        Sensor.RGB: lambda: _rgb(scene, tables, camera, through, (ray, cosine), hit, quality),
        Sensor.DEPTH: lambda: dr.select(hit.valid, hit.t * cosine, 0),
        Sensor.NORMAL: lambda: _camera_frame_normal(camera, hit),
        Sensor.SEMANTIC: lambda: dr.select(hit.valid, mi.Int32(hit.instance), 0),
    }
    return tuple(measured[sensor]() for sensor in sensors)


def _camera_frame_normal(camera: Camera, hit: Hit) -> Array:
    world = dr.select(hit.valid, hit.normal, 0)
    return mi.Vector3f(dr.dot(world, camera.right), dr.dot(world, camera.up), dr.dot(world, camera.back))


def _rgb(
    scene: Any,
    tables: DeviceTables,
    camera: Camera,
    through: tuple[Array, Array],
    ray_and_cosine: tuple[Any, Array],
    hit: Hit,
    quality: Quality,
) -> Array:
    if quality.samples == 1 and quality.bounces == 0:
        ray, cosine = ray_and_cosine
        radiance = shaded(scene, tables, ray, hit, camera.pixel_size * cosine)
    else:
        radiance = averaged(scene, tables, camera, through, quality)
    return srgb_packed(radiance)


def averaged(scene: Any, tables: DeviceTables, camera: Camera, through: tuple[Array, Array], quality: Quality) -> Array:
    """Mean over samples spread over the pixel by the R2 sequence (Roberts 2018), each limited against fireflies."""
    column, row = through
    key = mi.UInt32(mi.Int32(column * 2)) * 73856093 ^ mi.UInt32(mi.Int32(row * 2)) * 19349663 ^ camera.seed

    def add_sample(sample: Array, total: Array) -> tuple[Array, Array]:
        shift_x = mi.Float(sample) * 0.7548776662 + 0.5
        shift_y = mi.Float(sample) * 0.5698402910 + 0.5
        ray, cosine = primary_ray(
            camera, column + shift_x - dr.floor(shift_x) - 0.5, row + shift_y - dr.floor(shift_y) - 0.5
        )
        hit = intersect(scene, tables, ray, camera)
        if quality.bounces == 0:
            radiance = shaded(scene, tables, ray, hit, camera.pixel_size * cosine)
        else:
            radiance = path_radiance(scene, tables, camera, ray, hit, key, sample, quality.bounces)
        return sample + 1, total + dr.minimum(radiance, _LARGEST_SAMPLE)

    _, total = dr.while_loop(
        (mi.UInt32(0), dr.zeros(mi.Color3f, dr.width(column))),
        lambda sample, _: sample < quality.samples,
        add_sample,
    )
    return total / quality.samples
