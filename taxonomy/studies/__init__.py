"""The paper's further studies, computed from what a run measured: nothing here trains a network."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
