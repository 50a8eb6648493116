"""FaceDetector: boxes are proposed at several scales, and two more networks refine and refuse them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from metric_face.arrays import Doubles, Floats
from metric_face.errors import ArgumentError
from metric_face.faces.geometry import move_boxes, square_boxes, suppress_overlaps
from metric_face.faces.networks import Stage, load_networks

WINDOW, STRIDE, SHRINK = 12, 2, 0.709
PROPOSED, REFINED = 0.6, 0.7
BATCH = 512

Network = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor, torch.Tensor]]
Answers = tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class DetectedFaces:
    """The F faces of one image, the largest first.

    Attributes:
        boxes: (F, 4) left, top, right and bottom in pixels; a box may reach beyond the image.
        scores: (F,) probability that it is a face.
        points: (F, 5, 2) x and y of left eye, right eye, nose, left and right corner of the mouth, as seen.
    """

    boxes: Doubles
    scores: Doubles
    points: Doubles

    def __len__(self) -> int:
        return len(self.boxes)


class FaceDetector:
    """MTCNN's cascade: proposals on a pyramid, refined, then accepted with five points.

    Args:
        smallest: pixels along the side of the smallest face that is sought; None for 20, or a fiftieth of the image's
            shorter side where that is more.
        threshold: the least probability of a face, above 0 and below 1.
        networks: of each stage; default those of the extra ``faces``.

    Raises:
        ArgumentError: ``smallest`` or ``threshold`` is out of range.
        MissingExtraError: the extra is not installed.
    """

    def __init__(
        self,
        *,
        smallest: int | None = None,
        threshold: float = 0.8,
        networks: Mapping[Stage, Network] | None = None,
    ) -> None:
        if smallest is not None and smallest < WINDOW:
            raise ArgumentError(f"smallest: must be at least {WINDOW} pixels, found {smallest}; raise it")
        if not 0 < threshold < 1:
            raise ArgumentError(
                f"threshold: must be above 0 and below 1, found {threshold}; the default is 0.8"
            )
        self.smallest, self.threshold = smallest, threshold
        self.networks = load_networks() if networks is None else networks

    def __call__(self, image: Image.Image) -> DetectedFaces:
        """Find the faces of an RGB image."""
        boxes = self._propose(image)
        boxes, _, _ = self._look(image, boxes, "refine", 24, REFINED)
        boxes, scores, points = self._look(image, boxes, "accept", 48, self.threshold)
        order = np.argsort(-(boxes[:, 2:] - boxes[:, :2]).prod(axis=1), kind="stable")
        return DetectedFaces(boxes[order], scores[order], points[order])

    def _propose(self, image: Image.Image) -> Doubles:
        """(F, 4) boxes from every scale."""
        shorter = min(image.size)
        scale = WINDOW / (self.smallest or max(20, shorter // 50))
        boxes, scores = [np.empty((0, 4))], [np.empty(0)]
        while shorter * scale >= WINDOW:
            size = (int(np.ceil(image.width * scale)), int(np.ceil(image.height * scale)))
            pixels = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
            shifts, chances, _ = self._ask("propose", pixels[None])
            y, x = np.nonzero(chances[0] >= PROPOSED)
            corner = np.stack([x, y], axis=1) * STRIDE
            here = np.concatenate([corner, corner + WINDOW], axis=1) / scale
            score = chances[0, y, x].astype(np.float64)
            kept = suppress_overlaps(here, score, 0.5)
            boxes.append(move_boxes(here[kept], shifts[0, :, y, x][kept]))
            scores.append(score[kept])
            scale *= SHRINK
        every = np.concatenate(boxes)
        return every[suppress_overlaps(every, np.concatenate(scores), 0.7)]

    def _look(
        self, image: Image.Image, boxes: Doubles, stage: Stage, side: int, least: float
    ) -> tuple[Doubles, Doubles, Doubles]:
        """The boxes that a stage keeps, moved, with scores (F,) and points (F, 5, 2)."""
        boxes = square_boxes(boxes).round()
        boxes = boxes[boxes[:, 2] - boxes[:, 0] >= 1]
        if not len(boxes):
            return np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2))
        cut = [
            np.asarray(image.crop((a, b, c, d)).resize((side, side), Image.Resampling.BILINEAR))
            for a, b, c, d in boxes.tolist()
        ]
        shifts, chances, shares = self._ask(stage, np.stack(cut))
        points = np.zeros((len(boxes), 5, 2))
        if shares.shape[1]:
            points = boxes[:, None, :2] + shares.reshape(-1, 2, 5).swapaxes(1, 2) * (
                boxes[:, None, 2:] - boxes[:, None, :2]
            )
        kept = chances > least
        boxes, points = move_boxes(boxes[kept], shifts[kept]), points[kept]
        scores: Doubles = chances[kept].astype(np.float64)
        apart = suppress_overlaps(boxes, scores, 0.7, of="smaller" if stage == "accept" else "union")
        return boxes[apart], scores[apart], points[apart]

    @torch.inference_mode()
    def _ask(self, stage: Stage, pixels: np.ndarray) -> Answers:
        """What a network answers about (B, H, W, 3) uint8 pixels, in batches."""
        parts: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        for start in range(0, len(pixels), BATCH):
            batch = torch.from_numpy(pixels[start : start + BATCH].astype(np.float32)).permute(0, 3, 1, 2)
            parts.append(self.networks[stage]((batch - 127.5) / 128))
        shifts, chances, points = (torch.cat([part[at] for part in parts]).numpy() for at in range(3))
        return shifts, chances, points
