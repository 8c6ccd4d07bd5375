"""What hangs on walls: over furniture, on free stretches, and in groups."""

from dataclasses import dataclass

from sim.houses.space import Placed, Space
from sim.houses.spots import Spot, spots


def hang_above(space: Space, below: Placed, spot: Spot, category: str, gap_m: float = 0.12) -> bool:
    """Hang a piece on the wall over another, its middle no lower than 1.45 m."""
    piece = space.make(category)
    y = max(below.box.high + gap_m + piece.size_m[1] / 2, 1.45)
    return space.try_place(space.hung(piece, spot.wall, spot.u, y))


@dataclass(frozen=True)
class Hung:
    """Things on free stretches of wall, all at one height.

    Args:
        categories: One is chosen for each.
        count: Least and most.
        chance: Of there being any.
        height_m: Where their middles are, least and most.
        prefer: A name in `PREFERENCES`.
    """

    categories: tuple[str, ...]
    count: tuple[int, int] = (1, 1)
    chance: float = 1.0
    height_m: tuple[float, float] = (1.45, 1.65)
    prefer: str = "any"

    def furnish(self, space: Space) -> None:
        """Hang them."""
        if not space.chance(self.chance * space.density):
            return
        y = float(space.rng.uniform(*self.height_m))
        for _ in range(int(space.rng.integers(self.count[0], self.count[1] + 1))):
            piece = space.make(space.choice(self.categories))
            for spot in spots(space, piece.size_m[0], self.prefer, 0.25)[:10]:
                if space.try_place(space.hung(piece, spot.wall, spot.u, y)):
                    break


@dataclass(frozen=True)
class Gallery:
    """Pictures of one size side by side, in one row or two.

    Args:
        chance: Of there being one.
        most: Pictures in a row, at most; there are fewer where the wall is short.
        prefer: A name in `PREFERENCES`.
    """

    chance: float = 0.5
    most: int = 4
    prefer: str = "blank"

    def furnish(self, space: Space) -> None:
        """Hang as many columns as fit, two at least."""
        if not space.chance(self.chance * space.density):
            return
        rows = 2 if space.chance(0.35) else 1
        width, height = space.rng.uniform(0.3, 0.5), space.rng.uniform(0.35, 0.5 if rows == 2 else 0.75)
        gap = float(space.rng.uniform(0.04, 0.1))
        columns = int(space.rng.integers(2, self.most + 1))
        pictures = [space.make("picture", width_m=float(width), height_m=float(height)) for _ in range(columns * rows)]
        for count in range(columns, 1, -1):
            for spot in spots(space, count * (width + gap), self.prefer, 0.2)[:10]:
                places = [
                    (
                        spot.u + (column - (count - 1) / 2) * (width + gap),
                        1.52 + (row - (rows - 1) / 2) * (height + gap),
                    )
                    for column in range(count)
                    for row in range(rows)
                ]
                hung = (space.hung(piece, spot.wall, *place) for piece, place in zip(pictures, places, strict=False))
                if space.try_place(*hung):
                    return
