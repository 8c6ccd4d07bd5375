"""Books, boxes, baskets and bins."""

import numpy as np

from sim.building import Material, Mesh
from sim.furniture.colors import BOOKS, TOYS
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import span
from sim.shapes import (
    block,
    boxes,
    cylinder,
    lathe,
    repeated,
    rotated,
    rounded_path,
    scaled,
    sheet,
    torus,
    translated,
    tube,
)


def _binding(draft: Draft) -> Material:
    p = draft.palette
    return draft.choice((*BOOKS, p.leather, p.fabric_accent))


def _lying(width: float, thick: float, depth: float) -> tuple[Mesh, Mesh]:
    """The binding and pages of a closed book that lies with its spine to the left (-x), metres."""
    cover, x, z = 0.003, width / 2, depth / 2
    binding = boxes(
        [(-x, 0, -z), (-x, thick - cover, -z), (-x, cover, -z)],
        [(x, cover, z), (x, thick, z), (cover - x, thick - cover, z)],
    )
    return binding, boxes((cover - x, cover, 0.003 - z), (x - 0.004, thick - cover, z - 0.003))


def _open_book(draft: Draft) -> None:
    width, depth = draft.between(0.14, 0.2), draft.between(0.2, 0.28)
    draft.put(_binding(draft), block(2 * width + 0.01, 0.003, depth + 0.008))
    x = np.linspace(0, 1, 7)
    rise = 0.006 + 0.022 * np.sin(np.pi * np.minimum(x * 1.4 + 0.12, 1.0))
    z = np.linspace(-depth / 2, depth / 2, 2)[:, None]
    for side in (-1, 1):
        page = np.stack(np.broadcast_arrays(side * width * x, rise, z), axis=-1)
        draft.put(draft.palette.paper, sheet(page[::-1, ::side], 0.005))


@category("book", "surface")
def book(draft: Draft) -> None:
    """One book, a pile, or an open book."""
    if draft.chance(0.2):
        _open_book(draft)
        return
    count, top = draft.choice((1, 1, 2, 3, 4, 5)), 0.0
    width, depth = draft.between(0.17, 0.24), draft.between(0.22, 0.3)
    for _ in range(count):
        thick, shrink = draft.between(0.015, 0.045), draft.between(0.82, 1.0)
        turn = draft.between(-0.25, 0.25) if count > 1 else 0.0
        for material, mesh in zip(
            (_binding(draft), draft.palette.paper), _lying(width * shrink, thick, depth * shrink), strict=True
        ):
            draft.put(material, translated(rotated(mesh, "y", turn), (0, top, 0)))
        top += thick


@category("book_row", "surface", sizes=("width_m", "height_m"))
def book_row(draft: Draft) -> None:
    """Books standing side by side, spines to the front; here and there one is missing."""
    width, tallest, rng = draft.width(0.25, 0.8), draft.height(0.24, 0.3), draft.rng
    count = max(2, round(width / draft.between(0.026, 0.04)))
    edges = np.concatenate([[0.0], np.cumsum(rng.uniform(0.5, 1.5, count))])
    edges = width * (edges / edges[-1] - 0.5)
    left, right = edges[:-1], edges[1:]
    heights, depths = tallest * rng.uniform(0.7, 1.0, count), rng.uniform(0.14, 0.19, count)
    heights[0] = tallest
    there = rng.random(count) > 0.06
    there[[0, -1]] = True
    few = [_binding(draft) for _ in range(draft.count(4, 8))]
    binding, ink = rng.integers(len(few), size=(2, count))
    zero = np.zeros(count)
    lower, upper = np.column_stack([left, zero, -depths]), np.column_stack([right, heights, zero])
    titled = there & (rng.random(count) < 0.6)
    foot, tall = heights * rng.uniform(0.5, 0.8, count), rng.uniform(0.008, 0.03, count)
    title_lower = np.column_stack([left + 0.001, foot, zero - 0.01])
    title_upper = np.column_stack([right - 0.001, foot + tall, zero + 0.001])
    for k, material in enumerate(few):
        for chosen, low, high in (
            (there & (binding == k), lower, upper),
            (titled & (ink == k), title_lower, title_upper),
        ):
            if chosen.any():
                draft.put(material, boxes(low[chosen], high[chosen]))
    page_upper = np.column_stack([right - 0.003, heights + 0.0006, zero - 0.003])
    draft.put(draft.palette.paper, boxes((lower + np.array([0.003, 0.003, -0.0006]))[there], page_upper[there]))


