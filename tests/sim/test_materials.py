import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from sim.building import BuildingBuilder, Material, Mesh, Part
from sim.errors import SimulatorError
from sim.materials import (
    Palette,
    book_cover,
    book_spines,
    bordered_rug,
    draw_palette,
    picture,
    rug,
    screen,
    sky,
    spanning,
    vary,
)
from sim.materials.layouts import Layout, basket, courses, herringbone, hexagons, shards
from sim.materials.noise import noise
from sim.materials.patterns import MOTIFS
from sim.materials.photographs import photographs
from sim.materials.pictures import PAINTERS
from sim.materials.schemes import SCHEMES
from sim.materials.surfaces import ACCENT_WALLS, FLOORS, TILED, wall_tiles
from sim.materials.swatch import linear
from sim.materials.wood import SPECIES, board

Painter = Callable[..., Material]
FIELDS = tuple(field.name for field in fields(Palette))
SPANS_ONCE = {"screen", "sky"}
GRAY = np.arange(256) / 255
DECODED = np.where(GRAY <= 0.04045, GRAY / 12.92, ((GRAY + 0.055) / 1.055) ** 2.4)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def painted() -> set[tuple[int, str]]:
    return set()


@pytest.fixture(scope="module")
def palettes(painted: set[tuple[int, str]]) -> list[Palette]:
    """Fifty houses; the kinds of floors and accent walls that were painted for them are noted in `painted`."""

    def noted(key: tuple[int, str], painter: Painter) -> Painter:
        def paint(*args: Any) -> Material:
            painted.add(key)
            return painter(*args)

        return paint

    with pytest.MonkeyPatch.context() as patch:
        for table in (FLOORS, ACCENT_WALLS):
            for kind, painter in list(table.items()):
                patch.setitem(table, kind, noted((id(table), kind), painter))
        return [draw_palette(rng(seed)) for seed in range(50)]


def textures(palette: Palette) -> dict[str, NDArray[np.uint8]]:
    found = {name: getattr(palette, name).texture for name in FIELDS}
    return {name: texture for name, texture in found.items() if texture is not None}


def albedo(material: Material) -> NDArray[np.float64]:
    color = np.asarray(material.base_color)
    return color if material.texture is None else DECODED[material.texture].mean(axis=(0, 1)) * color


def seam_excess(texture: NDArray[np.uint8], axis: int) -> float:
    """Largest mean step over the border, over what the largest mean step inside allows.

    Steps are taken over two texels, so that an edge that falls between two of them counts in full.
    """
    values = texture.astype(float)
    steps = abs(np.roll(values, -2, axis=axis) - values)
    lines = steps.mean(axis=tuple({0, 1, 2} - {axis}))
    return float(lines[-2:].max() - (1.75 * lines[:-2].max() + 1.0))


