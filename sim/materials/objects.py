"""Materials of things of which a house has many, each different: books, rugs, screens."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from sim.building import Material
from sim.materials.canvas import Canvas
from sim.materials.noise import Field, noise, texel_centers
from sim.materials.patterns import MOTIFS
from sim.materials.pictures import landscape, seascape
from sim.materials.swatch import WHITE, Color, Image, as_color, colors, jittered, mixed, to_image

COVERS = colors(
    "7a2e2a 274060 2f5d4a c9a24b e6ddca 1f1f22 8d8a83 b5532d 4a3a5c d9d2c5 5b7a8c 8a5a3a 34495e a33b3b f0ece2 6b705c"
)
"""Cloth and paper that books are bound in, sRGB."""

_RUGS = tuple(
    colors(codes)
    for codes in (
        "8a2f2a 1f2f4a d8c3a0",
        "e6dfd0 8b8378 4a4743",
        "2f4858 c98b4a e8dfcd",
        "d9cdb8 b0654a 5a6b5d",
        "6b3a3f d3a27a 2b2a2f",
        "9aa5a0 e9e5dc 5f6d70",
        "efe9dc 262626 8a8a86",
        "c5a77d 6e4a32 efe4cf",
    )
)
"""Three yarns of a rug."""


def spanning(material: Material, width_m: float, height_m: float) -> Material:
    """The same material with its texture spread once over a width (u) and a height (v) in metres."""
    return replace(material, texture_size_m=(width_m, height_m))


def book_spines(rng: np.random.Generator) -> Material:
    """A row of books seen from the front: spines stand side by side along u; one repeat is 0.9 m of shelf."""
    shape = (128, 256)
    canvas = Canvas(shape, (0.1, 0.1, 0.1))
    mean = float(rng.uniform(0.025, 0.045))
    widths = rng.uniform(0.5, 1.6, max(8, round(0.9 / mean)))
    edges = np.concatenate([[0.0], np.cumsum(widths) / widths.sum()])
    few = rng.permutation(len(COVERS))[: int(rng.integers(5, len(COVERS)))]
    for left, right in pairwise(edges):
        cover = jittered(rng, COVERS[few[int(rng.integers(len(few)))]], 0.03)
        canvas.rectangle(left, 0, right, 1, cover)
        ink = _contrasting(rng, cover)
        margin = 0.22 * (right - left)
        style = int(rng.integers(4))
        if style == 0:
            canvas.rectangle(left, 0.12, right, 0.15, ink)
            canvas.rectangle(left, 0.85, right, 0.88, ink)
        if style < 3:
            start, length = rng.uniform(0.2, 0.35), rng.uniform(0.2, 0.4)
            for k in range(8):
                if rng.uniform() < 0.8:
                    y = start + length * k / 8
                    canvas.rectangle(left + margin, y, right - margin, y + length / 11, ink)
        if style == 1:
            canvas.rectangle(left, 0.72, right, 0.86, mixed(ink, cover, 0.3))
        # round backs: darker towards both joints
        column = abs((canvas.x - (left + right) / 2) / (right - left))
        canvas.lay((0.02, 0.02, 0.02), 0.55 * np.clip(column - 0.28, 0, 1) / 0.22 * (column < 0.5))
    worn = 1 + np.float32(0.03) * noise(rng, shape, slope=0.8)
    return Material(
        _named(rng, "book_spines"), texture=to_image(canvas.values * worn[..., None]), texture_size_m=(0.9, 0.25)
    )


def book_cover(rng: np.random.Generator) -> Material:
    """The binding of one book: cloth with bands across u; one repeat is 25 cm."""
    cover = jittered(rng, COVERS[int(rng.integers(len(COVERS)))], 0.04)
    ink = _contrasting(rng, cover)
    shape = (64, 128)
    canvas = Canvas(shape, cover)
    if rng.uniform() < 0.6:
        for x in (0.1, 0.9):
            canvas.rectangle(x - 0.02, 0, x + 0.02, 1, ink)
    if rng.uniform() < 0.7:
        start, end = rng.uniform(0.2, 0.35), rng.uniform(0.5, 0.8)
        canvas.rectangle(start, 0, end, 1, mixed(cover, ink, float(rng.choice((0.3, 0.9)))))
    cloth = 1 + np.float32(0.025) * noise(rng, shape, slope=0.5)
    texture = to_image(canvas.values * cloth[..., None])
    return Material(_named(rng, "book_cover"), texture=texture, texture_size_m=(0.25, 0.25), roughness=0.8)


def rug(rng: np.random.Generator) -> Material:
    """A woven rug with an all-over pattern that repeats; for a border, see `bordered_rug`."""
    values = _field(rng, (128, 128), _rug_colors(rng))
    side = float(rng.uniform(0.7, 1.5))
    return Material(_named(rng, "rug"), texture=_knotted(rng, values), texture_size_m=(side, side))


def bordered_rug(rng: np.random.Generator, size_m: tuple[float, float]) -> Material:
    """A rug with a border, and perhaps a medallion; its texture spans uv 0 .. size once.

    Args:
        rng: What the pattern depends on.
        size_m: Of the rug along u and v.
    """
    shape = (128, 256) if size_m[0] > 1.3 * size_m[1] else (256, 128) if size_m[1] > 1.3 * size_m[0] else (128, 128)
    inks = _rug_colors(rng)
    values = np.array(_field(rng, shape, inks))
    v, u = texel_centers(shape)
    inward = np.minimum(np.minimum(u, 1 - u) * size_m[0], np.minimum(v, 1 - v) * size_m[1])
    reach = np.hypot((u - 0.5) * 2.2 * (1 + 0.1 * np.cos(16 * np.pi * v)), (v - 0.5) * 2.2)
    if rng.uniform() < 0.4:
        for radius, ink in ((0.75, 1), (0.68, 0), (0.4, 2), (0.2, 0)):
            values[reach < radius] = inks[ink]
    width = float(rng.uniform(0.06, 0.14)) * min(size_m)
    teeth = width * (1 + 0.12 * np.sign(np.sin((u * size_m[0] + v * size_m[1]) * (2 * np.pi / width))))
    for reach_m, ink in ((teeth * 1.3, 2), (teeth, 1), (width * 0.45, 0), (width * 0.3, 1)):
        values[inward < reach_m] = inks[ink]
    return Material(_named(rng, "rug"), texture=_knotted(rng, values), texture_size_m=size_m)


def screen(rng: np.random.Generator) -> Material:
    """A lit display: a picture, a desktop, text, a chart. Its texture spans uv 0 .. 1 once, row 0 on top."""
    canvas = Canvas((128, 128), (0.05, 0.06, 0.08))
    _SHOWN[int(rng.integers(len(_SHOWN)))](rng, canvas)
    return Material(_named(rng, "screen"), (0.02, 0.02, 0.02), canvas.image(), (1.0, 1.0), (0.8, 0.8, 0.8), 0.15)


def _desktop(rng: np.random.Generator, canvas: Canvas) -> None:
    top = as_color(rng.uniform(0.1, 0.6, 3))
    canvas.gradient(top, as_color(rng.uniform(0.2, 0.8, 3)))
    canvas.rectangle(0, 0.94, 1, 1, (0.08, 0.09, 0.11))
    for k in range(6):
        canvas.rectangle(0.02 + 0.05 * k, 0.952, 0.05 + 0.05 * k, 0.988, as_color(rng.uniform(0.3, 1, 3)))
    for _ in range(int(rng.integers(1, 4))):
        x, y, width, height = (
            rng.uniform(0.03, 0.4),
            rng.uniform(0.03, 0.4),
            rng.uniform(0.3, 0.55),
            rng.uniform(0.3, 0.5),
        )
        canvas.rectangle(x, y, x + width, y + height, (0.95, 0.95, 0.96))
        canvas.rectangle(x, y, x + width, y + 0.04, as_color(rng.uniform(0.15, 0.6, 3)))
        for row in np.arange(y + 0.07, y + height - 0.03, 0.035):
            canvas.rectangle(
                x + 0.03, row, x + 0.03 + (width - 0.06) * rng.uniform(0.3, 1), row + 0.013, (0.35, 0.36, 0.4)
            )


def _text(rng: np.random.Generator, canvas: Canvas) -> None:
    inks = ((0.85, 0.86, 0.88), (0.45, 0.70, 0.90), (0.90, 0.65, 0.40), (0.55, 0.78, 0.50))
    canvas.rectangle(0, 0, 0.16, 1, (0.09, 0.10, 0.13))
    for row in np.arange(0.03, 0.96, 0.031):
        x = 0.2 + 0.04 * int(rng.integers(0, 4))
        while x < rng.uniform(0.35, 0.95):
            width = float(rng.uniform(0.03, 0.14))
            canvas.rectangle(x, row, x + width, row + 0.014, inks[int(rng.integers(len(inks)))])
            x += width + 0.015


def _chart(rng: np.random.Generator, canvas: Canvas) -> None:
    canvas.values[:] = 0.96
    ink = as_color(rng.uniform(0.1, 0.7, 3))
    canvas.rectangle(0, 0, 1, 0.1, ink)
    for k, height in enumerate(rng.uniform(0.1, 0.7, 9)):
        canvas.rectangle(
            0.08 + 0.095 * k, 0.92 - height, 0.15 + 0.095 * k, 0.92, ink if k % 3 else mixed(ink, WHITE, 0.5)
        )
    canvas.rectangle(0.05, 0.92, 0.95, 0.93, (0.2, 0.2, 0.2))


def _film(rng: np.random.Generator, canvas: Canvas) -> None:
    painter = (landscape, seascape)[int(rng.integers(2))]
    painter(rng, canvas, COVERS[:5])
    if rng.uniform() < 0.4:
        canvas.rectangle(0.05, 0.84, 0.95, 0.93, (0.10, 0.14, 0.35))
        canvas.rectangle(0.08, 0.865, rng.uniform(0.4, 0.9), 0.905, (0.95, 0.95, 0.95))


_SHOWN: tuple[Callable[[np.random.Generator, Canvas], None], ...] = (_desktop, _text, _chart, _film, _film)


def _rug_colors(rng: np.random.Generator) -> tuple[Color, Color, Color]:
    first, second, third = (jittered(rng, color, 0.025) for color in _RUGS[int(rng.integers(len(_RUGS)))])
    return first, second, third


def _field(rng: np.random.Generator, shape: tuple[int, int], inks: tuple[Color, Color, Color]) -> Field:
    """The ground of a rug: one motif, bands of several, or plain shag."""
    palette = np.asarray(inks, dtype=np.float32)
    names = tuple(MOTIFS)
    kind = int(rng.choice(3, p=(0.5, 0.3, 0.2)))
    if kind == 0:
        printed: Field = palette[MOTIFS[names[int(rng.integers(len(names)))]](rng, shape)]
        return printed
    if kind == 2:
        shag: Field = palette[0] * (1 + 0.12 * noise(rng, shape, slope=0.7, lowest=4))[..., None]
        return shag
    bands = [MOTIFS[names[int(rng.integers(len(names)))]](rng, shape) for _ in range(3)]
    which = rng.integers(0, 3, 8)[np.arange(shape[0]) * 8 // shape[0]]
    turned = (np.stack(bands)[which, np.arange(shape[0])] + which[:, None]) % 3
    banded: Field = palette[turned]
    return banded


def _knotted(rng: np.random.Generator, values: Field) -> Image:
    pile = noise(rng, values.shape[:2], slope=0.3, lowest=6)
    return to_image(values * (1 + np.float32(0.06) * pile)[..., None])


def _contrasting(rng: np.random.Generator, color: Color) -> Color:
    light = sum(color) / 3
    inks = ((0.92, 0.88, 0.78), (0.83, 0.68, 0.36)) if light < 0.5 else ((0.15, 0.14, 0.14), (0.55, 0.16, 0.14))
    return inks[int(rng.integers(2))]


def _named(rng: np.random.Generator, kind: str) -> str:
    return f"{kind}_{int(rng.integers(1 << 32)):08x}"
