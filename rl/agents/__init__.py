"""Agents by name: what they see through, what they think with, and those that follow a script."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
