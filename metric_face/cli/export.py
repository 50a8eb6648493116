"""``metric-face export``: the model as ONNX, and a light one that is measured before it is used."""

from metric_face.cli import export_options as own
from metric_face.cli.options import LATEST, DataRoot, Json, RunArgument
from metric_face.cli.output_options import check_targets
from metric_face.cli.progress import bar
from metric_face.cli.terminal import answer, answer_json, say


def export(
    run: RunArgument = LATEST,
    to: own.Format = "onnx",
    int8: own.Light = False,
    out: own.Out = None,
    calibration: own.Calibration = 256,
    tolerance: own.Tolerance = 0.02,
    root: DataRoot = None,
    as_json: Json = False,
) -> None:
    """Write the model as ONNX; with --int8 a light one that knn uses by itself where it is as good."""
    from metric_face.exporting import export
    from metric_face.run import Run

    opened = Run.open(run, data=root)
    check_targets(out or opened.folder, own.MODEL_FILES)
    with bar("validation images", not as_json) as progress:
        done = export(
            opened,
            to,
            int8=int8,
            out=out,
            calibration=calibration,
            tolerance=tolerance,
            say=say,
            progress=progress,
        )
    if as_json:
        answer_json(done.to_dict())
        return
    for line in done.lines():
        answer(line)
