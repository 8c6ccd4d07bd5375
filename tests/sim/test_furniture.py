from dataclasses import fields
from functools import cache

import numpy as np
import pytest

from sim.building import Material, Mesh
from sim.errors import SimulatorError
from sim.furniture import CATALOGUE, Piece, make
from sim.materials.palette import Palette
from sim.shapes import bounds, merged
from tests.sim.meshes import face_normals, unpaired_edges

SEEDS = range(5)
MOST_TRIANGLES = 4_000
_SHINING = {"bulb": (4.0, 3.0, 2.0), "lamp_shade": (1.0, 0.8, 0.5)}
PALETTE = Palette(
    **{field.name: Material(field.name, emission=_SHINING.get(field.name, (0, 0, 0))) for field in fields(Palette)}
)

ASKED_FOR = frozenset(
    """
sofa armchair chair office_chair bar_stool bench ottoman cushion dining_table coffee_table side_table desk console_table
bookshelf wardrobe dresser nightstand sideboard tv_stand filing_cabinet shoe_cabinet storage_rack wall_shelf coat_rack
toy_box bed bunk_bed crib kitchen_counter kitchen_island wall_cabinet refrigerator stove range_hood kitchen_sink
dishwasher microwave kettle toaster pot bowl plate cup bottle fruit knife_block bathtub toilet washbasin shower mirror
towel_rail bath_mat bathroom_cabinet toilet_paper ceiling_lamp pendant_lamp floor_lamp table_lamp wall_lamp picture
clock vase plant rug curtain candle fireplace piano guitar statue television monitor laptop keyboard speaker printer
book book_row box cardboard_box basket waste_bin shoes umbrella bag toy_blocks ball teddy_bear doll_house easel bicycle
ladder broom bucket suitcase washing_machine dryer laundry_basket ironing_board drying_rack radiator treadmill
exercise_bike dumbbell_rack yoga_mat punching_bag tapestry
""".split()  # noqa: SIM905
)

CARRIERS = (
    "dining_table",
    "coffee_table",
    "side_table",
    "desk",
    "console_table",
    "nightstand",
    "dresser",
    "sideboard",
    "tv_stand",
    "bookshelf",
    "storage_rack",
    "wall_shelf",
    "kitchen_counter",
    "kitchen_island",
    "wardrobe",
    "fireplace",
)

every_category = pytest.mark.parametrize("category", CATALOGUE)


@cache
def variants(category: str) -> tuple[Piece, ...]:
    return tuple(make(category, np.random.default_rng(seed), PALETTE) for seed in SEEDS)


def whole(piece: Piece) -> Mesh:
    return merged(part.mesh for part in piece.parts)


def test_the_catalogue_holds_what_houses_are_furnished_with() -> None:
    assert set(CATALOGUE) >= ASKED_FOR
    assert all(entry.name == name for name, entry in CATALOGUE.items())


@every_category
def test_a_piece_is_finite_and_its_triangles_face_the_way_its_normals_do(category: str) -> None:
    for piece in variants(category):
        mesh = whole(piece)
        assert np.isfinite(mesh.vertices).all()
        assert np.isfinite(mesh.uvs).all()
        np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-4)
        faces = face_normals(mesh)
        assert np.linalg.norm(faces, axis=1).min() > 0
        along = np.einsum("ti,ti->t", faces, mesh.normals[mesh.triangles].mean(axis=1))
        assert np.all(along > 0)


@every_category
def test_a_piece_stands_where_its_mount_says_and_is_as_large_as_it_says(category: str) -> None:
    mount = CATALOGUE[category].mount
    for piece in variants(category):
        lower, upper = bounds(part.mesh for part in piece.parts)
        np.testing.assert_allclose(upper - lower, piece.size_m, atol=1e-5)
        middle = (lower + upper) / 2
        assert middle[0] == pytest.approx(0, abs=1e-5)
        if mount == "wall":
            assert (lower[2], middle[1]) == pytest.approx((0, 0), abs=1e-5)
        elif mount == "ceiling":
            assert (upper[1], middle[2]) == pytest.approx((0, 0), abs=1e-5)
        else:
            assert (lower[1], middle[2]) == pytest.approx((0, 0), abs=1e-5)


