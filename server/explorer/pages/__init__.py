"""The pages, in the order of the navigation."""

from server.explorer.page import Page
from server.explorer.pages.solver import SOLVER

PAGES: tuple[Page, ...] = (SOLVER,)
"""All of them."""
