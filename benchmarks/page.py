"""The map page against Plotly, Bokeh and a bare canvas: bytes of the file, and seconds until it is drawn.

Run with ``python -m benchmarks.page``; needs chromium and chromedriver. Plotly and Bokeh are measured where they are
installed. All pages show the same points in the same three colors; only ours also holds a thumbnail of each.
"""

import argparse
import importlib.util
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import machine, publish, table
from metric_face.files.atomic import write_text
from metric_face.pages.columns import Column
from metric_face.pages.page import as_json
from metric_face.visualization.map_page import write_map
from metric_face.visualization.projection import Projection

COUNTS = (20_000, 100_000)
COLORS = ("#0072b2", "#d55e00", "#009e73")
DRAWN = """addEventListener("load", () => requestAnimationFrame(() => requestAnimationFrame(() => {
  window.drawnAfter = performance.now();
})));"""


def points(n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Clusters of three classes."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, n)
    coords = rng.normal(size=(n, 2)) + 6 * rng.normal(size=(40, 2))[rng.integers(0, 40, n)] + labels[:, None]
    return coords.astype(np.float32), labels


def ours(path: Path, n: int, images: list[Path] | None) -> None:
    """Our page, with thumbnails where there are images."""
    coords, labels = points(n)
    rng = np.random.default_rng(1)
    columns = [
        Column("age", labels, ("<30", "30-59", ">=60"), ordered=True),
        Column("mask", rng.integers(0, 3, n), ("wear", "incorrect", "none")),
        Column("gender", rng.integers(0, 2, n), ("male", "female")),
        Column.of("purity", rng.random(n)),
    ]
    write_map(
        path,
        Projection(coords, 0, 15, 0.1),
        columns,
        images=None if images is None else [images[row % len(images)] for row in range(n)],
        paths=[f"images/{row:06d}_female_Asian_45/incorrect_mask.jpg" for row in range(n)],
        neighbors=rng.integers(0, n, (n, 6)),
    )


def plotly(path: Path, n: int) -> None:
    """Plotly's WebGL scatter, its script inlined."""
    import plotly.graph_objects as go

    coords, labels = points(n)
    colors = np.array(COLORS)[labels]
    figure = go.Figure(
        go.Scattergl(x=coords[:, 0], y=coords[:, 1], mode="markers", marker={"color": colors, "size": 3})
    )
    figure.write_html(path, include_plotlyjs=True)


def bokeh(path: Path, n: int) -> None:
    """Bokeh's scatter, its script inlined."""
    from bokeh.embed import file_html
    from bokeh.plotting import figure
    from bokeh.resources import INLINE

    coords, labels = points(n)
    plot = figure(output_backend="webgl")
    plot.scatter(coords[:, 0], coords[:, 1], color=np.array(COLORS)[labels].tolist(), size=3)
    path.write_text(file_html(plot, INLINE))


def bare(path: Path, n: int) -> None:
    """The floor: numbers as JSON and one rectangle each, nothing else."""
    coords, labels = points(n)
    scaled = (coords - coords.min(axis=0)) / np.ptp(coords, axis=0) * 700
    data = as_json([scaled.round(1).tolist(), labels.tolist()])
    write_text(
        path,
        f"""<!doctype html><canvas width=700 height=700></canvas><script>
const [at, label] = {data}, ink = document.querySelector("canvas").getContext("2d");
at.forEach(([x, y], i) => {{ ink.fillStyle = {as_json(COLORS)}[label[i]]; ink.fillRect(x, y, 3, 3); }});
</script>""",
    )


def seconds_until_drawn(page: Path, repeats: int) -> float:
    """Median seconds from navigation until two frames after the load event, in a fresh headless Chromium."""
    from tests.browsing import open_browser

    taken = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as profile, open_browser(Path(profile)) as browser:
            browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": DRAWN})
            browser.set_script_timeout(300)
            browser.get(page.as_uri())
            taken.append(
                browser.execute_async_script(
                    "const done = arguments[0], wait = () => window.drawnAfter ? done(window.drawnAfter)"
                    " : setTimeout(wait, 20); wait();"
                )
                / 1000
            )
    return statistics.median(taken)


def milliseconds_of_a_frame(page: Path) -> tuple[float, float]:
    """Median milliseconds to redraw our map after a move: in its panels, and as one map."""
    from tests.browsing import open_browser, open_page

    script = """const { map } = metricFace.view, times = [];
    for (let k = 0; k < 15; k++) { const from = performance.now(); map.resize(); times.push(performance.now() - from); }
    return times.sort((a, b) => a - b)[7];"""
    with tempfile.TemporaryDirectory() as profile, open_browser(Path(profile)) as browser:
        open_page(browser, page)
        panels = browser.execute_script(script)
        browser.execute_script("metricFace.view.look.panels = null; metricFace.view.map.arrange();")
        return panels, browser.execute_script(script)


def images_in(folder: Path | None, made: Path) -> tuple[list[Path], str]:
    """The images of ``folder``, or synthetic faces where there is none."""
    if folder is not None and folder.is_dir():
        return sorted(path for path in folder.rglob("*") if path.suffix in {".jpg", ".png"}), folder.name
    from metric_face.synthetic_faces.faces import make_faces

    make_faces(made, identities=150, size=(96, 128), seed=0)
    return sorted(
        path for path in made.rglob("*.[jp]*g") if not path.name.startswith("._")
    ), "synthetic faces"


def main() -> None:
    """Measure and write the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=Path("../shared/data/utkface"), help="folder of images")
    options.add_argument("--repeats", type=int, default=5)
    given = options.parse_args()
    rows = []
    frames = []
    with tempfile.TemporaryDirectory() as folder:
        images, name = images_in(given.data, Path(folder) / "faces")
        arms: dict[str, Callable[[Path, int], None]] = {
            f"ours, a thumbnail each ({name})": lambda path, n: ours(path, n, images),
            "ours, no images": lambda path, n: ours(path, n, None),
            "bare canvas (floor)": bare,
        }
        arms |= {
            peer.__name__: peer
            for peer in (plotly, bokeh)
            if importlib.util.find_spec(peer.__name__) is not None
        }
        for n in COUNTS:
            floor = None
            measured = []
            for arm, write in arms.items():
                page = Path(folder) / "page.html"
                write(page, n)
                taken = seconds_until_drawn(page, given.repeats)
                floor = taken if write is bare else floor
                measured.append((arm, page.stat().st_size / 1e6, taken))
                if write is not bare and arm.startswith("ours, a"):
                    frames.append([f"{n:,}", *(f"{value:.0f}" for value in milliseconds_of_a_frame(page))])
            assert floor is not None
            rows += [
                [f"{n:,}", arm, f"{size:.2f}", f"{taken:.2f}", f"{taken / floor:.1f}"]
                for arm, size, taken in measured
            ]
    publish(
        "page",
        "The map page",
        "python -m benchmarks.page",
        machine("metric_face", "numpy", "pillow", "selenium"),
        [
            table(["points", "page", "MB", "s until drawn", "ratio to the floor"], rows),
            "Milliseconds to draw one frame of our map after a move, at 1280 x 1000 in software:",
            table(["points", "in six panels", "as one map"], frames),
        ],
    )


if __name__ == "__main__":
    main()
