import numpy as np
import pytest

from sim.navigation.rasterise import rasterise


@pytest.mark.parametrize("kind", ["any", "vertical", "level", "thin"])
def test_every_point_of_a_triangle_lies_in_a_fragment(kind: str) -> None:
    """Triangles are sampled densely; nearly no cell may be found that no sample falls in."""
    rng = np.random.default_rng(0)
    triangles = rng.uniform(1, 12, size=(25, 3, 3)) * [1, 1, 0.25]
    if kind == "vertical":
        along = rng.uniform(0, 1, size=(25, 1))
        triangles[:, 2, :2] = triangles[:, 0, :2] * along + triangles[:, 1, :2] * (1 - along)
    elif kind == "level":
        triangles[..., 2] = triangles[:, :1, 2]
    elif kind == "thin":
        triangles[:, 2] = triangles[:, 0] + 1e-4
    fragments = rasterise(triangles)
    extra = 0
    for index, triangle in enumerate(triangles):
        points = rng.dirichlet([0.7, 0.7, 0.7], 20000) @ triangle
        of = fragments.triangle == index
        low, high = np.full((2, 13, 13), np.nan)
        low[fragments.row[of], fragments.column[of]] = fragments.low_m[of]
        high[fragments.row[of], fragments.column[of]] = fragments.high_m[of]
        column, row = points[:, :2].astype(int).T
        assert (points[:, 2] >= low[row, column] - 1e-6).all()
        assert (points[:, 2] <= high[row, column] + 1e-6).all()
        extra += int(of.sum()) - len(np.unique(row * 13 + column))
    assert extra <= 25


def test_heights_over_a_cell_are_those_of_a_vertical_triangle_there() -> None:
    """A gable over a passage: low at one end alone."""
    fragments = rasterise(np.array([[[0.5, 0.5, 0.0], [0.5, 0.5, 2.0], [10.5, 0.5, 2.0]]]))
    for column, low in zip(fragments.column, fragments.low_m, strict=True):
        assert low == pytest.approx(max(0.0, (column - 0.5) * 0.2), abs=1e-9)
