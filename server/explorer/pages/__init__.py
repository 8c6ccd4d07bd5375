"""The pages, in the order of the navigation."""

from server.explorer.page import Page
from server.explorer.pages.affinities import AFFINITIES
from server.explorer.pages.agents import AGENTS
from server.explorer.pages.features import FEATURES
from server.explorer.pages.live import LIVE
from server.explorer.pages.solver import SOLVER
from server.explorer.pages.transfers import TRANSFERS

PAGES: tuple[Page, ...] = (SOLVER, AFFINITIES, FEATURES, TRANSFERS, LIVE, AGENTS)
"""All of them."""
