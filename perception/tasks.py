"""The task dictionary: 26 vision tasks, what each puts out, and every name it goes by.

Canonical names follow the visual-priors release; aliases are those of the published Taskonomy result files and
checkpoints, so that both read without a translation table.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from perception.errors import UnknownNameError, UserError

RESERVED_NAMES = ("random", "pixels", "self")
"""Names that stand beside the dictionary in transfer tables (Taskonomy section 3.2) and that no task may take."""


class Group(StrEnum):
    """The four families into which the paper's tasks fall."""

    TWO_D = "2D"
    THREE_D = "3D"
    GEOMETRIC = "geo"
    SEMANTIC = "sem"


class OutputKind(StrEnum):
    """The shape of a task's output, which decides the kind of head that reads it out."""

    IMAGE = "image"  # [channels, H, W], a number per pixel
    EMBEDDING = "embedding"  # [channels, H, W], compared by distance only
    PIXEL_CLASSES = "pixel classes"  # [channels, H, W], scores per pixel
    VECTOR = "vector"  # [channels]
    CLASSES = "classes"  # [channels], scores


class Loss(StrEnum):
    """What a task's network minimises."""

    L1 = "L1"
    L1_LOG = "L1 on log values"
    L1_COSINE = "L1 and cosine"
    L2 = "L2"
    L2_CYCLE = "L2 with a cycle check"
    SOFTMAX = "softmax cross-entropy"
    TRIPLET = "metric (triplet)"


class Input(StrEnum):
    """What a task's network looks at."""

    RGB = "rgb"
    NOISY = "rgb + noise"
    MASKED = "rgb, centre masked"
    GREY = "grey"
    SHUFFLED = "3x3 tiles shuffled"
    TWO_VIEWS_FIXATED = "2 views fixating one point"
    TWO_VIEWS = "2 views sharing a point"
    TWO_VIEWS_ANY = "2 views"
    THREE_VIEWS_FIXATED = "3 views fixating one point"

    @property
    def views(self) -> int:
        """How many images one sample has."""
        return _VIEWS.get(self, 1)


_VIEWS = {Input.TWO_VIEWS_FIXATED: 2, Input.TWO_VIEWS: 2, Input.TWO_VIEWS_ANY: 2, Input.THREE_VIEWS_FIXATED: 3}


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """What the numbers of a task's label and prediction mean, in memory.

    Args:
        kind: The output's shape.
        channels: Channels or vector length; None where the label set decides (the object catalogue, the rooms).
        minimum: Smallest valid value (for classes, the first index).
        maximum: Largest valid value; None for class indices up to `channels`.
        unit: Unit of the values.
        invalid: The value that marks a pixel without a label; None where every pixel has one.
        mirror_signs: By what each channel is multiplied when the scene is mirrored left to right (columns change places
            besides); empty where channels stay as they are; None where that is unknown, so that training does not
            mirror the task.

    Raises:
        UserError: If `mirror_signs` are not 1 or -1 for each channel.
    """

    kind: OutputKind
    channels: int | None
    minimum: float
    maximum: float | None
    unit: str
    invalid: float | None = None
    mirror_signs: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        signs = self.mirror_signs
        if signs and (len(signs) != self.channels or not set(signs) <= {1, -1}):
            raise UserError(
                f"mirror_signs are {signs} for {self.channels} channels; expected 1 or -1 for each channel, () if a "
                "mirror changes none, or None if it is not known."
            )


@dataclass(frozen=True, slots=True)
class Task:
    """One vision task.

    Args:
        name: Canonical name.
        group: Family.
        output: Meaning of its output; None for a task known by its transfers alone.
        loss: What its network minimises; None likewise.
        input: What its network looks at.
        aliases: Other names that resolve to it.
        source_only: True if it may be learned from but is never itself a target.
        label: What the label shows, in a phrase.
    """

    name: str
    group: Group
    output: OutputSpec | None = None
    loss: Loss | None = None
    input: Input = Input.RGB
    aliases: tuple[str, ...] = ()
    source_only: bool = False
    label: str = ""


