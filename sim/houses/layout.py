"""Where rooms lie: rectangles that meet at the middle lines of their walls.

Three topologies: one or two corridors with rooms on both sides and the public rooms at the entrance (one corridor is
"spine", two make an L), and rooms around the living room without any corridor ("hub"). Many are drawn, the one with
the best proportions and doors is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.houses.adjacency import Contact, contacts, passages
from sim.houses.room_types import ODD_DOOR, ROOM_TYPES, door_cost

_CANDIDATES = 40
_SMALL_AREA_M2 = 8.5
_DEAD_ENDS = frozenset({"bathroom", "storage", "childs_room", "nursery"})
"""Nobody wants to walk through these."""


@dataclass(frozen=True)
class Cell:
    """A room's rectangle on the plan, to the middle of its walls, metres."""

    kind: str
    x0: float
    z0: float
    x1: float
    z1: float

    @property
    def sides(self) -> tuple[float, float]:
        """Lengths along x and z, metres."""
        return self.x1 - self.x0, self.z1 - self.z0

    def turned(self, turns: int, mirrored: bool) -> "Cell":
        """The cell after mirroring x and quarter turns about the origin."""
        x0, z0, x1, z1 = (-self.x1, self.z0, -self.x0, self.z1) if mirrored else (self.x0, self.z0, self.x1, self.z1)
        for _ in range(turns):
            x0, z0, x1, z1 = -z1, x0, -z0, x1
        return Cell(self.kind, x0, z0, x1, z1)


def draw_layout(
    kinds: Sequence[str], rng: np.random.Generator, wall_m: float, door_m: float
) -> tuple[tuple[Cell, ...], tuple[Contact, ...]]:
    """Lay rooms out.

    Args:
        kinds: One entry per room; corridors among them are used as such.
        rng: Draws proportions and topology.
        wall_m: Thickness of walls.
        door_m: Width of doors.

    Returns:
        The cells, corridors first, and the contacts between them that get a door.
    """
    best: tuple[float, tuple[Cell, ...], tuple[Contact, ...]] | None = None
    for attempt in range(5 * _CANDIDATES):
        cells = tuple(_draw_candidate(kinds, rng))
        doors = passages(cells, contacts(cells, wall_m, door_m), rng)
        if doors is None:
            continue
        badness = _badness(cells, doors, wall_m)
        if best is None or badness < best[0]:
            best = badness, cells, doors
        if attempt >= _CANDIDATES or badness < 0.25:
            break
    if best is None:
        cells = tuple(_row(kinds, rng))
        return cells, passages(cells, contacts(cells, wall_m, door_m), rng) or ()
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    cells = tuple(cell.turned(turns, mirrored) for cell in best[1])
    chosen = {frozenset((door.a, door.b)) for door in best[2]}
    doors = tuple(contact for contact in contacts(cells, wall_m, door_m) if {contact.a, contact.b} in chosen)
    return cells, doors


def _draw_candidate(kinds: Sequence[str], rng: np.random.Generator) -> list[Cell]:
    others = [(kind, _draw_area(kind, rng)) for kind in kinds if kind != "corridor"]
    corridors = len(kinds) - len(others)
    if corridors == 0:
        total = sum(area for _, area in others)
        width = round(float(np.sqrt(total * rng.uniform(0.7, 1.4))), 2)
        return _slice(_order(others, rng), 0.0, 0.0, width, round(total / width, 2), rng)
    public = [room for room in others if ROOM_TYPES[room[0]].public]
    private = [room for room in others if not ROOM_TYPES[room[0]].public]
    if rng.random() < 0.25:
        public, private = [], _order(others, rng)
    return _spine(public, private, corridors > 1, rng)


def _draw_area(kind: str, rng: np.random.Generator) -> float:
    least, most = ROOM_TYPES[kind].area_m2
    return float(rng.uniform(least, most))


