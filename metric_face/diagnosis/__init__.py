"""What holds a training back: questions, findings, and the page that shows them."""

from metric_face.diagnosis.asking import Diagnosis, diagnose
from metric_face.diagnosis.report import write_report

__all__ = ["Diagnosis", "diagnose", "write_report"]
