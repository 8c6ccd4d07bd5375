from .renderer import RaycastRenderer as RaycastRenderer
from .simulator import RaycastSimulator as RaycastSimulator
