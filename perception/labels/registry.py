"""Labels by task name: the 26 of the dictionary, and those a user adds.

labels = compute_labels(view, ["normal", "curvature"])
pose = compute_label("fixated_pose", view_a, view_b)

ours = Labeller(classes).extended([LabelFunction("height", height_above_floor)])
ours.labels(view)
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from perception.errors import UnknownNameError, UserError
from perception.labels import classes as semantic
from perception.labels import depth, manhattan, poses, texture
from perception.labels.classes import ClassLists
from perception.labels.colour import colorization
from perception.labels.curvatures import curvature
from perception.labels.occlusion import edge_occlusion
from perception.labels.permutations import jigsaw
from perception.labels.range_keypoints import keypoints3d
from perception.labels.segments import segment_unsup2d, segment_unsup25d
from perception.labels.view import Label, View
from perception.tasks import TASKS


@dataclass(frozen=True)
class LabelFunction:
    """How one task's label is computed.

    Args:
        task: The task's name.
        function: Takes `views` views, and then the class lists if it `uses_classes`; returns the label.
        views: How many views one label describes.
        uses_classes: Whether the label is a class index, and needs to know of what.
    """

    task: str
    function: Callable[..., Label]
    views: int = 1
    uses_classes: bool = False


def _table(functions: Iterable[LabelFunction]) -> Mapping[str, LabelFunction]:
    """Functions by task.

    Raises:
        UserError: If two functions label one task.
    """
    table: dict[str, LabelFunction] = {}
    for function in functions:
        if function.task in table:
            raise UserError(f"the task {function.task!r} has a label function already; choose another name.")
        table[function.task] = function
    return MappingProxyType(table)


LABELS: Mapping[str, LabelFunction] = _table(
    [
        LabelFunction("autoencoding", texture.picture),
        LabelFunction("denoising", texture.picture),
        LabelFunction("inpainting", texture.picture),
        LabelFunction("colorization", colorization),
        LabelFunction("jigsaw", jigsaw),
        LabelFunction("edge_texture", texture.edge_texture),
        LabelFunction("keypoints2d", texture.keypoints2d),
        LabelFunction("segment_unsup2d", segment_unsup2d),
        LabelFunction("depth_zbuffer", depth.depth_zbuffer),
        LabelFunction("depth_euclidean", depth.depth_euclidean),
        LabelFunction("normal", depth.normal),
        LabelFunction("curvature", curvature),
        LabelFunction("edge_occlusion", edge_occlusion),
        LabelFunction("keypoints3d", keypoints3d),
        LabelFunction("reshading", depth.reshading),
        LabelFunction("segment_unsup25d", segment_unsup25d),
        LabelFunction("room_layout", manhattan.room_layout),
        LabelFunction("vanishing_point", manhattan.vanishing_point),
        LabelFunction("fixated_pose", poses.fixated_pose, views=2),
        LabelFunction("nonfixated_pose", poses.nonfixated_pose, views=2),
        LabelFunction("egomotion", poses.egomotion, views=3),
        LabelFunction("point_matching", poses.point_matching, views=2),
        LabelFunction("class_object", semantic.class_object, uses_classes=True),
        LabelFunction("class_selected", semantic.class_selected, uses_classes=True),
        LabelFunction("class_scene", semantic.class_scene, uses_classes=True),
        LabelFunction("segment_semantic", semantic.segment_semantic, uses_classes=True),
    ]
)
"""The label function of every task of the dictionary, in its order."""


@dataclass(frozen=True)
class Labeller:
    """Computes labels, given what class indices mean.

    Args:
        classes: Needed for the semantic tasks alone.
        functions: By task.
    """

    classes: ClassLists | None = None
    functions: Mapping[str, LabelFunction] = field(default_factory=lambda: LABELS)

    def extended(self, functions: Iterable[LabelFunction]) -> "Labeller":
        """A labeller that knows further tasks.

        Raises:
            UserError: If a task is known already.
        """
        return Labeller(self.classes, _table([*self.functions.values(), *functions]))

    def label(self, task: str, *views: View) -> Label:
        """A task's label for one view, or for the pair or triplet that the task looks at.

        Args:
            task: Name or alias.
            *views: As many as the task's function takes.

        Raises:
            UserError: If the task is unknown, the number of views is wrong, or class lists are needed and missing.
        """
        entry = self._function(task)
        if len(views) != entry.views:
            raise UserError(f"the label of {entry.task!r} describes {entry.views} views; {len(views)} were given.")
        if not entry.uses_classes:
            return entry.function(*views)
        if self.classes is None:
            raise UserError(f"the label of {entry.task!r} is a class index; pass the ClassLists that say of what.")
        return entry.function(*views, self.classes)

    def labels(self, view: View, tasks: Iterable[str] | None = None) -> dict[str, Label]:
        """Labels of one view by task, sharing what they have in common.

        Args:
            view: What the camera measured.
            tasks: Names or aliases of single-view tasks; all of them if None.

        Raises:
            UserError: As `label`.
        """
        names = self.single_view_tasks if tasks is None else [self._function(task).task for task in tasks]
        return {name: self.label(name, view) for name in names}

    @property
    def single_view_tasks(self) -> tuple[str, ...]:
        """Tasks labelled from one view that this labeller can do: without class lists, not the semantic ones."""
        return tuple(
            name
            for name, entry in self.functions.items()
            if entry.views == 1 and (self.classes is not None or not entry.uses_classes)
        )

    def _function(self, task: str) -> LabelFunction:
        name = TASKS[task].name if task in TASKS else task
        try:
            return self.functions[name]
        except KeyError:
            raise UnknownNameError("label", task, self.functions) from None


def compute_label(task: str, *views: View, classes: ClassLists | None = None) -> Label:
    """A task's label, for a task of the dictionary; see `Labeller.label`."""
    return Labeller(classes).label(task, *views)


def compute_labels(
    view: View, tasks: Iterable[str] | None = None, classes: ClassLists | None = None
) -> dict[str, Label]:
    """Labels of one view, for tasks of the dictionary; see `Labeller.labels`."""
    return Labeller(classes).labels(view, tasks)
