"""One run of an agent: where it starts and what it is to find."""

from dataclasses import dataclass

from sim.episodes import Point


@dataclass(frozen=True)
class Episode:
    """Where an agent starts, and what it is to do there.

    Args:
        episode_id: Unique within its building.
        building: Name of a building of the scenes.
        start: x, y, z of the agent's feet, metres.
        heading_rad: 0 faces -Z, positive turns left.
        goal: Where to go: x, y, z, metres; None where the task has no place to reach.
        target: Category of the object to find; None where the task has none.
        geodesic_distance_m: Length of the shortest walk that fulfils the task; None where the task has no such walk.
    """

    episode_id: str
    building: str
    start: Point
    heading_rad: float
    goal: Point | None = None
    target: str | None = None
    geodesic_distance_m: float | None = None

    @property
    def key(self) -> str:
        """Unique within a split: building and id."""
        return f"{self.building}/{self.episode_id}"
