"""Many cameras in many buildings, one call."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.building import Building
from sim.cameras import Cameras
from sim.errors import SimulatorError
from sim.raycast.device import activate
from sim.raycast.light_slots import fill_slots
from sim.raycast.tables import Tables, pack, pack_cameras
from sim.simulator import Observations, Sensor, check_image_size

_ALIGNMENT_BYTES = 64
_MOST_RECORDINGS = 64
_MOST_KEPT_PIXELS = 1 << 21


class RaycastRenderer:
    """Renders buildings with Mitsuba 3's ray tracing on Dr.Jit kernels of our own.

    All sensors are read from one cast. Kernels are traced once for each set of sensors and replayed from then on,
    whatever the number of cameras.

    Args:
        buildings: Side by side in one scene; a camera sees its own only.
        device: "cpu", or "cuda" for an NVIDIA GPU.
        threads: CPU threads for the whole process; all cores if None.

    Raises:
        SimulatorError: If there is no building, or the device cannot be used.
    """

    def __init__(self, buildings: Sequence[Building], device: str = "cpu", threads: int | None = None) -> None:
        if not buildings:
            raise SimulatorError("a renderer needs at least one building; none was given.")
        activate(device)
        import drjit
        import mitsuba

        from sim.raycast.casting import DeviceTables

        if threads is not None:
            drjit.set_thread_count(threads)
        self.buildings = tuple(buildings)
        self._device = device
        self._tables: Tables = pack(self.buildings)
        self._scene = _scene(self._tables)
        self._on_device = DeviceTables(
            triangles=_on(mitsuba.Float, self._tables.triangle_records),
            materials=_on(mitsuba.Float, self._tables.material_records),
            texels=_on(mitsuba.UInt32, self._tables.texels),
            rooms=_on(mitsuba.Float, self._tables.room_records),
            lights=_on(mitsuba.Float, self._tables.light_records),
            light_slots=mitsuba.UInt32(0),
            light_slot_weights=mitsuba.Float(0),
        )
        self._lights_are_shared_out = False
        self._kernels: dict[tuple[tuple[Sensor, ...], int, int], Any] = {}

    def render(
        self,
        cameras: Cameras,
        height: int,
        width: int,
        sensors: Sequence[str] = (Sensor.RGB,),
        *,
        samples: int = 1,
        bounces: int = 0,
    ) -> Observations:
        """What cameras see.

        Args:
            cameras: N of them; without one, the result is empty.
            height: Of the images, pixels.
            width: Of the images, pixels.
            sensors: What to measure; all from one ray through the middle of each pixel.
            samples: Rays for each pixel of RGB; from 4 on edges are smooth.
            bounces: 0 is direct light with sharp shadows; from 1 on paths are traced, and some 64 samples are needed.

        Raises:
            SimulatorError: If a size, sensor, building or quality is none that can be rendered.
        """
        check_image_size(height, width)
        wanted = Sensor.parse(tuple(sensors))
        self._check(cameras, height, width, samples, bounces)
        activate(self._device)
        if len(cameras) == 0:
            return _empty(height, width, wanted)
        import mitsuba

        if bounces and not self._lights_are_shared_out:
            self._share_out_lights()
        records = _on(mitsuba.Float, pack_cameras(cameras, width, self._tables))
        pixels = _pixels(self._device, len(cameras), height, width)
        key = (wanted, samples, bounces)
        if key not in self._kernels:
            self._kernels[key] = _frozen(*key)
        with _nothing_collected():
            arrays = self._kernels[key](self._scene, self._on_device, records, *pixels)
        shape = (len(cameras), height, width)
        read: dict[str, Any] = {}
        for sensor, array in zip(wanted, arrays, strict=True):
            read[sensor.value] = _read(sensor, array, shape)
        if self._device == "cpu":
            _park_workers()
        return Observations(**read)

    def _share_out_lights(self) -> None:
        import mitsuba

        slots, weights = fill_slots(self._scene, self._tables, self.buildings)
        self._on_device = replace(
            self._on_device,
            light_slots=_on(mitsuba.UInt32, slots),
            light_slot_weights=_on(mitsuba.Float, weights),
        )
        self._lights_are_shared_out = True

    def _check(self, cameras: Cameras, height: int, width: int, samples: int, bounces: int) -> None:
        count = len(self.buildings)
        unknown = cameras.buildings[(cameras.buildings < 0) | (cameras.buildings >= count)]
        if len(unknown):
            raise SimulatorError(f"building {unknown[0]} is not loaded; {count} are, numbered from 0.")
        if samples not in range(1, 65537) or bounces not in range(9):
            raise SimulatorError(f"{samples} samples, {bounces} bounces; expected 1 to 65536, and 0 to 8.")
        if len(cameras) * height * width >= 2**31:
            raise SimulatorError(f"{len(cameras)} images of {height} x {width} are too many at once; render fewer.")


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keep scenes that nobody needs any more until afterwards: one that goes while a kernel is recorded aborts Python.

    Dr.Jit cannot record what a scene's end asks for, and says so from where C++ allows no exception.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _park_workers() -> None:
    """Send Dr.Jit's threads to sleep: for 4 ms they look for more work, on the cores that an encoder wants next."""
    import drjit

    count = drjit.thread_count()
    if count > 1:
        drjit.set_thread_count(1)
        drjit.set_thread_count(count)


