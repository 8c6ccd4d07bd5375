"""Units of work with content-addressed results, run on this machine or a Ray cluster; a killed run goes on."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
