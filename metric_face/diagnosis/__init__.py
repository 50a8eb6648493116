"""What holds a training back: questions, findings, and the page that shows them."""

from metric_face.diagnosis.asking import Diagnosis, diagnose

__all__ = ["Diagnosis", "diagnose"]
