"""How each task is trained and read: labels to targets, outputs to losses, outputs to predictions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
