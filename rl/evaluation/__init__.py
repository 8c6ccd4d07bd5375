"""How well agents do in buildings they have never seen: measures, evaluations of runs, videos."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