class TestPalette:
    def test_every_field_is_a_material_under_its_own_name(self, palettes: list[Palette]) -> None:
        for palette in palettes:
            for name in FIELDS:
                assert isinstance(getattr(palette, name), Material)
                assert getattr(palette, name).name == name

    def test_textures_are_bytes_with_sides_a_power_of_two(self, palettes: list[Palette]) -> None:
        for palette in palettes:
            for name, texture in textures(palette).items():
                assert texture.dtype == np.uint8
                assert texture.ndim == 3
                assert texture.shape[2] == 3
                assert all(side in (64, 128, 256) for side in texture.shape[:2]), (name, texture.shape)
                assert all(0.05 <= size <= 6 for size in getattr(palette, name).texture_size_m)

    def test_same_seed_paints_the_same_bytes(self, palettes: list[Palette]) -> None:
        again = draw_palette(rng(7))
        for name in FIELDS:
            ours, theirs = getattr(palettes[7], name), getattr(again, name)
            assert (ours.base_color, ours.texture_size_m, ours.emission, ours.roughness) == (
                theirs.base_color,
                theirs.texture_size_m,
                theirs.emission,
                theirs.roughness,
            )
            assert np.array_equal(ours.texture, theirs.texture) if ours.texture is not None else theirs.texture is None

    def test_other_seeds_paint_other_floors_fabrics_and_rugs(self, palettes: list[Palette]) -> None:
        for name in ("floor", "fabric_pattern", "rug", "wood", "floor_carpet", "sky"):
            drawn = {getattr(palette, name).texture.tobytes() for palette in palettes}
            assert len(drawn) == len(palettes), name

    def test_textures_repeat_without_a_seam(self, palettes: list[Palette]) -> None:
        for palette in palettes:
            for name, texture in textures(palette).items():
                if name not in SPANS_ONCE:
                    assert seam_excess(texture, 0) <= 0, name
                    assert seam_excess(texture, 1) <= 0, name

    def test_the_measure_of_seams_finds_one(self) -> None:
        slope = np.repeat(np.arange(128, dtype=np.uint8)[:, None, None], 3, axis=2) * np.ones((1, 128, 1), np.uint8)
        assert seam_excess(slope, 0) > 0
        assert seam_excess(slope, 1) <= 0

    def test_albedos_are_those_of_real_surfaces(self, palettes: list[Palette]) -> None:
        for palette in palettes:
            for name in FIELDS:
                if name not in SPANS_ONCE:
                    assert np.all((albedo(getattr(palette, name)) > 0.001) & (albedo(getattr(palette, name)) < 0.95)), (
                        name
                    )
            assert albedo(palette.plastic_black).mean() < 0.06
            assert albedo(palette.plastic_white).mean() > 0.7
            assert 0.02 < albedo(palette.floor).mean() < 0.75
        assert 0.55 < np.median([albedo(palette.wall).mean() for palette in palettes]) < 0.85
        assert 0.7 < np.median([albedo(palette.ceiling).mean() for palette in palettes]) < 0.9

    def test_most_walls_are_plain_and_most_accent_walls_are_not_alike(self, palettes: list[Palette]) -> None:
        contrast = {
            name: [textures(palette)[name].std() / 255 for palette in palettes] for name in ("wall", "wall_accent")
        }
        assert np.mean(np.array(contrast["wall"]) < 0.03) > 0.75
        assert np.mean(np.array(contrast["wall_accent"]) > 0.03) > 0.3

    def test_only_lamps_screens_and_the_sky_shine(self, palettes: list[Palette]) -> None:
        for palette in palettes:
            shining = {name for name in FIELDS if max(getattr(palette, name).emission) > 0}
            assert shining == {"screen", "lamp_shade", "bulb", "sky"}

    def test_polish_follows_the_material(self, palettes: list[Palette]) -> None:
        for palette in palettes:
            assert palette.mirror.roughness < palette.metal.roughness < palette.fabric.roughness == 1.0
            assert palette.glass.roughness < 0.1

    def test_texels_stay_below_six_megabytes(self, palettes: list[Palette]) -> None:
        for palette in palettes:
            assert sum({id(t): t.nbytes for t in textures(palette).values()}.values()) < 6e6

    def test_a_house_is_a_building(self, palettes: list[Palette]) -> None:
        corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0)], np.float32)
        mesh = Mesh(
            corners, np.tile(np.array((0, 0, 1), np.float32), (3, 1)), corners[:, :2], np.array([(0, 1, 2)], np.int32)
        )
        builder = BuildingBuilder("house")
        room = vary(palettes[0], rng(1))
        for palette in (palettes[0], room):
            builder.add([Part(mesh, getattr(palette, name)) for name in FIELDS], category="thing")
        names = [material.name for material in builder.build().materials]
        assert len(set(names)) == len(names) > len(FIELDS)

    def test_fifty_houses_use_nearly_every_floor_and_accent_wall(
        self, palettes: list[Palette], painted: set[tuple[int, str]]
    ) -> None:
        assert len(painted) >= len(FLOORS) + len(ACCENT_WALLS) - 4

    def test_a_house_is_drawn_in_a_quarter_of_a_second(self, palettes: list[Palette]) -> None:
        seconds = []
        for seed in range(5):
            start = time.process_time()
            draw_palette(rng(seed))
            seconds.append(time.process_time() - start)
        assert min(seconds) < 0.25


