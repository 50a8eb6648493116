"""The check of the index's columns that hold the codes of a target."""

from pathlib import Path

from metric_face.errors import FileFormatError
from metric_face.inference.target_votes import TargetVote
from metric_face.search import CODE, EmbeddingIndex


def check_codes(home: Path, index: EmbeddingIndex, name: str, vote: TargetVote) -> None:
    """Refuse an index whose column of a target is missing or names classes that there are not."""
    codes = index.columns.get(CODE + name)
    if "path" not in index.columns or codes is None or codes.dtype.kind not in "iu":
        raise FileFormatError(
            f"{home / 'labels.parquet'}: needs the columns path and {CODE + name}, found {', '.join(index.columns)}; "
            "build the index again"
        )
    if len(codes) and not 0 <= codes.min() <= codes.max() < len(vote.classes):
        raise FileFormatError(
            f"{home / 'labels.parquet'}: {CODE + name} must be 0..{len(vote.classes) - 1}, found {codes.min()} to "
            f"{codes.max()}; build the index again"
        )
