from .diagnosing import diagnose as diagnose
from .from_run import unlabeled_of as unlabeled_of
from .report.sentences import words as words
from .report.writing import write_report as write_report
from .result import Diagnosis as Diagnosis

__all__ = ["Diagnosis", "diagnose", "unlabeled_of", "words", "write_report"]
