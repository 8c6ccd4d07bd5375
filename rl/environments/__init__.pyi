from .batch import Batch as Batch
from .gym_env import NavigationEnv as NavigationEnv
from .summary import EpisodeSummary as EpisodeSummary
from .vec_env import NavigationVecEnv as NavigationVecEnv
