from .document import document_of as document_of
from .document import summary_of as summary_of
from .document import write_document as write_document
from .page import write_report as write_report
