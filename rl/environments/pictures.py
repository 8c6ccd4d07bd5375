"""What people see of an agent: its view beside a map of the building from above, with a line of text below."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from rl.environments.floor_plan import FINE, FloorPlan, Picture, Points
from rl.tasks.floor_grid import FloorGrid
from sim import Cameras, Sensor, Simulator
from sim.episodes import Point

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

CAPTION_PX = 28

_AGENT_PX = 9
_SIGHT_M = 1.5
_SEEN_ALPHA = 150

_SEEN, _OLD_PATH, _PATH, _SHORTEST = (255, 200, 87), (188, 208, 235), (28, 92, 180), (60, 150, 90)
_START, _GOAL, _AGENT, _INK, _PAPER = (28, 92, 180), (34, 140, 70), (214, 40, 40), (240, 240, 240), (36, 38, 44)


@dataclass(frozen=True, eq=False)
class Walk:
    """What a map shows of an agent's episode.

    Args:
        path: float32 [P, 3], P >= 1: where the agent has been, from its start to where it is, metres.
        heading_rad: Where it looks; 0 faces -Z, positive turns left.
        hfov_deg: How wide it sees.
        goal: Where to go, if anywhere.
        goal_radius_m: How near is there.
        targets: float32 [K, 2, 3]: least and greatest x, y, z of the things to find, or None.
        shortest: float32 [Q, 3]: corners of the shortest walk, or None.
        seen: bool [R, C]: cells of `grid` seen so far, or None.
        grid: The cells of `seen`.
    """

    path: Points
    heading_rad: float
    hfov_deg: float = 90.0
    goal: Point | None = None
    goal_radius_m: float = 0.36
    targets: NDArray[np.float32] | None = None
    shortest: Points | None = None
    seen: NDArray[np.bool_] | None = None
    grid: FloorGrid | None = None


def top_down_frame(plan: FloorPlan, walk: Walk) -> Picture:
    """The map with an agent on it: path (fading), start, goals, what it has seen, where it looks.

    Args:
        plan: Of the agent's floor.
        walk: What to draw on it.

    Returns:
        uint8 [H, W, 3], of the size asked for in `floor_plan`.

    Raises:
        UserError: If the path is empty.
    """
    from PIL import Image, ImageDraw

    if not len(walk.path):
        raise UserError("a path without a point cannot be drawn; expected at least where the agent is.")
    image = Image.fromarray(plan.picture)
    if walk.seen is not None and walk.grid is not None:
        _paint_seen(image, plan, walk.seen, walk.grid)
    pen = ImageDraw.Draw(image, "RGBA")
    _draw_goals(pen, plan, walk)
    _draw_path(pen, plan.pixels(walk.path))
    _draw_agent(pen, plan, walk)
    return np.asarray(image.reduce(FINE))


def _paint_seen(image: "Image.Image", plan: FloorPlan, seen: NDArray[np.bool_], grid: FloorGrid) -> None:
    from PIL import Image

    rows, columns = grid.free.shape
    x, z = grid.origin
    ends = np.array([(x, 0, z), (x + columns * grid.cell_m, 0, z + rows * grid.cell_m)], np.float32)
    (left, top), (right, bottom) = np.sort(plan.pixels(ends), axis=0)
    size = max(1, round(right - left)), max(1, round(bottom - top))
    shown = np.where(seen[:rows, :columns], _SEEN_ALPHA, 0).astype(np.uint8)
    mask = Image.fromarray(np.ascontiguousarray(np.rot90(shown) if plan.is_turned else shown))
    image.paste(_SEEN, (round(left), round(top)), mask.resize(size, Image.Resampling.NEAREST))


def _draw_goals(pen: "ImageDraw.ImageDraw", plan: FloorPlan, walk: Walk) -> None:
    if walk.shortest is not None and len(walk.shortest) > 1:
        pen.line([tuple(p) for p in plan.pixels(walk.shortest)], fill=(*_SHORTEST, 150), width=FINE)
    for box in () if walk.targets is None else walk.targets:
        (left, top), (right, bottom) = np.sort(plan.pixels(box), axis=0)
        pen.rectangle((left - 2, top - 2, right + 2, bottom + 2), fill=(*_GOAL, 110), outline=_GOAL, width=FINE)
    if walk.goal is not None:
        place = plan.pixels(np.array([walk.goal], np.float32))[0]
        _disc(pen, place, walk.goal_radius_m * plan.px_per_m, (*_GOAL, 70))
        _disc(pen, place, 5 * FINE, (*_GOAL, 255), outline=(255, 255, 255))


def _draw_path(pen: "ImageDraw.ImageDraw", places: NDArray[np.float64]) -> None:
    ages = np.linspace(0, 1, max(len(places) - 1, 1))[:, None]
    colours = (np.array(_OLD_PATH) * (1 - ages) + np.array(_PATH) * ages).astype(int)
    for begin, end, colour in zip(places, places[1:], colours, strict=False):
        if not np.array_equal(begin, end):
            pen.line([tuple(begin), tuple(end)], fill=tuple(colour), width=2 * FINE)
    reach = 4 * FINE
    column, row = places[0]
    pen.rectangle((column - reach, row - reach, column + reach, row + reach), fill=_START, outline=(255, 255, 255))


def _draw_agent(pen: "ImageDraw.ImageDraw", plan: FloorPlan, walk: Walk) -> None:
    place = plan.pixels(walk.path[-1:])[0]
    half = np.radians(walk.hfov_deg) / 2
    rim = _SIGHT_M * plan.px_per_m * plan.turned(_ahead(walk.heading_rad + np.linspace(-half, half, 17)))
    pen.polygon([tuple(place), *(tuple(place + p) for p in rim)], fill=(*_AGENT, 45))
    turns = walk.heading_rad + np.radians([0, 140, 180, 220])
    lengths = np.array([[1.25], [1.0], [0.35], [1.0]]) * _AGENT_PX * FINE
    arrow = place + lengths * plan.turned(_ahead(turns))
    pen.polygon([tuple(corner) for corner in arrow], fill=_AGENT, outline=(255, 255, 255))


def _ahead(headings_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit steps (x, z) [N, 2] of headings."""
    return np.stack([-np.sin(headings_rad), -np.cos(headings_rad)], axis=-1)