class TestRooms:
    def test_a_room_keeps_the_joinery_of_its_house_and_changes_its_cloths(self, palettes: list[Palette]) -> None:
        for seed, palette in enumerate(palettes[:20]):
            room = vary(palette, rng(seed))
            for name in ("wood", "floor", "ceiling", "trim", "door", "metal", "sky"):
                assert getattr(room, name) is getattr(palette, name)
            assert room.fabric_accent.base_color != palette.fabric_accent.base_color
            assert not np.array_equal(room.rug.texture, palette.rug.texture)  # type: ignore[arg-type]

    def test_about_half_of_the_rooms_have_a_paint_of_their_own(self, palettes: list[Palette]) -> None:
        other = [vary(palettes[0], rng(seed)).wall is not palettes[0].wall for seed in range(60)]
        assert 0.4 < np.mean(other) < 0.7

    def test_childrens_rooms_are_livelier(self, palettes: list[Palette]) -> None:
        def saturation(kind: str) -> float:
            walls = [albedo(vary(palettes[s % 50], rng(s), room_kind=kind).wall) for s in range(40)]
            return float(np.mean([(color.max() - color.min()) / color.max() for color in walls]))

        assert saturation("childs_room") > saturation("office") + 0.05

    def test_rooms_depend_on_their_seed_alone(self, palettes: list[Palette]) -> None:
        first, second = vary(palettes[3], rng(9)), vary(palettes[3], rng(9))
        for name in FIELDS:
            assert getattr(first, name).name == getattr(second, name).name
            assert np.array_equal(getattr(first, name).texture, getattr(second, name).texture)


class TestFamilies:
    def test_styles_name_surfaces_and_woods_that_exist_and_together_use_all(self) -> None:
        assert {floor for scheme in SCHEMES for floor in scheme.floors} | set(TILED) == set(FLOORS)
        assert {accent for scheme in SCHEMES for accent in scheme.accents} == set(ACCENT_WALLS)
        assert {wood for scheme in SCHEMES for wood in (*scheme.woods, *scheme.floor_woods)} <= set(SPECIES)

    @pytest.mark.parametrize("kind", sorted(FLOORS))
    def test_each_floor_repeats_without_a_seam_in_every_style(self, kind: str) -> None:
        for seed, scheme in enumerate(SCHEMES):
            texture = FLOORS[kind](rng(seed), scheme).texture
            assert texture is not None
            assert seam_excess(texture, 0) <= 0
            assert seam_excess(texture, 1) <= 0

    @pytest.mark.parametrize("kind", sorted(ACCENT_WALLS))
    def test_each_accent_wall_repeats_without_a_seam(self, kind: str) -> None:
        for seed, scheme in enumerate(SCHEMES):
            texture = ACCENT_WALLS[kind](rng(seed), scheme).texture
            assert texture is not None
            assert seam_excess(texture, 0) <= 0
            assert seam_excess(texture, 1) <= 0

    def test_wall_tiles_come_in_every_shape(self) -> None:
        families = {wall_tiles(rng(seed), SCHEMES[0]).family for seed in range(50)}
        assert families == {"subway tile", "square tile", "hexagonal tile", "stoneware"}

    @pytest.mark.parametrize("name", sorted(MOTIFS))
    def test_each_motif_repeats_and_shows_ground_and_ink(self, name: str) -> None:
        for seed in range(8):
            motif = MOTIFS[name](rng(seed), (128, 128))
            assert set(np.unique(motif)) <= {0, 1, 2}
            assert (motif == 0).mean() > 0.05
            assert (motif != 0).mean() > 0.01
            image = np.repeat(motif[..., None] * np.uint8(100), 3, axis=2).astype(np.uint8)
            assert seam_excess(image, 0) <= 0
            assert seam_excess(image, 1) <= 0

    @pytest.mark.parametrize("species", sorted(SPECIES))
    def test_grain_runs_along_u(self, species: str) -> None:
        swatch = board(rng(0), species)
        height, width = swatch.texture.shape[:2]
        values = swatch.texture.mean(axis=2)
        along = abs(np.diff(values, axis=1)).mean() * width / swatch.size_m[0]
        across = abs(np.diff(values, axis=0)).mean() * height / swatch.size_m[1]
        assert across > 4 * along
        assert np.array_equal(swatch.turned().texture, swatch.texture.transpose(1, 0, 2))
        assert swatch.turned().size_m == swatch.size_m[::-1]


