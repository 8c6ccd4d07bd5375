"""Robots that learn to move: navigation tasks, what agents see them through, training, evaluation and the study."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
