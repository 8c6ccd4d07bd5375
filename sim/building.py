"""A building: named, textured, labelled triangles in metres, Y up, with its rooms and lights.

A `Building` is flat arrays, so that every backend, label and file format reads the same thing at once.
`BuildingBuilder` is how one is put together from parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.checks import check_array, check_numbers
from sim.errors import SimulatorError

MOST_TRIANGLES = 5_000_000
"""More do not fit a renderer's memory beside its tables."""

FARTHEST_M = 10_000.0
"""From the origin; beyond, float32 keeps less than a millimetre."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a surface is made of.

    Args:
        name: Unique within a building.
        base_color: Linear RGB albedo in [0, 1]; multiplies the texture where there is one.
        texture: uint8 [H, W, 3] in sRGB, repeating; row 0 lies at v = 0, as in glTF.
        texture_size_m: Metres that one repeat of the texture spans (u, v); a `Mesh` has its uv in metres.
        emission: Linear RGB radiance given off, 0 for what does not shine; multiplied by the texture too.
        roughness: 0 reflects sharply, 1 is matt; only path-traced pictures show it.
        metallic: 1 for metals and mirrors, which reflect in their base colour; 0 for all else.

    Raises:
        SimulatorError: If a number is not finite or outside its range, or the texture is of another type or empty.
    """

    name: str
    base_color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    texture: NDArray[np.uint8] | None = None
    texture_size_m: tuple[float, float] = (1.0, 1.0)
    emission: tuple[float, float, float] = (0.0, 0.0, 0.0)
    roughness: float = 1.0
    metallic: float = 0.0

    def __post_init__(self) -> None:
        label = f"material {self.name!r}"
        check_numbers(f"{label}: base_color", self.base_color, 3, 0, 1)
        check_numbers(f"{label}: emission", self.emission, 3, 0)
        check_numbers(f"{label}: texture_size_m", self.texture_size_m, 2, 1e-6)
        check_numbers(f"{label}: roughness and metallic", (self.roughness, self.metallic), 2, 0, 1)
        texture = self.texture
        if texture is not None and not (
            isinstance(texture, np.ndarray) and texture.dtype == np.uint8 and texture.shape[2:] == (3,) and texture.size
        ):
            found = f"{texture.dtype} {texture.shape}" if isinstance(texture, np.ndarray) else type(texture).__name__
            raise SimulatorError(f"{label}: its texture is {found}; uint8 [H, W, 3] in sRGB is expected.")


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles of one surface, seen from outside in counter-clockwise order.

    Args:
        vertices: float32 [V, 3], metres.
        normals: float32 [V, 3], unit length; shared by neighbours where the surface is smooth.
        uvs: float32 [V, 2], metres along the surface.
        triangles: int32 [T, 3], indices of vertices.
    """

    vertices: NDArray[np.float32]
    normals: NDArray[np.float32]
    uvs: NDArray[np.float32]
    triangles: NDArray[np.int32]


@dataclass(frozen=True)
class Part:
    """A mesh and what it is made of."""

    mesh: Mesh
    material: Material


@dataclass(frozen=True)
class Instance:
    """One thing in a building.

    Args:
        name: Unique within the building, for example "bed_3".
        category: What it is, for example "bed".
        room: Index of its room, -1 where it belongs to none.
    """

    name: str
    category: str
    room: int = -1


@dataclass(frozen=True)
class Room:
    """A box-shaped room.

    Args:
        name: Unique within the building, for example "kitchen_1".
        kind: What it is used for, for example "kitchen".
        lower: Least x, y, z of the inner box, metres; y is the floor.
        upper: Greatest x, y, z of the inner box; y is the ceiling.

    Raises:
        SimulatorError: If a corner is not finite, or the box is empty.
    """

    name: str
    kind: str
    lower: tuple[float, float, float]
    upper: tuple[float, float, float]

    def __post_init__(self) -> None:
        check_numbers(f"room {self.name!r}: lower", self.lower, 3)
        check_numbers(f"room {self.name!r}: upper", self.upper, 3)
        if not all(low < high for low, high in zip(self.lower, self.upper, strict=True)):
            raise SimulatorError(f"room {self.name!r} spans {self.lower} to {self.upper}; lower must be less.")


@dataclass(frozen=True)
class Light:
    """A lamp, or a window that lets daylight in.

    Args:
        position: x, y, z, metres.
        intensity: Linear RGB radiant intensity: a surface facing it at d metres receives intensity / d^2.
        direction: Unit vector; light falls off with the cosine to it. None shines everywhere alike.
        radius_m: Half the width of what shines; the size of its penumbra.
        room: Index of the room it lights, -1 for all.

    Raises:
        SimulatorError: If a number is not finite, an intensity or radius is negative, or the direction is no unit
            vector.
    """

    position: tuple[float, float, float]
    intensity: tuple[float, float, float]
    direction: tuple[float, float, float] | None = None
    radius_m: float = 0.1
    room: int = -1

    def __post_init__(self) -> None:
        label = f"light at {self.position}"
        check_numbers(f"{label}: position", self.position, 3)
        check_numbers(f"{label}: intensity", self.intensity, 3, 0)
        check_numbers(f"{label}: radius_m", (self.radius_m,), 1, 0)
        if self.direction is not None:
            check_numbers(f"{label}: direction", self.direction, 3)
            if abs(np.linalg.norm(self.direction) - 1) > 1e-3:
                raise SimulatorError(f"{label}: direction is {self.direction}; a unit vector or None is expected.")


NOTHING = Instance("nothing", "nothing")
"""What instance id 0 stands for: the ray left the building."""


@dataclass(frozen=True, eq=False)
class Building:
    """A building as flat arrays.

    Args:
        name: What files and errors call it.
        vertices: float32 [V, 3], metres, Y up.
        normals: float32 [V, 3], unit shading normals.
        uvs: float32 [V, 2], repeats of the texture.
        triangles: int32 [T, 3].
        triangle_instance: int32 [T], index into `instances`, never 0.
        triangle_material: int32 [T], index into `materials`.
        instances: What the semantic sensor's ids mean; the first is `NOTHING`.
        materials: What `triangle_material` means.
        rooms: May be empty for a building read from a file.
        lights: Where empty, textures are shown as they are, unlit.
        ambient: Linear RGB of light that comes from everywhere.

    Arrays of other floating or integer types are converted.

    Raises:
        SimulatorError: If the arrays do not fit each other, are not finite, lie more than `FARTHEST_M` away, or hold no
            triangle or too many; if names repeat, or a room is not there.
    """

    name: str
    vertices: NDArray[np.float32]
    normals: NDArray[np.float32]
    uvs: NDArray[np.float32]
    triangles: NDArray[np.int32]
    triangle_instance: NDArray[np.int32]
    triangle_material: NDArray[np.int32]
    instances: tuple[Instance, ...]
    materials: tuple[Material, ...]
    rooms: tuple[Room, ...] = ()
    lights: tuple[Light, ...] = ()
    ambient: tuple[float, float, float] = (0.25, 0.25, 0.25)

    def __post_init__(self) -> None:
        label = f"building {self.name!r}"
        count, vertex_count = len(self.triangles), len(self.vertices)
        if count == 0:
            raise SimulatorError(f"{label} has no triangles; at least one is needed.")
        if count > MOST_TRIANGLES:
            raise SimulatorError(
                f"{label} has {count:,} triangles; at most {MOST_TRIANGLES:,} are accepted: simplify it."
            )
        for name, width in (("vertices", 3), ("normals", 3), ("uvs", 2)):
            array = check_array(f"{label}: {name}", getattr(self, name), np.float32, (vertex_count, width))
            bad = vertex_count - int(np.isfinite(array).all(axis=1).sum())
            if bad:
                raise SimulatorError(f"{label}: {bad} of {vertex_count} {name} are not finite; repair the file.")
            object.__setattr__(self, name, array)
        for name, shape, least, limit in (
            ("triangles", (count, 3), 0, vertex_count),
            ("triangle_instance", (count,), 1, len(self.instances)),
            ("triangle_material", (count,), 0, len(self.materials)),
        ):
            indices = check_array(f"{label}: {name}", getattr(self, name), np.int32, shape)
            if indices.min() < least or indices.max() >= limit:
                raise SimulatorError(f"{label}: {name} must lie in [{least}, {limit}).")
            object.__setattr__(self, name, indices)
        farthest_m = float(np.abs(self.vertices).max())
        if farthest_m > FARTHEST_M:
            raise SimulatorError(
                f"{label} reaches {farthest_m:.3g} m from the origin; at most {FARTHEST_M:,.0f} m are accepted: "
                "move it to the origin, or scale it to metres."
            )
        check_numbers(f"{label}: ambient", self.ambient, 3, 0)
        self._check_things(label)

    def _check_things(self, label: str) -> None:
        texts = [self.name, *(text for i in self.instances for text in (i.name, i.category))]
        texts += [text for room in self.rooms for text in (room.name, room.kind)]
        if not all(isinstance(text, str) for text in texts):
            wrong = next(text for text in texts if not isinstance(text, str))
            raise SimulatorError(f"{label} has the name {wrong!r}; names, categories and kinds are text.")
        names = [instance.name for instance in self.instances[1:]]
        if len(set(names)) < len(names):
            repeated = next(name for i, name in enumerate(names) if name in names[:i])
            raise SimulatorError(f"{label} has several instances {repeated!r}; every name must be one thing's.")
        things: tuple[Instance | Light, ...] = (*self.instances, *self.lights)
        for thing in things:
            if thing.room not in range(-1, len(self.rooms)):
                raise SimulatorError(
                    f"{label} has {len(self.rooms)} rooms, numbered from 0; -1 is none, and {thing.room!r} is not "
                    f"there, where {thing} is."
                )

    @cached_property
    def bounds(self) -> NDArray[np.float32]:
        """float32 [2, 3]: least and greatest x, y, z of all triangles."""
        used = self.vertices[self.triangles.ravel()]
        return np.stack([used.min(axis=0), used.max(axis=0)])

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Every category that occurs, sorted; the first is "nothing"."""
        found = {instance.category for instance in self.instances} - {NOTHING.category}
        return (NOTHING.category, *sorted(found))

    @cached_property
    def instance_category(self) -> NDArray[np.int32]:
        """int32 [I]: for each instance id, the index of its category in `categories`."""
        index = {category: i for i, category in enumerate(self.categories)}
        return np.array([index[instance.category] for instance in self.instances], dtype=np.int32)

    @cached_property
    def instance_room(self) -> NDArray[np.int32]:
        """int32 [I]: for each instance id, the index of its room, or -1."""
        return np.array([instance.room for instance in self.instances], dtype=np.int32)

    def room_at(self, point: ArrayLike) -> int:
        """Index of the room whose box holds a point (x, y, z), or -1."""
        x, y, z = np.asarray(point, dtype=np.float64)
        for index, room in enumerate(self.rooms):
            inside = (
                room.lower[0] <= x <= room.upper[0]
                and room.lower[1] - 0.1 <= y <= room.upper[1]
                and room.lower[2] <= z <= room.upper[2]
            )
            if inside:
                return index
        return -1


