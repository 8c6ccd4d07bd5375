"""What is seen out of a window: sky, horizon, and what stands before it."""

import numpy as np

from sim.building import Material
from sim.materials.canvas import Canvas, ridge
from sim.materials.noise import Field, noise
from sim.materials.swatch import WHITE, Color, jittered, mixed

_SHAPE = (128, 256)
HORIZON = 0.45
"""Height of the horizon, as a part of the texture from its top."""

_HEAVENS: tuple[tuple[float, Color, Color, float], ...] = (
    (0.45, (0.33, 0.56, 0.86), (0.82, 0.90, 0.96), 1.1),  # clear
    (0.25, (0.60, 0.72, 0.86), (0.92, 0.93, 0.93), 1.0),  # hazy
    (0.20, (0.78, 0.80, 0.83), (0.90, 0.90, 0.89), 0.9),  # overcast
    (0.10, (0.36, 0.42, 0.62), (0.98, 0.72, 0.48), 0.6),  # evening
)
"""Probability, zenith, horizon (sRGB), and radiance of white."""


def sky(rng: np.random.Generator) -> Material:
    """A view that shines, for panes or a backdrop behind windows.

    One repeat is 4 x 2.4 m and joins itself sideways; row 0 is on top, the horizon at `HORIZON`.
    """
    chances = [heaven[0] for heaven in _HEAVENS]
    _, zenith, haze, radiance = _HEAVENS[int(rng.choice(len(_HEAVENS), p=chances))]
    canvas = Canvas(_SHAPE, haze)
    canvas.gradient(jittered(rng, zenith, 0.03), haze, 0.0, HORIZON)
    clouds = noise(rng, _SHAPE, slope=1.7, stretch=(1, 2))
    thick = float(rng.uniform(-0.6, 0.6))
    puffs = (
        np.clip(1.5 * (clouds + thick), 0, 1) * np.clip((HORIZON - canvas.y) * 6, 0, 1) * np.clip(canvas.y * 12, 0, 1)
    )
    canvas.lay(mixed(WHITE, haze, 0.3), 0.75 * puffs)
    light = 0.4 + 0.6 * radiance
    _hills(rng, canvas, haze, light)
    if rng.uniform() < 0.45:
        _houses(rng, canvas, haze, light)
    _trees(rng, canvas, light)
    emission = (radiance, radiance, radiance)
    name = f"sky_{int(rng.integers(1 << 32)):08x}"
    return Material(name, (0.0, 0.0, 0.0), canvas.image(), (4.0, 2.4), emission, 1.0)


def _hills(rng: np.random.Generator, canvas: Canvas, haze: Color, light: float) -> None:
    green = _dimmed(((0.36, 0.47, 0.24), (0.45, 0.48, 0.28), (0.52, 0.46, 0.32))[int(rng.integers(3))], light)
    steep = float(rng.uniform(0.02, 0.10))
    for layer in range(3):
        line = HORIZON - 0.05 + 0.06 * layer + steep * (1 - 0.3 * layer) * ridge(rng, _SHAPE[1], octaves=4)
        canvas.below(line.astype(np.float32), jittered(rng, mixed(haze, green, 0.3 + 0.3 * layer), 0.02))
    lawn = noise(rng, _SHAPE, slope=0.8, stretch=(1, 4))
    near = np.clip((canvas.y - HORIZON - 0.08) * 12, 0, 1)
    canvas.lay(jittered(rng, green, 0.03), near)
    canvas.values += np.float32(0.035) * lawn[..., None] * near[..., None]
    canvas.lay(mixed(green, haze, 0.6), np.clip((canvas.y - 0.96) * 60, 0, 1))