LAYOUTS = {
    "running bond": courses((128, 128), (0.2, 0.1), 8, 4, 0.5),
    "planks": courses((128, 128), (1.0, 0.1), 8, 2, rng(0).uniform(size=8)),
    "herringbone": herringbone((160, 160), 0.1, 4),
    "basket": basket((160, 160), 0.05, 4, 4),
    "hexagons": hexagons((256, 256), 0.1, 7, 4),
    "shards": shards((128, 128), 1.0, 6, 0),
}


class TestLayouts:
    @pytest.mark.parametrize("name", sorted(set(LAYOUTS) - {"shards"}))
    def test_pieces_are_of_equal_area(self, name: str) -> None:
        layout = LAYOUTS[name]
        areas = np.bincount(layout.index.ravel(), minlength=layout.count)
        assert len(areas) == layout.count
        assert abs(areas / areas.mean() - 1).max() < 0.08

    @pytest.mark.parametrize("name", sorted(LAYOUTS))
    def test_edge_is_the_distance_to_the_nearest_other_piece(self, name: str) -> None:
        layout: Layout = LAYOUTS[name]
        height, width = layout.shape
        spacing = (layout.size_m[1] / height, layout.size_m[0] / width)
        around = np.pad(layout.index, 40, mode="wrap")
        for piece in range(0, layout.count, max(1, layout.count // 6)):
            # wrapped neighbours of the same index (long planks side by side in the repeat) stay one piece
            distance = ndimage.distance_transform_edt(around == piece, sampling=spacing)[40:-40, 40:-40]
            mine = layout.index == piece
            if name == "planks" or distance[mine].max() > 30 * min(spacing):
                continue
            assert abs(distance[mine] - layout.edge[mine]).max() < 1.5 * max(spacing)

    @pytest.mark.parametrize("name", sorted(LAYOUTS))
    def test_places_on_a_piece_stay_on_it(self, name: str) -> None:
        layout = LAYOUTS[name]
        assert layout.edge.min() > -1e-6
        assert layout.index.min() >= 0
        assert layout.index.max() < layout.count

    def test_herringbone_pieces_lie_and_stand_by_halves(self) -> None:
        assert LAYOUTS["herringbone"].parity.mean() == pytest.approx(0.5)
        layout = LAYOUTS["herringbone"]
        assert layout.along.max() == pytest.approx(0.2, abs=0.01)
        assert layout.across.max() == pytest.approx(0.05, abs=0.01)

    def test_joints_cover_the_area_their_width_says(self) -> None:
        layout = courses((256, 256), (0.2, 0.1), 8, 4, 0.5)
        expected = 1 - (0.2 - 0.01) * (0.1 - 0.01) / (0.2 * 0.1)
        assert layout.joint(0.01).mean() == pytest.approx(expected, rel=0.05)


class TestNoise:
    @pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
    def test_spectrum_falls_as_asked(self, slope: float) -> None:
        power = np.mean([abs(np.fft.fft2(noise(rng(s), (128, 128), slope=slope))) ** 2 for s in range(6)], axis=0)
        frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(128, 1 / 128), np.fft.fftfreq(128, 1 / 128)))
        band = (frequency > 3) & (frequency < 50)
        fitted = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]
        assert fitted == pytest.approx(-2 * slope, abs=0.15)

    def test_mean_is_zero_and_deviation_one(self) -> None:
        field = noise(rng(0), (128, 64), slope=1.3, stretch=(1, 8), lowest=2)
        assert field.shape == (128, 64)
        assert abs(field.mean()) < 1e-4
        assert field.std() == pytest.approx(1, abs=1e-3)

    def test_stretch_lengthens_features_along_u(self) -> None:
        field = noise(rng(0), (128, 128), slope=1.0, stretch=(1, 10))
        assert abs(np.diff(field, axis=0)).mean() > 2.2 * abs(np.diff(field, axis=1)).mean()

    def test_a_drawn_field_is_free_to_be_written_to(self) -> None:
        before = noise(rng(4), (64, 64)).copy()
        noise(rng(4), (64, 64))[:] = 0
        assert np.array_equal(noise(rng(4), (64, 64)), before)


