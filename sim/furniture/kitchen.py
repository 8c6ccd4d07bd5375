"""Kitchen cupboards and machines. Counters, sink, stove and dishwasher share height and depth, so that they line up."""

from itertools import pairwise

import numpy as np

from sim.building import Mesh
from sim.furniture.colors import DARK_GLASS
from sim.furniture.draft import Draft, category
from sim.furniture.fittings import HANDLE_STYLES, carcass, fronts, span, tap
from sim.shapes import (
    block,
    boxes,
    cylinder,
    extrude,
    lathe,
    merged,
    repeated,
    rod,
    rotated,
    rounded_box,
    rounded_path,
    scaled,
    torus,
    translated,
    tube,
)

WORKTOP_HEIGHT_M = 0.9
COUNTER_DEPTH_M = 0.6
_BACK = -COUNTER_DEPTH_M / 2
_FRONT = COUNTER_DEPTH_M / 2 - 0.03
_BODY_TOP = WORKTOP_HEIGHT_M - 0.035
_PLINTH = 0.1


def _bar_handle(length: float) -> Mesh:
    return HANDLE_STYLES[1](length)


def _base(draft: Draft, x: tuple[float, float]) -> None:
    """The body and plinth of a base cabinet from left to right, metres."""
    p = draft.palette
    draft.put(p.laminate, span(x, (_PLINTH, _BODY_TOP), (_BACK, _FRONT)))
    draft.put(p.plastic_black, span(x, (0, _PLINTH), (_BACK, _FRONT - 0.05)))


def _cabinets(draft: Draft, x: tuple[float, float], z: float = _FRONT) -> None:
    """Doors and drawers over a run from left to right, in modules of about half a metre."""
    p, modules = draft.palette, max(1, round((x[1] - x[0]) / 0.5))
    edges = np.linspace(x[0], x[1], modules + 1)
    for left, right in pairwise(edges):
        module, kind = (float(left), float(right)), draft.count(0, 2)
        low = _BODY_TOP - 0.18 if kind else _PLINTH
        if kind == 0:
            fronts(draft, p.laminate, p.metal, module, (low, _BODY_TOP), z, rows=3, handle=_bar_handle)
        else:
            fronts(draft, p.laminate, p.metal, module, (low, _BODY_TOP), z, handle=_bar_handle)
            fronts(draft, p.laminate, p.metal, module, (_PLINTH, low), z, doors=True, handle=_bar_handle)


@category("kitchen_counter", "floor", sizes=("width_m",))
def kitchen_counter(draft: Draft) -> None:
    """A run of base cabinets under a worktop."""
    width = draft.width(0.6, 2.4)
    x = (-width / 2, width / 2)
    _base(draft, x)
    _cabinets(draft, x)
    draft.put(draft.palette.stone_top, span(x, (_BODY_TOP, WORKTOP_HEIGHT_M), (_BACK, COUNTER_DEPTH_M / 2)))
    draft.carry(width - 0.08, COUNTER_DEPTH_M - 0.12, WORKTOP_HEIGHT_M, 0.5)


@category("kitchen_island", "floor", sizes=("width_m",))
def kitchen_island(draft: Draft) -> None:
    """A free counter with cabinets at the front and an overhanging worktop at the back."""
    width, p = draft.width(1.2, 2.0), draft.palette
    x = (0.04 - width / 2, width / 2 - 0.04)
    _base(draft, x)
    _cabinets(draft, x)
    draft.put(draft.choice((p.stone_top, p.wood)), rounded_box(width, 0.04, 0.9, 0.01, (0, _BODY_TOP - 0.005, -0.1)))
    draft.carry(width - 0.15, 0.75, WORKTOP_HEIGHT_M, 1.2, z=-0.1)


@category("wall_cabinet", "wall", sizes=("width_m",))
def wall_cabinet(draft: Draft) -> None:
    """A cupboard above a counter, with doors or partly open."""
    width, height, depth, p = draft.width(0.5, 1.6), draft.between(0.6, 0.75), 0.34, draft.palette
    half, doors = width / 2, max(1, round(width / 0.45))
    if doors > 2 and draft.chance(0.4):
        step = width / doors
        draft.put(p.laminate, span((-half, half - step), (0, height), (0, depth)))
        fronts(
            draft,
            p.laminate,
            p.metal,
            (-half, half - step),
            (0, height),
            depth,
            columns=doors - 1,
            doors=True,
            handle=_bar_handle,
        )
        levels = (height / 3, 2 * height / 3)
        draft.put(p.wood, carcass((half - step, half), (0, height), (0, depth), shelves=levels))
        for low in (0.02, *levels):
            draft.carry(step - 0.08, depth - 0.08, low, height / 3 - 0.04, x=half - step / 2, z=depth / 2)
    else:
        draft.put(p.laminate, span((-half, half), (0, height), (0, depth)))
        fronts(
            draft, p.laminate, p.metal, (-half, half), (0, height), depth, columns=doors, doors=True, handle=_bar_handle
        )
    draft.carry(width - 0.1, depth - 0.08, height, 0.3, z=depth / 2)