def _houses(rng: np.random.Generator, canvas: Canvas, haze: Color, light: float) -> None:
    walls = ((0.85, 0.80, 0.70), (0.70, 0.42, 0.32), (0.90, 0.88, 0.84), (0.62, 0.62, 0.60))
    roofs = ((0.42, 0.22, 0.17), (0.28, 0.27, 0.28), (0.50, 0.33, 0.22))
    for _ in range(int(rng.integers(2, 6))):
        width = float(rng.uniform(0.06, 0.16))
        height = width * float(rng.uniform(0.8, 1.7))
        left = float(rng.uniform(0.02, 0.97 - width))
        base = HORIZON + float(rng.uniform(0.06, 0.14))
        wall = _dimmed(mixed(walls[int(rng.integers(4))], haze, 0.2), light)
        canvas.rectangle(left, base - height, left + width, base, wall)
        rise = float(rng.uniform(0.4, 0.8)) * width
        slope = rise * (1 - abs(canvas.x - left - width / 2) / (width / 2 + 0.008))
        roof = np.clip((canvas.y - (base - height - slope)) * 128, 0, 1) * (canvas.y < base - height) * (slope > 0)
        canvas.lay(_dimmed(roofs[int(rng.integers(3))], light), roof.astype(np.float32))
        columns, floors = max(1, round(width / 0.045)), max(1, round(height / 0.08))
        for i in range(columns):
            for j in range(floors):
                x = left + width * (i + 0.32) / columns
                y = base - height + height * (j + 0.25) / floors
                canvas.rectangle(
                    x, y, x + width * 0.36 / columns, y + height * 0.42 / floors, _dimmed((0.24, 0.29, 0.36), light)
                )


def _trees(rng: np.random.Generator, canvas: Canvas, light: float) -> None:
    """Crowns of leaves on trunks, and hedges; a crown's rim is ragged, its sunny side lighter."""
    ragged = noise(rng, _SHAPE, slope=0.9, lowest=4)
    green = ((0.22, 0.36, 0.14), (0.30, 0.40, 0.16), (0.16, 0.28, 0.16), (0.55, 0.36, 0.14))[
        int(rng.choice(4, p=(0.4, 0.3, 0.2, 0.1)))
    ]
    for _ in range(int(rng.integers(0, 7))):
        x, size = float(rng.uniform()), float(rng.uniform(0.05, 0.2))
        base = HORIZON + 0.08 + 0.25 * size
        tone = _dimmed(jittered(rng, green, 0.04), light)
        away = canvas.x - np.float32(x)
        away -= np.round(away)
        canvas.lay(
            _dimmed((0.24, 0.18, 0.13), light),
            (abs(away) < 0.06 * size) * (canvas.y > base - size) * (canvas.y < base) * 1.0,
        )
        if rng.uniform() < 0.3:
            above = (canvas.y - base + 2.6 * size) / (2.4 * size)
            crown = above * 0.5 - abs(away) / size * 1.6 + 0.06 * ragged
            crown = np.where(above > 1, -1, crown)
        else:
            reach = np.hypot(away * 2 / size, (canvas.y - base + 1.5 * size) / size)
            crown = 1 - reach + 0.16 * ragged
        _crown(canvas, crown.astype(np.float32), tone, ragged)
    if rng.uniform() < 0.5:
        line = HORIZON + np.float32(rng.uniform(0.05, 0.12)) + 0.02 * ridge(rng, _SHAPE[1], octaves=6, roughness=0.8)
        hedge = np.minimum(canvas.y - line[None, :], line[None, :] + 0.14 - canvas.y) * 8 + 0.03 * ragged
        _crown(canvas, hedge.astype(np.float32), _dimmed(jittered(rng, green, 0.04), light), ragged)


def _crown(canvas: Canvas, cover: Field, tone: Color, ragged: Field) -> None:
    leaves = np.asarray(tone, dtype=np.float32) * (1 + np.float32(0.22) * ragged)[..., None]
    canvas.lay(np.clip(leaves, 0, 1), np.clip(cover * 14, 0, 1))


def _dimmed(color: Color, light: float) -> Color:
    return mixed((0.01, 0.01, 0.02), color, min(light, 1.0))
