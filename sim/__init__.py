"""The world and nothing about tasks: buildings, what cameras measure in them, and how agents move there."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
