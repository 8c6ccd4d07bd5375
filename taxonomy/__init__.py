"""Which vision tasks to learn: affinities, the taxonomy under a budget, the max-coverage set, and their pictures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
