"""What happens for every pixel: one ray finds the surface, and every sensor reads it.

Plain functions of Dr.Jit arrays, traced once for each set of sensors and frozen by the renderer.
"""

import math
from dataclasses import dataclass
from typing import Any

import drjit as dr
import mitsuba as mi

from sim.simulator import Sensor

Array = Any
"""A Dr.Jit array; its type depends on the device."""

_SHADOW_OFFSET_M = 2e-3
_FAR_M = 1e4
_LARGEST_SAMPLE = 2.0
_LARGEST_BOUNCE = 1.0
_CANDIDATES = 4
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89)


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
class _Camera:
    origin: Array
    pixel_size: Array
    right: Array
    up: Array
    back: Array
    first_room: Array
    last_room: Array
    seed: Array


@dataclass(frozen=True, eq=False)
class _Hit:
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
    camera = _camera(camera_records, camera_index)
    through = (column, row)
    ray, cosine = _primary_ray(camera, *through)
    hit = _intersect(scene, tables, ray, camera)
    measured = {
        Sensor.RGB: lambda: _rgb(scene, tables, camera, through, (ray, cosine), hit, quality),
        Sensor.DEPTH: lambda: dr.select(hit.valid, hit.t * cosine, 0),
        Sensor.NORMAL: lambda: _camera_frame_normal(camera, hit),
        Sensor.SEMANTIC: lambda: dr.select(hit.valid, mi.Int32(hit.instance), 0),
    }
    return tuple(measured[sensor]() for sensor in sensors)


def _packet(matrix_type: Any, source: Array, index: Array, active: Array = True) -> list[Array]:
    """16 neighbouring floats of each record, fetched together."""
    block = dr.gather(matrix_type, source, index, active)
    return [block[i, j] for i in range(4) for j in range(4)]


def _camera(records: Array, index: Array) -> _Camera:
    r = _packet(mi.Matrix4f, records, index)
    return _Camera(
        origin=mi.Point3f(r[0], r[1], r[2]),
        pixel_size=r[3],
        right=mi.Vector3f(r[4], r[7], r[10]),
        up=mi.Vector3f(r[5], r[8], r[11]),
        back=mi.Vector3f(r[6], r[9], r[12]),
        first_room=_bits(r[13]),
        last_room=_bits(r[14]),
        seed=_bits(r[15]),
    )


def _bits(number: Array) -> Array:
    return dr.reinterpret_array(mi.UInt32, number)


def _primary_ray(camera: _Camera, column: Array, row: Array) -> tuple[Any, Array]:
    """The ray through a pixel, and the cosine of its angle to the optical axis."""
    x, y = column * camera.pixel_size, row * camera.pixel_size
    cosine = dr.rsqrt(1 + x * x + y * y)
    direction = (camera.right * x + camera.up * y - camera.back) * cosine
    return mi.Ray3f(camera.origin, direction), cosine


def _intersect(
    scene: Any, tables: DeviceTables, ray: Any, camera: _Camera, active: Array = True, coherent: bool = True
) -> _Hit:
    found = scene.ray_intersect_preliminary(ray, coherent=coherent, active=active)
    valid = found.is_valid()
    r = _packet(mi.Matrix4f, tables.triangles, found.prim_index, valid)
    room = _bits(r[14])
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
    return _Hit(
        valid=valid,
        t=t,
        position=ray(t),
        normal=normal,
        uv=(b0 * r[0] + b1 * r[2] + b2 * r[4], b0 * r[1] + b1 * r[3] + b2 * r[5]),
        texel_density=r[15],
        material=_bits(r[12]),
        instance=_bits(r[13]),
        room=room,
    )


def _from_octahedral(x: Array, y: Array) -> Array:
    z = 1 - dr.abs(x) - dr.abs(y)
    fold = dr.maximum(-z, 0)
    return dr.normalize(mi.Vector3f(x + dr.select(x >= 0, -fold, fold), y + dr.select(y >= 0, -fold, fold), z))


def _camera_frame_normal(camera: _Camera, hit: _Hit) -> Array:
    world = dr.select(hit.valid, hit.normal, 0)
    return mi.Vector3f(dr.dot(world, camera.right), dr.dot(world, camera.up), dr.dot(world, camera.back))


@dataclass(frozen=True, eq=False)
class _Surface:
    albedo: Array
    emission: Array
    roughness: Array
    metallic: Array


def _surface(tables: DeviceTables, ray: Any, hit: _Hit, pixel_size: Array) -> _Surface:
    """Colours at a hit; the texture's level is the one whose texels are as wide as the pixel's footprint."""
    texture, base, emission = (
        dr.gather(mi.Vector4f, tables.materials, hit.material * 3 + i, hit.valid) for i in range(3)
    )
    offset, log_width, log_height = _bits(texture.x), _bits(texture.y), _bits(texture.z)
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
    return _Surface(
        albedo=color * mi.Color3f(base.x, base.y, base.z),
        emission=color * mi.Color3f(emission.x, emission.y, emission.z),
        roughness=texture.w,
        metallic=base.w,
    )


