"""How far `try` can be believed: the same changes on cached features, and as full trainings.

    python -m benchmarks.trying [--set drawn] [--identities 120] [--epochs 4] [--seeds 2] [--changes 0]
    python -m benchmarks.trying --set utkface --data ../shared/data/utkface --weights ../shared/weights/FILE

The run's own settings and the first change of each kind are trained in full, on images, with several seeds; the
difference of the heads' macro F1 on validation is set beside that of `try`. Drawn faces are trained from scratch, and
`try` asks the run that this gives; UTKFace starts from a weights file, and `try` asks its features. Each training is
kept as it ends; a call that was stopped goes on with the next one. A difference of zero agrees with no sign.
"""

import argparse
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.harness import Kept, machine, publish, table
from metric_face.config import Config, load_config
from metric_face.data import PreparedData, prepare_data
from metric_face.demo import SETTINGS
from metric_face.plurals import counted
from metric_face.synthetic_faces import make_faces
from metric_face.training import fit
from metric_face.trying import what_if

LEFT_OUT = ("untrained", "tta", "projection")
"""Kinds that a full training has no like of: no step, an average at the end, and a start that from scratch there is
none of."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", choices=("drawn", "utkface"), default="drawn")
    parser.add_argument("--data", type=Path, help="the images of utkface")
    parser.add_argument("--weights", type=Path, help="of tf_efficientnet_lite0, for utkface")
    parser.add_argument("--identities", type=int, default=120, help="to draw, 7 images each")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=330, help="of each change on features")
    parser.add_argument("--changes", type=int, default=0, help="how many kinds; 0 is all")
    options = parser.parse_args()
    if options.set == "utkface" and (options.data is None or options.weights is None):
        parser.error("--set utkface needs --data and --weights")
    settled = {
        name: value
        for name, value in sorted(vars(options).items())
        if name not in ("data", "weights", "changes")
    }
    kept = Kept("trying", settled)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        given = drawn(home, options) if options.set == "drawn" else utkface(options)
        data = prepare_data(load_config(given).data)
        small = kept.get("on features", partial(on_features, given, data, home, options.steps))
        chosen = small[: options.changes or None]
        full: dict[str, list[float]] = {}
        for seed in range(options.seeds):
            for change, overrides in [("own", []), *((one["name"], one["set"]) for one in chosen)]:
                config = load_config(given, [*overrides, f"seed={seed}"])
                folder = home / f"{change}-{seed}"
                score = kept.get(f"{change}, seed {seed}", partial(in_full, config, folder, data))
                full.setdefault(change, []).append(score)
                print(change, seed, score, flush=True)
    publish(f"trying_{options.set}", *report(options, chosen, full))
    kept.forget()


def drawn(home: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Settings for drawn faces, which are made."""
    make_faces(home / "faces", identities=options.identities, size=(96, 128))
    return {
        **SETTINGS,
        "data": {**SETTINGS.get("data", {}), "path": str(home / "faces")},
        "loss": {"metric": "none", "label": "joint"},
        "trainer": {"epochs": options.epochs, "export_onnx": False},
    }


def utkface(options: argparse.Namespace) -> dict[str, Any]:
    """Settings for UTKFace from trained weights."""
    return {
        "data": {
            "path": str(options.data),
            "attributes": ["gender", "age"],
            "bins": {"age": [30, 60]},
            "size": [96, 96],
        },
        "model": {"backbone": "tf_efficientnet_lite0", "weights": str(options.weights)},
        "trainer": {"epochs": options.epochs, "export_onnx": False},
    }


def on_features(given: dict[str, Any], data: PreparedData, home: Path, steps: int) -> list[dict[str, Any]]:
    """The first change of each kind, with what `try` says that it brings to the heads."""
    frozen = ["trainer.frozen=true"] if "weights" in given["model"] else []
    run = fit(load_config(given, frozen), home / "asked", data=data, quiet=True)
    tried = what_if(run, steps=steps)
    found: dict[str, dict[str, Any]] = {}
    order = sorted(tried.ranked, key=lambda one: one.what_if.name)  # a rank would choose the largest
    for one in order:
        if one.what_if.is_setting and one.what_if.key not in LEFT_OUT and one.what_if.key not in found:
            difference = one.differences["head"]
            found[one.what_if.key] = {
                "name": one.what_if.name,
                "set": list(one.what_if.overrides),
                "difference": [difference.value, difference.low, difference.high],
            }
    return list(found.values())


def in_full(config: Config, folder: Path, data: PreparedData) -> float:
    """The best macro F1 of the heads on validation after a training on images."""
    best: float = fit(config, folder, data=data, quiet=True).log["val/macro_f1"].max()
    return best


def report(
    options: argparse.Namespace, chosen: list[dict[str, Any]], full: dict[str, list[float]]
) -> tuple[str, str, str, list[str]]:
    """Title, command, machine and sections of the page."""
    own = np.array(full["own"])
    small = [one["difference"][0] for one in chosen]
    large = [float((np.array(full[one["name"]]) - own).mean()) for one in chosen]
    spread = [
        f"{min(d):+.3f} to {max(d):+.3f}" for d in (np.array(full[one["name"]]) - own for one in chosen)
    ]
    same = sum(a * b > 0 for a, b in zip(small, large, strict=True))
    sure = [
        (a, b)
        for one, a, b in zip(chosen, small, large, strict=True)
        if one["difference"][1] > 0 or one["difference"][2] < 0
    ]
    rows = [
        [
            one["name"],
            f"{a:+.3f} [{one['difference'][1]:+.3f}, {one['difference'][2]:+.3f}]",
            f"{b:+.3f}",
            between,
        ]
        for one, a, b, between in zip(chosen, small, large, spread, strict=True)
    ]
    words = (
        f"{len(chosen)} changes, full trainings with {counted(options.seeds, 'seeds')} of "
        f"{counted(options.epochs, 'epochs')}; macro F1 of the "
        f"heads on validation, own settings {statistics.mean(full['own']):.3f} ({min(own):.3f} to {max(own):.3f}). "
        f"Rank correlation (Spearman) {float(spearmanr(small, large).statistic):+.2f}; the sign agrees for {same} of "
        f"{len(chosen)}, and for {sum(a * b > 0 for a, b in sure)} of the {len(sure)} whose interval leaves out zero."
    )
    command = (
        f"python -m benchmarks.trying --set {options.set} --identities {options.identities} --epochs {options.epochs} "
        f"--seeds {options.seeds} --steps {options.steps} --changes {options.changes}"
    )
    shown = table(["change", "on features [interval]", "in full", "over seeds"], rows)
    return (
        f"What `try` says, and full trainings ({options.set})",
        command,
        machine("torch", "lightning", "timm"),
        [words, shown],
    )


if __name__ == "__main__":
    main()
