"""Names for `gymnasium.make`, known once `rl.environments` was imported."""

import gymnasium

NAMES = ("PointGoal", "VisualTarget", "Explore")


def register() -> None:
    """Make `midlevel/PointGoal-v0`, `midlevel/VisualTarget-v0` and `midlevel/Explore-v0` known."""
    for name in NAMES:
        gymnasium.register(
            f"midlevel/{name}-v0", entry_point="rl.environments.gym_env:NavigationEnv", kwargs={"task": name}
        )