def _disc(
    pen: "ImageDraw.ImageDraw",
    place: NDArray[np.float64],
    radius: float,
    fill: tuple[int, ...],
    outline: tuple[int, ...] | None = None,
) -> None:
    column, row = place
    pen.ellipse((column - radius, row - radius, column + radius, row + radius), fill=fill, outline=outline)


def view_from(simulator: Simulator, lane: int, size_px: tuple[int, int]) -> Picture:
    """What an agent sees, in more pixels than it has.

    Args:
        simulator: With agents placed.
        lane: Which agent.
        size_px: Height and width.

    Returns:
        uint8 [H, W, 3].
    """
    agents, spec = simulator.agents, simulator.spec
    eye = agents.positions[lane] + np.array([0, spec.eye_height_m, 0], np.float32)
    camera = Cameras.looking(eye, agents.headings_rad[lane], 0.0, spec.hfov_deg, agents.buildings[lane])
    seen = simulator.render(camera, *size_px, (Sensor.RGB,)).rgb
    if seen is None:
        raise UserError("the simulator renders no colours; choose a backend that does.")
    return np.asarray(seen[0])


def side_by_side(
    view: Picture, above: Picture, caption: str = "", tiles: Sequence[tuple[Picture, str]] = ()
) -> Picture:
    """A frame for people: view, map, a row of small pictures if there are any, and a line of text.

    Args:
        view: uint8 [h, w, 3], brought to the map's height; pixels stay squares where that is a multiple.
        above: uint8 [H, W, 3], the map.
        caption: A line of text below.
        tiles: Small pictures with their names, shown below view and map.

    Returns:
        uint8 [rows, columns, 3], both even, as videos need.

    Raises:
        UserError: If a picture is no uint8 [H, W, 3].
    """
    from PIL import Image, ImageDraw

    for picture in (view, above, *(picture for picture, _ in tiles)):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            raise UserError(f"a picture is {picture.dtype} {list(picture.shape)}; expected uint8 [height, width, 3].")
    height = len(above)
    left = _scaled(view, height)
    width = left.width + above.shape[1]
    tile_px = min(96, width // max(len(tiles), 1)) if tiles else 0
    total = height + (tile_px + 16 if tiles else 0) + CAPTION_PX
    frame = Image.new("RGB", (width + width % 2, total + total % 2), _PAPER)
    frame.paste(left, (0, 0))
    frame.paste(Image.fromarray(np.ascontiguousarray(above)), (left.width, 0))
    pen = ImageDraw.Draw(frame)
    for index, (picture, name) in enumerate(tiles):
        frame.paste(_scaled(picture, tile_px).resize((tile_px, tile_px)), (index * tile_px, height))
        pen.text((index * tile_px + 2, height + tile_px + 1), name, fill=_INK, font=_font(11))
    pen.text((8, total - CAPTION_PX + 5), caption, fill=_INK, font=_font(15))
    return np.asarray(frame)


def _scaled(picture: Picture, height: int) -> "Image.Image":
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    size = max(1, round(image.width * height / image.height)), height
    is_whole = height % image.height == 0
    return image.resize(size, Image.Resampling.NEAREST if is_whole else Image.Resampling.LANCZOS)


@lru_cache
def _font(size_px: int) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont":
    from PIL import ImageFont

    return ImageFont.load_default(size_px)
