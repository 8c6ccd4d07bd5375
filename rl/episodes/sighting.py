"""From where agents see a thing that they stand close to, and how far it is to walk there."""

import numpy as np
from numpy.typing import NDArray

from perception import UserError
from rl.targets import plan_distance_m, target_boxes, target_ids
from sim import Cameras, Sensor, Simulator

Points = NDArray[np.float32]

_OUTLINE_STEP_M = 0.1
_INNER_STEP_M = 0.25
_WITHIN_M = 0.005  # so that rounding carries no point of the outline out of reach
_STOREY_M = 3.0
_LARGEST_PICTURE = 48
_VIEWS_AT_ONCE = 256
_ENDS_AT_ONCE = 8


def sighting_points(
    simulator: Simulator, building: int, category: str, reach_m: float, least_share: float
) -> NDArray[np.float32]:
    """Points of the largest island from which an agent that turns to a thing sees it, no farther than `reach_m` off.

    They lie on the outline of what is in reach, where walks from outside end, and, for things that are hidden from
    there, within.

    Args:
        simulator: With the building.
        building: Its index.
        category: Of the things.
        reach_m: To their bounding boxes, in plan.
        least_share: Of the picture of the agent's camera that things of the category have to fill.

    Returns:
        float32 [N, 3]; [0, 3] if there are none.

    Raises:
        UserError: If the building has no such thing, or the simulator no semantic sensor.
    """
    boxes = target_boxes(simulator.buildings[building], category)
    floor = simulator.random_navigable_points(512, np.random.default_rng(0), building)
    points = np.concatenate([_around(box, reach_m - _WITHIN_M, floor) for box in boxes])
    points = points[plan_distance_m(points, boxes) <= reach_m]
    points = points[simulator.island(points, building) == 0]
    ids = target_ids(simulator.buildings[building], category)
    facing = _facing(points, boxes)
    seen = [_shares(simulator, building, points, yaw_rad, ids) >= least_share for yaw_rad in facing]
    sighting: Points = points[seen[0] | seen[1]]
    return sighting


def nearest_walks_m(simulator: Simulator, building: int, starts: Points, ends: Points) -> NDArray[np.float64]:
    """Lengths of the shortest walks from starts [N, 3] to any of the ends [M, 3].

    A walk is never shorter than a straight line, so ends are tried from the nearest on until the rest lie farther off.

    Returns:
        float64 [N], metres; inf where there is no walk.
    """
    straight_m = np.linalg.norm(starts[:, None].astype(np.float64) - ends[None], axis=2)
    order = np.argsort(straight_m, axis=1)
    best = np.full(len(starts), np.inf)
    for begin in range(0, len(ends), _ENDS_AT_ONCE):
        tried = order[:, begin : begin + _ENDS_AT_ONCE]
        lane, column = np.nonzero(np.take_along_axis(straight_m, tried, axis=1) < best[:, None])
        if not len(lane):
            break
        walks_m = simulator.geodesic_distance(starts[lane], ends[tried[lane, column]], building)
        np.minimum.at(best, lane, walks_m)
    return best


def _around(box: NDArray[np.float32], reach_m: float, floor: Points) -> Points:
    """Points float32 [N, 3] on the floor, on the outline of what is within reach of a box [2, 3], and within it."""
    (low_x, low_y, low_z), (high_x, high_y, high_z) = box
    # The floor that a thing stands on or hangs over, not that of another storey.
    below = floor[(floor[:, 1] <= high_y) & (floor[:, 1] >= low_y - _STOREY_M)]
    if not len(below):
        return np.zeros((0, 3), np.float32)
    height = below[plan_distance_m(below, box[None]).argmin(), 1]
    x, z = (
        np.arange(low - reach_m, high + reach_m + _INNER_STEP_M, _INNER_STEP_M)
        for low, high in ((low_x, high_x), (low_z, high_z))
    )
    inner = np.stack(np.meshgrid(x, z), axis=-1).reshape(-1, 2)
    plan = np.concatenate([_outline(box[:, ::2].astype(np.float64), reach_m), inner])
    return np.stack([plan[:, 0], np.full(len(plan), height), plan[:, 1]], axis=1).astype(np.float32)


def _outline(rectangle: NDArray[np.float64], reach_m: float) -> NDArray[np.float64]:
    """float64 [N, 2]: points of the line at a distance around a rectangle [2, 2]."""
    turn = np.linspace(0, np.pi / 2, 2 + int(np.pi / 2 * reach_m / _OUTLINE_STEP_M))
    pieces = []
    for corner in range(4):
        at = rectangle[[0, 1, 1, 0][corner], 0], rectangle[[0, 0, 1, 1][corner], 1]
        angle = np.pi + corner * np.pi / 2 + turn
        pieces.append(at + reach_m * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    arcs = np.concatenate(pieces)
    ways = np.roll(arcs, -1, axis=0) - arcs
    parts = np.maximum(np.ceil(np.linalg.norm(ways, axis=1) / _OUTLINE_STEP_M), 1).astype(int)
    return np.concatenate(
        [arc + way * (np.arange(n) / n)[:, None] for arc, way, n in zip(arcs, ways, parts, strict=True)]
    )


def _facing(points: Points, boxes: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Headings [N] from points to the middle of the nearest box, and to its nearest point."""
    if not len(points):
        return np.zeros(0), np.zeros(0)
    nearest = boxes[np.stack([plan_distance_m(points, box[None]) for box in boxes]).argmin(axis=0)]
    middle = nearest.mean(axis=1) - points
    side = np.clip(points, nearest[:, 0], nearest[:, 1]) - points
    side = np.where(np.hypot(side[:, :1], side[:, 2:]) > 0.01, side, middle)
    return np.arctan2(-middle[:, 0], -middle[:, 2]), np.arctan2(-side[:, 0], -side[:, 2])


def _shares(
    simulator: Simulator, building: int, points: Points, yaw_rad: NDArray[np.float64], ids: NDArray[np.int32]
) -> NDArray[np.float64]:
    """float64 [N]: the share of the picture that things fill, for agents that stand at points and look that way."""
    spec = simulator.spec
    scale = min(1.0, _LARGEST_PICTURE / max(spec.height, spec.width))
    height, width = max(1, round(spec.height * scale)), max(1, round(spec.width * scale))
    eyes = points + np.array([0, spec.eye_height_m, 0], np.float32)
    shares = np.zeros(len(points))
    for begin in range(0, len(points), _VIEWS_AT_ONCE):
        chosen = slice(begin, begin + _VIEWS_AT_ONCE)
        cameras = Cameras.looking(eyes[chosen], yaw_rad[chosen], 0.0, spec.hfov_deg, building)
        semantic = simulator.render(cameras, height, width, (Sensor.SEMANTIC,)).semantic
        if semantic is None:
            raise UserError("the simulator left out the semantic sensor, and targets are looked for with it.")
        shares[chosen] = np.isin(semantic, ids).mean(axis=(1, 2))
    return shares
