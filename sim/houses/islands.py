"""Kitchen islands."""

from dataclasses import dataclass
from math import pi

from sim.houses.space import Space


@dataclass(frozen=True)
class Island:
    """An island with bar stools, parallel to the kitchen run, in a kitchen that is large enough.

    Args:
        chance: Of there being one where it fits.
    """

    chance: float = 0.6

    def furnish(self, space: Space) -> None:
        """Place it before the stove or the sink."""
        fronts = [item for item in space.placed if item.piece.category in ("stove", "kitchen_sink")]
        if not fronts or not space.chance(self.chance * space.density):
            return
        front = fronts[0]
        island = space.make("kitchen_island")
        for shift in (0.0, -0.3, 0.3, -0.6, 0.6):
            out = front.piece.size_m[2] / 2 + 1.0 + island.size_m[2] / 2
            x, _, z = front.to_world(shift, 0.0, out)
            placed = space.on_floor(island, x, z, front.yaw_rad)
            if not space.try_place(placed):
                continue
            stool = space.make("bar_stool")
            count = max(1, min(4, int(island.size_m[0] / 0.55)))
            for index in range(count):
                across = ((index + 0.5) / count - 0.5) * island.size_m[0]
                sx, _, sz = placed.to_world(across, 0.0, island.size_m[2] / 2 + stool.size_m[2] / 2 + 0.04)
                space.try_place(space.on_floor(stool, sx, sz, placed.yaw_rad + pi))
            return
