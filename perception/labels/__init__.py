"""Labels of all 26 tasks: pure functions of what a camera measures, its pose and intrinsics.

Everything takes and returns numpy arrays, so that a robot can have its labels online:

    view = View(rgb, depth_m, normal, instance, category, categories, hfov_deg, position, rotation, room)
    labels = compute_labels(view, classes=classes)
    labels["normal"].values, labels["normal"].valid

Pictures for the tasks that do not look at the plain one (`noisy`, `masked`, `grey`, `shuffled`) are made on the fly.
"""

from perception.labels.classes import INVALID_CLASS, SCENES, STRUCTURE_CATEGORIES, ClassLists
from perception.labels.colour import colour_bins, decode_colour, lab_from_srgb
from perception.labels.geometry import back_project, overlap, project, visible
from perception.labels.inputs import grey, masked, noisy, shuffled
from perception.labels.intrinsics import focal_px, pixel_rays, ray_lengths
from perception.labels.manhattan import layout_corners, vanishing_directions
from perception.labels.permutations import permutations
from perception.labels.poses import centres_meet, compose, pose_matrix, relative_pose
from perception.labels.registry import LABELS, LabelFunction, Labeller, compute_label, compute_labels
from perception.labels.view import Label, RoomBox, View

__all__ = [
    "INVALID_CLASS",
    "LABELS",
    "SCENES",
    "STRUCTURE_CATEGORIES",
    "ClassLists",
    "Label",
    "LabelFunction",
    "Labeller",
    "RoomBox",
    "View",
    "back_project",
    "centres_meet",
    "colour_bins",
    "compose",
    "compute_label",
    "compute_labels",
    "decode_colour",
    "focal_px",
    "grey",
    "lab_from_srgb",
    "layout_corners",
    "masked",
    "noisy",
    "overlap",
    "permutations",
    "pixel_rays",
    "pose_matrix",
    "project",
    "ray_lengths",
    "relative_pose",
    "shuffled",
    "vanishing_directions",
    "visible",
]