def _texel(tables: DeviceTables, index: Array, active: Array) -> Array:
    packed = dr.gather(mi.UInt32, tables.texels, index, active)
    return mi.Color3f(mi.Float(packed & 1023), mi.Float((packed >> 10) & 1023), mi.Float(packed >> 20)) * (1 / 1023)


def _rgb(
    scene: Any,
    tables: DeviceTables,
    camera: _Camera,
    through: tuple[Array, Array],
    ray_and_cosine: tuple[Any, Array],
    hit: _Hit,
    quality: Quality,
) -> Array:
    if quality.samples == 1 and quality.bounces == 0:
        ray, cosine = ray_and_cosine
        radiance = _shaded(scene, tables, ray, hit, camera.pixel_size * cosine)
    else:
        radiance = _averaged(scene, tables, camera, through, quality)
    return _srgb_packed(radiance)


def _srgb_packed(linear: Array) -> Array:
    """IEC 61966-2-1, rounded to bytes: red in the lowest."""
    curve = 1.055 * dr.power(dr.maximum(linear, 1e-8), 1 / 2.4) - 0.055
    encoded = dr.clip(dr.select(linear <= 0.0031308, 12.92 * linear, curve), 0, 1) * 255 + 0.5
    return mi.UInt32(encoded.x) | (mi.UInt32(encoded.y) << 8) | (mi.UInt32(encoded.z) << 16)


def _shaded(scene: Any, tables: DeviceTables, ray: Any, hit: _Hit, pixel_size: Array) -> Array:
    """Radiance with the room's two strongest lights, sharp shadows, and the ambient light."""
    surface = _surface(tables, ray, hit, pixel_size)
    first = _packet(mi.Matrix4f, tables.rooms, hit.room * 2, hit.valid)
    second = _packet(mi.Matrix4f, tables.rooms, hit.room * 2 + 1, hit.valid)
    record = first + second
    irradiance = mi.Color3f(record[20], record[21], record[22])
    for light in (record[0:10], record[10:20]):
        irradiance += _received(scene, hit, mi.Point3f(*light[0:3]), light)
    relief = 1 - record[23] * (1 - dr.abs(dr.dot(hit.normal, mi.Vector3f(0.36, 0.8, 0.48))))
    return dr.select(hit.valid, surface.albedo * irradiance * relief + surface.emission, 0)


def _strength(hit: _Hit, position: Array, light: list[Array]) -> tuple[Array, Array]:
    """What a light's intensity is multiplied by at a hit if nothing is between, and the way to the light."""
    towards = position - (hit.position + hit.normal * _SHADOW_OFFSET_M)
    inverse = dr.rsqrt(dr.squared_norm(towards))
    direction = towards * inverse
    facing = dr.maximum(dr.dot(direction, hit.normal), 0)
    shining = dr.maximum(light[9] - dr.dot(direction, mi.Vector3f(*light[6:9])), 0)
    return dr.select(hit.valid, facing * shining * inverse * inverse, 0), towards


def _received(scene: Any, hit: _Hit, position: Array, light: list[Array], coherent: bool = True) -> Array:
    """Irradiance from a light record at a hit, over pi: what a white surface gives back."""
    strength, towards = _strength(hit, position, light)
    start = hit.position + hit.normal * _SHADOW_OFFSET_M
    lit = strength > 0
    shadowed = scene.ray_test(mi.Ray3f(start, towards, 1.0, 0.0, []), coherent=coherent, active=lit)
    return dr.select(lit & ~shadowed, strength, 0) * mi.Color3f(*light[3:6])


def _averaged(
    scene: Any, tables: DeviceTables, camera: _Camera, through: tuple[Array, Array], quality: Quality
) -> Array:
    """Mean over samples spread over the pixel by the R2 sequence (Roberts 2018), each limited against fireflies."""
    column, row = through
    key = mi.UInt32(mi.Int32(column * 2)) * 73856093 ^ mi.UInt32(mi.Int32(row * 2)) * 19349663 ^ camera.seed

    def add_sample(sample: Array, total: Array) -> tuple[Array, Array]:
        shift_x = mi.Float(sample) * 0.7548776662 + 0.5
        shift_y = mi.Float(sample) * 0.5698402910 + 0.5
        ray, cosine = _primary_ray(
            camera, column + shift_x - dr.floor(shift_x) - 0.5, row + shift_y - dr.floor(shift_y) - 0.5
        )
        hit = _intersect(scene, tables, ray, camera)
        if quality.bounces == 0:
            radiance = _shaded(scene, tables, ray, hit, camera.pixel_size * cosine)
        else:
            radiance = _path(scene, tables, camera, ray, hit, key, sample, quality.bounces)
        return sample + 1, total + dr.minimum(radiance, _LARGEST_SAMPLE)

    _, total = dr.while_loop(
        (mi.UInt32(0), dr.zeros(mi.Color3f, dr.width(column))),
        lambda sample, _: sample < quality.samples,
        add_sample,
    )
    return total / quality.samples


