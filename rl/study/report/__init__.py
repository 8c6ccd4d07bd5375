"""The report of a study: one HTML page that holds everything and needs no network, and the same as JSON."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
