"""Step I: a network for each task, all of one architecture, on the same images and by the same schedule."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
