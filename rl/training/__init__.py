"""Training agents: what a run is, PPO, checkpoints that lose nothing, and the policies that come out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
