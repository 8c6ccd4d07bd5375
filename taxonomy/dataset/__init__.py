"""The labelled dataset: rendered from buildings, checked, and read back in either of two layouts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
