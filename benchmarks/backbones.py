"""Every timm family: its smallest model at 96 px and at its own size, through all that a backbone goes through here.

    python -m benchmarks.backbones            # goes on where it was stopped; results/backbones.json keeps what is done
    python -m benchmarks.backbones --table    # the table alone, from what is done

Each model has a process of its own, with a limit of processor time: a training step, an embedding, saving and loading,
the ONNX export compared with PyTorch. A model works where each of them does; what does not, must say why in one line.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, machine, publish, read_kept, table, write_kept

STORE = RESULTS / "backbones.json"
SMALL = 96
STEPS = ("train", "embed", "save", "load", "onnx")


def smallest() -> dict[str, str]:
    """The model with the fewest parameters of each family; timm's own test models are left out."""
    import timm
    import torch

    found = {}
    for family in sorted(timm.list_modules()):
        sizes = {}
        for name in timm.list_models(module=family):
            if name.startswith("test_"):
                continue
            with torch.device("meta"):
                model = timm.create_model(name, num_classes=0)
            sizes[name] = sum(parameter.numel() for parameter in model.parameters())
        if sizes:
            found[family] = min(sizes, key=lambda name: (sizes[name], name))
    return found


def try_model(name: str, wanted: str, onnx: bool) -> dict[str, Any]:
    """What a model does at 96 px or at its ``own`` size, and where it stops."""
    import numpy as np
    import torch

    from metric_face.data import EvalTransform
    from metric_face.errors import MetricFaceError
    from metric_face.models import (
        EmbeddingModel,
        EmbeddingOnly,
        export_onnx,
        find_backbone,
        fitting_size,
        load_model,
        save_model,
    )

    said: dict[str, Any] = {"done": [], "why": ""}
    started = time.perf_counter()
    try:
        backbone = find_backbone(name)
        size = fitting_size(backbone, (SMALL, SMALL) if wanted == "96" else backbone.own.size)
        said["size"] = list(size)
        torch.manual_seed(0)
        model = EmbeddingModel(name, {"a": 2}, embedding_size=16, size=size)
        said["features"] = model.projection.in_features
        said["parameters"] = sum(one.numel() for one in model.backbone.parameters())
        images = torch.randn(4 if wanted == "96" else 2, 3, *size)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        output = model.train()(images)
        loss = output.logits["a"].logsumexp(1).mean() + output.metric.square().mean()
        loss.backward()
        optimizer.step()
        if not bool(loss.isfinite()):
            raise ArithmeticError("the loss is not finite")
        said["done"].append("train")
        with torch.inference_mode():
            before = model.eval().embed(images)
        said["done"].append("embed")
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            fingerprint = save_model(home, model, EvalTransform(size), None)
            said["done"].append("save")
            with torch.inference_mode():
                np.testing.assert_allclose(load_model(home).embed(images), before, rtol=1e-4, atol=1e-5)
            said["done"].append("load")
            if onnx:
                export_onnx(EmbeddingOnly(model), home / "model.onnx", images[:2], fingerprint=fingerprint)
                said["done"].append("onnx")
    except MetricFaceError as error:  # refused in one line
        said["why"], said["refused"] = str(error).splitlines()[0], True
    except Exception as error:
        said["why"] = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
    said["seconds"] = round(time.perf_counter() - started, 1)
    return said


def main() -> None:
    """Try what is not done yet, write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", action="store_true", help="write the table of what is done")
    parser.add_argument("--limit", type=int, default=120, help="seconds of the processor a model")
    arguments = parser.parse_args()
    store = read_kept(STORE)
    if not arguments.table:
        if "families" not in store:
            store["families"] = smallest()
            write_kept(STORE, store)
        for onnx in (False, True):  # the export takes most of the time
            for wanted in ("96", "own"):
                for name in store["families"].values():
                    _try_once(store, name, wanted, onnx, arguments.limit)
    _publish(store)


def _try_once(store: dict[str, Any], name: str, wanted: str, onnx: bool, limit: int) -> None:
    key = f"{name} {wanted}"
    known = store.get(key)
    if known is not None and (not onnx or known["why"] or "onnx" in known["done"] or "no_onnx" in known):
        return
    found = _in_a_process(name, wanted, onnx, limit)
    if known is not None and len(found["done"]) < len(known["done"]):
        found = {**known, "no_onnx": found["why"]}  # the export ended the process, or took too long
    store[key] = found
    write_kept(STORE, store)
    print(key, found["why"] or found.get("no_onnx") or "+".join(found["done"]), flush=True)


def _in_a_process(name: str, wanted: str, onnx: bool, limit: int) -> dict[str, Any]:
    """Try a model in a fork of this process, which has loaded the libraries."""
    import torch  # noqa: F401

    import metric_face.models.embedding_model  # noqa: F401

    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        sender.send(try_model(name, wanted, onnx))

    process = context.Process(target=work)  # type: ignore[attr-defined]
    process.start()
    sender.close()
    found: dict[str, Any] = {
        "done": [],
        "why": f"not done within {limit} s of the processor",
        "unfinished": True,
    }
    try:
        if receiver.poll(20 * limit):
            found = receiver.recv()
    except EOFError:
        process.join()
        if process.exitcode not in (-9, -24):
            found = {"done": [], "why": f"the process ended with {process.exitcode}"}
    process.kill()
    process.join()
    return found


def _publish(store: dict[str, Any]) -> None:
    rows, counts = [], []
    for wanted in ("96", "own"):
        tried = [store[key] for name in store["families"].values() if (key := f"{name} {wanted}") in store]
        finished = [one for one in tried if not one.get("unfinished")]
        whole = [one for one in finished if set(STEPS[:4]) <= set(one["done"])]
        exported = [one for one in finished if "onnx" in one["done"]]
        title = "96 px" if wanted == "96" else "own size"
        counts.append(
            f"{title}: of {len(store['families'])} families {len(finished)} were tried to the end; {len(whole)} train, "
            f"embed, save and load, {len(exported)} of them also leave as ONNX and embed the same."
        )
    for family, name in sorted(store["families"].items()):
        cells = [_cell(store.get(f"{name} {wanted}")) for wanted in ("96", "own")]
        rows.append((family, name, *cells))
    publish(
        "backbones",
        "Every timm family",
        "python -m benchmarks.backbones",
        machine("torch", "timm", "onnxruntime"),
        [
            "The smallest model of each family (timm's test models left out), from scratch: one training step, "
            "embedding, saving and loading, ONNX compared with PyTorch. A cell holds the size that was used and the "
            "width of the features; where something did not work, the steps that did and the line that says why.",
            *counts,
            table(("family", "model", "96 px wanted", "own size"), rows),
        ],
    )


def _cell(found: dict[str, Any] | None) -> str:
    if found is None:
        return "not tried"
    size = "x".join(map(str, found["size"])) if "size" in found else ""
    if not found["why"]:
        return f"{size}, {found['features']}" + ("" if "onnx" in found["done"] else ", ONNX not tried")
    why = found["why"].replace("|", "/")
    return f"{size} {'+'.join(found['done']) or 'nothing'}: {why[:150]}".strip()


if __name__ == "__main__":
    main()