@every_category
def test_a_piece_keeps_to_its_budget_of_triangles_and_a_size_that_fits_a_room(category: str) -> None:
    for piece in variants(category):
        assert 12 <= sum(len(part.mesh.triangles) for part in piece.parts) <= MOST_TRIANGLES
        assert 0.005 < max(piece.size_m) < 3.0


@every_category
def test_the_same_seed_makes_the_same_piece_and_another_seed_another(category: str) -> None:
    first, second = (make(category, np.random.default_rng(7), PALETTE) for _ in range(2))
    assert first.size_m == second.size_m
    for one, other in zip(first.parts, second.parts, strict=True):
        np.testing.assert_array_equal(one.mesh.vertices, other.mesh.vertices)
        assert one.material.name == other.material.name
    looks = {
        (piece.size_m, tuple(part.material.name for part in piece.parts), len(whole(piece).triangles))
        for piece in variants(category)
    }
    assert len(looks) > 1


@pytest.mark.parametrize(
    ("category", "size"), [(name, size) for name, entry in CATALOGUE.items() for size in entry.sizes]
)
def test_a_piece_has_the_size_it_was_asked_for(category: str, size: str) -> None:
    axis = {"width_m": 0, "height_m": 1, "depth_m": 2}[size]
    usual = sorted(piece.size_m[axis] for piece in variants(category))
    for seed, wish in enumerate(np.linspace(usual[0], usual[-1], 4)):
        piece = make(category, np.random.default_rng(seed), PALETTE, **{size: float(wish)})
        assert piece.size_m[axis] == pytest.approx(wish, abs=2e-3)


def _topmost_below(mesh: Mesh, x: float, z: float, limit: float) -> float:
    """Height of the highest upward-facing triangle at (x, z) not above a limit, by brute force over triangles."""
    corners = mesh.vertices[mesh.triangles].astype(np.float64)
    flat = corners[:, :, [0, 2]] - (x, z)
    following = np.roll(flat, -1, axis=1)
    cross = flat[..., 0] * following[..., 1] - flat[..., 1] * following[..., 0]
    total = cross.sum(axis=1)
    hit = (np.sign(cross) == np.sign(total)[:, None]).all(axis=1) & (np.abs(total) > 1e-12)
    weights = np.roll(cross[hit], -1, axis=1) / total[hit, None]
    heights = (weights * corners[hit, :, 1]).sum(axis=1)
    below = heights[heights <= limit + 1e-9]
    return float(below.max()) if below.size else -np.inf


@pytest.mark.parametrize("category", [name for name in CATALOGUE if any(piece.supports for piece in variants(name))])
def test_a_support_lies_on_a_surface_within_the_piece(category: str) -> None:
    for piece in variants(category)[:3]:
        mesh = whole(piece)
        lower, upper = bounds([mesh])
        for support in piece.supports:
            assert np.all(np.less(support.lower, support.upper))
            assert np.all(np.greater_equal(support.lower, lower[[0, 2]] - 1e-6))
            assert np.all(np.less_equal(support.upper, upper[[0, 2]] + 1e-6))
            assert lower[1] < support.height_m <= upper[1] + 0.05
            assert support.clearance_m > 0.02
            shares = np.array([(a, b) for a in (0.13, 0.37, 0.61, 0.83) for b in (0.11, 0.32, 0.53, 0.79)])
            places = support.lower + shares * np.subtract(support.upper, support.lower)
            found = np.array([_topmost_below(mesh, x, z, support.height_m + 0.02) for x, z in places])
            there = np.isclose(found, support.height_m, atol=0.025)
            assert there.mean() >= 0.4, (support, found)  # racks of slats have gaps


def test_tables_shelves_and_counters_carry_things() -> None:
    for category in CARRIERS:
        assert all(piece.supports for piece in variants(category)), category
    assert all(len(piece.supports) >= 4 for piece in variants("bookshelf"))


