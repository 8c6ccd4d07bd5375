"""The study: a grid of agents, tasks and seeds, tested in unseen buildings, with statistics and a report."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
