"""``metric-face embed``: compute the vectors of images."""

from typing import Any

from metric_face.cli import embed_options as own
from metric_face.cli.embedded_answer import show_embedded
from metric_face.cli.options import LATEST, DataRoot, Json, Overrides, RunArgument
from metric_face.cli.output_options import check_apart
from metric_face.cli.progress import bar
from metric_face.cli.shard_options import Merge, On, Shard, Workers, sharing
from metric_face.cli.terminal import say


def embed(
    run: RunArgument = LATEST,
    data: own.Images = None,
    out: own.Out = None,
    root: DataRoot = None,
    csv: own.Csv = None,
    backbone: own.Backbone = None,
    weights: own.Weights = None,
    overrides: Overrides = None,
    batch_size: own.BatchSize = 64,
    precision: own.Precision = "auto",
    tta: own.Tta = None,
    shard: Shard = None,
    merge: Merge = False,
    on: On = "here",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Compute the vectors of all images; an interrupted call goes on where it stopped."""
    shared = sharing(shard, merge, on, workers)
    own.check_usage(
        backbone,
        out,
        of_a_run={"IMAGES of another run": data, "--data": root, "--csv": csv, "--tta": tta, **shared},
        of_a_backbone={"--weights": weights, "--set": overrides},
    )
    from metric_face.embedding import embed, merge_shards
    from metric_face.run import Run

    check_apart({"--csv": csv}, [] if data is None else [data])
    how: dict[str, Any] = {"batch_size": batch_size, "precision": precision, "say": say}
    with bar("joining" if merge else "embedding", not as_json) as progress:
        if backbone is not None and out is not None:
            from metric_face.untrained import embed_backbone

            own_settings = {"weights": weights, "overrides": overrides or (), **how}
            made = embed_backbone(run, backbone, out, progress=progress, **own_settings)
        elif merge:
            opened = Run.open(run, data=root)
            made = merge_shards(opened, data, folder=out, csv=csv, say=say, progress=progress)
        else:
            how |= {"shard": shard, "on": on, "workers": workers, "tta": tta}
            made = embed(Run.open(run, data=root), data, folder=out, csv=csv, progress=progress, **how)
    show_embedded(made, as_json)