def _path(
    scene: Any, tables: DeviceTables, camera: _Camera, ray: Any, hit: _Hit, key: Array, sample: Array, bounces: int
) -> Array:
    """Radiance along one path (Kajiya 1986), one light sampled at each diffuse surface."""
    radiance = mi.Color3f(0)
    throughput = mi.Color3f(1)
    sees_emission = dr.full(mi.Bool, True, dr.width(key))
    active = hit.valid
    for depth in range(bounces + 1):
        surface = _surface(tables, ray, hit, camera.pixel_size)
        radiance += dr.select(active & sees_emission, throughput * surface.emission, 0)
        numbers = [_spread(key, sample, depth * 7 + i) for i in range(7)]
        mirrored, reflectance = _specular(ray, hit, surface, numbers)
        mirrors = active & (numbers[6] < reflectance)
        if depth == bounces:
            mirrors &= False
        diffuse = active & ~mirrors
        record, position, weight = _drawn_light(tables, hit, numbers)
        direct = _received(scene, hit, position, record, coherent=False) * weight
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
        ray = mi.Ray3f(hit.position + hit.normal * _SHADOW_OFFSET_M, direction)
        hit = _intersect(scene, tables, ray, camera, active, coherent=False)
        active = active & hit.valid
    return radiance


def _spread(key: Array, sample: Array, dimension: int) -> Array:
    """Numbers in [0, 1) that fill each dimension evenly over the samples (Richtmyer 1951), shifted by pixel."""
    shift = key + (dimension + 1) * 0x9E3779B9 % 2**32
    for multiplier in (0x7FEB352D, 0x846CA68B):
        shift = (shift ^ (shift >> 16)) * multiplier
    step = int(math.sqrt(_PRIMES[dimension % len(_PRIMES)]) % 1 * 2**32)
    return mi.Float((shift + sample * step) >> 8) * 2**-24


def _specular(ray: Any, hit: _Hit, surface: _Surface, numbers: list[Array]) -> tuple[Array, Array]:
    """A reflected direction, blurred by roughness, and how much is reflected (Schlick 1994)."""
    cosine = dr.maximum(-dr.dot(ray.d, hit.normal), 0)
    at_normal = dr.lerp(0.04, 0.9, surface.metallic)
    gloss = dr.square(1 - surface.roughness)
    reflectance = (at_normal + (1 - at_normal) * dr.power(1 - cosine, 5)) * dr.maximum(gloss, surface.metallic)
    blur = mi.warp.square_to_uniform_sphere(mi.Point2f(numbers[4], numbers[5])) * dr.square(surface.roughness)
    mirrored = dr.normalize(ray.d + hit.normal * (2 * cosine) + blur)
    return dr.select(dr.dot(mirrored, hit.normal) > 0, mirrored, hit.normal), reflectance


def _drawn_light(tables: DeviceTables, hit: _Hit, numbers: list[Array]) -> tuple[list[Array], Array, Array]:
    """A light, a point on it, and 1 / its probability: one of a few candidates, drawn by what each would give.

    Resampled importance sampling (Talbot et al. 2005): the candidates come from the room's slots.
    """
    total, chosen, reached = mi.Float(0), mi.UInt32(0), mi.Float(0)
    random = numbers[0] * 1.0
    for candidate in range(_CANDIDATES):
        slot = mi.UInt32((numbers[1] + candidate) * (64 / _CANDIDATES)) & 63
        index = dr.gather(mi.UInt32, tables.light_slots, hit.room * 64 + slot, hit.valid)
        weight = dr.gather(mi.Float, tables.light_slot_weights, hit.room * 64 + slot, hit.valid)
        record = _packet(mi.Matrix4f, tables.lights, index, hit.valid)
        strength, _ = _strength(hit, _point_on(record, numbers), record)
        reach = strength * (record[3] + record[4] + record[5])
        total += reach * weight
        share = dr.select(total > 0, reach * weight / total, 0)
        taken = random < share
        random = dr.select(taken, random / share, (random - share) / (1 - share))
        chosen, reached = dr.select(taken, index, chosen), dr.select(taken, reach, reached)
    record = _packet(mi.Matrix4f, tables.lights, chosen, hit.valid)
    return record, _point_on(record, numbers), dr.select(reached > 0, total / (_CANDIDATES * reached), 0)


def _point_on(light: list[Array], numbers: list[Array]) -> Array:
    """A point on what shines; a window's lie in its plane."""
    spread = mi.warp.square_to_uniform_sphere(mi.Point2f(numbers[2], numbers[3])) * light[10]
    normal = mi.Vector3f(*light[6:9])
    return mi.Point3f(*light[0:3]) + spread - normal * dr.dot(spread, normal)
