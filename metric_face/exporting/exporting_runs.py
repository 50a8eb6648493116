"""export: a run's model as ONNX, and on request a light one of eight bits, measured on the run's own images."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.errors import ArgumentError, FileFormatError
from metric_face.exporting.light_scores import LightScore, measure_scores
from metric_face.exporting.speed import speed_of
from metric_face.files import check_digest, digest_of, write_atomically
from metric_face.models import (
    LIGHT,
    RECORD,
    EmbeddingOnly,
    OnnxEmbedder,
    export_onnx,
    pattern_vector,
    quantize_onnx,
    write_light_record,
)
from metric_face.progress import Progress, Say, silent
from metric_face.run import Run

TOLERANCE = 0.02
_TIMED = 32


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        model: the ONNX file.
        light: the ONNX file of eight bits, or None.
        record: what is known of the light model, plain data as in ``model.int8.json``, or None.
        notes: what could not be measured, a line each.
    """

    model: Path
    light: Path | None = None
    record: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The answer in words."""
        lines = [str(self.model)]
        if self.record is None:
            return lines
        speed, size = self.record["speed"], self.record["bytes"]
        lines.append(
            f"{self.light}: {speed['ratio_batch']:.2f} times faster in batches of {speed['images']} "
            f"({speed['full_ms_batch']:.2f} -> {speed['light_ms_batch']:.2f} ms of the processor an image), "
            f"{speed['ratio_one']:.2f} times for one image; {size['full'] / 1e6:.1f} -> {size['light'] / 1e6:.1f} MB"
        )
        for score in self.record["scores"]:
            ends = "" if score["low"] is None else f" [{score['low']:+.3f}, {score['high']:+.3f}]"
            lines.append(
                f"  {score['name']}: {score['full']:.3f} -> {score['light']:.3f}, {score['gain']:+.3f}{ends}"
            )
        used = "uses the light model" if self.record["good"] else "keeps the full model"
        return [*lines, f"knn {used}: {self.record['reason']}", *self.notes]

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain data, for JSON."""
        return {
            "model": str(self.model),
            "light": None if self.light is None else str(self.light),
            "record": self.record,
            "notes": list(self.notes),
        }


def export(
    run: Run | str | Path,
    to: str = "onnx",
    *,
    int8: bool = False,
    out: str | Path | None = None,
    calibration: int = 256,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    say: Say = silent,
    progress: Progress = silent,
) -> Exported:
    """Write a run's model as ONNX and, on request, a light one of eight bits with what it loses and gains.

    The light model is made by static quantization, calibrated on training images, and compared with the full one on the
    run's validation images. The kNN command uses it by itself where it is faster and the lower end of the interval of
    each difference that decides loses at most ``tolerance``. A call that was killed leaves the old files or the new.

    Args:
        run: a run, or its folder.
        to: ``onnx``.
        int8: make the light model too.
        out: the folder to write ``model.onnx``, ``model.int8.onnx`` and ``model.int8.json`` into; default the run
            directory, where the kNN command finds them.
        calibration: training images, drawn at random, that the ranges of the activations are taken from.
        tolerance: how much of a score may be lost at the lower end of its interval.
        seed: of drawing and resampling.
        say: called with a line before each long step.
        progress: called with (validation images done, images in all).

    Returns:
        The files, and what was measured.

    Raises:
        ArgumentError: another format, or a setting out of range.
        FileFormatError: the run or one of its files is missing or damaged.
        ModelMismatchError: ONNX Runtime embeds otherwise than PyTorch.
        OutputError: a file may not be replaced.

    Example:
        >>> metric_face.export("runs/first", int8=True).light.name
        'model.int8.onnx'
    """
    if to != "onnx":
        raise ArgumentError(f"to={to!r} (--to): must be onnx")
    if calibration < 1:
        raise ArgumentError(f"calibration={calibration} (--calibration): must be at least 1 image")
    if not 0 <= tolerance <= 1:
        raise ArgumentError(f"tolerance={tolerance} (--tolerance): must lie between 0 and 1")
    run = Run.open(run)
    home = run.folder if out is None else Path(out)
    model = _full_model(run, home, say)
    if not int8:
        return Exported(model)
    light, notes = home / LIGHT, list[str]()
    (home / RECORD).unlink(missing_ok=True)  # from here on the old light model is not used
    say("calibrating on training images")
    quantize_onnx(model, light, _calibration_images(run, calibration, seed))
    full, quantized = (OnnxEmbedder(file, fingerprint=run.fingerprint) for file in (model, light))
    say("scoring both models on validation images")
    scores = measure_scores(run, full, quantized, notes, progress, seed)
    say("timing both models")
    one_thread = [OnnxEmbedder(file, threads=1) for file in (model, light)]
    speed = speed_of(one_thread[0], one_thread[1], _calibration_images(run, _TIMED, seed + 1))
    good, reason = _verdict(scores, speed["ratio_batch"], tolerance)
    record = {
        "fingerprint": run.fingerprint,
        "sha256": digest_of(light),
        "calibration_images": min(calibration, len(_training(run))),
        "scores": [score.to_dict() for score in scores],
        "speed": {**speed, "images": min(_TIMED, len(_training(run)))},
        "bytes": {"full": model.stat().st_size, "light": light.stat().st_size},
        "tolerance": tolerance,
        "good": good,
        "reason": reason,
        "pattern": [float(value) for value in pattern_vector(quantized, run.transform.size)],
    }
    write_light_record(home, record)
    return Exported(model, light, record, tuple(notes))


def _full_model(run: Run, home: Path, say: Say) -> Path:
    """The full model as ONNX: the run's own, its copy, or one that is exported now."""
    own, target = run.folder / "model.onnx", home / "model.onnx"
    if run.card["onnx"] is not None:
        check_digest(own, [run.card["onnx"]], by="model.json", remedy="restore it, or train again")
        if own.resolve() != target.resolve():
            write_atomically(target, lambda file: shutil.copyfile(own, file))
        return target
    if home.resolve() == run.folder.resolve():
        raise FileFormatError(
            f"{own}: the training wrote none (trainer.export_onnx=false); name a folder with --out, or train again"
        )
    say("exporting the model (loading PyTorch)")
    sample = _images(run, run.table.sample_paths(8))
    export_onnx(EmbeddingOnly(run.model), target, sample, fingerprint=run.fingerprint)
    return target


def _training(run: Run) -> Any:
    return run.table.in_split("train") if "train" in run.table.splits else run.table


def _calibration_images(run: Run, count: int, seed: int) -> Any:
    paths = _training(run).paths
    chosen = np.sort(np.random.default_rng(seed).permutation(len(paths))[:count])
    return _images(run, [paths[row] for row in chosen])


def _images(run: Run, paths: Any) -> Any:
    transform = run.transform
    return np.stack([transform(path) for path in paths])


def _verdict(scores: list[LightScore], ratio: float, tolerance: float) -> tuple[bool, str]:
    """Whether the light model is as good, and why, in words."""
    deciding = [score for score in scores if score.decides]
    if not deciding:
        return False, "nothing could be measured that compares it with the full model"
    if ratio <= 1:
        return False, f"the light model is not faster ({ratio:.2f} times)"
    worst = min(deciding, key=lambda score: score.gain.low)
    ends = f"{worst.name} {worst.gain.value:+.3f} [{worst.gain.low:+.3f}, {worst.gain.high:+.3f}]"
    if worst.gain.low >= -tolerance:
        return True, f"{ends}, {tolerance:g} may be lost at the lower end"
    return False, f"{ends}, more than {tolerance:g} may be lost at the lower end"
