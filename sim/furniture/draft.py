"""How a piece of furniture is drawn up, and the table of everything that can be."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeVar

import numpy as np

from sim.building import Material, Mesh, Part
from sim.errors import SimulatorError, unknown_name
from sim.furniture.piece import Bulb, Piece, Support
from sim.materials.palette import Palette
from sim.shapes import bounds, merged, translated

Mount = Literal["floor", "wall", "ceiling", "surface"]
"""Where a thing belongs: on the floor, hung on a wall or from the ceiling, or on a table or shelf."""
Size = Literal["width_m", "height_m", "depth_m"]
Item = TypeVar("Item")
LARGEST_M = 12.0
"""No piece is wished larger than a long hall."""


@dataclass(eq=False)
class Draft:
    """A piece while it is being put together; its maker adds parts in any convenient frame.

    Args:
        rng: Decides every proportion and choice.
        palette: The house's materials.
        wishes: Sizes asked for, metres.
    """

    rng: np.random.Generator
    palette: Palette
    wishes: Mapping[Size, float]
    meshes: dict[int, list[Mesh]] = field(default_factory=dict)
    materials: dict[int, Material] = field(default_factory=dict)
    supports: list[Support] = field(default_factory=list)
    bulbs: list[Bulb] = field(default_factory=list)

    def between(self, low: float, high: float) -> float:
        """A number drawn evenly from [low, high)."""
        return float(self.rng.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """A whole number drawn evenly from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        """True as often as the probability says."""
        return bool(self.rng.random() < probability)

    def choice(self, items: Sequence[Item]) -> Item:
        """One of several, each as likely."""
        return items[int(self.rng.integers(len(items)))]

    def width(self, low: float, high: float) -> float:
        """The width asked for, else one drawn from a range, metres."""
        return self._size("width_m", low, high)

    def height(self, low: float, high: float) -> float:
        """The height asked for, else one drawn from a range, metres."""
        return self._size("height_m", low, high)

    def depth(self, low: float, high: float) -> float:
        """The depth asked for, else one drawn from a range, metres."""
        return self._size("depth_m", low, high)

    def _size(self, name: Size, low: float, high: float) -> float:
        drawn = self.between(low, high)
        return self.wishes.get(name, drawn)

    def put(self, material: Material, *meshes: Mesh) -> None:
        """Add meshes of one material."""
        self.materials[id(material)] = material
        self.meshes.setdefault(id(material), []).extend(meshes)

    def carry(
        self, width: float, depth: float, height: float, clearance: float = 1.0, *, x: float = 0.0, z: float = 0.0
    ) -> None:
        """Say that things can stand on a level rectangle, width x depth about (x, z) at a height, metres."""
        lower = (float(x - width / 2), float(z - depth / 2))
        upper = (float(x + width / 2), float(z + depth / 2))
        self.supports.append(Support(lower, upper, float(height), float(clearance)))

    def shine(self, position: tuple[float, float, float], candela: float, *, radius: float = 0.06) -> None:
        """Add a bulb in the colour of the palette's bulbs; its brightest channel has the given radiant intensity."""
        color = np.array(self.palette.bulb.emission)
        tint = color / color.max() if color.max() > 0 else np.ones(3)
        red, green, blue = (float(channel) for channel in tint * candela)
        self.bulbs.append(Bulb(position, (red, green, blue), radius))

    def finished(self, category: str, mount: Mount) -> Piece:
        """The piece, moved to where its mount puts its origin."""
        lower, upper = bounds(mesh for group in self.meshes.values() for mesh in group)
        middle = (lower + upper) / 2
        offset = -{
            "floor": np.array([middle[0], lower[1], middle[2]]),
            "surface": np.array([middle[0], lower[1], middle[2]]),
            "wall": np.array([middle[0], middle[1], lower[2]]),
            "ceiling": np.array([middle[0], upper[1], middle[2]]),
        }[mount]
        dx, dy, dz = (float(shift) for shift in offset)
        parts = tuple(
            Part(translated(merged(group), offset), self.materials[key]) for key, group in self.meshes.items()
        )
        placed = bounds(part.mesh for part in parts)
        width, height, depth = (float(size) for size in placed[1] - placed[0])
        return Piece(
            category=category,
            parts=parts,
            size_m=(width, height, depth),
            supports=tuple(
                Support(
                    (area.lower[0] + dx, area.lower[1] + dz),
                    (area.upper[0] + dx, area.upper[1] + dz),
                    area.height_m + dy,
                    area.clearance_m,
                )
                for area in self.supports
            ),
            bulbs=tuple(
                Bulb(
                    (bulb.position[0] + dx, bulb.position[1] + dy, bulb.position[2] + dz), bulb.intensity, bulb.radius_m
                )
                for bulb in self.bulbs
            ),
        )


@dataclass(frozen=True)
class Category:
    """One kind of thing.

    Args:
        name: For example "bed".
        mount: Where it belongs, which also says where its frame has its origin (see `Piece`).
        draw: Puts its parts into a draft.
        sizes: Which sizes can be asked for.
    """

    name: str
    mount: Mount
    draw: Callable[[Draft], None]
    sizes: tuple[Size, ...] = ()


_CATEGORIES: dict[str, Category] = {}
CATALOGUE: Mapping[str, Category] = MappingProxyType(_CATEGORIES)
"""Every category by its name."""


def category(
    name: str, mount: Mount, *, sizes: Iterable[Size] = ()
) -> Callable[[Callable[[Draft], None]], Callable[[Draft], None]]:
    """Enter a function into the catalogue as the maker of a category.

    Raises:
        SimulatorError: If the name is taken.
    """

    def enter(draw: Callable[[Draft], None]) -> Callable[[Draft], None]:
        if name in _CATEGORIES:
            raise SimulatorError(f"furniture {name!r} is in the catalogue already; choose another name.")
        _CATEGORIES[name] = Category(name, mount, draw, tuple(sizes))
        return draw

    return enter


def make(
    category: str,
    rng: np.random.Generator,
    palette: Palette,
    *,
    width_m: float | None = None,
    height_m: float | None = None,
    depth_m: float | None = None,
) -> Piece:
    """A new piece of furniture.

    Args:
        category: A name in `CATALOGUE`.
        rng: Decides its proportions and variants; nothing else does.
        palette: What it is made of.
        width_m: Its width, metres, for categories whose `sizes` hold it. The piece has exactly this size.
        height_m: Its height, likewise.
        depth_m: Its depth, likewise.

    Raises:
        SimulatorError: If the category is unknown, or a size cannot be asked of it.
    """
    if category not in CATALOGUE:
        raise unknown_name("furniture", category, CATALOGUE)
    entry = CATALOGUE[category]
    asked: dict[Size, float | None] = {"width_m": width_m, "height_m": height_m, "depth_m": depth_m}
    wishes = {name: value for name, value in asked.items() if value is not None}
    for name, value in wishes.items():
        if name not in entry.sizes:
            takes = f"it takes {', '.join(entry.sizes)}" if entry.sizes else "it takes none"
            raise SimulatorError(f"{name} cannot be asked of furniture {category!r}; {takes}.")
        if not 0 < value <= LARGEST_M:
            raise SimulatorError(f"{name} of {category!r} is {value:g}; expected metres in (0, {LARGEST_M:g}].")
    draft = Draft(rng, palette, wishes)
    entry.draw(draft)
    return draft.finished(category, entry.mount)