def _on(device_type: Any, array: NDArray[Any]) -> Any:
    """An array on the device, flat; aligned alike every time, since a frozen kernel is traced again where it is not."""
    memory = np.empty(array.nbytes + _ALIGNMENT_BYTES, dtype=np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT_BYTES
    aligned = memory[start : start + array.nbytes].view(array.dtype)
    aligned[:] = array.ravel()
    return device_type(aligned)


def _scene(tables: Tables) -> Any:
    import mitsuba

    mesh = mitsuba.Mesh("buildings", len(tables.vertices), len(tables.triangles))
    parameters = mitsuba.traverse(mesh)
    parameters["vertex_positions"] = tables.vertices.ravel()
    parameters["faces"] = tables.triangles.ravel()
    parameters.update()
    return mitsuba.load_dict({"type": "scene", "buildings": mesh})


def _frozen(sensors: tuple[Sensor, ...], samples: int, bounces: int) -> Any:
    """The kernel for a set of sensors; Python runs through it once for each scene, not for each frame."""
    import drjit

    from sim.raycast.kernels import Quality, sense

    @drjit.freeze(limit=_MOST_RECORDINGS, warn_after=_MOST_RECORDINGS)  # type: ignore[untyped-decorator]
    def kernel(scene: Any, tables: Any, records: Any, camera_index: Any, column: Any, row: Any) -> Any:
        quality = Quality(samples, bounces)
        return sense(scene, tables, records, camera_index, column, row, sensors, quality)

    return kernel


def _pixels(device: str, count: int, height: int, width: int) -> tuple[Any, Any, Any]:
    """Camera of each pixel, and its place right of and above the optical centre; small ones are kept."""
    draw = _kept_pixels if count * height * width <= _MOST_KEPT_PIXELS else _kept_pixels.__wrapped__
    return draw(device, count, height, width)


@lru_cache(maxsize=8)
def _kept_pixels(device: str, count: int, height: int, width: int) -> tuple[Any, Any, Any]:  # noqa: ARG001
    import mitsuba

    camera, row, column = np.indices((count, height, width), dtype=np.uint32)
    return (
        _on(mitsuba.UInt32, camera),
        _on(mitsuba.Float, (column + np.float32(0.5 - width / 2)).astype(np.float32)),
        _on(mitsuba.Float, (np.float32(height / 2 - 0.5) - row).astype(np.float32)),
    )


def _read(sensor: Sensor, array: Any, shape: tuple[int, int, int]) -> NDArray[Any]:
    if sensor is Sensor.RGB:
        return np.ascontiguousarray(array.numpy().view(np.uint8).reshape(*shape, 4)[..., :3])
    if sensor is Sensor.NORMAL:
        return np.stack([channel.numpy().reshape(shape) for channel in array], axis=-1)
    return np.asarray(array.numpy()).reshape(shape)


def _empty(height: int, width: int, sensors: tuple[Sensor, ...]) -> Observations:
    shapes: dict[Sensor, Any] = {
        Sensor.RGB: np.zeros((0, height, width, 3), np.uint8),
        Sensor.DEPTH: np.zeros((0, height, width), np.float32),
        Sensor.NORMAL: np.zeros((0, height, width, 3), np.float32),
        Sensor.SEMANTIC: np.zeros((0, height, width), np.int32),
    }
    return Observations(**{sensor.value: shapes[sensor] for sensor in sensors})
