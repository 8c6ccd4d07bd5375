"""One building inside one habitat-sim simulator: its sensors, drawn from any pose."""

from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.building import Building
from sim.cameras import Cameras
from sim.errors import SimulatorError
from sim.habitat.context import acquire_context, release_context
from sim.habitat.facets import facet_normals, write_facets
from sim.habitat.library import load_habitat
from sim.habitat.lighting import unlit_metadata, without_complaints
from sim.habitat.scenes import check_scene, is_lit
from sim.scene_files import SceneFile
from sim.simulator import AgentSpec, Sensor

NEAR_M = 0.02
FAR_M = 1000.0
DRAWN = (Sensor.RGB, Sensor.DEPTH, Sensor.SEMANTIC)
"""Sensors that habitat-sim has."""

_FACETS_LIE_AT = np.array([0, -2 * FAR_M, 0], dtype=np.float32)
"""Out of every camera's sight; float32 is exact to 0.1 mm there."""

_SIZES_KEPT = 4
_TYPES = {Sensor.RGB: "COLOR", Sensor.DEPTH: "DEPTH", Sensor.SEMANTIC: "SEMANTIC"}
_BUFFERS: dict[Sensor, tuple[str, type, tuple[int, ...]]] = {
    Sensor.RGB: ("RGBA8_UNORM", np.uint8, (4,)),
    Sensor.DEPTH: ("R32F", np.float32, ()),
    Sensor.SEMANTIC: ("R32UI", np.uint32, ()),
}
_READERS = {Sensor.RGB: "read_frame_rgba", Sensor.DEPTH: "read_frame_depth", Sensor.SEMANTIC: "read_frame_object_id"}