@category("kitchen_sink", "floor", sizes=("width_m",))
def kitchen_sink(draft: Draft) -> None:
    """A counter module with a basin let into its worktop, and a tap."""
    width, p = draft.width(0.8, 1.0), draft.palette
    half, basin = width / 2, min(0.27, width / 2 - 0.06)
    z = (-0.17, 0.2)
    draft.put(p.laminate, span((-half, half), (_PLINTH, _BODY_TOP - 0.2), (_BACK, _FRONT)))
    draft.put(
        p.laminate, *(span(x, (_BODY_TOP - 0.2, _BODY_TOP), (_BACK, _FRONT)) for x in ((-half, -basin), (basin, half)))
    )
    draft.put(
        p.laminate, *(span((-basin, basin), (_BODY_TOP - 0.2, _BODY_TOP), d) for d in ((_BACK, z[0]), (z[1], _FRONT)))
    )
    draft.put(p.plastic_black, span((-half, half), (0, _PLINTH), (_BACK, _FRONT - 0.05)))
    fronts(
        draft,
        p.laminate,
        p.metal,
        (-half, half),
        (_PLINTH, _BODY_TOP),
        _FRONT,
        columns=2,
        doors=True,
        handle=_bar_handle,
    )
    top = (_BODY_TOP, WORKTOP_HEIGHT_M)
    edge = COUNTER_DEPTH_M / 2
    draft.put(p.stone_top, *(span(x, top, (_BACK, edge)) for x in ((-half, -basin), (basin, half))))
    draft.put(p.stone_top, *(span((-basin, basin), top, d) for d in ((_BACK, z[0]), (z[1], edge))))
    profile = [
        (0, 0),
        (0.98, 0),
        (0.98, 0.99),
        (1.06, 0.99),
        (1.06, 1.01),
        (0.93, 1.01),
        (0.9, 0.1),
        (0.8, 0.05),
        (0, 0.04),
    ]
    bowl = scaled(lathe(profile, sides=32, squareness=6), (basin * 0.99, 0.2, (z[1] - z[0]) / 2 * 0.99))
    draft.put(p.metal, translated(bowl, (0, WORKTOP_HEIGHT_M - 0.198, (z[0] + z[1]) / 2)))
    draft.put(p.metal, translated(tap(draft.between(0.2, 0.34), 0.17), (0, WORKTOP_HEIGHT_M, -0.22)))


@category("stove", "floor")
def stove(draft: Draft) -> None:
    """A cooker: an oven with a window, knobs, and a hob of plates or gas burners."""
    p, width = draft.palette, 0.6
    body = draft.choice((p.metal, p.plastic_white, p.metal_dark))
    half, z = width / 2, _FRONT
    draft.put(
        body,
        span((-half, half), (0.06, 0.88), (_BACK, z)),
        span((0.03 - half, half - 0.03), (0, 0.06), (_BACK, z - 0.04)),
    )
    draft.put(
        body,
        span((0.01 - half, half - 0.01), (0.26, 0.74), (z, z + 0.02)),
        span((0.01 - half, half - 0.01), (0.08, 0.24), (z, z + 0.02)),
    )
    draft.put(DARK_GLASS, span((-0.2, 0.2), (0.34, 0.62), (z + 0.02, z + 0.024)))
    draft.put(
        p.metal, translated(_bar_handle(0.46), (0, 0.69, z + 0.02)), translated(_bar_handle(0.46), (0, 0.2, z + 0.02))
    )
    knob = rotated(cylinder(0.02, 0.025, sides=10), "x", np.pi / 2)
    draft.put(p.plastic_black, repeated(knob, [(x, 0.81, z) for x in np.linspace(-0.22, 0.22, 5)]))
    draft.put(DARK_GLASS, span((-half, half), (0.88, 0.9), (_BACK, COUNTER_DEPTH_M / 2)))
    places = [(-0.15, 0.9, -0.13), (0.15, 0.9, -0.13), (-0.15, 0.9, 0.14), (0.15, 0.9, 0.14)]
    if draft.chance(0.5):
        plates = [
            lathe([(0, 0), (r, 0), (r, 0.006), (0, 0.006)], at, sides=18)
            for r, at in zip((0.09, 0.07, 0.07, 0.1), places, strict=True)
        ]
        draft.put(p.metal_dark, *plates)
    else:
        draft.put(p.metal, repeated(cylinder(0.04, 0.012, sides=12), places))
        grate = merged(
            [
                block(0.22, 0.012, 0.012, (0, 0.02, 0)),
                block(0.012, 0.012, 0.22, (0, 0.02, 0)),
                torus(0.095, 0.006, (0, 0.02, 0), sides=14, tube_sides=5),
            ]
        )
        draft.put(p.metal_dark, repeated(grate, places))


