"""From cameras to codes: render the views of a building, label them, and quantise the labels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.errors import UserError
from perception.labels.classes import ClassLists
from perception.labels.registry import LABELS, LabelFunction, Labeller
from perception.labels.view import Label, RoomBox, View
from perception.tasks import TASKS, Task
from sim.building import Building
from sim.cameras import Cameras
from sim.simulator import Observations, Sensor
from taxonomy.dataset.casting import measured
from taxonomy.dataset.quantisation import RGB, STORED, Quantisation, quantisation_for
from taxonomy.dataset.views import ViewTable
from taxonomy.dataset.world import Renderer

DERIVED = ("autoencoding", "denoising", "inpainting", "colorization", "jigsaw")
"""Tasks whose label follows from the picture alone; computed when asked for, never stored."""

_PIXELS_AT_ONCE = 1 << 19


@dataclass(frozen=True)
class UserTask:
    """A target task of the user's own.

    Args:
        task: Its name and what it puts out, which decides how it is stored.
        function: From a `View` to its `Label`.
    """

    task: Task
    function: LabelFunction


def stored_domains(user_tasks: Iterable[UserTask] = ()) -> dict[str, Quantisation]:
    """Everything that is stored for each view, and how: the picture, the dictionary's labels, the user's."""
    return {
        "rgb": RGB,
        **{name: stored for name, stored in STORED.items() if name in TASKS},
        **{user.task.name: quantisation_for(user.task) for user in user_tasks},
    }


def labeller_for(classes: ClassLists, user_tasks: Iterable[UserTask] = ()) -> Labeller:
    """What computes all these labels."""
    return Labeller(classes).extended(user.function for user in user_tasks)


def label_views(
    building: Building,
    renderer: Renderer,
    table: ViewTable,
    size: int,
    labeller: Labeller,
    domains: Mapping[str, Quantisation],
) -> dict[str, NDArray[np.generic]]:
    """Codes of every domain, [N, ...] each.

    Args:
        building: What `renderer` shows.
        renderer: Of that building.
        table: The N cameras.
        size: Pixels a side.
        labeller: Knows all of `domains` but "rgb".
        domains: What is stored, and how.
    """
    count = len(table)
    codes = {name: np.empty((count, *stored.array_shape(size, size)), stored.dtype) for name, stored in domains.items()}
    at_once = max(1, _PIXELS_AT_ONCE // size**2)
    tasks = [name for name in domains if name != "rgb"]
    for start in range(0, count, at_once):
        part = table[start : start + at_once]
        cameras = Cameras(part.position, part.rotation, part.hfov_deg, np.zeros(len(part), np.int32))
        seen = renderer.render(cameras, size, size, tuple(Sensor))
        for index, view in enumerate(views_of(building, part, seen), start):
            codes["rgb"][index] = view.rgb
            for name, label in labeller.labels(view, tasks).items():
                codes[name][index] = _encoded(name, label, domains[name], codes[name].shape[1:])
    return codes


def _encoded(name: str, label: Label, stored: Quantisation, shape: tuple[int, ...]) -> NDArray[np.generic]:
    validity = shape[:2] if stored.per_pixel else ()
    if np.shape(label.values) != shape or np.shape(label.valid) != validity:
        raise UserError(
            f"the label of {name!r} has values {list(np.shape(label.values))}, valid {list(np.shape(label.valid))}; "
            f"its task's output says {list(shape)} and {list(validity)}."
        )
    return stored.encode(label)


def views_of(building: Building, table: ViewTable, seen: Observations) -> list[View]:
    """Labels' input for each camera, from what all of them measured."""
    rgb, depth, normal, semantic = (measured(getattr(seen, sensor.value)) for sensor in Sensor)
    rooms = [RoomBox(room.kind, room.lower, room.upper) for room in building.rooms]
    return [
        View(
            rgb[i],
            depth[i],
            normal[i],
            semantic[i],
            building.instance_category[semantic[i]],
            building.categories,
            float(table.hfov_deg[i]),
            table.position[i],
            table.rotation[i],
            rooms[table.room[i]] if table.room[i] >= 0 else None,
        )
        for i in range(len(table))
    ]


def derived_label(task: str, rgb: NDArray[np.uint8]) -> Label:
    """Label of a task in `DERIVED`, from the picture uint8 [H, W, 3]."""
    height, width = rgb.shape[:2]
    nothing = np.zeros((height, width), np.int32)
    view = View(
        rgb,
        np.zeros((height, width), np.float32),
        np.zeros((height, width, 3), np.float32),
        nothing,
        nothing,
        ("nothing",),
        60.0,
        np.zeros(3, np.float32),
        np.eye(3, dtype=np.float32),
    )
    return LABELS[task].function(view)