class Stage:
    """Loads a scene and draws it.

    Args:
        scene: What to load.
        spec: Agent's body, and the size of image that is drawn most.
        gpu_device_id: As habitat-sim counts; -1 is EGL's first device.

    Raises:
        SimulatorError: If habitat-sim cannot load the scene.
    """

    def __init__(self, scene: SceneFile, spec: AgentSpec, gpu_device_id: int) -> None:
        self._habitat = load_habitat()
        configuration = self._habitat.SimulatorConfiguration()
        configuration.scene_id = str(scene.path)
        if scene.dataset is not None:
            configuration.scene_dataset_config_file = str(scene.dataset)
        configuration.gpu_device_id = gpu_device_id
        configuration.enable_physics = False
        self._own_size = (spec.height, spec.width)
        agent = self._habitat.agent.AgentConfiguration(
            height=spec.height_m,
            radius=spec.radius_m,
            sensor_specifications=[self._specification(sensor, *self._own_size) for sensor in DRAWN],
        )
        lit = is_lit(scene)
        acquire_context(gpu_device_id, self)
        try:
            make = self._habitat.metadata.MetadataMediator if lit else unlit_metadata
            metadata = make(configuration)
            check_scene(scene, metadata)
            with nullcontext() if lit else without_complaints():
                self.simulator = self._habitat.Simulator(self._habitat.Configuration(configuration, [agent], metadata))
        except (RuntimeError, AssertionError) as error:
            release_context(self)
            raise SimulatorError(f"habitat-sim cannot load {scene.path}: {str(error).splitlines()[0]}") from error
        except BaseException:
            release_context(self)
            raise
        self._node = self.simulator.get_agent(0).scene_node
        self._other_sizes: list[tuple[int, int]] = []
        self._facets_of: Building | None = None

    def render(
        self, cameras: Cameras, height: int, width: int, sensors: tuple[Sensor, ...]
    ) -> dict[Sensor, NDArray[Any]]:
        """What cameras see, row 0 at the top.

        Args:
            cameras: N of them, all in this building.
            height: Of the images, pixels.
            width: Of the images, pixels.
            sensors: Any of `DRAWN`.

        Returns:
            For each sensor uint8 [N, H, W, 4] RGBA, float32 [N, H, W] metres, or uint32 [N, H, W] of habitat-sim's
            semantic ids.
        """
        from magnum import Deg, Matrix4

        self._keep_size((height, width))
        drawn = [(sensor, self._sensor(sensor, height, width)) for sensor in sensors]
        shape = (len(cameras), height, width)
        images: dict[Sensor, NDArray[Any]] = {
            sensor: np.empty((*shape, *_BUFFERS[sensor][2]), _BUFFERS[sensor][1]) for sensor in sensors
        }
        poses = np.tile(np.eye(4, dtype=np.float32), (len(cameras), 1, 1))
        poses[:, :3, :3], poses[:, :3, 3] = cameras.rotations, cameras.positions
        for index, (pose, hfov_deg) in enumerate(zip(poses, cameras.hfov_deg, strict=True)):
            self._node.transformation = Matrix4(pose)
            for kind, sensor in drawn:
                sensor.fov = Deg(float(hfov_deg))
                self.simulator.renderer.draw(sensor, self.simulator)
                _read(kind, sensor, images[kind][index])
        return {sensor: image[:, ::-1] for sensor, image in images.items()}

    def render_normals(self, building: Building, cameras: Cameras, height: int, width: int) -> NDArray[np.float32]:
        """float32 [N, H, W, 3]: normals in the camera frame, 0 where nothing was hit.

        Args:
            building: What the stage has loaded.
            cameras: N of them, all in it.
            height: Of the images, pixels.
            width: Of the images, pixels.
        """
        if self._facets_of is not building:
            self._add_facets(building)
        aside = Cameras(cameras.positions + _FACETS_LIE_AT, cameras.rotations, cameras.hfov_deg, cameras.buildings)
        rgba = self.render(aside, height, width, (Sensor.RGB,))[Sensor.RGB]
        return facet_normals(building, cameras, rgba)

    def close(self) -> None:
        """Destroy habitat-sim's simulator."""
        self.simulator.close(destroy=True)
        release_context(self)

    def _add_facets(self, building: Building) -> None:
        from magnum import Vector3

        with write_facets(building) as path:
            numbers = self.simulator.get_object_template_manager().load_configs(str(path))
            facets = self.simulator.get_rigid_object_manager().add_object_by_template_id(
                numbers[0], light_setup_key=self._habitat.gfx.NO_LIGHT_KEY
            )
        facets.translation = Vector3(_FACETS_LIE_AT)
        self._facets_of = building

    def _specification(self, sensor: Sensor, height: int, width: int) -> Any:
        specification = self._habitat.CameraSensorSpec()
        specification.uuid = _uuid(sensor, height, width)
        specification.sensor_type = getattr(self._habitat.SensorType, _TYPES[sensor])
        specification.resolution = [height, width]
        specification.position = [0.0, 0.0, 0.0]
        specification.near, specification.far = NEAR_M, FAR_M
        return specification

    def _keep_size(self, size: tuple[int, int]) -> None:
        """Remember a size as the latest, and let go of the one that was not drawn for longest."""
        if size == self._own_size:
            return
        self._other_sizes = [*(other for other in self._other_sizes if other != size), size]
        if len(self._other_sizes) > _SIZES_KEPT:
            height, width = self._other_sizes.pop(0)
            for uuid in [_uuid(sensor, height, width) for sensor in DRAWN]:
                if uuid in self._node.subtree_sensors:
                    self._habitat.sensor.SensorFactory.delete_subtree_sensor(self._node, uuid)

    def _sensor(self, sensor: Sensor, height: int, width: int) -> Any:
        uuid = _uuid(sensor, height, width)
        if uuid not in self._node.subtree_sensors:
            self._habitat.sensor.SensorFactory.create_sensors(self._node, [self._specification(sensor, height, width)])
            self.simulator.renderer.bind_render_target(self._node.subtree_sensors[uuid])
        return self._node.subtree_sensors[uuid]


def _read(kind: Sensor, sensor: Any, image: NDArray[Any]) -> None:
    """Copy what was drawn last into an image [H, W, ...], row 0 at the bottom."""
    import magnum

    height, width = image.shape[:2]
    pixel_format = getattr(magnum.PixelFormat, _BUFFERS[kind][0])
    view = magnum.MutableImageView2D(pixel_format, [width, height], image.reshape(height, -1))
    getattr(sensor.render_target, _READERS[kind])(view)


def _uuid(sensor: Sensor, height: int, width: int) -> str:
    return f"{sensor.value}-{height}x{width}"
