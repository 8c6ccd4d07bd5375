"""The interactive taxonomy solver.

Its addresses are documented in `address`.
"""

from server.explorer.page import Page
from server.explorer.pages.solver.callbacks import register
from server.explorer.pages.solver.layout import layout

__all__ = ["SOLVER"]

SOLVER = Page(
    "/solver", "Solver", "Which tasks to train under a budget, and how every target is reached from them.", layout,
    register,
)  # fmt: skip
