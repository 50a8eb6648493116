"""The entry point of the command ``metric-face``: runs it and turns whatever goes wrong into one line.

Exit codes: 0 done, 1 the input or the data is wrong (one line, no traceback), 2 wrong usage, 130 interrupted,
143 stopped by SIGTERM. Of several processes one prints the line.
"""

import os
import sys
import warnings

from metric_face.cli.app import app
from metric_face.cli.failures import line_of, trace_of
from metric_face.cli.ranks import Speaker, as_one
from metric_face.cli.stopping import Stopped, stoppable
from metric_face.cli.threads import settle_threads
from metric_face.errors import FailedElsewhere
from metric_face.visible import tolerant_streams, visible

_WRONG_USAGE = 2


def main() -> None:
    """Run the command that the command line names."""
    settle_threads()
    tolerant_streams()
    warnings.filterwarnings("ignore", module=r"PIL\.")  # several lines an image; what matters is our error
    speaker = Speaker()
    try:
        speaker = as_one(sys.argv[1:])
        try:
            with stoppable():
                app()
        except SystemExit as end:
            sys.stdout.flush()  # here, where a full disk can still be reported
            if end.code == _WRONG_USAGE:
                speaker.last_words("")
            raise
    except FailedElsewhere:
        speaker.wait_for_the_end()
        sys.exit(1)
    except Stopped as stopped:
        sys.stderr.write(f"{visible(str(stopped))}\n")
        sys.exit(stopped.code)
    except BrokenPipeError:  # the reader of our output has gone, as in `metric-face knn ... | head`
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        speaker.last_words(f"{trace_of(error)}error: {line_of(error)}\n", alone=hasattr(error, "__notes__"))
        _discard_output()
        sys.exit(1)


def _discard_output() -> None:
    """Discard what standard output did not take: Python would try again at exit and report a second error."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