def _order(rooms: list[tuple[str, float]], rng: np.random.Generator) -> list[tuple[str, float]]:
    """Public rooms together, the rest shuffled."""
    public = [room for room in rooms if ROOM_TYPES[room[0]].public]
    rest = [room for room in rooms if not ROOM_TYPES[room[0]].public]
    return [*(public[i] for i in rng.permutation(len(public))), *(rest[i] for i in rng.permutation(len(rest)))]


def _slice(
    rooms: list[tuple[str, float]], x0: float, z0: float, x1: float, z1: float, rng: np.random.Generator
) -> list[Cell]:
    """Cut a rectangle in two across its longer side, in proportion to areas, until each room has its own."""
    if len(rooms) <= 1:
        return [Cell(kind, x0, z0, x1, z1) for kind, _ in rooms]
    cut = int(rng.integers(1, len(rooms)))
    share = sum(area for _, area in rooms[:cut]) / sum(area for _, area in rooms)
    if (x1 - x0) * rng.uniform(0.85, 1.15) > z1 - z0:
        middle = round(x0 + share * (x1 - x0), 2)
        return _slice(rooms[:cut], x0, z0, middle, z1, rng) + _slice(rooms[cut:], middle, z0, x1, z1, rng)
    middle = round(z0 + share * (z1 - z0), 2)
    return _slice(rooms[:cut], x0, z0, x1, middle, rng) + _slice(rooms[cut:], x0, middle, x1, z1, rng)


def _row(kinds: Sequence[str], rng: np.random.Generator) -> list[Cell]:
    """Rooms one after another, each as deep as the last: always possible."""
    cells, x = [], 0.0
    for kind in kinds:
        width = round(max(_draw_area(kind, rng) / 4.0, ROOM_TYPES[kind].least_side_m + 0.4), 2)
        cells.append(Cell(kind, x, 0.0, x + width, 4.0))
        x = round(x + width, 2)
    return cells


_Column = list[tuple[str, float]]


def _columns(rooms: list[tuple[str, float]], rng: np.random.Generator) -> list[_Column]:
    """Rooms as columns of a row; small ones stand in pairs, one behind the other."""
    small = [room for room in rooms if room[1] < _SMALL_AREA_M2]
    small = [small[i] for i in rng.permutation(len(small))]
    columns: list[_Column] = [[room] for room in rooms if room[1] >= _SMALL_AREA_M2]
    while len(small) >= 2 and rng.random() < 0.85:
        columns.append([small.pop(), small.pop()])
    columns.extend([room] for room in small)
    return [columns[i] for i in rng.permutation(len(columns))]


def _fill_row(columns: list[_Column], x0: float, depth: float, z: float, sign: int) -> tuple[list[Cell], float]:
    """Columns beside each other from x0 on; returns the cells and where they end."""
    cells, x = [], x0
    far = round(z + sign * depth, 2)
    for column in columns:
        width = round(max(sum(area for _, area in column) / depth, ROOM_TYPES[column[0][0]].least_side_m + 0.2), 2)
        share = column[0][1] / sum(area for _, area in column)
        edges = [z, round(z + sign * depth * share, 2), far] if len(column) == 2 else [z, far]
        right = round(x + width, 2)
        for (kind, _), near, back in zip(column, edges, edges[1:], strict=False):
            cells.append(Cell(kind, x, min(near, back), right, max(near, back)))
        x = right
    return cells, x


def _stretched(cells: list[Cell], end: float, target: float) -> list[Cell]:
    """The row with its last column drawn out to the target."""
    return [Cell(c.kind, c.x0, c.z0, target, c.z1) if abs(c.x1 - end) < 1e-6 else c for c in cells]


def _split(columns: list[_Column], rng: np.random.Generator) -> tuple[list[_Column], list[_Column]]:
    """Two rows of about the same area."""
    rows: tuple[list[_Column], list[_Column]] = ([], [])
    for column in columns:
        areas = [sum(area for c in row for _, area in c) + rng.uniform(0, 6) for row in rows]
        rows[int(areas[1] < areas[0])].append(column)
    return rows


