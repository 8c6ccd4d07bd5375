"""Agents in buildings, for Gymnasium and stable-baselines3; importing this makes `midlevel/PointGoal-v0` known."""

import lazy_loader

from rl.environments.registration import register

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

register()
