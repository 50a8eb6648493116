from .detector import DetectedFaces as DetectedFaces
from .detector import FaceDetector as FaceDetector
from .finding import find_faces as find_faces
from .result import FacesFound as FacesFound

__all__ = ["DetectedFaces", "FaceDetector", "FacesFound", "find_faces"]