def _tapering_hood(draft: Draft, half: float) -> None:
    profile = [(0, 0), (1, 0), (1, 0.06), (0.42, 0.24), (0, 0.24)]
    hood = scaled(lathe(profile, sides=32, squareness=9), (half, 1, 0.24))
    draft.put(draft.palette.metal, translated(hood, (0, 0, 0.24)))
    draft.put(draft.palette.plastic_black, span((-0.6 * half, 0.6 * half), (-0.006, 0.0), (0.1, 0.38)))


def _slanted_hood(draft: Draft, half: float) -> None:
    section = np.array([(0.02, 0.3), (0.0, 0.3), (0.36, -0.02), (0.36, 0.0)]) * (-1, 1)
    plate = rotated(extrude(section[::-1], 2 * half), "y", np.pi / 2)
    draft.put(draft.choice((DARK_GLASS, draft.palette.metal_dark)), plate)
    draft.put(draft.palette.metal, span((0.02 - half, half - 0.02), (0.0, 0.06), (0, 0.25)))


@category("range_hood", "wall", sizes=("width_m",))
def range_hood(draft: Draft) -> None:
    """An extractor above a stove: a tapering hood with a flue, or a slanted plate."""
    half = draft.width(0.6, 0.6) / 2
    draft.put(draft.palette.metal, span((-0.14, 0.14), (0.2, 0.75), (0, 0.26)))
    draft.choice((_tapering_hood, _tapering_hood, _slanted_hood))(draft, half)


@category("refrigerator", "floor")
def refrigerator(draft: Draft) -> None:
    """A fridge with a freezer above, below, or beside."""
    p, height, depth = draft.palette, draft.between(1.65, 1.95), draft.between(0.6, 0.68)
    body, beside = draft.choice((p.metal, p.plastic_white, p.metal_dark)), draft.chance(0.3)
    width = 0.9 if beside else draft.between(0.56, 0.68)
    half, z = width / 2, depth / 2 - 0.06
    draft.put(
        body,
        span((-half, half), (0.04, height), (-depth / 2, z - 0.006)),
        span((0.02 - half, half - 0.02), (0, 0.04), (-depth / 2, z - 0.05)),
    )
    split = draft.choice((0.35, 0.68)) * height
    doors = [((-half, -0.003), (0.05, height)), ((0.003, half), (0.05, height))]
    handles = [(-0.04, height * 0.5), (0.04, height * 0.5)]
    if not beside:
        doors = [((-half, half), (0.05, split - 0.004)), ((-half, half), (split + 0.004, height))]
        handles = [(half - 0.05, split - 0.25), (half - 0.05, split + 0.25)]
    for x, y in doors:
        draft.put(body, rounded_box(x[1] - x[0], y[1] - y[0], 0.05, 0.012, ((x[0] + x[1]) / 2, y[0], z + 0.025)))
    bar = tube(
        rounded_path([(0, -0.17, 0), (0, -0.17, 0.04), (0, 0.17, 0.04), (0, 0.17, 0)], 0.02, steps=2), 0.009, sides=6
    )
    draft.put(p.metal, repeated(bar, [(x, y, z + 0.045) for x, y in handles]))
    draft.carry(width - 0.1, depth - 0.15, height, 0.3)