def test_lamps_shine_from_within_or_beside_themselves_and_nothing_else_does() -> None:
    lamps = {name for name in CATALOGUE if name.endswith("_lamp")}
    assert len(lamps) == 5
    for category in CATALOGUE:
        for piece in variants(category):
            lit = {part.material.name for part in piece.parts} & {"bulb", "lamp_shade"}
            assert bool(lit) == (category in lamps)
            assert bool(piece.bulbs) == (category in lamps) or category in {"candle", "fireplace"}
            lower, upper = bounds(part.mesh for part in piece.parts)
            for bulb in piece.bulbs:
                assert np.all(np.subtract(lower, 0.3) < bulb.position)
                assert np.all(np.add(upper, 0.3) > bulb.position)
                assert min(bulb.intensity) > 0
                assert bulb.intensity[0] > bulb.intensity[2]


def _is_boxy(piece: Piece) -> bool:
    """Whether nearly all of its surface faces along one of three axes."""
    faces = face_normals(whole(piece))
    areas = np.linalg.norm(faces, axis=1)
    straight = np.abs(faces).max(axis=1) > 0.999 * areas
    return bool(areas[straight].sum() > 0.97 * areas.sum())


def test_most_categories_are_more_than_boxes() -> None:
    shaped = [name for name in CATALOGUE if not all(_is_boxy(piece) for piece in variants(name))]
    assert len(shaped) >= 60


def test_pieces_of_closed_shapes_have_no_holes() -> None:
    for category in ("chair", "bathtub", "plant", "curtain", "bicycle", "floor_lamp", "basket", "teddy_bear"):
        for piece in variants(category)[:2]:
            assert sum(unpaired_edges(part.mesh) for part in piece.parts) == 0, category


def test_materials_with_one_name_are_one_material() -> None:
    known: dict[str, Material] = {}
    for category in CATALOGUE:
        for piece in variants(category):
            for part in piece.parts:
                if part.material.texture is None:
                    assert known.setdefault(part.material.name, part.material) is part.material


def test_a_picture_covers_its_texture_exactly_once() -> None:
    for piece in variants("picture"):
        canvas = next(part for part in piece.parts if part.material.texture is not None)
        repeats = canvas.mesh.uvs / canvas.material.texture_size_m
        np.testing.assert_allclose(repeats.min(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(repeats.max(axis=0), 1, atol=1e-6)
        left, top = np.argmin(canvas.mesh.vertices[:, 0]), np.argmax(canvas.mesh.vertices[:, 1])
        assert (repeats[left, 0], repeats[top, 1]) == (0, 0)


def test_counters_sinks_stoves_and_dishwashers_line_up() -> None:
    depths, worktops = set(), set()
    for category in ("kitchen_counter", "dishwasher"):
        piece = make(category, np.random.default_rng(0), PALETTE)
        worktops.add(round(piece.supports[0].height_m, 3))
        depths.add(round(piece.size_m[2], 2))
    for category in ("kitchen_sink", "stove"):
        depths.add(round(make(category, np.random.default_rng(0), PALETTE).size_m[2], 2))
    assert worktops == {0.9}
    assert max(depths) - min(depths) <= 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_backs_are_at_the_back(seed: int) -> None:
    """What is highest of a seat or bed is its back, and it is on the far side of the middle (-z)."""
    for category in ("sofa", "chair", "office_chair", "bed"):
        mesh = whole(make(category, np.random.default_rng(seed), PALETTE))
        high = mesh.vertices[:, 1] > 0.93 * mesh.vertices[:, 1].max()
        assert mesh.vertices[high, 2].mean() < 0, category


def test_an_unknown_name_is_refused_with_the_nearest_known() -> None:
    with pytest.raises(SimulatorError, match="unknown furniture 'sofaa'; did you mean 'sofa'"):
        make("sofaa", np.random.default_rng(0), PALETTE)


def test_a_size_that_a_category_does_not_take_is_refused() -> None:
    with pytest.raises(SimulatorError, match=r"width_m cannot be asked of furniture 'cup'; it takes none"):
        make("cup", np.random.default_rng(0), PALETTE, width_m=1.0)
    with pytest.raises(SimulatorError, match=r"height_m cannot be asked of furniture 'sofa'; it takes width_m"):
        make("sofa", np.random.default_rng(0), PALETTE, height_m=1.0)


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan"), float("inf"), 1e6])
def test_a_size_that_is_no_size_is_refused(width: float) -> None:
    with pytest.raises(SimulatorError, match=r"width_m of 'sofa' is .*; expected metres"):
        make("sofa", np.random.default_rng(0), PALETTE, width_m=width)
