"""The whole of Taskonomy in one resumable run: from labelled images to networks, transfers, taxonomy and bank."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
