"""The embedded backend: buildings rendered by ray casting on the CPU, or on an NVIDIA GPU."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
