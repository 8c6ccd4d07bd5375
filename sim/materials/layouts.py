"""How pieces (planks, tiles, bricks) lie beside each other in one seamless repeat."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.materials.noise import Field, texel_centers


@dataclass(frozen=True, eq=False)
class Layout:
    """Which piece each texel belongs to, and where on that piece it lies.

    Args:
        index: int32 [H, W], 0 .. count - 1.
        count: Number of pieces.
        along: float32 [H, W], metres from the piece's middle along its length.
        across: float32 [H, W], metres from the piece's middle across it.
        edge: float32 [H, W], metres to the piece's nearest edge.
        texel_m: Metres between texels across that edge, or [H, W] of them.
        size_m: Metres that the repeat spans, u and v.
        parity: int32 [H, W], 0 or 1: which of two kinds of piece it is, where there are two.
    """

    index: NDArray[np.int32]
    count: int
    along: Field
    across: Field
    edge: Field
    texel_m: Field | float
    size_m: tuple[float, float]
    parity: NDArray[np.int32]

    @property
    def shape(self) -> tuple[int, int]:
        """H, W."""
        return self.index.shape[0], self.index.shape[1]

    def joint(self, width_m: float) -> Field:
        """The part of each texel, 0 .. 1, that a joint of that width takes up."""
        near = np.maximum(self.edge - self.texel_m / 2, -width_m / 2)
        far = np.minimum(self.edge + self.texel_m / 2, width_m / 2)
        cover: Field = np.maximum(far - near, 0) / self.texel_m
        return cover


def courses(shape: tuple[int, int], piece_m: tuple[float, float], rows: int, columns: int, shift: ArrayLike) -> Layout:
    """Rows of equal rectangles, each row shifted: bricks, tiles, planks.

    Args:
        shape: H, W of the texture.
        piece_m: Length (u) and height (v) of a piece.
        rows: Of the repeat.
        columns: Pieces in a row of the repeat.
        shift: [rows] shift of each row in piece lengths, or one number by which each row follows the last.
    """
    length, height = piece_m
    each = np.asarray(shift, dtype=np.float32)
    shifts = each if each.ndim else each * np.arange(rows, dtype=np.float32)
    v, u = texel_centers(shape)
    row = np.floor(v * rows).astype(np.int32)
    position = u * columns - shifts[row]
    column = np.floor(position).astype(np.int32)
    along = (position - column - 0.5) * length
    across = np.broadcast_to((v * rows - row - 0.5) * height, shape)
    column %= columns
    end, side = length / 2 - abs(along), height / 2 - abs(across)
    return Layout(
        index=row * columns + column,
        count=rows * columns,
        along=along,
        across=across,
        edge=np.minimum(end, side),
        texel_m=np.where(end < side, columns * length / shape[1], rows * height / shape[0]),
        size_m=(columns * length, rows * height),
        parity=(row + column) % 2,
    )


def herringbone(shape: tuple[int, int], width_m: float, ratio: int) -> Layout:
    """Rectangles `ratio` times as long as wide, each meeting the next at a right angle."""
    period = 2 * ratio
    v, u = texel_centers(shape)
    x, y = np.broadcast_arrays(u * period, v * period)
    i, j = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    step = (i - j) % period
    lying = step < ratio
    # a lying piece starts where step is 0 and runs along u; a standing one starts where step is 2 ratio - 1 along v
    along = np.where(lying, step + (x - i), period - 1 - step + (y - j)) - ratio / 2
    across = np.where(lying, y - j, x - i) - 0.5
    along, across = along.astype(np.float32) * width_m, across.astype(np.float32) * width_m
    return Layout(
        index=np.where(lying, j, period + i).astype(np.int32),
        count=2 * period,
        along=along,
        across=across,
        edge=np.minimum(width_m * ratio / 2 - abs(along), width_m / 2 - abs(across)),
        texel_m=period * width_m / shape[1],
        size_m=(period * width_m, period * width_m),
        parity=lying.astype(np.int32),
    )


def basket(shape: tuple[int, int], strip_m: float, strips: int, squares: int) -> Layout:
    """Squares of parallel strips, lying and standing in turn: mosaic parquet. `squares` a side, an even number."""
    v, u = texel_centers(shape)
    x, y = np.broadcast_arrays(u * squares, v * squares)
    i, j = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    lying = (i + j) % 2 == 0
    side = strip_m * strips
    length = np.where(lying, x - i, y - j) - 0.5
    width = np.where(lying, y - j, x - i) * strips
    strip = np.floor(width).astype(np.int32)
    along = length.astype(np.float32) * side
    across = (width - strip - 0.5).astype(np.float32) * strip_m
    return Layout(
        index=(j * squares + i) * strips + strip,
        count=squares * squares * strips,
        along=along,
        across=across,
        edge=np.minimum(side / 2 - abs(along), strip_m / 2 - abs(across)),
        texel_m=squares * side / shape[1],
        size_m=(squares * side, squares * side),
        parity=lying.astype(np.int32),
    )


def hexagons(shape: tuple[int, int], width_m: float, columns: int, double_rows: int) -> Layout:
    """Regular hexagons with upright sides, `width_m` from side to side."""
    pitch = width_m * np.sqrt(3.0)
    v, u = texel_centers(shape)
    x, y = np.broadcast_arrays(u * columns, v * double_rows)
    corners = [np.floor(x + shift).astype(np.int32) for shift in (0.5, 0.0)]
    rows = [np.floor(y + shift).astype(np.int32) for shift in (0.5, 0.0)]
    dx = [(x - corners[0]) * width_m, (x - corners[1] - 0.5) * width_m]
    dy = [(y - rows[0]) * pitch, (y - rows[1] - 0.5) * pitch]
    second = dx[1] ** 2 + dy[1] ** 2 < dx[0] ** 2 + dy[0] ** 2
    along, across = np.where(second, dx[1], dx[0]), np.where(second, dy[1], dy[0])
    row = np.where(second, rows[1], rows[0]) % double_rows
    column = np.where(second, corners[1], corners[0]) % columns
    reach = np.maximum(abs(along), abs(along) / 2 + abs(across) * np.sqrt(0.75))
    return Layout(
        index=((row * 2 + second) * columns + column).astype(np.int32),
        count=2 * double_rows * columns,
        along=along.astype(np.float32),
        across=across.astype(np.float32),
        edge=(width_m / 2 - reach).astype(np.float32),
        texel_m=columns * width_m / shape[1],
        size_m=(columns * width_m, double_rows * pitch),
        parity=second.astype(np.int32),
    )


@lru_cache(maxsize=24)
def shards(shape: tuple[int, int], size_m: float, side: int, bank: int) -> Layout:
    """Irregular pieces: chips of terrazzo, crazy paving, grains of leather.

    Voronoi cells on the torus, of points strewn one to each square of a grid (Worley, "A cellular texture basis
    function", SIGGRAPH 1996).

    Args:
        shape: H, W of the texture.
        size_m: Metres that the square repeat spans.
        side: Squares along a side; there are side^2 pieces, at least 25.
        bank: Which of many such layouts; they are kept.
    """
    strewn = np.random.default_rng([bank, side]).uniform(0.0, 1.0, (side, side, 2)).astype(np.float32)
    v, u = np.broadcast_arrays(*(center * side for center in texel_centers(shape)))
    home_v, home_u = np.floor(v).astype(np.int32), np.floor(u).astype(np.int32)
    around = [(i, j) for i in range(-2, 3) for j in range(-2, 3)]

    def offsets(row: NDArray[np.int32], column: NDArray[np.int32]) -> tuple[Field, Field]:
        point = strewn[row % side, column % side]
        return row + point[..., 0] - v, column + point[..., 1] - u

    nearest = np.full(shape, np.inf, np.float32)
    row, column = home_v.copy(), home_u.copy()
    for i, j in around:
        distance = np.hypot(*offsets(home_v + i, home_u + j))
        nearer = distance < nearest
        nearest = np.where(nearer, distance, nearest)
        row, column = np.where(nearer, home_v + i, row), np.where(nearer, home_u + j, column)
    own_v, own_u = offsets(row, column)
    edge = np.full(shape, np.inf, np.float32)
    for i, j in around:
        if (i, j) != (0, 0):
            # distance to the bisector between the nearest point and this one
            other_v, other_u = offsets(row + i, column + j)
            apart = np.hypot(other_v - own_v, other_u - own_u)
            edge = np.minimum(edge, (other_v**2 + other_u**2 - nearest**2) / (2 * apart))
    index = ((row % side) * side + column % side).astype(np.int32)
    return Layout(
        index=index,
        count=side * side,
        along=-own_u * (size_m / side),
        across=-own_v * (size_m / side),
        edge=edge * np.float32(size_m / side),
        texel_m=size_m / shape[1],
        size_m=(size_m, size_m),
        parity=index % 2,
    )
