"""``metric-face knn`` on images that come one by one: from standard input, or put into a watched folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from metric_face.cli.stopping import Stopped
from metric_face.cli.terminal import say, show_answer, show_failure, standard_input

if TYPE_CHECKING:
    from metric_face.inference import Session


def print_stream(session: "Session", watched: Path | None, as_json: bool) -> None:
    """Print each answer as soon as it is there, in JSON one object a line.

    Args:
        session: that predicts.
        watched: the folder to watch, until Ctrl-C; None reads standard input to its end.
        as_json: print JSON.
    """
    from metric_face.inference import Answer, predict_lines, watch_folder

    if watched is None:
        results = predict_lines(standard_input(), session.predict_one)
    else:
        results = watch_folder(watched, session.predict_one)
        say(f"watching {watched}; Ctrl-C ends it")
    try:
        for name, result in session.follow(results):
            if isinstance(result, Answer):
                show_answer(result.nearest(session.shown), as_json)
            else:
                show_failure(name, result, as_json)
    except (KeyboardInterrupt, Stopped) as ended:
        if watched is None or (isinstance(ended, Stopped) and ended.name != "SIGINT"):
            raise
