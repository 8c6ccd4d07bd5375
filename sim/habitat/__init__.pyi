from .simulator import HabitatSimulator as HabitatSimulator
