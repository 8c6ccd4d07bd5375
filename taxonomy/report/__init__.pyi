from .page import write_report as write_report
from .study import Study as Study
from .study import run_study as run_study
