from .objective import Objective as Objective
from .objective import Scaling as Scaling
from .registry import objective_for as objective_for
from .registry import objective_from_json as objective_from_json
from .registry import objective_to_json as objective_to_json
