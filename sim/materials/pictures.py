"""Pictures for frames: landscapes, portraits, still lifes, abstracts, posters."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from sim.building import Material
from sim.materials.canvas import Canvas, ridge
from sim.materials.noise import noise
from sim.materials.patterns import MOTIFS
from sim.materials.swatch import WHITE, Color, Image, as_color, colors, jittered, mixed

_SHAPE = (128, 128)
_INKS = tuple(
    colors(row)
    for row in (
        "f2e9d8 c8452f 1f3b57 e0a83e 2b2a2a",
        "efece4 d98f6c 7c9a8b 3f5b6b 2d2d33",
        "f6f1e7 e7b7a3 a65e4e 5d6d5b 2f3b35",
        "e9e4da 17406d 3c84a8 f0b548 d3552b",
        "f0eee9 b9b4ab 77736d 403e3c 1a1a1a",
        "fbf3df f07f5a f3b64e 3d9a92 2a4858",
        "ebe3d3 8f6f4e c2a06b 4a5a4b 27302a",
        "f4e8ea c96f86 6d4b72 a8b7d1 2d2740",
    )
)
"""Paper and four inks that go together."""


def picture(rng: np.random.Generator) -> Material:
    """A painting, print, poster or photograph.

    Its texture spans uv 0 .. 1 once, row 0 on top; see `spanning` for a mesh that has its uv in metres.
    """
    names = tuple(PAINTERS)
    name = names[int(rng.integers(len(names)))]
    canvas = Canvas(_SHAPE, WHITE)
    inks = _INKS[int(rng.integers(len(_INKS)))]
    PAINTERS[name](rng, canvas, tuple(jittered(rng, ink, 0.02) for ink in inks))
    if rng.uniform() < 0.2:
        canvas.values[:] = (canvas.values @ np.array([0.3, 0.59, 0.11], np.float32))[..., None]
    elif rng.uniform() < 0.3:
        grain = noise(rng, _SHAPE, slope=0.4)[..., None]
        canvas.values += np.float32(0.025) * grain
    image = _matted(rng, canvas.image()) if rng.uniform() < 0.35 else canvas.image()
    return Material(f"picture_{name}_{int(rng.integers(1 << 32)):08x}", texture=image, roughness=0.6)


def landscape(rng: np.random.Generator, canvas: Canvas, _inks: tuple[Color, ...]) -> None:
    """Hills or mountains one behind another, under a sky with a sun; now and then a lake."""
    hue = np.array(((0.45, 0.65, 0.85), (0.93, 0.66, 0.45), (0.62, 0.68, 0.74), (0.35, 0.42, 0.62)))[rng.integers(4)]
    sky, haze = as_color(hue), as_color(hue * 0.3 + 0.65)
    horizon = float(rng.uniform(0.4, 0.62))
    canvas.gradient(sky, haze, 0.0, horizon + 0.1)
    clouds = noise(rng, _SHAPE, slope=1.8, stretch=(1, 3))
    canvas.lay(WHITE, 0.35 * np.clip(clouds - 0.2, 0, 2) * (canvas.y < horizon + 0.1))
    if rng.uniform() < 0.5:
        x, y, radius = rng.uniform(0.15, 0.85), rng.uniform(0.1, horizon - 0.05), rng.uniform(0.03, 0.08)
        canvas.lay((1.0, 0.95, 0.75), 0.5 * canvas.near_ellipse(x, y, radius * 4, radius * 4, 1.0))
        canvas.ellipse(x, y, radius, radius, (1.0, 0.96, 0.82))
    land = as_color(
        np.array(((0.20, 0.32, 0.16), (0.36, 0.34, 0.14), (0.22, 0.24, 0.30), (0.45, 0.27, 0.14)))[rng.integers(4)]
    )
    layers, steep = int(rng.integers(3, 6)), float(rng.uniform(0.03, 0.14))
    for layer in range(layers):
        amount = layer / (layers - 1)
        line = horizon + 0.42 * amount**1.4 + steep * (1.1 - amount) * ridge(rng, _SHAPE[1], roughness=0.5)
        canvas.below(line.astype(np.float32), jittered(rng, mixed(haze, land, 0.25 + 0.75 * amount), 0.02))
    if rng.uniform() < 0.35:
        _lake(canvas, float(rng.uniform(0.62, 0.75)))
    texture = noise(rng, _SHAPE, slope=0.9)[..., None]
    canvas.values += np.float32(0.03) * texture * (canvas.y > horizon)[..., None]


def _lake(canvas: Canvas, shore: float) -> None:
    """Mirror what lies above the shore, darker and rippled, below it."""
    height = canvas.shape[0]
    row = int(shore * height)
    rows = np.arange(row, height)
    mirrored = canvas.values[np.clip(2 * row - rows - 1, 0, row - 1)]
    ripple = 0.85 + 0.05 * np.sin(rows.astype(np.float32) ** 1.2)
    canvas.values[row:] = mirrored * ripple[:, None, None] + np.array((0.0, 0.02, 0.05), np.float32)


def seascape(rng: np.random.Generator, canvas: Canvas, inks: tuple[Color, ...]) -> None:
    """Sky, sea, a strand, and sails."""
    horizon = float(rng.uniform(0.3, 0.6))
    canvas.gradient((0.50, 0.68, 0.85), (0.88, 0.88, 0.84), 0.0, horizon)
    canvas.gradient((0.18, 0.40, 0.52), (0.30, 0.60, 0.62), horizon, 1.0)
    clouds = noise(rng, _SHAPE, slope=1.6, stretch=(1, 4))
    canvas.lay(WHITE, 0.5 * np.clip(clouds, 0, 2) * (canvas.y < horizon))
    waves = noise(rng, _SHAPE, slope=0.9, stretch=(1, 8))
    canvas.lay(WHITE, 0.5 * np.clip(waves - 0.9, 0, 2) * (canvas.y > horizon))
    for _ in range(rng.integers(0, 4)):
        x, size = rng.uniform(0.1, 0.9), rng.uniform(0.04, 0.12)
        rise = horizon + 0.02 - canvas.y
        canvas.lay(
            jittered(rng, inks[0]), ((rise > 0) & (rise < size) & (abs(canvas.x - x) < (size - rise) * 0.4)) * 1.0
        )
    shore = np.float32(rng.uniform(0.78, 1.1)) + np.float32(0.06) * ridge(rng, _SHAPE[1], octaves=3)
    canvas.below(shore, (0.86, 0.77, 0.60))


def portrait(rng: np.random.Generator, canvas: Canvas, inks: tuple[Color, ...]) -> None:
    """Head and shoulders before a ground."""
    ground = jittered(rng, inks[int(rng.integers(1, 5))], 0.05)
    canvas.gradient(mixed(ground, WHITE, 0.15), mixed(ground, (0, 0, 0), 0.45))
    skin = as_color(
        np.array(((0.93, 0.76, 0.64), (0.80, 0.58, 0.44), (0.55, 0.37, 0.26), (0.36, 0.24, 0.17)))[rng.integers(4)]
    )
    hair = as_color(
        np.array(((0.10, 0.07, 0.05), (0.30, 0.18, 0.10), (0.62, 0.45, 0.24), (0.55, 0.52, 0.50)))[rng.integers(4)]
    )
    coat = jittered(rng, inks[int(rng.integers(0, 5))], 0.05)
    x, y, size = rng.uniform(0.44, 0.56), rng.uniform(0.36, 0.44), rng.uniform(0.13, 0.19)
    shade = mixed(skin, (0.15, 0.05, 0.05), 0.35)
    long = rng.uniform(0.9, 1.9)
    canvas.ellipse(x, y - size * 0.15 + size * (long - 0.9) * 0.5, size * 1.22, size * (0.75 + 0.6 * long), hair)
    canvas.ellipse(x, y + size * 3.6, size * rng.uniform(2.2, 2.8), size * 2.0, coat)
    canvas.rectangle(x - size * 0.42, y + size * 0.6, x + size * 0.42, y + size * 1.75, shade)
    canvas.ellipse(x, y + size * 1.75, size * 0.62, size * 0.35, skin)
    canvas.ellipse(x, y, size * 0.95, size * 1.28, skin)
    canvas.lay(
        shade,
        0.7
        * canvas.near_ellipse(x + size * 0.8, y + 0.2 * size, size * 0.6, size * 1.2, 0.8)
        * canvas.near_ellipse(x, y, size * 0.95, size * 1.28),
    )
    canvas.lay(hair, canvas.near_ellipse(x, y - size * 0.95, size * 1.15, size * 0.62))
    for side in (-1, 1):
        canvas.ellipse(x + side * size * 0.36, y - size * 0.08, size * 0.15, size * 0.07, (0.12, 0.09, 0.08))
        canvas.ellipse(x + side * size * 0.36, y - size * 0.27, size * 0.2, size * 0.04, mixed(hair, skin, 0.2))
    canvas.lay(shade, 0.6 * canvas.near_ellipse(x + size * 0.05, y + size * 0.32, size * 0.13, size * 0.24, 0.6))
    canvas.ellipse(x, y + size * 0.72, size * 0.26, size * 0.08, (0.66, 0.30, 0.28))


def still_life(rng: np.random.Generator, canvas: Canvas, inks: tuple[Color, ...]) -> None:
    """A vase of flowers, or fruit, on a table."""
    wall, table = jittered(rng, inks[int(rng.integers(0, 4))], 0.04), jittered(rng, inks[int(rng.integers(1, 5))], 0.04)
    canvas.gradient(wall, mixed(wall, (0, 0, 0), 0.25))
    canvas.rectangle(0, 0.72, 1, 1, table)
    vase = jittered(rng, inks[int(rng.integers(0, 5))], 0.08)
    if rng.uniform() < 0.6:
        for _ in range(int(rng.integers(7, 16))):
            x, y = 0.5 + rng.normal(0, 0.14), 0.32 + rng.normal(0, 0.1)
            along = np.clip((canvas.y - y) / (0.6 - y), 0, 1)
            canvas.lay(
                (0.22, 0.36, 0.18),
                (abs(canvas.x - (x + (0.5 - x) * along)) < 0.007) * (canvas.y > y) * (canvas.y < 0.6) * 1.0,
            )
        for _ in range(int(rng.integers(9, 20))):
            x, y, size = 0.5 + rng.normal(0, 0.15), 0.3 + rng.normal(0, 0.1), rng.uniform(0.03, 0.075)
            petal = jittered(rng, inks[int(rng.integers(1, 4))], 0.1) if rng.uniform() < 0.75 else (0.25, 0.42, 0.2)
            canvas.ellipse(x, y, size, size * 0.85, petal)
            canvas.ellipse(x, y, size * 0.35, size * 0.3, mixed(petal, (0.2, 0.1, 0.0), 0.5))
        canvas.ellipse(0.5, 0.70, 0.13, 0.17, vase)
        canvas.rectangle(0.44, 0.5, 0.56, 0.6, vase)
        canvas.lay(WHITE, 0.4 * canvas.near_ellipse(0.45, 0.66, 0.03, 0.09, 1.0))
        return
    canvas.ellipse(0.5, 0.78, 0.36, 0.06, mixed(table, (0, 0, 0), 0.45))
    for _ in range(int(rng.integers(4, 9))):
        x, size = 0.5 + rng.normal(0, 0.15), rng.uniform(0.07, 0.12)
        fruit = jittered(
            rng,
            ((0.78, 0.22, 0.12), (0.90, 0.62, 0.15), (0.55, 0.62, 0.20), (0.35, 0.14, 0.25))[int(rng.integers(4))],
            0.06,
        )
        y = 0.78 - size
        canvas.ellipse(x, y, size, size, mixed(fruit, (0, 0, 0), 0.35))
        canvas.lay(fruit, canvas.near_ellipse(x - size * 0.15, y - size * 0.15, size * 0.85, size * 0.85, 0.5))
        canvas.lay(WHITE, 0.6 * canvas.near_ellipse(x - size * 0.35, y - size * 0.4, size * 0.3, size * 0.25, 1.0))


def grid_of_planes(rng: np.random.Generator, canvas: Canvas, _inks: tuple[Color, ...]) -> None:
    """Rectangles in primary colours between black bars (after De Stijl)."""
    canvas.values[:] = (0.94, 0.93, 0.88)
    xs = [0.0, *np.sort(rng.uniform(0.08, 0.92, int(rng.integers(2, 5)))), 1.0]
    ys = [0.0, *np.sort(rng.uniform(0.08, 0.92, int(rng.integers(2, 5)))), 1.0]
    fills = ((0.78, 0.12, 0.10), (0.10, 0.24, 0.58), (0.95, 0.80, 0.18), (0.10, 0.10, 0.10))
    for left, right in pairwise(xs):
        for top, bottom in pairwise(ys):
            if rng.uniform() < 0.4:
                canvas.rectangle(left, top, right, bottom, fills[int(rng.integers(len(fills)))])
    bar = float(rng.uniform(0.008, 0.018))
    for x in xs[1:-1]:
        canvas.rectangle(x - bar, 0, x + bar, 1, (0.08, 0.08, 0.08))
    for y in ys[1:-1]:
        canvas.rectangle(0, y - bar, 1, y + bar, (0.08, 0.08, 0.08))


def color_fields(rng: np.random.Generator, canvas: Canvas, inks: tuple[Color, ...]) -> None:
    """Two or three soft-edged fields of colour, one above another."""
    order = rng.permutation(5)
    canvas.values[:] = inks[order[0]]
    count = int(rng.integers(2, 4))
    edges = np.linspace(0.06, 0.94, count + 1) + np.r_[0, rng.normal(0, 0.06, count - 1), 0]
    ragged = np.float32(0.012) * noise(rng, _SHAPE, slope=1.4)
    for k in range(count):
        inside_y = np.minimum(canvas.y - edges[k] - 0.015, edges[k + 1] - 0.015 - canvas.y)
        inside_x = np.minimum(canvas.x - 0.08, 0.92 - canvas.x)
        canvas.lay(
            inks[order[k + 1]], np.clip((np.minimum(inside_x, inside_y) + ragged) / 0.02, 0, 1).astype(np.float32)
        )
    canvas.values += np.float32(0.025) * noise(rng, _SHAPE, slope=1.5)[..., None]


def blots(rng: np.random.Generator, canvas: Canvas, inks: tuple[Color, ...]) -> None:
    """Free forms of paint, flowing into each other."""
    canvas.values[:] = inks[0]
    for ink in inks[1:]:
        stretch = ((1, 1), (1, 3), (3, 1))[int(rng.integers(3))]
        field = noise(rng, _SHAPE, slope=float(rng.choice((1.6, 2.2))), stretch=stretch)
        canvas.lay(ink, np.clip((field - rng.uniform(0.2, 1.1)) * 8, 0, 1).astype(np.float32))


def forms(rng: np.random.Generator, canvas: Canvas, inks: tuple[Color, ...]) -> None:
    """Circles, half-circles, bars and lines, thrown on paper."""
    canvas.values[:] = inks[0]
    for _ in range(int(rng.integers(4, 9))):
        x, y, size = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9), rng.uniform(0.06, 0.28)
        ink = inks[int(rng.integers(1, 5))]
        disc = canvas.near_ellipse(x, y, size, size)
        angle = rng.uniform(0, np.pi)
        across = (canvas.x - x) * np.cos(angle) + (canvas.y - y) * np.sin(angle)
        along = (canvas.y - y) * np.cos(angle) - (canvas.x - x) * np.sin(angle)
        covers = (
            disc,
            disc * (across > 0),
            disc - canvas.near_ellipse(x, y, size * 0.7, size * 0.7),
            np.clip((0.02 - abs(across)) * 128, 0, 1) * (abs(along) < size * 2),
            np.clip((size * 0.4 - abs(across)) * 128, 0, 1) * (abs(along) < size * 0.8),
        )
        canvas.lay(ink, covers[int(rng.integers(len(covers)))].astype(np.float32))


def poster(rng: np.random.Generator, canvas: Canvas, inks: tuple[Color, ...]) -> None:
    """A headline, an emblem, and lines of small print."""
    paper, ink, accent = inks[int(rng.choice((0, 0, 1, 3)))], inks[4], inks[int(rng.integers(1, 4))]
    canvas.values[:] = paper
    top = float(rng.uniform(0.06, 0.14))
    for _ in range(int(rng.integers(1, 4))):
        _line_of_type(rng, canvas, top, 0.09, ink)
        top += 0.13
    bottom = float(rng.uniform(0.72, 0.8))
    kind = int(rng.integers(3))
    middle, size = (top + bottom) / 2, (bottom - top) * 0.42
    if kind == 0:
        canvas.ellipse(0.5, middle, size, size, accent)
    elif kind == 1:
        for k in range(6):
            canvas.rectangle(
                0.1, top + k * size / 3, 0.1 + 0.8 * rng.uniform(0.3, 1), top + (k + 0.6) * size / 3, accent
            )
    else:
        for k in range(5, 0, -1):
            canvas.ellipse(0.5, middle, size * k / 5, size * k / 5, accent if k % 2 else paper)
    for row in range(int(rng.integers(2, 5))):
        _line_of_type(rng, canvas, bottom + 0.03 + row * 0.045, 0.018, ink)


def _line_of_type(rng: np.random.Generator, canvas: Canvas, top: float, height: float, ink: Color) -> None:
    """Upright bars and gaps that read as lettering from afar."""
    x, end = 0.09, float(rng.uniform(0.55, 0.91))
    while x < end:
        width = float(rng.uniform(0.4, 0.8)) * height
        if rng.uniform() < 0.84:
            canvas.rectangle(x, top, min(x + width, end), top + height, ink)
            if rng.uniform() < 0.6 and height > 0.05:
                hole = canvas.values[0, 0].copy()
                y = top + height * float(rng.uniform(0.2, 0.6))
                canvas.rectangle(x + width * 0.35, y, x + width * 0.75, y + height * 0.3, as_color(hole))
        x += width + 0.16 * height


def botanical(rng: np.random.Generator, canvas: Canvas, inks: tuple[Color, ...]) -> None:
    """One pressed plant on paper."""
    canvas.values[:] = jittered(rng, (0.94, 0.91, 0.83), 0.02)
    green = jittered(rng, (0.26, 0.40, 0.24), 0.06)
    bend = float(rng.normal(0, 0.12))
    stem = 0.5 + bend * (canvas.y - 0.5) ** 2 * 4
    canvas.lay(green, np.clip((0.006 - abs(canvas.x - stem)) * 128 + 0.5, 0, 1) * (canvas.y > 0.12) * (canvas.y < 0.93))
    slant, fullness = float(rng.uniform(0.3, 1.2)), float(rng.uniform(0.2, 0.42))
    for k in range(int(rng.integers(5, 10))):
        y = 0.16 + 0.075 * k
        length = float(rng.uniform(0.14, 0.22)) * (0.6 + 0.08 * k)
        for side in (-1, 1):
            x0 = 0.5 + bend * (y - 0.5) ** 2 * 4
            along = ((canvas.x - x0) * side + (y - canvas.y) * slant) / (length * (1 + slant**2) ** 0.5)
            across = ((canvas.y - y) + (canvas.x - x0) * side * slant) / (length * (1 + slant**2) ** 0.5)
            blade = fullness * np.sqrt(np.clip(along * (1 - along), 0, 1)) - abs(across)
            canvas.lay(
                jittered(rng, green, 0.03), np.clip(blade * length * 128 + 0.3, 0, 1) * (along > 0) * (along < 1)
            )
    if rng.uniform() < 0.5:
        canvas.ellipse(0.5 + bend * 0.5, 0.13, 0.07, 0.06, inks[1])


def skyline(rng: np.random.Generator, canvas: Canvas, inks: tuple[Color, ...]) -> None:
    """Towers of a city against the evening, some windows lit."""
    top, low = inks[int(rng.integers(1, 4))], mixed(inks[0], (0.95, 0.6, 0.35), 0.4)
    canvas.gradient(top, low, 0.0, 0.85)
    for depth in range(3):
        tone = mixed(mixed(top, low, 0.4), (0.06, 0.07, 0.10), 0.35 + 0.3 * depth)
        x = -0.05
        while x < 1.0:
            width, height = float(rng.uniform(0.05, 0.16)), float(rng.uniform(0.15, 0.62 - 0.12 * depth))
            canvas.rectangle(x, 1 - height, x + width, 1, jittered(rng, tone, 0.015))
            if depth == 2:
                for _ in range(int(rng.integers(3, 16))):
                    wx, wy = x + rng.uniform(0.01, max(width - 0.02, 0.011)), 1 - rng.uniform(0.03, height - 0.02)
                    canvas.rectangle(wx, wy, wx + 0.014, wy + 0.02, (0.98, 0.86, 0.55))
            x += width * float(rng.uniform(0.7, 1.3))


def pattern_print(rng: np.random.Generator, canvas: Canvas, inks: tuple[Color, ...]) -> None:
    """A decorative print of one motif."""
    name = str(rng.choice(tuple(MOTIFS)))
    order = rng.permutation(5)[:3]
    canvas.values[:] = np.asarray(inks, dtype=np.float32)[order][MOTIFS[name](rng, _SHAPE)]


def photograph(rng: np.random.Generator, canvas: Canvas, inks: tuple[Color, ...]) -> None:
    """Lights out of focus before a dim ground."""
    canvas.gradient(mixed(inks[3], (0, 0, 0), 0.5), mixed(inks[4], (0, 0, 0), 0.3))
    blur = noise(rng, _SHAPE, slope=2.4)
    canvas.lay(inks[1], 0.3 * np.clip(blur, 0, 2))
    for _ in range(int(rng.integers(12, 30))):
        size = float(rng.uniform(0.02, 0.1))
        light = mixed(inks[int(rng.integers(0, 4))], WHITE, 0.4)
        canvas.lay(
            light, float(rng.uniform(0.15, 0.7)) * canvas.near_ellipse(rng.uniform(), rng.uniform(), size, size, 0.25)
        )


PAINTERS: dict[str, Callable[[np.random.Generator, Canvas, tuple[Color, ...]], None]] = {
    painter.__name__: painter
    for painter in (
        landscape,
        seascape,
        portrait,
        still_life,
        grid_of_planes,
        color_fields,
        blots,
        forms,
        poster,
        botanical,
        skyline,
        pattern_print,
        photograph,
    )
}


def _matted(rng: np.random.Generator, image: Image) -> Image:
    """A picture behind a mount of card."""
    border = int(rng.integers(10, 24))
    height, width = image.shape[:2]
    card = np.empty_like(image)
    card[:] = int(rng.integers(225, 246))
    rows = np.linspace(0, height - 1, height - 2 * border).astype(np.int32)
    columns = np.linspace(0, width - 1, width - 2 * border).astype(np.int32)
    card[border - 1 : height - border + 1, border - 1 : width - border + 1] //= 2
    card[border : height - border, border : width - border] = image[rows][:, columns]
    return card
