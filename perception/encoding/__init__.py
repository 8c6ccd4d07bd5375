"""Encoders: what turns images into features, here, elsewhere or for a test."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
