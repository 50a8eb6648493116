"""``python -m metric_face`` is the command ``metric-face``."""

from metric_face.cli import main

if __name__ == "__main__":
    main()