def _spine(
    public: list[tuple[str, float]], private: list[tuple[str, float]], bent: bool, rng: np.random.Generator
) -> list[Cell]:
    """A corridor along x with a row on each side, public rooms at its start, perhaps a second one at its end."""
    width = round(float(rng.uniform(1.15, 1.7)), 2)
    depths = [round(float(rng.uniform(2.9, 4.6)), 2) for _ in range(2)]
    columns = _columns(private, rng)
    aside = columns[: max(1, len(columns) // 3)] if bent else []
    rows = _split(columns[len(aside) :], rng)
    above, end_above = _fill_row(rows[0], 0.0, depths[0], width, 1)
    below, end_below = _fill_row(rows[1], 0.0, depths[1], 0.0, -1)
    length = max(end_above, end_below, 2.0)
    if rng.random() < 0.6 or bent:
        above, below = _stretched(above, end_above, length), _stretched(below, end_below, length)
    cells = [Cell("corridor", 0.0, 0.0, length, width), *above, *below]
    if bent:
        cells += _wing(aside, length, width, depths, rng)
    return cells + _public_block(public, width, depths, rng)


def _wing(aside: list[_Column], x: float, width: float, depths: list[float], rng: np.random.Generator) -> list[Cell]:
    """A second corridor across the end of the first, with rooms on its far side."""
    hall = round(float(rng.uniform(1.15, 1.6)), 2)
    depth = round(float(rng.uniform(2.9, 4.2)), 2)
    row, end = _fill_row(aside, 0.0, depth, round(x + hall, 2), 1)
    end = max(end, width)
    turned = [Cell(c.kind, c.z0, c.x0, c.z1, c.x1) for c in row]
    if end - width < 1.5 or abs(end - (width + depths[0])) < 1.0:
        flush = round(width + depths[0], 2)
        turned = [Cell(c.kind, c.x0, c.z0, c.x1, flush) if abs(c.z1 - end) < 1e-6 else c for c in turned]
        end = flush
    return [Cell("corridor", x, 0.0, round(x + hall, 2), end), *turned]


def _public_block(
    public: list[tuple[str, float]], width: float, depths: list[float], rng: np.random.Generator
) -> list[Cell]:
    """The public rooms in one rectangle that ends the corridor at x = 0."""
    if not public:
        return []
    height = round((depths[0] + width + depths[1]) * float(rng.uniform(0.6, 1.1)), 2)
    least = max(-depths[1], width - height)
    low = round(float(rng.uniform(least, max(least, min(0.0, width + depths[0] - height + 1.0)))), 2)
    low = min(max(low, width - height), 0.0)
    span = round(sum(area for _, area in public) / height, 2)
    return _slice(_order(public, rng), -span, low, 0.0, round(low + height, 2), rng)


def _badness(cells: Sequence[Cell], doors: Sequence[Contact], wall_m: float) -> float:
    """How far rooms are from their proportions and doors from custom; 0 is perfect."""
    total = 0.0
    for cell in cells:
        room_type = ROOM_TYPES[cell.kind]
        short, long = sorted(side - wall_m for side in cell.sides)
        total += 4 * max(0.0, room_type.least_side_m - short) + max(0.0, long / max(short, 0.1) - room_type.most_aspect)
        total += 0.3 * max(0.0, short * long - 1.2 * room_type.area_m2[1])
    for index, cell in enumerate(cells):
        if cell.kind in _DEAD_ENDS:
            total += 1.5 * max(0, sum(index in (door.a, door.b) for door in doors) - 1)
    for door in doors:
        cost = door_cost(cells[door.a].kind, cells[door.b].kind)
        total += 3.0 * (cost >= ODD_DOOR) + 0.05 * max(0.0, cost - 1.0)
    return total
