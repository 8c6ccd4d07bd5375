"""Where agents can go in a building, how far it is, and how they move."""

from sim.navigation.map import CELL_M, NavigationMap

__all__ = ["CELL_M", "NavigationMap"]
