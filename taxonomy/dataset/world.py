"""Where views come from: buildings by number, and something that renders them.

`HouseWorld` makes procedural houses and renders them with the ray caster. Anything else that can be pickled and has the
same methods does as well: scanned buildings, another backend, a fake.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from perception.errors import UserError
from perception.labels.classes import STRUCTURE_CATEGORIES, ClassLists

if TYPE_CHECKING:
    from sim.building import Building
    from sim.cameras import Cameras
    from sim.raycast import RaycastRenderer
    from sim.simulator import Observations, Sensor


class Renderer(Protocol):
    """What is needed of a simulator: free cameras."""

    def render(self, cameras: "Cameras", height: int, width: int, sensors: "tuple[Sensor, ...]") -> "Observations":
        """What the cameras see."""

    def close(self) -> None:
        """Give memory and devices back."""


class World(Protocol):
    """Buildings without end. It travels to other processes, so it must be picklable."""

    @property
    def name(self) -> str:
        """What the manifest calls it; two worlds of one name and one seed are the same."""

    @property
    def classes(self) -> ClassLists:
        """What class indices mean, the same for all its buildings."""

    def building(self, seed: int) -> "Building":
        """The building of a seed."""

    def renderer(self, building: "Building") -> Renderer:
        """Something that renders this building, as number 0."""


QUALITIES = {"fast": (1, 0), "smooth": (4, 0), "traced": (64, 2)}
"""Rays for each pixel of the picture, and bounces of light; labels always come from one ray through its middle."""

SELECTED = (
    "armchair", "bathtub", "bed", "bench", "bookshelf", "bunk_bed", "chair", "coffee_table", "crib", "desk",
    "dining_table", "dresser", "filing_cabinet", "fireplace", "kitchen_counter", "kitchen_island", "nightstand",
    "office_chair", "piano", "plant", "refrigerator", "shower", "sideboard", "sofa", "storage_rack", "stove",
    "television", "toilet", "wardrobe", "washbasin", "washing_machine",
)  # fmt: skip
"""What `class_selected` knows of the catalogue: things that tell what a room is for."""


@dataclass(frozen=True)
class HouseWorld:
    """Procedural houses, seen by the ray caster.

    Args:
        quality: One of `QUALITIES`.
        device: "cpu", or "cuda" for an NVIDIA GPU.
        threads: CPU threads of one process; all cores if None. They change no pixel.

    Raises:
        UserError: If the quality is unknown.
    """

    quality: str = "smooth"
    device: str = "cpu"
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.quality not in QUALITIES:
            raise UserError(f"quality {self.quality!r} is unknown; known are {', '.join(QUALITIES)}.")

    @property
    def name(self) -> str:
        """What the manifest calls it."""
        return f"houses, {self.quality}"

    @cached_property
    def classes(self) -> ClassLists:
        """Objects of the furniture catalogue, what rooms are made of, kinds of rooms."""
        from sim.furniture import CATALOGUE
        from sim.houses import ROOM_TYPES

        return ClassLists.of((*CATALOGUE, *STRUCTURE_CATEGORIES), SELECTED, sorted(ROOM_TYPES))

    def building(self, seed: int) -> "Building":
        """The house of a seed."""
        from sim.houses import generate_house

        return generate_house(seed)

    def renderer(self, building: "Building") -> Renderer:
        """The ray caster, with this building loaded."""
        from sim.raycast import RaycastRenderer

        samples, bounces = QUALITIES[self.quality]
        with _interrupts_held_back():
            return _WithQuality(RaycastRenderer((building,), self.device, self.threads), samples, bounces)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let Ctrl-C wait: native modules that are interrupted while they load report it as a failure of their own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        signal.raise_signal(signal.SIGINT)


@dataclass(frozen=True)
class _WithQuality:
    """A ray caster that takes pictures in one quality."""

    renderer: "RaycastRenderer"
    samples: int
    bounces: int

    def render(self, cameras: "Cameras", height: int, width: int, sensors: "tuple[Sensor, ...]") -> "Observations":
        return self.renderer.render(cameras, height, width, sensors, samples=self.samples, bounces=self.bounces)

    def close(self) -> None:
        return None