@category("dishwasher", "floor")
def dishwasher(draft: Draft) -> None:
    """A dishwasher to stand in a counter, with its own worktop."""
    p, half = draft.palette, 0.3
    front = draft.choice((p.metal, p.plastic_white))
    draft.put(
        front,
        span((-half, half), (_PLINTH, _BODY_TOP), (_BACK, _FRONT)),
        span((0.005 - half, half - 0.005), (_PLINTH, 0.73), (_FRONT, _FRONT + 0.02)),
    )
    draft.put(p.plastic_black, span((0.005 - half, half - 0.005), (0.74, _BODY_TOP - 0.005), (_FRONT, _FRONT + 0.02)))
    draft.put(p.plastic_black, span((-half, half), (0, _PLINTH), (_BACK, _FRONT - 0.05)))
    draft.put(p.metal, translated(_bar_handle(0.44), (0, 0.69, _FRONT + 0.02)))
    lights = [(x, 0.8, _FRONT + 0.02) for x in np.linspace(0.1, 0.24, 5)]
    draft.put(p.plastic_white, repeated(rotated(cylinder(0.008, 0.006, sides=8), "x", np.pi / 2), lights))
    draft.put(p.stone_top, span((-half, half), (_BODY_TOP, WORKTOP_HEIGHT_M), (_BACK, COUNTER_DEPTH_M / 2)))
    draft.carry(0.5, COUNTER_DEPTH_M - 0.12, WORKTOP_HEIGHT_M, 0.5)


@category("microwave", "surface")
def microwave(draft: Draft) -> None:
    """A microwave oven with a window, buttons and a handle."""
    p, width, height, depth = (
        draft.palette,
        draft.between(0.44, 0.52),
        draft.between(0.26, 0.31),
        draft.between(0.32, 0.38),
    )
    body, half, z = draft.choice((p.metal, p.plastic_white, p.plastic_black)), width / 2, depth / 2
    draft.put(body, rounded_box(width, height, depth, 0.012, (0, 0.015, 0)))
    draft.put(
        p.rubber,
        repeated(cylinder(0.015, 0.02, sides=8), [(a * 0.8, 0, b * 0.8) for a in (-half, half) for b in (-z, z)]),
    )
    draft.put(DARK_GLASS, span((0.03 - half, half - 0.13), (0.05, height - 0.02), (z, z + 0.006)))
    draft.put(p.plastic_black, span((half - 0.1, half - 0.02), (height - 0.045, height - 0.015), (z, z + 0.004)))
    buttons = [(half - 0.085 + 0.025 * i, 0.05 + 0.03 * j, z) for i in range(3) for j in range(5)]
    draft.put(
        p.plastic_white if body is not p.plastic_white else p.laminate, repeated(block(0.018, 0.018, 0.005), buttons)
    )
    draft.put(
        p.metal, translated(rotated(_bar_handle(height * 0.7), "z", np.pi / 2), (half - 0.12, height / 2 + 0.015, z))
    )
    draft.carry(width - 0.08, depth - 0.08, height + 0.015, 0.3)


@category("kettle", "surface")
def kettle(draft: Draft) -> None:
    """A kettle with spout, handle and lid."""
    p, r, h = draft.palette, draft.between(0.075, 0.09), draft.between(0.16, 0.2)
    body = draft.choice((p.metal, p.plastic_white, p.plastic_color, p.metal_dark))
    profile = np.array(
        [(0, 0), (1, 0), (1, 0.08), (draft.between(0.9, 1.1), 0.4), (0.6, 0.93), (0.5, 1), (0, 1.02)]
    ) * (r, h)
    draft.put(body, lathe(profile, (0, 0.015, 0), sides=18))
    draft.put(
        p.plastic_black,
        cylinder(r * 1.08, 0.015, sides=18),
        lathe([(0, 0), (0.02, 0), (0.014, 0.02), (0, 0.024)], (0, h + 0.015, 0), sides=8),
    )
    draft.put(body, rod((0.6 * r, 0.6 * h, 0), (1.45 * r, 0.95 * h, 0), 0.02, 0.01, sides=8))
    grip = rounded_path([(-0.55 * r, h, 0), (-1.7 * r, h, 0), (-1.6 * r, 0.15 * h, 0), (-0.9 * r, 0.2 * h, 0)], 0.04)
    draft.put(p.plastic_black, tube(grip, 0.01, sides=6))


@category("toaster", "surface")
def toaster(draft: Draft) -> None:
    """A toaster with two slots and a lever."""
    p = draft.palette
    width, height, depth = draft.between(0.26, 0.3), draft.between(0.17, 0.2), draft.between(0.16, 0.19)
    draft.put(
        draft.choice((p.metal, p.plastic_color, p.plastic_white)),
        rounded_box(width, height, depth, 0.035, (0, 0.01, 0), steps=2),
    )
    slots = boxes(
        [(-width * 0.36, height, -0.045), (-width * 0.36, height, 0.02)],
        [(width * 0.36, height + 0.014, -0.02), (width * 0.36, height + 0.014, 0.045)],
    )
    draft.put(p.plastic_black, slots, block(width * 0.8, 0.02, depth * 0.7))
    draft.put(p.plastic_black, block(0.02, 0.015, 0.04, (width / 2 + 0.008, height * 0.6, 0)))
