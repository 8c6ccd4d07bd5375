from .everything import run_everything as run_everything
from .presets import PRESETS as PRESETS
from .presets import Preset as Preset
from .presets import preset_named as preset_named
from .run import Failure as Failure
from .run import RunOptions as RunOptions
from .run import RunResult as RunResult
from .run import measure as measure