class TestThings:
    def test_pictures_differ_and_none_is_blank(self) -> None:
        drawn = [picture(rng(seed)) for seed in range(80)]
        assert len({p.texture.tobytes() for p in drawn}) == len({p.name for p in drawn}) == 80  # type: ignore[union-attr]
        assert min(p.texture.std() for p in drawn) > 5  # type: ignore[union-attr]
        assert {p.name.removeprefix("picture_")[:-9] for p in drawn} == set(PAINTERS)

    def test_pictures_and_screens_span_their_uv_once(self) -> None:
        assert picture(rng(0)).texture_size_m == screen(rng(0)).texture_size_m == (1.0, 1.0)
        wide = spanning(picture(rng(0)), 0.8, 0.6)
        assert wide.texture_size_m == (0.8, 0.6)

    @pytest.mark.parametrize("seed", range(12))
    def test_books_and_rugs_repeat_without_a_seam(self, seed: int) -> None:
        for material in (book_cover(rng(seed)), rug(rng(seed)), book_spines(rng(seed))):
            assert material.texture is not None
            assert seam_excess(material.texture, 0) <= 0
            assert seam_excess(material.texture, 1) <= 0

    @pytest.mark.parametrize("size_m", [(2.0, 1.2), (1.2, 2.0), (1.5, 1.5)])
    def test_a_border_runs_around_a_bordered_rug(self, size_m: tuple[float, float]) -> None:
        material = bordered_rug(rng(3), size_m)
        assert material.texture is not None
        assert material.texture_size_m == size_m
        values = material.texture.astype(float)
        rim = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
        assert rim.std(axis=0).max() < 0.15 * max(rim.mean(), 60)

    @pytest.mark.parametrize("seed", range(12))
    def test_the_sky_shines_joins_sideways_and_is_brighter_than_the_land(self, seed: int) -> None:
        view = sky(rng(seed))
        assert view.texture is not None
        assert view.base_color == (0.0, 0.0, 0.0)
        assert min(view.emission) > 0.3
        assert seam_excess(view.texture, 1) <= 0
        assert view.texture[:40].mean() > view.texture[80:120].mean()

    def test_srgb_decodes_to_linear_light(self) -> None:
        assert linear((0.5, 0.0, 1.0)) == pytest.approx((0.214041, 0.0, 1.0), abs=1e-6)


class TestPhotographs:
    def test_absent_package_is_named_with_the_command_that_installs_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        photographs.cache_clear()
        monkeypatch.setattr("sim.materials.photographs.find_spec", lambda name: None)
        with pytest.raises(SimulatorError, match="pip install --no-deps miniworld"):
            draw_palette(rng(0), photographs=True)

    def test_installed_textures_are_read_without_importing_the_package(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        photographs.cache_clear()
        folder = tmp_path / "miniworld" / "textures"
        folder.mkdir(parents=True)
        (tmp_path / "miniworld" / "__init__.py").write_text("raise RuntimeError")
        Image.new("RGB", (300, 200), (10, 200, 30)).save(folder / "wood_1.png")
        monkeypatch.syspath_prepend(tmp_path)
        found = photographs()
        photographs.cache_clear()
        assert list(found) == ["wood_1"]
        assert found["wood_1"].shape == (256, 256, 3)
        assert np.all(found["wood_1"] == (10, 200, 30))
