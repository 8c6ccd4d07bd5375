"""Draws the README's picture of rooms: for each kind of room the view that shows most, path-traced.

python docs/figures/rooms.py docs/figures/rooms.jpg
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from sim import Building, Cameras, Sensor
from sim.houses import generate_house
from sim.raycast import RaycastRenderer

KINDS = (
    "living_room", "kitchen", "bedroom", "dining_room", "bathroom", "office", "childs_room", "library",
    "nursery", "laundry", "gym", "hallway", "storage", "corridor", "living_room", "kitchen",
)  # fmt: skip
SIDE_PX, COLUMNS, TRIES = 288, 4, 80


def best_view(building: Building, renderer: RaycastRenderer, room: int) -> tuple[float, Cameras]:
    """Of many views from within a room towards its middle, the one with most of its things well away."""
    box = building.rooms[room]
    rng = np.random.default_rng(room)
    lower, upper = np.array(box.lower), np.array(box.upper)
    eyes = rng.uniform(lower + 0.35, upper - 0.35, (TRIES, 3))
    eyes[:, 1] = lower[1] + 1.45
    aims = (lower + upper) / 2 * [1, 0, 1] + [0, lower[1] + 0.9, 0] + rng.normal(0, 0.3, (TRIES, 3)) * [1, 0.3, 1]
    cameras = Cameras.looking_at(eyes, aims, 72.0)
    seen = renderer.render(cameras, 48, 48, (Sensor.DEPTH, Sensor.SEMANTIC))
    assert seen.depth is not None
    assert seen.semantic is not None
    own = building.instance_room[seen.semantic] == room
    things = np.array([len(np.unique(ids[mine])) for ids, mine in zip(seen.semantic, own, strict=True)])
    near_m = np.percentile(seen.depth.reshape(TRIES, -1), 10, axis=1)
    score = things * own.mean(axis=(1, 2)) + 6 * np.minimum(near_m, 1.2)
    best = int(score.argmax())
    return float(score[best]), cameras[best : best + 1]


def main(path: Path) -> None:
    """Look through some houses, then draw."""
    found: dict[str, list[tuple[float, int, Cameras]]] = {kind: [] for kind in KINDS}
    for seed in range(300, 324):
        building = generate_house(seed)
        renderer = RaycastRenderer([building])
        for index, room in enumerate(building.rooms):
            if room.kind in found:
                score, camera = best_view(building, renderer, index)
                found[room.kind].append((score, seed, camera))
    for views in found.values():
        views.sort(key=lambda view: -view[0])
    tiles = []
    for kind in KINDS:
        _, seed, camera = found[kind].pop(0)
        renderer = RaycastRenderer([generate_house(seed)])
        rgb = renderer.render(camera, SIDE_PX, SIDE_PX, (Sensor.RGB,), samples=400, bounces=3).rgb
        assert rgb is not None
        tiles.append(rgb[0])
    rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
    Image.fromarray(np.vstack(rows)).save(path, quality=88)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
