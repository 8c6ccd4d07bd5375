from .findings import Chapter as Chapter
from .findings import Findings as Findings
from .findings import ReportPicture as ReportPicture
from .page import write_report as write_report
from .reading import read_findings as read_findings
from .study import Study as Study
from .study import run_study as run_study
