"""Ways to quantize the model of a run, and what each costs and gains.

    python -m benchmarks.int8 RUN         # such as an EfficientNet-Lite0 of ``train --frozen`` on UTKFace

Scores are those of ``metric-face export --int8``: queries of eight bits in a gallery of float32, with paired 95 %
intervals over identities. Times are of the processor, one thread, the two models in turns.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.harness import machine, publish, table

WAYS: dict[str, dict[str, Any]] = {
    "as shipped: a scale a channel, first 3 in float32": {},
    "all convolutions": {"kept_first": 0},
    "first 6 in float32": {"kept_first": 6},
    "one scale for all channels": {"per_channel": False},
    "percentile": {"ranges": "Percentile"},
    "entropy": {"ranges": "Entropy"},
    "64 images": {"count": 64},
    "512 images": {"count": 512},
}


def rows_of(run: Any, most: int | None) -> list[tuple[str, ...]]:
    """A row for each way."""
    from metric_face.exporting.exporting_runs import _calibration_images
    from metric_face.exporting.light_scores import measure_scores
    from metric_face.exporting.speed import speed_of
    from metric_face.models import OnnxEmbedder, quantize_onnx
    from metric_face.progress import silent

    model, rows = run.folder / "model.onnx", []
    full, timed = (OnnxEmbedder(model, threads=count) for count in (None, 1))
    images = _calibration_images(run, 32, 1)
    with tempfile.TemporaryDirectory() as folder:
        for name, settings in list(WAYS.items())[:most]:
            given = dict(settings)
            light = Path(folder) / "light.onnx"
            quantize_onnx(model, light, _calibration_images(run, given.pop("count", 256), 0), **given)
            scores = measure_scores(run, full, OnnxEmbedder(light), [], silent)
            speed = speed_of(timed, OnnxEmbedder(light, threads=1), images)
            size = light.stat().st_size / model.stat().st_size
            gains = [f"{one.gain.value:+.3f} [{one.gain.low:+.3f}, {one.gain.high:+.3f}]" for one in scores]
            ratios = (f"{speed['ratio_batch']:.2f}", f"{speed['ratio_one']:.2f}", f"{size:.2f}")
            rows.append((name, *ratios, *gains))
            print(rows[-1], flush=True)
            header = ("way", "faster, 32 images", "one image", "size", *(one.name for one in scores))
    return [header, *rows]


def main() -> None:
    from metric_face.run import Run

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--most", type=int, help="ways to try; default all")
    given = parser.parse_args()
    run = Run.open(given.run)
    header, *rows = rows_of(run, given.most)
    backbone = f"{run.card['architecture']['backbone']} at {run.transform.size[0]} px"
    images = f"{len(run.table.in_split('val')):,} validation images of `{run.table.root.name}`"
    words = (
        f"{backbone}, {images}. Light minus full: queries of eight bits in a gallery of float32, with paired 95 % "
        "intervals over identities (over images where none are known). Times are of the processor, the models in turns."
    )
    publish(
        "int8",
        "Light models of eight bits",
        "python -m benchmarks.int8 RUN" + ("" if given.most is None else f" --most {given.most}"),
        machine("onnxruntime", "numpy"),
        [words, table(header, rows)],
    )


if __name__ == "__main__":
    main()
