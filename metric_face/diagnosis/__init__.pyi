from .diagnosing import Diagnosis as Diagnosis
from .diagnosing import diagnose as diagnose
from .from_run import unlabelled_of as unlabelled_of
from .report.writing import write_report as write_report
from .wording.sentences import words as words

__all__ = ["Diagnosis", "diagnose", "unlabelled_of", "words", "write_report"]
