"""What the catalogue makes: a piece of furniture, where things can stand on it, and what shines in it."""

from dataclasses import dataclass

from sim.building import Part


@dataclass(frozen=True)
class Support:
    """A level rectangle that carries smaller things, in the piece's frame.

    Args:
        lower: Least x and z, metres.
        upper: Greatest x and z.
        height_m: Its y.
        clearance_m: Free height above it.
    """

    lower: tuple[float, float]
    upper: tuple[float, float]
    height_m: float
    clearance_m: float


@dataclass(frozen=True)
class Bulb:
    """A light that is part of a piece, in its frame.

    Args:
        position: x, y, z, metres.
        intensity: Linear RGB radiant intensity.
        radius_m: Of what shines.
    """

    position: tuple[float, float, float]
    intensity: tuple[float, float, float]
    radius_m: float = 0.08


@dataclass(frozen=True)
class Piece:
    """A thing in its own frame: it stands on y = 0, its middle is at x = z = 0, and its front faces +z.

    What hangs on a wall has its back at z = 0 (front +z) and its middle at y = 0; what hangs from a ceiling
    has its top at y = 0 and lies below.

    Args:
        category: What it is.
        parts: Its meshes and materials.
        size_m: Width (x), height (y), depth (z) of its bounding box.
        supports: Where smaller things can stand.
        bulbs: What shines in it.
    """

    category: str
    parts: tuple[Part, ...]
    size_m: tuple[float, float, float]
    supports: tuple[Support, ...] = ()
    bulbs: tuple[Bulb, ...] = ()