def _square_box(draft: Draft, material: Material, size: tuple[float, float, float]) -> None:
    w, h, d = size
    draft.put(material, block(w - 0.012, h, d - 0.012))
    draft.put(draft.choice((material, draft.palette.paper)), block(w, 0.045, d, (0, h - 0.04, 0)))
    draft.put(draft.palette.metal, block(0.06, 0.025, 0.004, (0, 0.4 * h, d / 2 - 0.005)))


def _hat_box(draft: Draft, material: Material, size: tuple[float, float, float]) -> None:
    w, h, _ = size
    draft.put(material, cylinder(w / 2 - 0.006, h, sides=24))
    draft.put(draft.choice((material, *BOOKS)), cylinder(w / 2, 0.04, (0, h - 0.036, 0), sides=24))


def _parcel(draft: Draft, material: Material, size: tuple[float, float, float]) -> None:
    w, h, d = size
    ribbon = draft.choice(TOYS)
    draft.put(material, block(w, h, d))
    draft.put(ribbon, block(w + 0.004, h + 0.003, 0.025), block(0.025, h + 0.003, d + 0.004))
    loop = rotated(torus(0.03, 0.006, (0.034, 0, 0), sides=10, tube_sides=5), "z", 0.6)
    draft.put(ribbon, *(translated(rotated(loop, "y", turn), (0, h + 0.015, 0)) for turn in (0.4, 0.4 + np.pi)))


@category("box", "surface")
def box_with_lid(draft: Draft) -> None:
    """A storage box with a lid, a round hat box, or a parcel with a ribbon."""
    p = draft.palette
    material = draft.choice((p.fabric_pattern, p.cardboard, p.wood_light, p.plastic_white, p.fabric, *BOOKS))
    size = draft.between(0.18, 0.4), draft.between(0.1, 0.24), draft.between(0.16, 0.3)
    draft.choice((_square_box, _hat_box, _parcel))(draft, material, size)


@category("cardboard_box", "floor")
def cardboard_box(draft: Draft) -> None:
    """A moving box: closed with tape, or open with its flaps up."""
    p = draft.palette
    w, h, d, t = draft.between(0.3, 0.55), draft.between(0.22, 0.4), draft.between(0.28, 0.42), 0.005
    x, z = w / 2, d / 2
    if draft.chance(0.45):
        draft.put(p.cardboard, block(w, h, d))
        draft.put(p.wood_light, block(w + 0.002, h + 0.001, 0.05))
        draft.carry(w - 0.06, d - 0.06, h + 0.001, 1.0)
        return
    lower = [(-x, 0, -z), (-x, t, -z), (x - t, t, -z), (t - x, t, -z), (t - x, t, z - t)]
    upper = [(x, t, z), (t - x, h, z), (x, h, z), (x - t, h, t - z), (x - t, h, z)]
    draft.put(p.cardboard, boxes(lower, upper))
    long_flap, short_flap = block(w, d / 2, t), block(d, w / 3, t)
    for turn, reach, flap in (
        (0.0, z, long_flap),
        (np.pi, z, long_flap),
        (np.pi / 2, x, short_flap),
        (-np.pi / 2, x, short_flap),
    ):
        opened = rotated(flap, "x", draft.between(0.6, 2.2))
        draft.put(p.cardboard, rotated(translated(opened, (0, h, reach - t / 2)), "y", turn))
    draft.carry(w - 0.06, d - 0.06, t, h)


@category("basket", "floor")
def basket(draft: Draft) -> None:
    """A woven basket with grips or a high handle, open above."""
    p, r, h = draft.palette, draft.between(0.15, 0.24), draft.between(0.18, 0.34)
    material, power = draft.choice((p.wicker, p.wicker, p.fabric)), draft.choice((2.0, 2.0, 5.0))
    flare = draft.between(0.75, 0.95)
    profile = [(0, 0), (flare, 0), (1, 0.95), (1.03, 1), (0.96, 1), (0.93, 0.9), (flare - 0.06, 0.06), (0, 0.06)]
    draft.put(material, lathe(np.array(profile) * (r, h), sides=24, squareness=power))
    draft.put(
        material,
        *(
            lathe(
                np.array([(1.0, -0.012), (1.04, 0), (1.0, 0.012), (0.98, 0), (1.0, -0.012)])
                * (r * (flare + (1 - flare) * y), 1),
                (0, y * h, 0),
                sides=20,
                squareness=power,
            )
            for y in (0.3, 0.62)
        ),
    )
    angles = np.linspace(0, np.pi, 11)
    if draft.chance(0.4):
        path = np.column_stack([r * np.cos(angles), h + 0.8 * r * np.sin(angles), np.zeros(11)])
        draft.put(material, tube(path, 0.011, sides=6))
    else:
        path = np.column_stack([np.full(11, r), h + 0.05 * np.sin(angles), 0.07 * np.cos(angles)])
        draft.put(material, *(rotated(tube(path, 0.009, sides=6), "y", a) for a in (0.0, np.pi)))
    draft.carry(r, r, 0.06 * h, h)