@dataclass
class BuildingBuilder:
    """Collects rooms, things and lights, and joins them into a `Building`.

    Args:
        name: Of the building.
    """

    name: str
    ambient: tuple[float, float, float] = (0.25, 0.25, 0.25)
    _rooms: list[Room] = field(default_factory=list)
    _lights: list[Light] = field(default_factory=list)
    _instances: list[Instance] = field(default_factory=lambda: [NOTHING])
    _materials: dict[int, Material] = field(default_factory=dict)
    _material_index: dict[int, int] = field(default_factory=dict)
    _chunks: list[tuple[Mesh, NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], int, int]] = field(
        default_factory=list
    )
    _counts: dict[str, int] = field(default_factory=dict)

    def add_room(self, room: Room) -> int:
        """Add a room and return its index."""
        self._rooms.append(room)
        return len(self._rooms) - 1

    def add_light(self, light: Light) -> None:
        """Add a light, in the building's frame."""
        self._lights.append(light)

    def add(
        self,
        parts: Sequence[Part],
        *,
        category: str,
        room: int = -1,
        position: tuple[float, float, float] = (0.0, 0.0, 0.0),
        yaw_rad: float = 0.0,
    ) -> int:
        """Place a thing and return its instance id.

        Args:
            parts: Its meshes, in its own frame.
            category: What it is; its name becomes `category_N`.
            room: Index of its room, or -1.
            position: Where its origin goes, metres.
            yaw_rad: Turn about +Y through its origin, counter-clockwise seen from above.
        """
        self._counts[category] = self._counts.get(category, 0) + 1
        instance = len(self._instances)
        self._instances.append(Instance(f"{category}_{self._counts[category]}", category, room))
        cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
        turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], dtype=np.float32)
        offset = np.asarray(position, dtype=np.float32)
        for part in parts:
            mesh, material = part.mesh, part.material
            if id(material) not in self._material_index:
                self._material_index[id(material)] = len(self._materials)
                self._materials[id(material)] = material
            self._chunks.append(
                (
                    mesh,
                    mesh.vertices @ turn.T + offset,
                    mesh.normals @ turn.T,
                    (mesh.uvs / np.asarray(material.texture_size_m)).astype(np.float32),
                    instance,
                    self._material_index[id(material)],
                )
            )
        return instance

    def build(self) -> Building:
        """Join everything added.

        Raises:
            SimulatorError: If nothing was added, or a part is not finite.
        """
        if not self._chunks:
            raise SimulatorError(f"building {self.name!r} has no triangles; add something first.")
        starts = np.cumsum([0, *(len(chunk[1]) for chunk in self._chunks)])
        lengths = [len(chunk[0].triangles) for chunk in self._chunks]
        return Building(
            name=self.name,
            vertices=np.concatenate([chunk[1] for chunk in self._chunks]).astype(np.float32, copy=False),
            normals=np.concatenate([chunk[2] for chunk in self._chunks]).astype(np.float32, copy=False),
            uvs=np.concatenate([chunk[3] for chunk in self._chunks]).astype(np.float32, copy=False),
            triangles=np.concatenate(
                [chunk[0].triangles + start for chunk, start in zip(self._chunks, starts, strict=False)]
            ).astype(np.int32, copy=False),
            triangle_instance=np.repeat([chunk[4] for chunk in self._chunks], lengths).astype(np.int32),
            triangle_material=np.repeat([chunk[5] for chunk in self._chunks], lengths).astype(np.int32),
            instances=tuple(self._instances),
            materials=tuple(self._materials.values()),
            rooms=tuple(self._rooms),
            lights=tuple(self._lights),
            ambient=self.ambient,
        )
