"""The habitat-sim backend: the same buildings, and scene files such as HM3D's, Gibson's and Replica's."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
