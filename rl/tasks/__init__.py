"""Navigation tasks: what agents are to do, what they are told, and what they are rewarded for."""

from collections.abc import Mapping
from types import MappingProxyType

from rl.tasks.explore import Explore
from rl.tasks.point_goal import PointGoal
from rl.tasks.task import NavigationTask
from rl.tasks.visual_target import VisualTarget

TASKS: Mapping[str, type[PointGoal] | type[VisualTarget] | type[Explore]] = MappingProxyType(
    {task.name: task for task in (PointGoal, VisualTarget, Explore)}
)
"""By name, as in `midlevel/PointGoal-v0`."""

__all__ = ["TASKS", "Explore", "NavigationTask", "PointGoal", "VisualTarget"]
