"""What the folders above an image say: the part of the split it is in, and its label."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from metric_face.errors import DataError

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""The known names of each split, in lower case, and the one that is used for it."""


def part_of(name: str) -> str:
    """The name that is used for a part of a split; a name that is not known stays."""
    return PARTS.get(name.strip().lower(), name)


def named_twice(names: Sequence[str]) -> tuple[str, list[str]] | None:
    """A split that several of the names stand for, with these; None where each split has one name."""
    known = [part_of(name) for name in names]
    for split in known:
        if known.count(split) > 1:
            return split, [name for name, of in zip(names, known, strict=True) if of == split]
    return None


@dataclass(frozen=True)
class Layout:
    """What N images' folders say.

    Attributes:
        labels: (N,) labels, None where the folders give none; or None where they give none at all.
        splits: (N,) splits, or None where the folders name none.
        note: what was made of the folders, or an empty string.
    """

    labels: list[str | None] | None
    splits: list[str] | None
    note: str = ""


def read_layout(names: Sequence[str]) -> Layout:
    """Read split and label off the folders of images.

    Where one level of folders holds nothing but names of splits (train, val, valid, test ...), at least two splits and
    ``train`` among them, it is the split. The other folders are the label, less those above all images alike.

    Args:
        names: N paths with ``/``, relative to the folder that is read.

    Returns:
        What they say.

    Raises:
        DataError: two levels could be the split, or one split has two names.
    """
    folders = [PurePosixPath(name).parent.parts for name in names]
    level = _level_of_parts(folders)
    if level is None:
        above_all = folders[0][0] if folders[0] else ""
        if above_all.lower() in PARTS and all(above[:1] == (above_all,) for above in folders):
            labels = ["/".join(above[1:]) or None for above in folders]
            note = f"all images are below {above_all!r}, which is no part of their labels"
            return Layout(labels if any(labels) else None, None, note)
        labels = ["/".join(splits) or None for splits in folders]
        return Layout(labels if any(labels) else None, None)
    splits = [part_of(above[level]) for above in folders]
    shared = 0
    while shared < level and len({above[shared] for above in folders}) == 1:
        shared += 1
    labels = ["/".join(above[shared:level] + above[level + 1 :]) or None for above in folders]
    counts = ", ".join(f"{split} {splits.count(split)}" for split in dict.fromkeys(splits))
    words = sorted({above[level] for above in folders})
    note = f"the folders {', '.join(words)} are read as the split ({counts})"
    return Layout(labels if any(labels) else None, splits, note)


def _level_of_parts(folders: Sequence[tuple[str, ...]]) -> int | None:
    found = []
    for level in range(min(map(len, folders))):
        words = {above[level] for above in folders}
        splits = {part_of(word) for word in words if word.lower() in PARTS}
        others = sorted(word for word in words if word.lower() not in PARTS)
        if others and len(splits) > 1 and "train" in splits:
            raise DataError(
                f"folders: {', '.join(sorted(words - set(others)))} are names of splits and {others[0]!r} beside them "
                "is none; move it away, or give a table with the columns path, label and split"
            )
        if not others and len(words) > 1:
            found.append(level)
    if not found:
        return None
    if len(found) > 1:
        raise DataError(
            f"folders: levels {' and '.join(str(level + 1) for level in found)} both hold nothing but splits of a "
            "split; give a table with the columns path, label and split"
        )
    names = sorted({above[found[0]] for above in folders})
    twice = named_twice(names)
    if twice is not None:
        raise DataError(
            f"folders {', '.join(twice[1])}: are all the split {twice[0]!r}; "
            "rename them so that each split has one folder"
        )
    return found[0] if "train" in map(part_of, names) else None