class TaskDictionary(Mapping[str, Task]):
    """Tasks by name or alias, in a fixed order.

    Iteration yields canonical names; every look-up resolves aliases.

    Args:
        tasks: The tasks, in the order in which results list them.

    Raises:
        UserError: If two tasks claim one name, or a task claims a reserved one.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks: dict[str, Task] = {}
        self._by_any_name: dict[str, Task] = {}
        for task in tasks:
            self._tasks[task.name] = task
            for name in (task.name, *task.aliases):
                if not name.isprintable() or not name.strip() or name in RESERVED_NAMES or "__" in name:
                    raise UserError(f"a task cannot be called {name!r}; names print, are not reserved, have no '__'.")
                if name in self._by_any_name:
                    raise UserError(
                        f"the task name {name!r} is taken by {self._by_any_name[name].name!r}; choose another."
                    )
                self._by_any_name[name] = task
        self._position = {name: index for index, name in enumerate(self._tasks)}

    def __getitem__(self, name: str) -> Task:
        try:
            return self._by_any_name[name]
        except KeyError:
            raise UnknownNameError("task", name, self._by_any_name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, name: object) -> bool:
        return name in self._by_any_name

    def canonical(self, names: Iterable[str]) -> tuple[str, ...]:
        """Resolve names, keeping their order.

        Raises:
            UnknownNameError: For a name that is no task, with the nearest one.
            UserError: If a task is named twice, perhaps by two of its names.
        """
        resolved: dict[str, str] = {}
        for name in names:
            task = self[name].name
            if task in resolved:
                also = "" if name == resolved[task] else f", as {resolved[task]!r} and as {name!r}"
                raise UserError(f"the task {task!r} is named twice{also}; name it once.")
            resolved[task] = name
        return tuple(resolved)

    def source_names(self, names: Iterable[str]) -> tuple[str, ...]:
        """Resolve the sources of a transfer: tasks, or the reserved names that stand beside them.

        Raises:
            UnknownNameError: For a name that is neither.
        """
        return tuple(name if name in RESERVED_NAMES else self[name].name for name in names)

    def in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        """Sort canonical names into dictionary order."""
        return tuple(sorted(names, key=self._position.__getitem__))

    def extended(self, tasks: Iterable[Task]) -> "TaskDictionary":
        """A dictionary with further tasks after these."""
        return TaskDictionary([*self._tasks.values(), *tasks])


_UNSIGNED = (0.0, 1.0)
_SAME: tuple[int, ...] = ()
_POSE_SIGNS = (-1, 1, 1, 1, -1, -1)  # M t, and det(M) M w for the rotation vector w, with M = diag(-1, 1, 1)
_IMAGE = OutputSpec(OutputKind.IMAGE, 3, *_UNSIGNED, "sRGB", mirror_signs=_SAME)
_RESPONSE = OutputSpec(OutputKind.IMAGE, 1, *_UNSIGNED, "response, largest possible = 1", mirror_signs=_SAME)
_GEOMETRIC_RESPONSE = replace(_RESPONSE, invalid=math.nan)
_DEPTH = OutputSpec(OutputKind.IMAGE, 1, 0.0, 128.0, "m", math.nan, _SAME)
_SEGMENTS = OutputSpec(OutputKind.EMBEDDING, 64, -math.inf, math.inf, "none (distances count)", mirror_signs=_SAME)
_POSE = OutputSpec(OutputKind.VECTOR, 6, -math.inf, math.inf, "translation m, rotation rad", mirror_signs=_POSE_SIGNS)
_CLASSES = OutputSpec(OutputKind.CLASSES, None, 0, None, "class index", mirror_signs=_SAME)

TASKS = TaskDictionary(
    [
        Task(
            "autoencoding", Group.TWO_D, _IMAGE, Loss.L1, aliases=("autoencoder",),
            label="the input image",
        ),
        Task(
            "denoising", Group.TWO_D, _IMAGE, Loss.L1, Input.NOISY, aliases=("denoise",),
            label="the image without its noise",
        ),
        Task(
            "inpainting", Group.TWO_D, _IMAGE, Loss.L1, Input.MASKED, source_only=True,
            aliases=("inpainting_whole", "impainting_whole"),
            label="the image with its masked centre",
        ),
        Task(
            "colorization", Group.TWO_D,
            OutputSpec(OutputKind.PIXEL_CLASSES, 261, 0, 260, "CIE ab bin", mirror_signs=_SAME), Loss.SOFTMAX,
            Input.GREY, source_only=True,
            label="quantised colour of each pixel",
        ),
        Task(
            "jigsaw", Group.TWO_D,
            OutputSpec(OutputKind.CLASSES, 100, 0, 99, "permutation index", mirror_signs=_SAME), Loss.SOFTMAX,
            Input.SHUFFLED, source_only=True,
            label="which permutation of a set of maximal Hamming distance shuffled the tiles",
        ),
        Task(
            "edge_texture", Group.TWO_D, _RESPONSE, Loss.L1, aliases=("edge2d",),
            label="Canny gradient magnitude before non-maximum suppression",
        ),
        Task(
            "keypoints2d", Group.TWO_D, _RESPONSE, Loss.L1, aliases=("keypoint2d",),
            label="determinant-of-Hessian keypoint response before suppression",
        ),
        Task(
            "segment_unsup2d", Group.TWO_D, _SEGMENTS, Loss.TRIPLET, aliases=("segment2d",),
            label="normalised-cut style segments of the image",
        ),
        Task(
            "depth_zbuffer", Group.THREE_D, _DEPTH, Loss.L1_LOG, aliases=("rgb2depth",),
            label="distance to the camera plane",
        ),
        Task(
            "depth_euclidean", Group.THREE_D, _DEPTH, Loss.L1_LOG, aliases=("rgb2mist",),
            label="distance to the optical centre",
        ),
        Task(
            "normal", Group.THREE_D, OutputSpec(OutputKind.IMAGE, 3, -1.0, 1.0, "unit vector", math.nan, (-1, 1, 1)),
            Loss.L1_COSINE, aliases=("rgb2sfnorm", "surface_normals"),
            label="surface normals in the camera's frame",
        ),
        Task(
            "curvature", Group.THREE_D, OutputSpec(OutputKind.IMAGE, 2, -math.inf, math.inf, "1/m", math.nan, _SAME),
            Loss.L2, aliases=("principal_curvature",),
            label="the two principal curvatures",
        ),
        Task(
            "edge_occlusion", Group.THREE_D, _GEOMETRIC_RESPONSE, Loss.L1, aliases=("edge3d",),
            label="edges where one surface hides another",
        ),
        Task(
            "keypoints3d", Group.THREE_D, _GEOMETRIC_RESPONSE, Loss.L1, aliases=("keypoint3d",),
            label="keypoint response on the range image",
        ),
        Task(
            "reshading", Group.THREE_D,
            OutputSpec(OutputKind.IMAGE, 1, *_UNSIGNED, "relative radiance", math.nan, _SAME), Loss.L1,
            aliases=("reshade",),
            label="shading by one light at the camera, constant albedo",
        ),
        Task(
            "segment_unsup25d", Group.THREE_D, _SEGMENTS, Loss.TRIPLET, aliases=("segment25d",),
            label="segments of image, depth and normals together",
        ),
        Task(
            "room_layout", Group.GEOMETRIC,
            OutputSpec(
                OutputKind.VECTOR, 9, -math.inf, math.inf, "centre m, size m, orientation rad",
                mirror_signs=(-1, 1, 1, 1, 1, 1, -1, 1, -1),
            ),
            Loss.L2,
            label="the room's box in the camera's frame",
        ),
        Task(
            "vanishing_point", Group.GEOMETRIC,
            OutputSpec(OutputKind.VECTOR, 6, -1.0, 1.0, "direction", mirror_signs=(-1, -1, -1, 1, -1, 1)), Loss.L2,
            aliases=("vanishing_point_well_defined",),
            label="the three Manhattan vanishing directions",
        ),
        Task(
            "fixated_pose", Group.GEOMETRIC, _POSE, Loss.L2, Input.TWO_VIEWS_FIXATED, aliases=("fix_pose",),
            label="relative pose of two cameras that fixate one point",
        ),
        Task(
            "nonfixated_pose", Group.GEOMETRIC, _POSE, Loss.L2, Input.TWO_VIEWS, aliases=("non_fixated_pose",),
            label="relative pose of two cameras that see one point",
        ),
        Task(
            "egomotion", Group.GEOMETRIC,
            replace(_POSE, channels=18, mirror_signs=3 * _POSE_SIGNS), Loss.L2_CYCLE,
            Input.THREE_VIEWS_FIXATED, aliases=("ego_motion",),
            label="pairwise relative poses of three cameras",
        ),
        Task(
            "point_matching", Group.GEOMETRIC,
            OutputSpec(OutputKind.CLASSES, 2, 0, 1, "no / yes", mirror_signs=_SAME), Loss.SOFTMAX,
            Input.TWO_VIEWS_ANY, aliases=("point_match",),
            label="whether the two centres show the same point",
        ),
        Task(
            "class_object", Group.SEMANTIC, _CLASSES, Loss.SOFTMAX, aliases=("class_1000",),
            label="the object in view, of the full catalogue",
        ),
        Task(
            "class_selected", Group.SEMANTIC, _CLASSES, Loss.SOFTMAX, source_only=True,
            label="the object in view, of a chosen subset",
        ),
        Task(
            "class_scene", Group.SEMANTIC, _CLASSES, Loss.SOFTMAX, aliases=("class_places",),
            label="the kind of room",
        ),
        Task(
            "segment_semantic", Group.SEMANTIC,
            OutputSpec(OutputKind.PIXEL_CLASSES, None, 0, None, "class index", 255, _SAME), Loss.SOFTMAX,
            aliases=("segmentsemantic", "segmentsemantic_rb"),
            label="the category of each pixel",
        ),
    ]
)  # fmt: skip
"""The dictionary of Zamir et al. (2018), table 1 of the supplement, in the order used throughout."""