@category("waste_bin", "floor")
def waste_bin(draft: Draft) -> None:
    """A bin: open and tapering, with crumpled paper, or with a pedal and a domed lid."""
    p, r, h = draft.palette, draft.between(0.11, 0.15), draft.between(0.26, 0.36)
    body = draft.choice((p.metal, p.metal_dark, p.plastic_white, p.plastic_black, p.plastic_color, p.wicker))
    if draft.chance(0.5):
        profile = [(0, 0), (0.78, 0), (0.97, 0.97), (1, 0.985), (0.97, 1), (0.93, 0.97), (0.74, 0.03), (0, 0.03)]
        draft.put(body, lathe(np.array(profile) * (r, h), sides=20))
        for k in range(draft.count(0, 3)):
            place = (draft.between(-0.04, 0.04), h * (0.55 + 0.12 * k), draft.between(-0.04, 0.04))
            draft.put(
                p.paper, lathe(np.array([(0, -1), (0.8, -0.6), (1, 0.1), (0.6, 0.7), (0, 0.9)]) * 0.04, place, sides=6)
            )
        return
    h *= 1.3
    draft.put(
        body,
        cylinder(r, h, sides=20),
        lathe([(0, 0), (r, 0), (0.75 * r, 0.04), (0.3 * r, 0.06), (0, 0.062)], (0, h + 0.012, 0), sides=20),
    )
    draft.put(
        p.plastic_black, cylinder(0.97 * r, 0.014, (0, h - 0.001, 0), sides=20), cylinder(1.03 * r, 0.03, sides=20)
    )
    draft.put(p.plastic_black, span((-0.03, 0.03), (0.01, 0.025), (r * 0.9, r + 0.05)))


@category("bucket", "floor")
def bucket(draft: Draft) -> None:
    """A bucket with a wire handle."""
    p, r, h = draft.palette, draft.between(0.13, 0.16), draft.between(0.24, 0.3)
    profile = [(0, 0), (0.75, 0), (0.97, 0.93), (1.03, 0.93), (1.03, 1), (0.98, 1), (0.72, 0.03), (0, 0.03)]
    draft.put(draft.choice((p.plastic_color, p.metal, *TOYS[:4])), lathe(np.array(profile) * (r, h), sides=20))
    angles, fold = np.linspace(0, np.pi, 11), draft.choice((0.3, 1.2))
    path = np.column_stack(
        [1.02 * r * np.cos(angles), 0.95 * h + r * np.sin(angles) * np.sin(fold), r * np.sin(angles) * np.cos(fold)]
    )
    draft.put(p.metal, tube(path, 0.004, sides=5), tube(path[4:7], 0.009, sides=6))


@category("suitcase", "floor")
def suitcase(draft: Draft) -> None:
    """A standing suitcase with wheels and a pulled-out handle."""
    p = draft.palette
    w, h, d = draft.between(0.4, 0.5), draft.between(0.55, 0.72), draft.between(0.22, 0.28)
    material = draft.choice((p.plastic_color, p.metal_dark, p.leather, *BOOKS))
    shell = scaled(lathe([(0, 0), (1, 0), (1, 1), (0, 1)], sides=32, squareness=7), (w / 2, d, h / 2))
    draft.put(material, translated(rotated(shell, "x", np.pi / 2), (0, h / 2 + 0.05, -d / 2)))
    ribs = [(x, 0.09, d / 2) for x in np.linspace(-0.32, 0.32, 5) * w]
    draft.put(material, repeated(block(0.02, h - 0.08, 0.012), ribs))
    wheel = translated(rotated(cylinder(0.026, 0.02, sides=10), "z", np.pi / 2), (0.01, 0.026, 0))
    draft.put(
        p.rubber, repeated(wheel, [(a * (w / 2 - 0.06), 0, b * (d / 2 - 0.04)) for a in (-1, 1) for b in (-1, 1)])
    )
    top = h + draft.choice((0.08, 0.35))
    grip = rounded_path([(-0.09, h, -0.06), (-0.09, top, -0.06), (0.09, top, -0.06), (0.09, h, -0.06)], 0.03)
    draft.put(p.metal, tube(grip, 0.008, sides=6))
    draft.put(p.plastic_black, span((-0.03, 0.03), (h * 0.62, h * 0.66), (d / 2, d / 2 + 0.016)))
