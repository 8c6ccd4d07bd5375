"""Step II: small readouts of frozen representations, those of many transfers to one target trained together."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
